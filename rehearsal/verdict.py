"""The verdict of a game day: every gate with what was measured. Pure functions over what was seen.

What people saw comes from the load generator's samples, what the alarms did from the judge, what the rungs
were asked from the runtime's own metrics. Nothing is read from the faults themselves.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chaos.steady_state import Measures
from chaos.steady_state import judge as judge_steady_state
from contract.errors import DONE, FAILED, INCONCLUSIVE
from contract.faults import Experiment
from contract.metrics import ENVIRONMENT
from contract.tiers import Tier
from loadtests.run import Run
from loadtests.samples import Sample, summary
from loadtests.verdict import judge as judge_load
from rehearsal.evidence import Evidence, Stage, Window
from rehearsal.story import Gates

FALLBACK_LEARNS_S = 1.0
# Moments are planned, so the length is too: only rounding and the drift of a clock may differ.
SCHEDULE_SLACK_S = 1.0


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
        _canned(seen, limits, experiment),
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
    count, length, planned = len(seen.samples), seen.traffic.end - seen.traffic.start, seen.schedule
    measured = f"{count} of {planned.messages} messages in {length:.0f} of {planned.length_s:.0f} s"
    if not _generator_measured(seen):
        measured += f"; the generator ended with {seen.generator_said}, see load.out and load.err"
    whole = count == planned.messages > 0 and abs(length - planned.length_s) <= SCHEDULE_SLACK_S
    held = True if whole and _generator_measured(seen) else None
    return Gate("traffic as planned", held, measured, premise=True)


def _generator_measured(seen: Evidence) -> bool:
    """It may fail us, but by the gates that its samples break: a program that breaks down ends with 1 too."""
    return seen.generator_said == judge_load(Run.of(seen.schedule.scenario, seen.samples)).exit_code


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
    unfelt = [str(number) for number, stage in enumerate(seen.stages, 1) if not _felt(seen, stage)]
    there = seen.faults_in_place is None and bool(seen.stages) and not unfelt
    measured = seen.faults_in_place or f"{len(seen.stages)} stages"
    if unfelt:
        measured += f"; no call was throttled in stage {', '.join(unfelt)}"
    return Gate("faults in place as written", True if there else None, measured, premise=True)


def _felt(seen: Evidence, stage: Stage) -> bool:
    """Whether the runtime met the fault: one that nobody met shows nothing."""
    model = stage.fault.match.get("model", "")
    rungs = [model] if model in seen.ladder else seen.ladder
    return any(1.0 in _calls(seen, rung, stage) for rung in rungs)


def _calls(seen: Evidence, rung: str, window: Window) -> list[float]:
    """Of one rung, each a 1 if it was throttled."""
    dimensions = {ENVIRONMENT: seen.environment, "Rung": rung}
    return seen.metrics.values("ModelThrottled", dimensions, window.start, window.end)


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
    states = set(seen.final_states.values())
    judged = "OK" in states or "ALARM" in states
    others = sorted({t.alarm for t in fired} - {seen.expected_alarm})
    told = ", ".join(others) or f"none of {len(seen.final_states)} judged"
    yield Gate("no other alarm", not others if judged else None, told)
    red = sorted(alarm for alarm, state in seen.final_states.items() if state == "ALARM")
    told = ", ".join(red) or f"none of {len(seen.final_states)} judged is red"
    dark = seen.final_states.get(seen.expected_alarm) == "INSUFFICIENT_DATA"
    if not red and (dark or not judged):
        told = f"{seen.expected_alarm} has no data" if dark else "no alarm has data"
        yield Gate("all alarms green at the end", held=None, measured=told)
    else:
        yield Gate("all alarms green at the end", not red, told)


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
    # A rung that fails altogether is given up after this long without a success (RUN-6), and one second more.
    window = _worst(seen, seen.breaker.burst_s + 1)
    if window is None or not (due := window.of(seen.samples)):
        return Gate(name, held=None, measured="no message in the worst stage")
    if (lasts := window.end - window.start) < seen.breaker.open_s:
        # Less than one pause of an open breaker is chance: it may be all probes, or none.
        return Gate(
            name, held=None, measured=f"only {lasts:.1f} s to judge, a pause is {seen.breaker.open_s:g} s"
        )
    if not _calls(seen, seen.first_rung, Window(seen.traffic.start, window.end)):
        return Gate(name, held=None, measured=f"the metrics know of no call to {seen.first_rung}")
    calls = {rung: len(_calls(seen, rung, window)) for rung in seen.ladder}
    served = sum(sample.rung in calls for sample in due)
    if sum(calls.values()) < served / 2:
        told = f"the metrics know of {sum(calls.values())} calls for {served} answers: they ended early"
        return Gate(name, held=None, measured=told)
    tries = calls[seen.first_rung]
    return Gate(name, tries / len(due) <= limits.wasted_tries, f"{tries} calls for {len(due)} messages")


def _fallback(seen: Evidence, limits: Gates, tier: Tier) -> Gate:
    name = f"{tier} answers while {seen.first_rung} cannot ({limits.fallback_share:.0%} at least)"
    window = _worst(seen, FALLBACK_LEARNS_S)
    return _share(name, window, seen.samples, tier, limits.fallback_share)


def _canned(seen: Evidence, limits: Gates, experiment: Experiment) -> Gate:
    """Outside the worst stage a model can answer; where T2 is what is promised, once it has recovered."""
    name = f"nobody got a canned answer who need not have ({limits.canned_share:.0%} at most)"
    if not seen.stages:
        return Gate(name, held=None, measured="no fault was there")
    grace = experiment.expect.recovery_s if experiment.expect.tier is Tier.T2 else 0.0
    worst = seen.stages[-1]
    end = worst.end + grace
    found = [one for one in seen.samples if one.tier and not worst.start <= one.intended_at < end]
    if not found:
        return Gate(name, held=None, measured="no answer outside the worst stage")
    canned = sum(one.tier is Tier.T2 for one in found)
    return Gate(name, canned / len(found) <= limits.canned_share, f"{canned} of {len(found)} answers")


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
