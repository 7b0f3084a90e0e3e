"""The simulator's tables, from the recordings for calibration: how long what takes, who answers what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple, Self

import numpy as np

from contract.intents import Intent
from sizing import recording
from sizing.documents import SizingError
from sizing.recording import CACHE, OWN, Recording
from sizing.traffic import Floats

GRID = 401  # points of a table: every quarter of a percent
MODELS = ("sonnet", "haiku")
REFUSALS = ("throttled", "unavailable")
TRICKLE = 0.04
ENOUGH = 25  # calls of an intent, to be drawn from alone
# No rehearsal calls it (dev does without): slower than the large model, as the stand-in has it (pace.toml).
PREMIUM_MODEL, SLOWER = "opus", 2.2


class Times:
    """A distribution of seconds as it was measured; drawn by chance, or read at a share."""

    def __init__(self, times_ms: Floats) -> None:
        if not len(times_ms):
            raise SizingError("no recording for calibration has these times: record one (docs/capacity.md)")
        self._table = [float(value) / 1000 for value in np.quantile(times_ms, np.linspace(0, 1, GRID))]

    def at(self, share: float) -> float:
        """The time that this share is not above."""
        place = share * (GRID - 1)
        low = min(int(place), GRID - 2)
        return self._table[low] + (self._table[low + 1] - self._table[low]) * (place - low)

    def draw(self, random: Random) -> float:
        return self.at(random.random())


class Spoken(NamedTuple):
    """A good call: seconds to the first text and to the end, and how often the model was asked (tools)."""

    first_s: float
    whole_s: float
    rounds: int


class Calls:
    """Good calls of a model as they were measured, drawn by what was asked where enough were."""

    def __init__(self, found: Mapping[str, Sequence[Spoken]]) -> None:
        self._every = [one for spoken in found.values() for one in spoken]
        if not self._every:
            raise SizingError(
                "no good call of a model was recorded for calibration: record some (docs/capacity.md)"
            )
        self._found = found

    @classmethod
    def of(cls, recordings: Sequence[Recording], model: str) -> Self:
        found: dict[str, list[Spoken]] = {}
        for one in recordings:
            for intent, by in one.good.items():
                spoken = found.setdefault(intent, [])
                spoken += [_spoken(*kept) for kept in by.get(model, ())]
        return cls(found)

    def draw(self, intent: str, random: Random) -> Spoken:
        """One of the intent's, or of all where the intent has few."""
        own = self._found.get(intent, ())
        return random.choice(own if len(own) >= ENOUGH else self._every)

    def slower(self, times: float) -> Self:
        """The same calls, each so many times as long."""
        return type(self)(
            {
                intent: [Spoken(one.first_s * times, one.whole_s * times, one.rounds) for one in spoken]
                for intent, spoken in self._found.items()
            }
        )


def _spoken(first: int, whole: int, rounds: int) -> Spoken:
    return Spoken(recording.middle(first) / 1000, recording.middle(whole) / 1000, rounds)


@dataclass(frozen=True)
class Answered:
    """Who answers an intent on a healthy day; the rest is the large model's."""

    own: float
    cached: float
    light: float


@dataclass(frozen=True)
class Measured:
    """All tables. `good` calls by model; `refused` ones by what the refusal says. `light`: of what own words
    and the cache leave, the shares of short and of longer messages that begin on the small model."""

    own: Times
    cached: Times
    around: Times
    good: Mapping[str, Calls]
    refused: Mapping[str, Times]
    answered: Mapping[Intent, Answered]
    light: Mapping[Intent, tuple[float, float]]

    @classmethod
    def of(cls, recordings: Sequence[Recording]) -> Self:
        """From those for calibration; who answers what is taken where nothing was broken."""
        healthy = [one for one in recordings if not one.faults]
        if not healthy:
            raise SizingError(
                "calibration needs a recording without faults: record fit-healthy (docs/capacity.md)"
            )
        return cls(
            own=Times(recording.spread_out(one.whole.get(OWN, {}) for one in healthy)),
            cached=Times(recording.spread_out(one.whole.get(CACHE, {}) for one in healthy)),
            around=Times(recording.spread_out(one.around for one in recordings)),
            good=_good(recordings),
            refused={"throttled": Times(_refused(recordings))},
            answered={intent: _answered(healthy, intent) for intent in Intent},
            light={intent: _light(healthy, intent) for intent in Intent},
        )

    def on_machine_of(self, found: Recording) -> Self:
        """The same models and people, and what the machine took beside them as in this recording."""
        return replace(
            self,
            around=Times(recording.spread_out([found.around])),
            own=_there(found, OWN, self.own),
            cached=_there(found, CACHE, self.cached),
        )

    def answering(self, answered: Mapping[Intent, Answered]) -> Self:
        """The same times, other people."""
        return replace(self, answered=answered)


def _there(found: Recording, rung: str, otherwise: Times) -> Times:
    times = recording.spread_out([found.whole.get(rung, {})])
    return Times(times) if len(times) else otherwise


def _good(recordings: Sequence[Recording]) -> Mapping[str, Calls]:
    """Of the models that were measured, and of the one that is derived."""
    found = {model: Calls.of(recordings, model) for model in MODELS}
    return {**found, PREMIUM_MODEL: found[MODELS[0]].slower(SLOWER)}


def _refused(recordings: Sequence[Recording]) -> Floats:
    """However a call is refused, it takes the same: nothing was generated."""
    return recording.spread_out(
        by.get(outcome, {}) for one in recordings for by in one.calls.values() for outcome in REFUSALS
    )


def _answered(healthy: Sequence[Recording], intent: Intent) -> Answered:
    by = {rung: sum(counts) for rung, counts in _counts(healthy, intent).items()}
    total = sum(by.values())
    if not total:
        return Answered(0.0, 0.0, 0.0)
    return Answered(
        own=by.get(OWN, 0) / total,
        cached=by.get(CACHE, 0) / total,
        light=_beyond_trickle(by.get("haiku", 0), total),
    )


def _light(healthy: Sequence[Recording], intent: Intent) -> tuple[float, float]:
    by = _counts(healthy, intent)
    asked = [by[rung] for rung in by if rung not in (OWN, CACHE)]
    small = by.get("haiku", (0, 0))
    short, longer = (
        _beyond_trickle(small[which], sum(counts[which] for counts in asked)) for which in (0, 1)
    )
    return short, longer


def _beyond_trickle(light: int, total: int) -> float:
    """The share, unless it is only the router's own trickle, which is played anyway."""
    share = light / max(1, total)
    return share if share > TRICKLE else 0.0


def _counts(recordings: Sequence[Recording], intent: Intent) -> Mapping[str, tuple[int, int]]:
    """Rung -> messages of the intent, short ones and longer ones."""
    by: dict[str, tuple[int, int]] = {}
    for one in recordings:
        for rung, (short, longer) in one.answered.get(intent.value, {}).items():
            before = by.get(rung, (0, 0))
            by[rung] = before[0] + short, before[1] + longer
    return by
