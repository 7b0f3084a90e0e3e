"""No story stays green without an alarm, a runbook or a rung that it uses: each is taken away once.

On evidence made as each story wants it; that the real thing behaves so is proved in test_game_day.py.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from contract.errors import DONE, FAILED
from contract.tiers import Tier
from loadtests.samples import Sample
from rehearsal import story as stories
from rehearsal import verdict
from rehearsal.alarms import Transition
from rehearsal.evidence import Evidence, RunbookRun, Stage
from rehearsal.metrics import MetricStore, Point
from rehearsal.scenes import HOW
from rehearsal.story import Scene, Story
from tests.rehearsal.evidence_helpers import ZERO, evidence, sample

RUNGS = {Tier.T0: "sonnet", Tier.T1: "haiku", Tier.STANDBY: "standby-sonnet", Tier.T2: "canned"}
STORIES = {name: stories.load(name) for name in stories.names()}
LEARNS_S = 12


def name_of(alarm: str) -> str:
    return f"concierge-dev-{alarm}"


def scene_at(story: Story, second: float) -> Scene | None:
    return next((scene for scene in story.scenes if scene.at_s <= second < scene.end_s), None)


def answered(story: Story, second: float) -> Sample:
    """By whom the story wants it answered then."""
    scene = scene_at(story, second)
    wanted = scene.expect.answers if scene else None
    tier = wanted.tier if wanted else Tier.T0
    return sample(second, tier=tier, rung=RUNGS[tier], first_token_ms=500.0)


def calls(story: Story) -> MetricStore:
    """Sonnet is asked by everybody, but where it refuses everything and that is known."""
    store = MetricStore()
    gone = [s for s in story.stages if s.fault.rate == 1 and s.fault.kind == "unavailable"]
    for second in range(int(story.length_s)):
        if not any(s.at_s + LEARNS_S <= second < s.at_s + s.for_s for s in gone):
            rung = {"Environment": "dev", "Rung": "sonnet"}
            store.add([Point(ZERO + second, "ModelThrottled", rung, 0.0, "Count")])
    return store


def as_wanted(story: Story) -> Evidence:
    """Everything went as the story says."""
    samples = [answered(story, number / 2) for number in range(int(story.length_s) * 2)]
    fired = {
        alarm: scene.at_s + within / 2
        for scene in story.scenes
        for alarm, within in scene.expect.alarms.items()
    }
    ran = {book: how for scene in story.scenes for book, how in scene.expect.runbooks.items()}
    end = ZERO + story.length_s - 10
    return evidence(
        samples=samples,
        metrics=calls(story),
        stages=[Stage(ZERO + s.at_s, ZERO + s.at_s + s.for_s, s.fault, hit=9) for s in story.stages],
        transitions=[
            change
            for alarm, at in fired.items()
            for change in (
                Transition(ZERO + at, name_of(alarm), "OK", "ALARM", ""),
                Transition(end, name_of(alarm), "ALARM", "OK", ""),
            )
        ],
        final_states={name_of(alarm): "OK" for alarm in (*fired, "cost-spike")},
        alarm_names={alarm: name_of(alarm) for alarm in (*fired, *story.may, "cost-spike")},
        runbooks=[
            RunbookRun(id=book, verdict=HOW[how][1], note="", undone=how == "verified")
            for book, how in ran.items()
        ],
    )


def without(story: Story) -> Iterator[tuple[str, Evidence]]:
    """What is taken away, and what is seen then."""
    seen = as_wanted(story)
    for scene in story.scenes:
        for alarm in scene.expect.alarms:
            silent = [t for t in seen.transitions if t.alarm != name_of(alarm)]
            yield f"alarm {alarm}", replace(seen, transitions=silent)
        for book in scene.expect.runbooks:
            yield f"runbook {book}", replace(seen, runbooks=[r for r in seen.runbooks if r.id != book])
        if scene.expect.answers is not None:
            tier, rest = scene.expect.answers.tier, Tier.T3
            lost = [
                one.model_copy(update={"tier": rest, "rung": "closed"}) if one.tier is tier else one
                for one in seen.samples
            ]
            yield f"rung {RUNGS[tier]}", replace(seen, samples=lost)


@pytest.mark.parametrize("name", STORIES)
def test_a_story_that_goes_as_it_wants_survives(name: str):
    found = verdict.gates(as_wanted(STORIES[name]), STORIES[name])

    assert [gate for gate in found if gate.held is not True] == []
    assert verdict.exit_code(found) == DONE


CASES = [(name, taken, seen) for name, story in STORIES.items() for taken, seen in without(story)]


def test_something_is_taken_from_every_story_but_the_quiet_one():
    assert {name for name, _, _ in CASES} == set(STORIES) - {"quiet-day"}


@pytest.mark.parametrize(("name", "seen"), [pytest.param(n, s, id=f"{n}-{t}") for n, t, s in CASES])
def test_without_any_one_thing_it_uses_it_does_not(name: str, seen: Evidence):
    assert verdict.exit_code(verdict.gates(seen, STORIES[name])) == FAILED


def test_a_quiet_day_is_red_as_soon_as_any_alarm_is():
    seen = as_wanted(STORIES["quiet-day"])
    woken = replace(seen, transitions=[Transition(ZERO + 60, name_of("cost-spike"), "OK", "ALARM", "")])

    assert verdict.exit_code(verdict.gates(woken, STORIES["quiet-day"])) == FAILED
