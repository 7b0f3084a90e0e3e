"""Stories are files that people write: what is wrong with one is said in a line, before anything starts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos import catalogue as experiments
from contract.errors import WRONG_USE, WrongUseError
from contract.faults import Experiment
from loadtests.documents import DocumentError
from plan import Plan
from rehearsal import beforehand
from rehearsal.alarms import Judge
from rehearsal.story import Story, StoryError, load, names
from tests.rehearsal.evidence_helpers import LENGTH_S, LITTLE, PROBES, calls

GOOD: dict[str, Any] = {
    "id": "small",
    "title": "A small one",
    "scenario": "prime-day",
    "length_s": 88,
    "experiment": "sonnet-throttled",
    "experiment_at_s": 6,
    "gates": {
        "failed_share": 0.0,
        "first_token_p95_ms": 2_500,
        "wasted_tries": 0.25,
        "fallback_share": 0.9,
        "canned_share": 0.01,
        "recovered_share": 0.8,
        "recovered_last_s": 6,
    },
}


def write(folder: Path, text: str, name: str = "small") -> None:
    (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def written(folder: Path, **changed: Any) -> Story:
    write(folder, yaml.safe_dump({**GOOD, **changed}))
    return load("small", folder)


# --- The stories there are --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names())
def test_every_story_can_be_played(name: str, dev: Plan):
    """Its scenario and experiment exist, the traffic lasts longer, the plan has the alarm it waits for."""
    story = load(name)
    experiment = experiments.load(story.experiment)

    beforehand.check_story(story, experiment)
    beforehand.check_alarm(experiment, dev)
    assert story.experiment_at_s > 0, "the steady state before the fault needs some traffic"


@pytest.mark.parametrize("name", names())
def test_every_story_ends_early_enough_to_show_the_recovery(name: str):
    """What is judged as recovered lies after the last fault, within the time the experiment grants."""
    story = load(name)
    experiment = experiments.load(story.experiment)
    calm = story.length_s - story.experiment_at_s - max(s.at_s + s.for_s for s in experiment.method)

    assert story.gates.recovered_last_s < calm
    assert calm - story.gates.recovered_last_s <= experiment.expect.recovery_s


@pytest.mark.parametrize("share_when_dead", [PROBES, 1.0], ids=["breaker", "no breaker"])
@pytest.mark.parametrize("offset", range(10))
def test_whether_prime_days_alarm_is_red_in_time_and_green_at_the_end_is_not_chance(
    dev: Plan, offset: int, share_when_dead: float
):
    """Its periods follow the clock, and people start a rehearsal at any second of a minute."""
    zero = 1_900_000_000.0 + offset
    judge = Judge.of(dev, "us-east-1", calls(share_when_dead, zero))
    end = zero + LENGTH_S
    now = zero
    while now < max(end, judge.red_until(end)):
        now += 0.5
        judge.judge(now)

    expect = experiments.load("sonnet-throttled").expect
    (red, green) = [change for change in judge.transitions if "ALARM" in {change.before, change.after}]
    assert 0 < red.at - zero - LITTLE <= expect.within_s
    assert (red.after, green.after) == ("ALARM", "OK")


def test_prime_day_is_among_them():
    assert "prime-day" in names()


# --- Reading one ------------------------------------------------------------------------------------------


def test_a_story_is_what_its_file_says(tmp_path: Path):
    story = written(tmp_path)

    assert story.title == "A small one"
    assert story.gates.fallback_share == 0.9


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"length_s": -1}, "length_s: Input should be greater than 0"),
        ({"length_s": 3_601}, "length_s: Input should be less than or equal to 3600"),
        ({"experiment_at_s": "soon"}, "experiment_at_s: Input should be a valid number"),
        ({"gates": {**GOOD["gates"], "fallback_share": 1.1}}, "gates.fallback_share"),
        ({"gates": {"failed_share": 0}}, "gates.first_token_p95_ms: Field required"),
        ({"colour": "blue"}, "colour: Extra inputs are not permitted"),
        ({"id": "big"}, "id: is 'big': name it like its file, 'small'"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_file_is_one_line_with_file_and_key(tmp_path: Path, changed: Any, said: str):
    with pytest.raises(StoryError) as wrong:
        written(tmp_path, **changed)

    assert str(wrong.value).startswith("small.yaml: ")
    assert said in str(wrong.value)
    assert "\n" not in str(wrong.value)
    assert wrong.value.exit_code == WRONG_USE


@pytest.mark.parametrize("text", ["", "- a\n- b", "id: [", "id: a\n id: b\n\tx", "\x00"], ids=repr)
def test_a_file_that_is_no_story_is_one_line(tmp_path: Path, text: str):
    write(tmp_path, text)
    with pytest.raises(StoryError, match=r"small\.yaml: \w+") as wrong:
        load("small", tmp_path)
    assert "\n" not in str(wrong.value)


def test_a_file_in_another_encoding_is_one_line(tmp_path: Path):
    (tmp_path / "small.yaml").write_bytes("title: große Sache".encode("latin-1"))
    with pytest.raises(StoryError, match=r"small\.yaml: is no YAML"):
        load("small", tmp_path)


def test_an_unknown_story_names_the_known_ones(tmp_path: Path):
    with pytest.raises(StoryError, match="there is no story 'nope'; there are: none"):
        load("nope", tmp_path)
    written(tmp_path)
    with pytest.raises(StoryError, match="there are: small"):
        load("../small", tmp_path)


# --- Before it is played ----------------------------------------------------------------------------------


@pytest.fixture
def experiment() -> Experiment:
    return experiments.load("sonnet-throttled")


def test_traffic_that_ends_during_the_experiment_is_refused(tmp_path: Path, experiment: Experiment):
    """62 seconds of faults from second 6 on do not fit into 68: afterwards nobody is there to recover."""
    with pytest.raises(StoryError, match=r"ends at 68 s, when the traffic is over \(68 s\): make length_s"):
        beforehand.check_story(written(tmp_path, length_s=68), experiment)
    beforehand.check_story(written(tmp_path, length_s=69), experiment)


def test_an_unknown_scenario_is_refused(tmp_path: Path, experiment: Experiment):
    with pytest.raises(DocumentError, match="scenario 'nope': there is no such file"):
        beforehand.check_story(written(tmp_path, scenario="nope"), experiment)


def test_an_alarm_that_no_plan_has_is_refused(experiment: Experiment, dev: Plan):
    for wrong, said in (
        (
            "bedrock-throtled",
            r"stack dev has no alarm 'bedrock-throtled' among its \d+; nearest: bedrock-throttled",
        ),
        ("xyz", "no alarm 'xyz' among its .* see its inventory"),
    ):
        expect = experiment.expect.model_copy(update={"alarm": wrong})
        with pytest.raises(WrongUseError, match=said):
            beforehand.check_alarm(experiment.model_copy(update={"expect": expect}), dev)


def test_a_run_gets_a_folder_of_its_own(tmp_path: Path):
    """Also when another began in the same second: its journals would become part of this one."""
    made = [beforehand.make(tmp_path / "new" / "deep") for _ in range(3)]

    assert [folder.name for folder in made] == ["deep", "deep-2", "deep-3"]
    assert all(folder.is_dir() for folder in made)
