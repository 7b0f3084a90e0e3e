"""Exports are what other tools take: chaostoolkit runs them, cfn-lint and the action catalogue pass them."""

import copy
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos import catalogue
from chaos.exports import FORMATS, fis, toolkit
from chaos.exports.fis import ExportError, faults_in
from components import fault_catalogue
from tests.chaos.agent_helpers import Alone, agent_alone

ROOT = Path(__file__).parent.parent.parent
CHAOS = ROOT / ".venvs" / "chaos" / "bin"
DRILLS = {name: one.fis for name in catalogue.names() if (one := catalogue.load(name)).fis}


def test_a_fault_of_the_method_is_the_experiments_own() -> None:
    experiment = catalogue.load("region-down")
    document = toolkit.document(experiment)
    asked = [
        a["provider"]["arguments"]["fault"]
        for a in document["method"]
        if "fault" in a["provider"]["arguments"]
    ]
    made = [(fault["target"], fault["kind"], fault["rate"]) for fault in asked]
    wanted = [(s.fault.target, s.fault.kind.value, s.fault.rate) for s in experiment.method]
    assert made == wanted + wanted  # each made, then mended
    assert document["rollbacks"][0]["provider"]["func"] == "sweep"


def test_stages_keep_their_times() -> None:
    pauses = [
        (activity["name"].split()[0], activity.get("pauses", {}).get("before", 0))
        for activity in toolkit.document(catalogue.load("sonnet-throttled"))["method"]
        if activity["type"] == "action"
    ]
    assert pauses == [("break", 0), ("mend", 44), ("break", 0), ("mend", 18)]


def test_what_fis_cannot_make_is_refused_with_the_way_that_can() -> None:
    with pytest.raises(ExportError, match="concierge chaos run sonnet-slow --target aws"):
        FORMATS["fis"](catalogue.load("sonnet-slow"))


def test_several_experiments_have_a_drill() -> None:
    assert set(DRILLS.values()) >= {"bedrock-down", "task-kill", "az-loss", "valkey-failover"}
    assert set(DRILLS.values()) <= set(fault_catalogue.drills())


@pytest.mark.parametrize("name", DRILLS)
def test_a_template_is_in_the_action_catalogue(name: str) -> None:
    made = fis.template(catalogue.load(name))
    assert faults_in(made) == []
    assert set(made["Resources"]) == {"Experiment"}


def broken(change: str) -> dict[str, Any]:
    """A template with one mistake that cfn-lint does not see."""
    made = copy.deepcopy(fis.template(catalogue.load("task-kill")))
    body = made["Resources"]["Experiment"]["Properties"]
    match change:
        case "action":
            body["Actions"]["stop"]["ActionId"] = "aws:ecs:stop-everything"
        case "parameter":
            body["Actions"]["watch"]["Parameters"] = {"length": "PT5M"}
        case "key":
            body["Actions"]["stop"]["Targets"] = {"Task": "tasks"}
        case "target":
            body["Targets"]["tasks"]["ResourceType"] = "aws:ecs:cluster"
        case "stop":
            body["StopConditions"] = [{"Source": "none"}]
        case "empty":
            body["ExperimentOptions"]["EmptyTargetResolutionMode"] = "skip"
    return made


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("action", "aws:ecs:stop-everything is not in components/fis_actions.toml"),
        ("parameter", "aws:fis:wait takes exactly ['duration']"),
        ("key", "calls its target Tasks, not Task"),
        ("target", "hits aws:ecs:task, not what tasks is"),
        ("stop", "nothing would stop it"),
        ("empty", "an experiment that hits nothing would pass"),
    ],
)
def test_the_catalogue_finds_what_would_only_fail_on_the_day(change: str, told: str) -> None:
    (found,) = faults_in(broken(change))
    assert told in found


def test_cfn_lint_passes_every_template(tmp_path: Path) -> None:
    from cfnlint import decode  # noqa: F401 - its own import order matters
    from cfnlint.api import lint_file
    from cfnlint.config import ManualArgs

    files = []
    for name in DRILLS:
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(fis.export(catalogue.load(name)), encoding="utf-8")
    found = [str(match) for file in files for match in lint_file(file, ManualArgs(regions=["us-east-1"]))]
    assert found == []
    files[0].write_text(files[0].read_text().replace('"RoleArn"', '"RoleArm"', 1), encoding="utf-8")
    assert lint_file(files[0], ManualArgs(regions=["us-east-1"]))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    with agent_alone(tmp_path_factory.mktemp("agent")) as found:
        yield found


def chaos(folder: Path, document: dict[str, Any], alone: Alone) -> tuple[int, dict[str, Any]]:
    """What the real `chaos run` makes of it: exit code and journal."""
    (folder / "experiment.json").write_text(json.dumps(document), encoding="utf-8")
    ran = subprocess.run(
        [CHAOS / "chaos", "--no-version-check", "run", "--journal-path", "journal.json", "experiment.json"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "CONCIERGE_HOST": alone.host,
            "CONCIERGE_FAULTS_URL": alone.faults,
        },
        timeout=240,
        check=False,
        capture_output=True,
    )
    return ran.returncode, json.loads((folder / "journal.json").read_text(encoding="utf-8"))


def hurried(name: str) -> dict[str, Any]:
    """Its own document, with shorter pauses and fewer questions."""
    document = toolkit.document(catalogue.load(name))
    for activity in document["method"]:
        shorter = {"before": 1, "after": 12}
        activity["pauses"] = {when: shorter[when] for when in activity.get("pauses", {})}
    for activity in [*document["method"], *document["steady-state-hypothesis"]["probes"]]:
        if activity["type"] == "probe":
            activity["provider"]["arguments"]["messages"] = 5
            if "ms" in activity["provider"]["arguments"]["measure"]:
                activity["tolerance"]["range"][1] *= 6  # a machine may be busy
    return document


def activities(journal: dict[str, Any]) -> list[dict[str, Any]]:
    states = journal["steady_states"]
    probes = [probe for when in ("before", "after") for probe in states[when]["probes"]]
    return [*probes, *journal["run"], *journal["rollbacks"]]


@pytest.mark.prove
@pytest.mark.long
@pytest.mark.parametrize("name", ["sonnet-down", "sonnet-midstream-errors", "models-down"])
def test_chaostoolkit_runs_it_and_every_activity_succeeds(name: str, alone: Alone, tmp_path: Path) -> None:
    code, journal = chaos(tmp_path, hurried(name), alone)
    failed = [
        (a["activity"]["name"], a.get("exception")) for a in activities(journal) if a["status"] != "succeeded"
    ]
    assert (code, failed, journal["status"], journal["deviated"]) == (0, [], "completed", False)


@pytest.mark.prove
@pytest.mark.long
def test_a_fault_that_is_refused_fails_its_activity(alone: Alone, tmp_path: Path) -> None:
    document = hurried("sonnet-down")
    document["method"][0]["provider"]["arguments"]["fault"]["kind"] = "red"
    _, journal = chaos(tmp_path, document, alone)
    assert journal["run"][0]["status"] == "failed"
    assert "bedrock knows" in str(journal["run"][0]["exception"])


@pytest.mark.prove
def test_chaostoolkit_takes_every_experiment(tmp_path: Path) -> None:
    for name in catalogue.names():
        (tmp_path / f"{name}.json").write_text(
            FORMATS["chaostoolkit"](catalogue.load(name)), encoding="utf-8"
        )
    script = (
        "import json, pathlib, sys\n"
        "from chaoslib.experiment import ensure_experiment_is_valid\n"
        "for file in sorted(pathlib.Path('.').glob('*.json')):\n"
        "    ensure_experiment_is_valid(json.loads(file.read_text()))\n"
        "    print(file.stem)\n"
    )
    places = dict.fromkeys(("CONCIERGE_HOST", "CONCIERGE_FAULTS_URL"), "x")
    ran = subprocess.run(
        [CHAOS / "python", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **places},
        text=True,
        timeout=120,
        check=False,
        capture_output=True,
    )
    assert (ran.returncode, sorted(ran.stdout.split())) == (0, list(catalogue.names())), ran.stderr
