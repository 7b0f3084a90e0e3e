"""What an experiment came to: every expectation with what was seen of it. Pure functions over what was seen.

What people saw is measured at the client, what alarms did is the judge's. Nothing is read from the faults but
whether they were there at all: without that nothing was shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chaos.record import Gate
from chaos.runner import Outcome
from chaos.steady_state import Measures, judge
from contract.faults import Experiment, FaultKind, Injection

# States rather than something that happens to calls: they hit nothing that could be counted.
STATES = (FaultKind.RED, FaultKind.YELLOW, FaultKind.DISK_FULL, FaultKind.STOP)


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What became of a runbook that an alarm asked for."""

    id: str
    verdict: str
    note: str
    undone: bool


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a run is judged by. None: it could not be measured.

    `alarm_after_s`: on the alarms' clock. `red_before`: alarms that were red already. `tier_share`: of the
    messages a model or the store answered while it was worst. `recovered_after_s`: until the first tier
    answered again. `runbooks`: None where a person runs them.
    """

    outcome: Outcome
    measures: Measures
    injections: Sequence[Injection]
    alarm_after_s: float | None
    led_to: str | None
    red_before: Sequence[str]
    other_alarms: Sequence[str]
    still_red: Sequence[str]
    tier_share: float | None
    recovered_after_s: float | None
    runbooks: Sequence[Ran] | None
    left: int
    doubts: Sequence[str] = ()


def gates(experiment: Experiment, seen: Seen) -> tuple[Gate, ...]:
    """Every gate, in the order a reader asks."""
    return (
        _measured(seen),
        _in_place(seen),
        _quiet_before(experiment, seen),
        _within_limits(seen),
        _steady(experiment, seen),
        _tier(experiment, seen),
        *_alarm(experiment, seen),
        _runbook(experiment, seen),
        _recovered(experiment, seen),
        Gate(name="no fault left behind", held=seen.left == 0, measured=f"{seen.left} active"),
    )


def _measured(seen: Seen) -> Gate:
    told = "; ".join(seen.doubts) or "all of it"
    return Gate(name="people were watched", held=None if seen.doubts else True, measured=told, premise=True)


def _in_place(seen: Seen) -> Gate:
    unfelt = sorted(
        {f"{one.fault.kind} at {one.fault.target}" for one in seen.injections if _met_nobody(one)}
    )
    outcome = seen.outcome
    there = (outcome.status == "completed" or outcome.halted) and bool(outcome.stages) and not unfelt
    failed = outcome.reason if not outcome.halted else None
    told = failed or f"{len(outcome.stages)} stages as written"
    if unfelt:
        told = f"no call met {', '.join(unfelt)}"
    return Gate(name="faults in place as written", held=True if there else None, measured=told, premise=True)


def _met_nobody(line: Injection) -> bool:
    return line.what != "injected" and line.fault.kind not in STATES and line.hit == 0


def _quiet_before(experiment: Experiment, seen: Seen) -> Gate:
    """What was red before proves nothing by being red."""
    told = ", ".join(seen.red_before) or "none was red"
    held = None if experiment.expect.alarm in seen.red_before else True
    return Gate(name="its alarm was green before", held=held, measured=told, premise=True)


def _within_limits(seen: Seen) -> Gate:
    told = seen.outcome.reason or "nothing had to be stopped"
    return Gate(name="damage within its limits", held=not seen.outcome.halted, measured=told)


def _steady(experiment: Experiment, seen: Seen) -> Gate:
    found = judge(experiment, seen.measures)
    held = {"held": True, "deviated": False, "inconclusive": None}[found.verdict]
    return Gate(name="steady state", held=held, measured="; ".join(found.findings))


def _tier(experiment: Experiment, seen: Seen) -> Gate:
    expect = experiment.expect
    name = f"{expect.tier} answers at the worst ({expect.tier_share:.0%} at least)"
    if seen.tier_share is None:
        return Gate(name=name, held=None, measured="no message then")
    return Gate(name=name, held=seen.tier_share >= expect.tier_share, measured=f"{seen.tier_share:.0%}")


def _alarm(experiment: Experiment, seen: Seen) -> Iterator[Gate]:
    expect = experiment.expect
    others = f"; others: {', '.join(seen.other_alarms)}" if seen.other_alarms else ""
    name = f"alarm {expect.alarm} within {expect.within_s:g} s"
    if seen.alarm_after_s is None:
        yield Gate(name=name, held=False, measured=f"did not fire{others}")
    else:
        held = 0 <= seen.alarm_after_s <= expect.within_s
        yield Gate(name=name, held=held, measured=f"fired after {seen.alarm_after_s:.0f} s{others}")
    green = f"{expect.alarm} green again at the end"
    red = expect.alarm in seen.still_red
    yield Gate(name=green, held=not red, measured=", ".join(seen.still_red) or "none is red")


def _runbook(experiment: Experiment, seen: Seen) -> Gate:
    wanted = experiment.expect.runbook
    name = f"the alarm leads to runbook {wanted}, which ran"
    if seen.led_to != wanted:
        return Gate(name=name, held=False, measured=f"it leads to {seen.led_to or 'none'}")
    if seen.runbooks is None:
        return Gate(name=f"its runbook is {wanted}", held=True, measured="for a person to run")
    ran = next((one for one in seen.runbooks if one.id == wanted), None)
    if ran is None:
        return Gate(name=name, held=False, measured="it did not run")
    told = f"{ran.verdict}{', undone' if ran.undone else ''}: {ran.note}"
    return Gate(name=name, held=ran.verdict != "failed", measured=told)


def _recovered(experiment: Experiment, seen: Seen) -> Gate:
    limit = experiment.expect.recovery_s
    name = f"recovered within {limit:g} s"
    if seen.recovered_after_s is None:
        return Gate(name=name, held=False, measured="did not recover while it was watched")
    held = seen.recovered_after_s <= limit
    return Gate(name=name, held=held, measured=f"after {seen.recovered_after_s:.0f} s")


def as_data(measures: Measures) -> Mapping[str, Any]:
    """Phase -> measure -> value."""
    return {
        "before": dict(measures.before),
        "during": dict(measures.during),
        "after": dict(measures.after),
    }
