"""The verdict of a game day: every gate with what was measured. Pure functions over what was seen.

What people saw comes from the load generator's samples, what the alarms did from the judge, what the rungs
were asked from the runtime's own metrics. Nothing is read from the faults themselves.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chaos.steady_state import Measures
from chaos.steady_state import judge as judge_steady_state
from contract.errors import DONE, FAILED, INCONCLUSIVE
from contract.faults import Experiment, Fault
from contract.metrics import ENVIRONMENT
from contract.tiers import Tier
from loadtests.samples import Sample, summary
from rehearsal.alarms import State, Transition
from rehearsal.metrics import MetricStore
from rehearsal.story import Gates

# A rung that fails altogether is given up after ten seconds without a success (RUN-6).
BREAKER_LEARNS_S = 11.0
FALLBACK_LEARNS_S = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, epoch seconds."""

    start: float
    end: float

    def after(self, seconds: float) -> "Window":
        return Window(min(self.start + seconds, self.end), self.end)

    def of(self, samples: Sequence[Sample]) -> list[Sample]:
        """Messages that were due in it."""
        return [sample for sample in samples if self.start <= sample.intended_at < self.end]


@dataclass(frozen=True, slots=True)
class Stage(Window):
    """A stretch of time in which a fault was in place."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class RunbookRun:
    """What became of a runbook that an alarm asked for."""

    id: str
    verdict: str
    note: str
    undone: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything the verdict is made from; `stages` in the order in which they began."""

    environment: str
    first_rung: str
    samples: Sequence[Sample]
    generator_said: int
    metrics: MetricStore
    stages: Sequence[Stage]
    faults_in_place: str | None
    transitions: Sequence[Transition]
    final_states: Mapping[str, State]
    expected_alarm: str
    runbooks: Sequence[RunbookRun]
    leftover_faults: int

    @property
    def traffic(self) -> Window:
        """From the first message to the last, which is in it."""
        due = [sample.intended_at for sample in self.samples]
        return Window(min(due), math.nextafter(max(due), math.inf)) if due else Window(0, 0)

    @property
    def faulty(self) -> Window | None:
        """From the first fault to the end of the last."""
        if not self.stages:
            return None
        return Window(self.stages[0].start, max(stage.end for stage in self.stages))


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that had to hold. `held` is None when it could not be told.

    A `premise` is what all others rest on: without it nothing was shown, whatever they say.
    """

    name: str
    held: bool | None
    measured: str
    premise: bool = False


def gates(seen: Evidence, limits: Gates, experiment: Experiment) -> list[Gate]:
    """Every gate, in the order a reader asks."""
    return [
        _traffic(seen),
        *_people(seen, limits),
        _in_place(seen),
        _experiment(seen, experiment),
        *_alarms(seen, experiment),
        _runbook(seen, experiment),
        _breaker(seen, limits),
        _fallback(seen, limits, experiment.expect.tier),
        _recovered(seen, limits, experiment.expect.recovery_s),
        Gate("no fault left behind", seen.leftover_faults == 0, f"{seen.leftover_faults} active"),
    ]


def exit_code(found: Sequence[Gate]) -> int:
    """0 survived, 1 a gate failed, 3 something could not be told."""
    if any(gate.premise and gate.held is None for gate in found):
        return INCONCLUSIVE
    if any(gate.held is False for gate in found):
        return FAILED
    return INCONCLUSIVE if any(gate.held is None for gate in found) else DONE


def _traffic(seen: Evidence) -> Gate:
    count, length = len(seen.samples), seen.traffic.end - seen.traffic.start
    valid = seen.generator_said in {DONE, FAILED}  # it may fail us, but must have measured
    trouble = "" if valid else f"; the generator ended with {seen.generator_said}, see load.out and load.err"
    measured = f"{count} messages in {length:.0f} s{trouble}"
    return Gate("traffic as planned", True if valid and count else None, measured, premise=True)


def _people(seen: Evidence, limits: Gates) -> Iterator[Gate]:
    found, samples = summary(seen.samples), seen.samples
    worst = ", ".join(f"{count} x {error}" for error, count in list(found.errors.items())[:2])
    yield Gate(
        "everybody got an answer",
        found.failed_share <= limits.failed_share if samples else None,
        f"{found.failed_share:.2%} failed{f': {worst}' if worst else ''}" if samples else "no message",
    )
    first = found.answered.first_token_ms
    yield Gate(
        f"first token p95 under {limits.first_token_p95_ms:.0f} ms",
        first is not None and first.p95 <= limits.first_token_p95_ms if samples else None,
        f"{first.p95:.0f} ms" if first else "no answer",
    )
    answers = [sample for sample in samples if sample.error is None or sample.finals]
    odd = sum(1 for sample in answers if sample.finals != 1)
    whole = odd == 0 and found.sequence_gaps == 0
    yield Gate(
        "each answer whole: no gap, one final frame",
        None if whole and not answers else whole,
        f"{found.sequence_gaps} gaps, {odd} without exactly one final frame",
    )


def _in_place(seen: Evidence) -> Gate:
    there = seen.faults_in_place is None and bool(seen.stages)
    measured = seen.faults_in_place or f"{len(seen.stages)} stages"
    return Gate("faults in place as written", True if there else None, measured, premise=True)


def _experiment(seen: Evidence, experiment: Experiment) -> Gate:
    name = f"experiment {experiment.id}: steady state"
    faulty = seen.faulty
    if faulty is None:
        return Gate(name, held=None, measured="no fault was there")
    judged = judge_steady_state(
        experiment,
        Measures(
            before=_measures(Window(seen.traffic.start, faulty.start).of(seen.samples)),
            during=_measures(faulty.of(seen.samples)),
            after=_measures(Window(faulty.end, seen.traffic.end).of(seen.samples)),
        ),
    )
    held = {"held": True, "deviated": False, "inconclusive": None}[judged.verdict]
    return Gate(name, held, "; ".join(judged.findings))


def _measures(samples: Sequence[Sample]) -> dict[str, float | None]:
    found = summary(samples)
    first = found.answered.first_token_ms
    return {
        "failed_share": found.failed_share if samples else None,
        "sequence_gaps": float(found.sequence_gaps) if samples else None,
        "first_token_p95_ms": first.p95 if first else None,
    }


def _alarms(seen: Evidence, experiment: Experiment) -> Iterator[Gate]:
    expect = experiment.expect
    fired = [t for t in seen.transitions if t.after == "ALARM"]
    first = next((t for t in fired if t.alarm == seen.expected_alarm), None)
    name = f"alarm {expect.alarm} within {expect.within_s:.0f} s"
    if not seen.stages:
        yield Gate(name, held=None, measured="no fault was there")
    elif first is None:
        yield Gate(name, held=False, measured="did not fire")
    else:
        after = first.at - seen.stages[0].start
        when = f"after {after:.0f} s" if after >= 0 else f"{-after:.0f} s before the fault"
        yield Gate(name, 0 <= after <= expect.within_s, f"fired {when}")
    judged = bool(seen.final_states)
    others = sorted({t.alarm for t in fired} - {seen.expected_alarm})
    told = ", ".join(others) or f"none of {len(seen.final_states)} judged"
    yield Gate("no other alarm", not others if judged else None, told)
    red = sorted(alarm for alarm, state in seen.final_states.items() if state == "ALARM")
    told = ", ".join(red) or f"none of {len(seen.final_states)} judged is red"
    yield Gate("all alarms green at the end", not red if judged else None, told)


def _runbook(seen: Evidence, experiment: Experiment) -> Gate:
    name = f"runbook {experiment.expect.runbook} helped and was undone"
    ran = next((run for run in seen.runbooks if run.id == experiment.expect.runbook), None)
    if ran is None:
        return Gate(name, held=False, measured="did not run: no alarm asked for it")
    undone = "undone" if ran.undone else "not undone"
    return Gate(
        name, ran.verdict == "applied+verified" and ran.undone, f"{ran.verdict}, {undone}: {ran.note}"
    )


def _worst(seen: Evidence, learns_s: float) -> Window | None:
    """The stage that began last, once the system had time to learn."""
    return seen.stages[-1].after(learns_s) if seen.stages else None


def _breaker(seen: Evidence, limits: Gates) -> Gate:
    name = f"breaker keeps messages from a dead rung ({limits.wasted_tries:.0%} at most try it)"
    window = _worst(seen, BREAKER_LEARNS_S)
    messages = len(window.of(seen.samples)) if window else 0
    if window is None or not messages:
        return Gate(name, held=None, measured="no message in the worst stage")
    dimensions = {ENVIRONMENT: seen.environment, "Rung": seen.first_rung}
    if not seen.metrics.values("ModelThrottled", dimensions, seen.traffic.start, window.end):
        return Gate(name, held=None, measured=f"the metrics know of no call to {seen.first_rung}")
    tries = len(seen.metrics.values("ModelThrottled", dimensions, window.start, window.end))
    return Gate(name, tries / messages <= limits.wasted_tries, f"{tries} calls for {messages} messages")


def _fallback(seen: Evidence, limits: Gates, tier: Tier) -> Gate:
    name = f"{tier} answers while {seen.first_rung} cannot ({limits.fallback_share:.0%} at least)"
    window = _worst(seen, FALLBACK_LEARNS_S)
    return _share(name, window, seen.samples, tier, limits.fallback_share)


def _recovered(seen: Evidence, limits: Gates, recovery_s: float) -> Gate:
    """Everything due later than `recovery_s` after the last fault counts, and the last seconds always do."""
    least, end = limits.recovered_share, seen.traffic.end
    latest = seen.faulty.end + recovery_s if seen.faulty else end
    return _share(
        f"back on {Tier.T0} within {recovery_s:.0f} s after the fault ({least:.0%} at least)",
        Window(min(end - limits.recovered_last_s, latest), end),
        seen.samples,
        Tier.T0,
        least,
    )


def _share(name: str, window: Window | None, samples: Sequence[Sample], tier: Tier, least: float) -> Gate:
    found = window.of(samples) if window else []
    if window is None or not found:
        return Gate(name, held=None, measured="no message then")
    counts = Counter(sample.tier or "nobody" for sample in found)
    shown = ", ".join(f"{who} {count / len(found):.0%}" for who, count in counts.most_common())
    return Gate(name, counts[tier] / len(found) >= least, f"{shown} over {window.end - window.start:.0f} s")
