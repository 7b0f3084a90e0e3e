"""The verdict of a rehearsal: every gate with what was measured. Pure functions over what was seen.

What people saw comes from the load generator's samples and a mystery shopper, what the alarms did from the
judge, what the rungs were asked from the runtime's own metrics. What each scene must show is `scenes`'.
"""

from collections.abc import Iterator, Sequence

from contract.errors import DONE, FAILED, INCONCLUSIVE
from loadtests.samples import Percentiles, Sample, summary
from rehearsal import scenes
from rehearsal.evidence import Evidence, Window
from rehearsal.gate import Gate
from rehearsal.story import Gates, Story

# Moments are planned, so the length is too: only rounding and the drift of a clock may differ.
SCHEDULE_SLACK_S = 1.0
# An agent that waits for a processor longer than this share of the time is not what is measured any more.
WAITED_SHARE = 0.15
AFTERMATH_S = 30.0  # answers that were begun while something was broken, and breakers that still learn
INVARIANTS = ("wrong price", "card number", "e-mail address", "telephone number")


def gates(seen: Evidence, story: Story) -> list[Gate]:
    """Every gate, in the order a reader asks."""
    found = [
        _traffic(seen),
        *([scenes.in_place(seen)] if story.stages else []),
        *_people(seen, story),
        *_invariants(seen),
        *(gate for scene in story.scenes for gate in scenes.gates(seen, story, scene)),
        *_quiet(seen, story),
        Gate("no fault left behind", seen.leftover_faults == 0, f"{seen.leftover_faults} active"),
        _memory(seen, story.gates),
    ]
    failed = any(gate.held is False for gate in found)
    return [found[0], _machine(seen, failed=failed), *found[1:]]


def exit_code(found: Sequence[Gate]) -> int:
    """0 survived, 1 a gate failed, 3 something could not be told."""
    if any(gate.premise and gate.held is None for gate in found):
        return INCONCLUSIVE
    if any(gate.held is False for gate in found):
        return FAILED
    return INCONCLUSIVE if any(gate.held is None for gate in found) else DONE


def calm(seen: Evidence, story: Story) -> list[Sample]:
    """Messages that were due while nothing was broken, nor had been a moment before."""
    troubled = [
        Window(seen.zero + scene.at_s, seen.zero + scene.end_s + max(AFTERMATH_S, scene.expect.back_s or 0))
        for scene in story.scenes
    ]
    return [one for one in seen.samples if not any(w.start <= one.intended_at < w.end for w in troubled)]


def _traffic(seen: Evidence) -> Gate:
    count, length, planned = len(seen.samples), seen.traffic.end - seen.traffic.start, seen.schedule
    measured = f"{count} of {planned.messages} messages in {length:.0f} of {planned.length_s:.0f} s"
    if seen.generator_doubts:
        measured += f"; {'; '.join(seen.generator_doubts)}"
    whole = count == planned.messages > 0 and abs(length - planned.length_s) <= SCHEDULE_SLACK_S
    return Gate(
        "traffic as planned", True if whole and not seen.generator_doubts else None, measured, premise=True
    )


def _machine(seen: Evidence, *, failed: bool) -> Gate:
    """A slow machine excuses nothing that held, and blames nothing that did not."""
    found = seen.machine
    measured = (
        f"the agent waited {found.waited_share:.0%} of the time for a processor, used {found.cpu_share:.0%}"
    )
    slow = found.waited_share > WAITED_SHARE
    if slow and failed:
        measured += ": end what else runs here, or use --speed 1, and rehearse again"
    return Gate("this machine kept up", None if slow and failed else True, measured, premise=True)


def _people(seen: Evidence, story: Story) -> Iterator[Gate]:
    found, samples, limits = summary(seen.samples), seen.samples, story.gates
    worst = ", ".join(f"{count} x {error}" for error, count in list(found.errors.items())[:2])
    few = f"at most {limits.failed_share:.0%} of the messages without an answer"
    yield Gate(
        few if limits.failed_share else "everybody got an answer",
        found.failed_share <= limits.failed_share if samples else None,
        f"{found.failed_share:.2%} failed{f': {worst}' if worst else ''}" if samples else "no message",
    )
    quiet = calm(seen, story)
    first = Percentiles.of(one.first_token_ms for one in quiet)
    yield Gate(
        f"first token p95 under {limits.first_token_p95_ms:.0f} ms while nothing is broken",
        first.p95 <= limits.first_token_p95_ms if first else None,
        f"{first.p95:.0f} ms of {len(quiet)} messages" if first else "no answer then",
    )
    answers = [sample for sample in samples if sample.error is None or sample.finals]
    odd = sum(1 for sample in answers if sample.finals != 1)
    whole = odd == 0 and found.sequence_gaps == 0
    yield Gate(
        "each message exactly one final frame, no gap",
        None if whole and not answers else whole,
        f"{found.sequence_gaps} gaps, {odd} without exactly one final frame",
    )
    canned = sum(one.tier == "T2" for one in quiet)
    yield Gate(
        f"nobody got a canned answer who need not have ({limits.canned_share:.0%} at most)",
        canned / len(quiet) <= limits.canned_share if quiet else None,
        f"{canned} of {len(quiet)} answers while nothing was broken",
    )
    spent = sum(one.usd for one in samples)
    yield Gate(
        f"a message costs ${limits.cost_usd:g} at most",
        spent / len(samples) <= limits.cost_usd if samples else None,
        f"${spent:.2f} in all, ${spent / max(1, len(samples)):.5f} a message",
    )


def _invariants(seen: Evidence) -> Iterator[Gate]:
    """What must never be; that nobody looked is no proof."""
    prices = [one for one in seen.breaches if one.kind == "wrong price"]
    kept = [one for one in seen.breaches if one.kind != "wrong price"]
    yield Gate(
        "no wrong price",
        not prices if seen.looked.get("prices") else None,
        prices[0].where if prices else f"{seen.looked.get('prices', 0)} prices were held against the shop's",
    )
    yield Gate(
        "no card number and no personal data in stores or logs",
        not kept if seen.looked.get("places") else None,
        ", ".join(f"{one.kind} in {one.where}" for one in kept[:3])
        or f"{seen.looked.get('places', 0)} items, entries and logs were searched",
    )


def _quiet(seen: Evidence, story: Story) -> Iterator[Gate]:
    """No alarm but those that the story names, and none is left red."""
    states = set(seen.final_states.values())
    judged = "OK" in states or "ALARM" in states
    fired = {seen.names.get(t.alarm, t.alarm) for t in seen.transitions if t.after == "ALARM"}
    others = sorted(fired - {*story.alarms, *story.may})
    told = ", ".join(others) or f"none of {len(seen.final_states)} judged"
    yield Gate("no other alarm", not others if judged else None, told)
    red = sorted(alarm for alarm, state in seen.final_states.items() if state == "ALARM")
    dark = [
        name
        for name in story.alarms
        if seen.final_states.get(seen.alarm_names.get(name, name)) == "INSUFFICIENT_DATA"
    ]
    told = ", ".join(red or dark) or f"none of {len(seen.final_states)} judged is red"
    yield Gate("all alarms green at the end", None if not red and (dark or not judged) else not red, told)


def _memory(seen: Evidence, limits: Gates) -> Gate:
    return Gate(
        f"memory under {limits.memory_gb:g} GB",
        seen.machine.memory_gb < limits.memory_gb if seen.machine.memory_gb else None,
        f"{seen.machine.memory_gb:.2f} GB at most, all programs together",
    )
