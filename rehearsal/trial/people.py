"""The people of an experiment: Locust as a program of its own, and what they have seen so far."""

import math
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaos.client import made_share
from chaos.record import Second
from contract.errors import InconclusiveError
from contract.faults import Traffic
from contract.tiers import Tier
from loadtests import samples, scenario
from loadtests.samples import Percentiles, Sample
from rehearsal.evidence import Window
from rehearsal.processes import Process, Processes

SPAN_S, MOSTLY, FEW = 3.0, 0.8, 0.1
ELSEWHERE = (Tier.STANDBY, Tier.T2)
# Answers that no rung of the ladder gave: they say nothing about who can answer.
OURS = frozenset({"template", "cache"})


@dataclass(frozen=True)
class People:
    """Who asks, and the file of what became of it."""

    process: Process
    path: Path

    def seen(self) -> tuple[Sample, ...]:
        """Every message that has come to its end, timed from when its customer could send it."""
        try:
            found = samples.read(self.path) if self.path.exists() else ()
            return tuple(one.since_free() for one in found)
        except samples.SamplesError as broken:
            raise InconclusiveError(f"what people saw is not known: {broken}: is the disk full?") from None


def come(
    processes: Processes, traffic: Traffic, host: str, folder: Path, length_s: float, seed: int
) -> People:
    """They begin at once, and go on for `length_s` at the most."""
    chosen = scenario.load(traffic.scenario)
    times = traffic.rate * chosen.length_s / chosen.messages
    path = folder / "samples.jsonl"
    file = Path(samples.__file__).with_name("prime_day.py")
    process = processes.start(
        f"people-{folder.name}",
        [
            *(sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary"),
            *("--host", host, "--scenario", traffic.scenario, "--length", str(length_s)),
            *("--rate", str(times), "--samples", str(path), "--arrival-seed", str(seed), "--progress", "0"),
        ],
    )
    return People(process, path)


def measures(found: Sequence[Sample]) -> dict[str, float | None]:
    """Of what was due in one phase."""
    if not found:
        return {}
    whole = samples.summary(found)
    first, end = whole.answered.first_token_ms, whole.answered.end_to_end_ms
    canned = sum(one.tier is Tier.T2 for one in found)
    return {
        "failed_share": whole.failed_share,
        "sequence_gaps": float(whole.sequence_gaps),
        "ended_twice": float(whole.ended_twice),
        "first_token_p50_ms": first.p50 if first else None,
        "first_token_p95_ms": first.p95 if first else None,
        "end_to_end_p95_ms": end.p95 if end else None,
        "canned_share": canned / whole.answered.count if whole.answered.count else None,
        "made_share": made_share([(one.cached, one.usd) for one in found if one.error is None]),
    }


def lateness(found: Sequence[Sample]) -> float | None:
    """How late the generator itself was, p95 in milliseconds."""
    late = Percentiles.of(one.late_ms for one in found if not one.dropped)
    return late.p95 if late else None


def share_of(tier: Tier, found: Sequence[Sample]) -> float | None:
    """Of the answers that a rung gave."""
    asked = [one for one in found if one.tier is not None and one.rung not in OURS]
    return sum(one.tier is tier for one in asked) / len(asked) if asked else None


def has_first_tiers(found: Sequence[Sample]) -> bool:
    """Hardly anybody is answered from another region or from the store."""
    shares = [share_of(tier, found) for tier in ELSEWHERE]
    return sum(share for share in shares if share is not None) <= FEW


def recovered_after(found: Sequence[Sample], since: float, before: Window) -> float | None:
    """Seconds until, for a while, nobody failed and nearly as many as in `before` had the first tier."""
    usual = share_of(Tier.T0, before.of(found))
    if usual is None:  # nobody needed a model
        usual = 1.0
    if usual == 0:
        return None
    last = max((one.intended_at for one in found), default=since)
    for start in range(max(0, math.floor(last - since - SPAN_S) + 1)):
        part = Window(since + start, since + start + SPAN_S).of(found)
        share = share_of(Tier.T0, part)
        if share is None:
            share = usual if part else 0.0
        well = share >= MOSTLY * usual and has_first_tiers(part)
        if well and not any(one.error for one in part):
            return float(start)
    return None


def seconds(found: Sequence[Sample], zero: float) -> tuple[Second, ...]:
    """The course of a run, for a picture."""
    rows: dict[int, list[Sample]] = {}
    for one in found:
        rows.setdefault(math.floor(one.intended_at - zero), []).append(one)
    return tuple(_second(at, rows[at]) for at in sorted(rows))


def _second(at: int, found: Sequence[Sample]) -> Second:
    times = Percentiles.of(one.first_token_ms for one in found)
    tiers: Mapping[str, int] = Counter(one.tier.value for one in found if one.tier)
    return Second(
        at_s=at,
        messages=len(found),
        failed=sum(one.error is not None for one in found),
        first_token_p95_ms=times.p95 if times else None,
        tiers=dict(tiers),
    )
