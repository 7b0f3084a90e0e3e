"""The simulator held against rehearsals it has never seen: percentiles, who answered, what was throttled.

What models, refusals and steps down take, and who answers, is foretold. Given is what comes before the
ladder: who asked what, own words and cached answers, and the time this machine itself took beside models.
That differs with whatever else the machine does, and says nothing about an estate. A rehearsal's 99th
percentile is a handful of messages: the simulated one must lie inside what chance makes of it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from contract.intents import Intent
from contract.runtime_settings import RuntimeSettings
from sizing import recording, sampled
from sizing.assumptions import Assumptions
from sizing.fleet import Fleet
from sizing.measured import Measured
from sizing.recording import Recording
from sizing.sampled import LOST, Message, Seen
from sizing.traffic import Floats

WITHIN, POINTS = 0.10, 0.02  # of the percentiles, and of shares
SURE = (0.005, 0.995)  # the interval that chance leaves in 99 of 100 draws
DRAWS, AGAIN = 2_000, 20  # bootstrap draws; seeds that are put together, so that ours adds no chance
ENOUGH = 5  # rehearsals that must hold in every figure


@dataclass(frozen=True)
class Row:
    """One figure of one rehearsal: measured, simulated by many runs together, and between what that must lie.

    `least` and `most`: what single ones of those runs make of it. Where these lie far apart, as near a
    breaker's threshold, a rehearsal says little.
    """

    rehearsal: str
    what: str
    measured: float
    simulated: float
    low: float
    high: float
    least: float
    most: float

    @property
    def holds(self) -> bool:
        return self.low <= self.simulated <= self.high

    @property
    def is_share(self) -> bool:
        return self.what.startswith(("tier", "throttled"))


def whole(rows: Sequence[Row]) -> set[str]:
    """The rehearsals that hold in every figure."""
    return {row.rehearsal for row in rows} - {row.rehearsal for row in rows if not row.holds}


def compare(
    found: Recording, measured: Measured, settings: RuntimeSettings, assumed: Assumptions, seed: int = 1
) -> Sequence[Row]:
    """All figures of one rehearsal."""
    there = measured.on_machine_of(found)
    runs = [play(found, there, settings, assumed, seed + number) for number in range(AGAIN)]
    together, alone = _figures(runs, settings), [_figures([run], settings) for run in runs]
    return [
        Row(found.name, what, was, together.get(what, 0.0), low, high, *_ends(what, alone))
        for what, was, low, high in _measured(found, settings, together)
    ]


def _ends(what: str, alone: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    found = [one.get(what, 0.0) for one in alone]
    return min(found), max(found)


def play(
    found: Recording, measured: Measured, settings: RuntimeSettings, assumed: Assumptions, seed: int
) -> Seen:
    """The same messages at the same moments on one task; what the ladder made of them is not taken along."""
    random = Random(seed)  # noqa: S311 - repeatable, not secret
    messages = []
    for at, name, short, before in found.asked:
        intent = Intent(name)
        light = random.random() < measured.light[intent][not short]
        hard = sampled.hardness(intent, light=light, short=short)
        messages.append(Message(at / 100, intent, before, hard))
    fleet = Fleet(
        settings=settings,
        measured=measured,
        tokens={model: (call.input, call.output) for model, call in assumed.calls.items()},
        pools={},
        burndown=1.0,
        cap=None,
        faults=found.faults,
    )
    return sampled.follow(messages, fleet, seed)


def _measured(
    found: Recording, settings: RuntimeSettings, simulated: Mapping[str, float]
) -> Iterator[tuple[str, float, float, float]]:
    """(what, measured, at least, at most) of what was there, or is simulated to be."""
    times = {
        "models": recording.spread_out([found.ladder]),
        "first text": recording.spread_out(found.first.values()),
        "whole answer": recording.spread_out(found.whole.values()),
    }
    for title, values in times.items():
        for share in (0.50, 0.95):
            was = float(np.quantile(values, share))
            yield f"{title} p{share * 100:.0f} ms", was, was * (1 - WITHIN), was * (1 + WITHIN)
        yield f"{title} p99 ms", float(np.quantile(values, 0.99)), *bootstrap(values, 0.99)
    shares = {f"tier {tier}": found.share(names) for tier, names in _tiers(settings).items()}
    shares |= {f"throttled {rung}": found.throttled(rung) or 0.0 for rung in sorted(found.calls)}
    for what, was in shares.items():
        if was or simulated.get(what, 0.0):
            yield what, was, was - POINTS, was + POINTS


def _figures(runs: Sequence[Seen], settings: RuntimeSettings) -> Mapping[str, float]:
    """The same of simulated runs, put together."""
    found: dict[str, float] = {}
    whose = {
        "models": [s for seen in runs for s in seen.ladder if s],
        "first text": _of_answers(runs, "first"),
        "whole answer": _of_answers(runs, "whole"),
    }
    for title, drawn in whose.items():
        for share in (0.50, 0.95, 0.99):
            found[f"{title} p{share * 100:.0f} ms"] = float(np.quantile(drawn, share)) * 1000
    rungs = [rung for seen in runs for rung in seen.rung]
    for tier, names in _tiers(settings).items():
        found[f"tier {tier}"] = sum(rung in names for rung in rungs) / max(1, len(rungs))
    calls: Counter[str] = Counter()
    throttled: Counter[str] = Counter()
    for seen in runs:
        for (rung, outcome), count in seen.calls.items():
            calls[rung] += count
            throttled[rung] += count if outcome == "throttled" else 0
    return found | {f"throttled {rung}": throttled[rung] / count for rung, count in calls.items()}


def _of_answers(runs: Sequence[Seen], field: str) -> Sequence[float]:
    """Seconds of all who got one."""
    return [
        value
        for seen in runs
        for value, rung in zip(getattr(seen, field), seen.rung, strict=True)
        if rung != LOST
    ]


def bootstrap(times: Floats, share: float) -> tuple[float, float]:
    """Between what a percentile of so many values lies by chance."""
    random = np.random.default_rng(1)
    drawn = [np.quantile(random.choice(times, len(times)), share) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, SURE)
    return float(low), float(high)


def _tiers(settings: RuntimeSettings) -> Mapping[str, set[str]]:
    """Tier -> its rungs. Our own words count with T0, as the runtime counts them."""
    tiers: dict[str, set[str]] = {}
    for rung in settings.ladder:
        tiers.setdefault(rung.tier.value, set()).add(rung.name)
    tiers["T0"].add(recording.OWN)
    return dict(sorted(tiers.items()))
