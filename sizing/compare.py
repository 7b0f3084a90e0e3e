"""The simulator held against rehearsals it has never seen: percentiles, who answered, what was throttled.

What models, refusals and steps down take, and who answers, is foretold. Given is what comes before the
ladder: who asked what, own words and cached answers, and the time this machine itself took beside models.
That differs with whatever else the machine does, and says nothing about an estate. A rehearsal's 99th
percentile is a handful of messages: the simulated one must lie inside what chance makes of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.intents import Intent
from contract.runtime_settings import RuntimeSettings
from sizing import recording, sampled
from sizing.assumptions import Assumptions
from sizing.fleet import Fleet
from sizing.measured import Measured
from sizing.recording import Recording
from sizing.sampled import BIN_S, LOST, Asking, People, Seen
from sizing.traffic import Floats

WITHIN, POINTS = 0.10, 0.02  # of the percentiles, and of shares
SURE = (0.005, 0.995)  # the interval that chance leaves in 99 of 100 draws
DRAWS, AGAIN = 2_000, 20  # bootstrap draws; seeds that are put together, so that ours adds no chance


@dataclass(frozen=True)
class Row:
    """One figure of one rehearsal: measured, simulated, and between what it must lie."""

    rehearsal: str
    what: str
    measured: float
    simulated: float
    low: float
    high: float

    @property
    def holds(self) -> bool:
        return self.low <= self.simulated <= self.high

    @property
    def is_share(self) -> bool:
        return self.what.startswith(("tier", "throttled"))


def compare(
    found: Recording, measured: Measured, settings: RuntimeSettings, assumed: Assumptions, seed: int = 1
) -> Sequence[Row]:
    """All figures of one rehearsal."""
    there = measured.on_machine_of(found)
    runs = [play(found, there, settings, assumed, seed + number) for number in range(AGAIN)]
    rows = [
        *_times(
            found,
            "models",
            recording.spread_out([found.ladder]),
            [s for seen in runs for s in seen.ladder if s],
        ),
        *_times(found, "first text", recording.spread_out(found.first.values()), _drawn(runs, "first")),
        *_times(found, "whole answer", recording.spread_out(found.whole.values()), _drawn(runs, "whole")),
    ]
    return [*rows, *_tiers(found, runs, settings), *_throttles(found, runs)]


def play(
    found: Recording, measured: Measured, settings: RuntimeSettings, assumed: Assumptions, seed: int
) -> Seen:
    """The same load on one task. What was asked is taken from the recording; what came of it is not."""
    rate = _rates(found)
    arrivals = np.random.default_rng(seed).poisson(rate * BIN_S)
    none, ones = np.zeros_like(rate), np.ones_like(rate)
    asked = {Intent(intent): sum(by.values()) / found.messages for intent, by in found.answered.items()}
    people = People(asked, {Intent(intent): share for intent, share in found.short.items()})
    fleet = Fleet(
        settings=settings,
        measured=measured,
        tokens={model: (call.input, call.output) for model, call in assumed.calls.items()},
        pools={},
        burndown=1.0,
        cap=None,
        faults=found.faults,
    )
    return sampled.run(Asking(arrivals, ones, none, none), people, fleet, seed)


def _rates(found: Recording) -> Floats:
    pieces = []
    for length, first, last in found.rates:
        count = round(length / BIN_S)
        pieces.append(first + (last - first) * (np.arange(count) + 0.5) / max(1, count))
    return np.concatenate(pieces)


def _drawn(runs: Sequence[Seen], field: str) -> Sequence[float]:
    """Seconds of all who got an answer."""
    return [
        value
        for seen in runs
        for value, rung in zip(getattr(seen, field), seen.rung, strict=True)
        if rung != LOST
    ]


def _times(found: Recording, title: str, times: Floats, drawn: Sequence[float]) -> Sequence[Row]:
    """Percentiles in milliseconds; `drawn` are seconds."""
    rows = []
    for share in (0.50, 0.95):
        was, is_ = float(np.quantile(times, share)), float(np.quantile(drawn, share)) * 1000
        low, high = was * (1 - WITHIN), was * (1 + WITHIN)
        rows.append(Row(found.name, f"{title} p{share * 100:.0f} ms", was, is_, low, high))
    low, high = bootstrap(times, 0.99)
    was = float(np.quantile(times, 0.99))
    return [*rows, Row(found.name, f"{title} p99 ms", was, float(np.quantile(drawn, 0.99)) * 1000, low, high)]


def bootstrap(times: Floats, share: float) -> tuple[float, float]:
    """Between what a percentile of so many values lies by chance."""
    random = np.random.default_rng(1)
    drawn = [np.quantile(random.choice(times, len(times)), share) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, SURE)
    return float(low), float(high)


def _tiers(found: Recording, runs: Sequence[Seen], settings: RuntimeSettings) -> Sequence[Row]:
    """Our own words count with T0, as the runtime counts them; cached answers are given and have no row."""
    tiers: dict[str, set[str]] = {}
    for rung in settings.ladder:
        tiers.setdefault(rung.tier.value, set()).add(rung.name)
    tiers["T0"].add(recording.OWN)
    rungs = [rung for seen in runs for rung in seen.rung]
    rows = []
    for tier, names in sorted(tiers.items()):
        was, is_ = found.share(names), sum(rung in names for rung in rungs) / max(1, len(rungs))
        if was or is_:
            rows.append(Row(found.name, f"tier {tier}", was, is_, was - POINTS, was + POINTS))
    return rows


def _throttles(found: Recording, runs: Sequence[Seen]) -> Sequence[Row]:
    rows = []
    for rung in sorted(found.calls):
        was = found.throttled(rung)
        calls = sum(n for seen in runs for (name, _), n in seen.calls.items() if name == rung)
        throttled = sum(seen.calls[rung, "throttled"] for seen in runs)
        is_ = throttled / calls if calls else 0.0
        if was is not None and (was or is_):
            rows.append(Row(found.name, f"throttled {rung}", was, is_, was - POINTS, was + POINTS))
    return rows
