"""What each scene of a story must show: faults felt, alarms in time, runbooks, who answered, the way back.

Pure functions over what was seen; nothing is read from the faults but that calls met them.
"""

import math
from collections import Counter
from collections.abc import Iterator

from contract.faults import Fault
from contract.tiers import Tier
from rehearsal.evidence import Evidence, Window
from rehearsal.gate import Gate
from rehearsal.story import Scene, Story

BACK_SHARE, BACK_LOOK_S = 0.5, 20.0
HOW = {
    "verified": ("helped and was undone", "applied+verified"),
    "kept": ("helped", "applied+verified"),
    "left": ("rightly left everything as it was", "nothing-to-do"),
}


def window(seen: Evidence, scene: Scene) -> Window:
    """When it was."""
    return Window(seen.zero + scene.at_s, seen.zero + scene.end_s)


def gates(seen: Evidence, story: Story, scene: Scene) -> Iterator[Gate]:
    """All of one scene, in the order in which they come."""
    if scene.expect.answers is not None:
        yield _answers(seen, scene)
    yield from _breaker(seen, story, scene)
    for alarm, within_s in scene.expect.alarms.items():
        yield _alarm(seen, story, scene, alarm, within_s)
    for runbook, how in scene.expect.runbooks.items():
        yield _runbook(seen, scene, runbook, how)
    if scene.expect.back_s is not None:
        yield _back(seen, scene, scene.expect.back_s)


def in_place(seen: Evidence) -> Gate:
    """A fault that nobody met shows nothing."""
    unfelt = [f"{stage.fault.kind} of {stage.fault.target}" for stage in seen.stages if stage.hit == 0]
    there = seen.faults_in_place is None and bool(seen.stages) and not unfelt
    hits = sum(stage.hit or 0 for stage in seen.stages)
    measured = seen.faults_in_place or f"{len(seen.stages)} faults, {hits} calls met them"
    if unfelt:
        measured += f"; no call met {', '.join(unfelt)}"
    return Gate("faults in place as written", True if there else None, measured, premise=True)


def fired_at(seen: Evidence, alarm: str, since: float = 0.0) -> float | None:
    """When it turned red first."""
    name = seen.alarm_names.get(alarm)
    return next(
        (t.at for t in seen.transitions if t.alarm == name and t.after == "ALARM" and t.at >= since), None
    )


def _alarm(seen: Evidence, story: Story, scene: Scene, alarm: str, within_s: float) -> Gate:
    name, begun = f"{scene.title}: alarm {alarm} within {within_s:.0f} s", window(seen, scene).start
    again = any(alarm in one.expect.alarms for one in story.scenes if one.at_s < scene.at_s)
    at = fired_at(seen, alarm, begun if again else 0.0)
    if at is None:
        return Gate(name, held=False, measured="did not fire")
    after = at - begun
    when = f"after {after:.0f} s" if after >= 0 else f"{-after:.0f} s before the scene"
    return Gate(name, 0 <= after <= within_s, f"fired {when}")


def _runbook(seen: Evidence, scene: Scene, runbook: str, how: str) -> Gate:
    words_, verdict = HOW[how]
    name = f"runbook {runbook} {words_}"
    begun = window(seen, scene).start
    runs = [run for run in seen.runbooks if run.id == runbook]
    ran = next((run for run in runs if (run.ended_at or math.inf) >= begun), None)
    if ran is None:
        return Gate(name, held=False, measured="did not run: no alarm asked for it")
    put_back = how == "verified"
    held = ran.verdict == verdict and (ran.undone or not put_back)
    undone = f", {'undone' if ran.undone else 'not undone'}" if put_back else ""
    return Gate(name, held, f"{ran.verdict}{undone}: {ran.note}")


def _answers(seen: Evidence, scene: Scene) -> Gate:
    wanted = scene.expect.answers
    assert wanted is not None  # noqa: S101 - the caller has looked
    name = f"{scene.title}: {wanted.tier} answers {wanted.share:.0%} at least"
    return _share(seen, name, window(seen, scene).after(wanted.learns_s), wanted.tier, wanted.share)


def _back(seen: Evidence, scene: Scene, back_s: float) -> Gate:
    """By then it must be so, and stay so for a while."""
    start = window(seen, scene).end + back_s
    found = Window(start, min(start + BACK_LOOK_S, seen.traffic.end))
    name = f"{scene.title}: back on {Tier.T0} within {back_s:.0f} s"
    return _share(seen, name, found, Tier.T0, BACK_SHARE)


def _breaker(seen: Evidence, story: Story, scene: Scene) -> Iterator[Gate]:
    """A rung that refuses everything is given up after a while without a success (RUN-6), and left alone."""
    for stage in scene.stages():
        rung = stage.fault.match.get("model", seen.first_rung)
        gone = stage.fault.rate == 1.0 and stage.fault.kind in {"unavailable", "throttle", "error", "reset"}
        learns_s = seen.breaker.burst_s + 1
        # Less than one pause of an open breaker is chance: it may be all probes, or none.
        long = stage.for_s >= learns_s + seen.breaker.open_s
        if stage.fault.target != "bedrock" or not gone or not long or rung != seen.first_rung:
            continue
        limit = story.gates.wasted_tries
        name = f"{scene.title}: breaker keeps messages from {rung} ({limit:.0%} at most try it)"
        begun = seen.zero + stage.at_s
        found = Window(begun, begun + stage.for_s).after(learns_s)
        due = found.of(seen.samples)
        before = _calls(seen, rung, Window(seen.traffic.start, begun))
        if not due or not before:
            told = "no message then" if before else f"the metrics know of no call to {rung}"
            yield Gate(name, held=None, measured=told)
            continue
        tries = _calls(seen, rung, found)
        yield Gate(name, tries / len(due) <= limit, f"{tries} calls for {len(due)} messages")


def _calls(seen: Evidence, rung: str, when: Window) -> int:
    dimensions = {"Environment": seen.environment, "Rung": rung}
    return len(seen.metrics.values("ModelThrottled", dimensions, when.start, when.end))


def _share(seen: Evidence, name: str, when: Window, tier: Tier, least: float) -> Gate:
    found = when.of(seen.samples)
    if not found:
        return Gate(name, held=None, measured="no message then")
    counts = Counter(sample.tier or "nobody" for sample in found)
    shown = ", ".join(f"{who} {count / len(found):.0%}" for who, count in counts.most_common())
    return Gate(name, counts[tier] / len(found) >= least, f"{shown} of {len(found)} messages")


def words(fault: Fault) -> str:
    """A fault in a few words."""
    whose = " ".join(fault.match.values()) or fault.target
    much = f" {fault.magnitude:g}" if fault.magnitude is not None else ""
    share = f" {fault.rate:.3g}" if fault.rate < 1 else ""
    return f"{whose}: {fault.kind}{much}{share}"
