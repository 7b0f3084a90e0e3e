"""Stories are files that people write: what is wrong is said in a line each, before anything starts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.errors import WRONG_USE, WrongUseError
from loadtests import arrivals, scenario
from loadtests.documents import DocumentError
from plan import Plan
from rehearsal import beforehand, protection
from rehearsal.evidence import Schedule
from rehearsal.story import Story, StoryError, load, names
from tests.conftest import Planned

SCENE: dict[str, Any] = {
    "title": "Sonnet is gone",
    "at_s": 10,
    "for_s": 20,
    "faults": [{"target": "bedrock", "kind": "throttle", "match": {"model": "sonnet"}}],
    "expect": {"alarms": {"bedrock-throttled": 30}, "runbooks": {"bedrock-throttled": "verified"}},
}
GOOD: dict[str, Any] = {
    "id": "small",
    "title": "A small one",
    "length_s": 88,
    "traffic": {"scenario": "prime-day"},
    "scenes": [SCENE],
}


def write(folder: Path, text: str, name: str = "small") -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def written(folder: Path, **changed: Any) -> Story:
    write(folder, yaml.safe_dump({**GOOD, **changed}))
    return load("small", folder)


# --- The stories there are --------------------------------------------------------------------------------


def test_those_are_here_that_a_stranger_is_promised():
    assert set(names()) >= {"prime-day", "bedrock-outage", "region-loss", "quiet-day", "bad-deploy"}


def test_a_story_can_be_played_without_a_rung_that_one_of_its_alarms_is_of(planned: Planned, dev: Plan):
    """Without failover there is no Haiku, and no alarm on it: the story shows what that means."""
    bare = planned("dev", protection.off("dev", {}))

    with pytest.raises(WrongUseError, match="has no 'bedrock-first-token-haiku'"):
        beforehand.check_alarms(load("prime-day"), [bare])
    beforehand.check_alarms(load("prime-day"), [bare, dev])


@pytest.mark.parametrize("name", names())
def test_every_story_can_be_played(name: str, dev: Plan, prod: Plan):
    """Its scenario exists, its plan has every alarm it names, and it ends within five minutes of ours."""
    story = load(name)

    beforehand.check_alarms(story, [{"dev": dev, "prod": prod}[story.stack]])
    assert Schedule.of(story, 0.05, 7).messages > 0
    assert story.length_s / story.speed <= 240
    if story.scenes:
        assert story.length_s - story.scenes[-1].end_s >= 150, "alarms need minutes to turn green again"


def test_on_a_quiet_day_nothing_happens():
    assert load("quiet-day").stages == ()


def test_a_persons_own_story_lies_anywhere_with_its_scenario_beside_it(tmp_path: Path):
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\nusers = 5\n[mix]\ntrack = 1.0\n[[stages]]\nfor_s = 60\nrate = 2\n'
    )
    path = write(tmp_path, yaml.safe_dump({**GOOD, "traffic": {"scenario": "mine.toml"}}))

    found = load(str(path))
    assert scenario.load(found.traffic.scenario).name == "mine"
    assert [(stage.at_s, stage.for_s, stage.fault.lease_s) for stage in found.stages] == [(10, 20, 50)]


def test_an_experiment_of_chaos_is_played_at_the_scenes_moment(tmp_path: Path):
    scene = {**SCENE, "faults": [], "for_s": 70, "experiment": "sonnet-throttled"}
    found = written(tmp_path, scenes=[scene])

    assert [stage.at_s for stage in found.stages] == [10, 54]


# --- What may be wrong with one -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": None}, "small.yaml: title: Input should be a valid string"),
        ({"colour": "blue"}, "small.yaml: colour: is not a key of a story: remove it"),
        ({"length_s": -1}, "small.yaml: length_s: Input should be greater than 0"),
        ({"length_s": 30}, "small.yaml: document: scenes.0 ends at 30 s, when the traffic is over (30 s): "),
        ({"speed": 4}, "small.yaml: speed: Input should be less than or equal to 3"),
        ({"id": "other"}, "small.yaml: id: is 'other': name it like its file, 'small'"),
        ({"scenes": [{**SCENE, "at_s": -1}]}, "small.yaml: scenes.0.at_s: Input should be greater"),
        (
            {"scenes": [{**SCENE, "faults": [{"target": "bedrock", "kind": "tired"}]}]},
            "small.yaml: scenes.0.faults.0.kind: Input should be 'reset'",
        ),
        (
            {"scenes": [{**SCENE, "faults": [{"target": "bedrock", "kind": "slow", "for_s": 21}]}]},
            "small.yaml: scenes.0: faults.0 lasts longer than its scene (20 s): shorten it",
        ),
        (
            {"scenes": [{**SCENE, "expect": {"runbooks": {"pray": "verified"}}}]},
            "small.yaml: scenes.0.expect.runbooks: 'pray' is not in contract/runbooks.toml: choose one",
        ),
        ({"scenes": [{**SCENE, "experiment": "nope"}]}, "there is no experiment 'nope'; there are: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, changed: dict[str, Any], said: str):
    with pytest.raises(WrongUseError) as wrong:
        written(tmp_path, **changed)

    assert str(wrong.value).startswith(said)
    assert wrong.value.exit_code == WRONG_USE


def test_every_mistake_is_told_at_once(tmp_path: Path):
    with pytest.raises(StoryError) as wrong:
        written(tmp_path, title=None, length_s="long")

    assert len(str(wrong.value).splitlines()) == 2


@pytest.mark.parametrize("name", ["nope", "../small", "nope.yaml"])
def test_a_story_that_is_not_there_says_which_are(name: str):
    with pytest.raises(StoryError, match=f"there is no story '{name}'; there are: bad-deploy, .*prime-day"):
        load(name)


def test_no_yaml_is_one_line(tmp_path: Path):
    write(tmp_path, "id: [small")

    with pytest.raises(StoryError) as wrong:
        load("small", tmp_path)
    assert str(wrong.value).startswith("small.yaml: is no YAML: ")
    assert "\n" not in str(wrong.value)


# --- Beforehand ---------------------------------------------------------------------------------------------


def test_an_alarm_that_the_plan_has_not_is_told_with_its_neighbours(tmp_path: Path, dev: Plan):
    expect = {"alarms": {"bedrock-throtled": 30}}
    story = written(tmp_path, scenes=[{**SCENE, "expect": expect}])

    with pytest.raises(
        WrongUseError, match=r"stack dev has no 'bedrock-throtled' .* nearest: bedrock-throttled"
    ):
        beforehand.check_alarms(story, [dev])


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("haiku", "--without haiku: write alarm:NAME, runbook:NAME or rung:NAME"),
        ("alarm:", "--without alarm:: write alarm:NAME"),
        ("runbook:prayer", "--without runbook:prayer: contract/runbooks.toml has no 'prayer'"),
    ],
)
def test_what_is_to_be_taken_away_must_be_there(taken: str, said: str):
    with pytest.raises(WrongUseError) as wrong:
        beforehand.check_without([taken])
    assert str(wrong.value).startswith(said)


def test_a_scenario_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(DocumentError, match="scenario 'nope': there is no such file"):
        Schedule.of(written(tmp_path, traffic={"scenario": "nope"}), 1.0, 7)


def test_a_folder_is_made_once(tmp_path: Path):
    first, second = (beforehand.make(tmp_path / "a" / "run") for _ in range(2))

    assert (first.name, second.name) == ("run", "run-2")


@pytest.mark.parametrize("speed", [1.0, 1.5, 3.0])
def test_what_is_to_be_sent_is_what_the_generator_sends(tmp_path: Path, speed: float):
    """Lanes follow from the rate, so a faster story has other messages, but as long a story."""
    story = written(tmp_path)
    sent = scenario.load("prime-day").lasting(88).at_rate(0.5).faster(speed)
    schedule = Schedule.of(story, 0.5, 7, speed)

    assert schedule.messages == arrivals.planned(sent, 7)
    assert 80 < schedule.length_s <= 88
    assert sent.users == 240
    assert sent.length_s == pytest.approx(88 / speed)
    assert sent.messages == pytest.approx(schedule.scenario.messages)
