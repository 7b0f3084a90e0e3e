"""CHAOS-1: experiments are data; a mistake in one is told by file, key and fix."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from chaos import catalogue
from chaos.catalogue import ExperimentError
from contract.runbooks import catalogue as runbooks
from tests.chaos.control_api_helpers import EXPERIMENT

SOUND: dict[str, Any] = EXPERIMENT.model_dump(mode="json")
STAGE = SOUND["method"][0]


@pytest.mark.parametrize("name", catalogue.names())
def test_every_experiment_can_be_used(name: str) -> None:
    experiment = catalogue.load(name)
    assert experiment.id == name
    assert experiment.expect.runbook in runbooks()


def test_sonnet_is_throttled_a_little_until_the_alarm_must_have_fired_then_altogether() -> None:
    experiment = catalogue.load("sonnet-throttled")
    little, altogether = experiment.method
    assert (little.fault.rate, altogether.fault.rate) == (0.04, 1.0)
    assert little.for_s >= experiment.expect.within_s
    assert altogether.at_s == little.at_s + little.for_s
    assert all(stage.fault.match == {"model": "sonnet"} for stage in experiment.method)


def test_an_experiment_that_is_not_there_is_told() -> None:
    with pytest.raises(ExperimentError, match=r"no experiment 'lunch'; there are: .*sonnet-throttled"):
        catalogue.load("lunch")


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "another name than the file's": ({"id": "other"}, "id: is 'other': name it like its file, 'mine'"),
    "a key is missing": ({"hypothesis": None}, "hypothesis: is missing: add it"),
    "a key nobody knows": ({"speed": 3}, "speed: is not a key of an experiment: remove it"),
    "a measure nobody takes": (
        {"steady_state": [{"measure": "mood", "at_most": 1}]},
        "steady_state.0.measure: Input should be 'failed_share'",
    ),
    "a lease that ends too early": (
        {"method": [STAGE | {"for_s": 300}]},
        "method.0: Value error, lease_s 40.0 ends before for_s 300.0: lengthen the lease",
    ),
    "a runbook nobody has": (
        {"expect": SOUND["expect"] | {"runbook": "pray"}},
        "expect.runbook: 'pray' is not in contract/runbooks.toml",
    ),
    "a model nobody calls": (
        {"method": [STAGE | {"fault": STAGE["fault"] | {"match": {"model": "opera"}}}]},
        "method.0.fault.match.model: 'opera' is none of haiku, opus, sonnet",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_by_file_key_and_fix(mistake: str, tmp_path: Path) -> None:
    changes, message = MISTAKES[mistake]
    document = {**SOUND, "id": "mine", **changes}
    wanted = {key: value for key, value in document.items() if value is not None}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(wanted), encoding="utf-8")
    with pytest.raises(ExperimentError) as told:
        catalogue.load("mine", tmp_path)
    assert str(told.value).startswith(f"mine.yaml: {message}")
    assert told.value.exit_code == 2


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("id: mine\ntitle: Mine\n", encoding="utf-8")
    with pytest.raises(ExperimentError) as told:
        catalogue.load("mine", tmp_path)
    keys = [line.split(": ")[1] for line in str(told.value).splitlines()]
    assert keys == ["hypothesis", "steady_state", "method", "expect"]


def test_a_file_that_is_no_yaml_is_told_by_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("id: mine\ntitle: [\n", encoding="utf-8")
    with pytest.raises(ExperimentError, match=r"mine.yaml: line 3: is no YAML"):
        catalogue.load("mine", tmp_path)
