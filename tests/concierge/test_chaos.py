"""`concierge chaos` as a person types it: what it says, and with which exit code."""

import json
from pathlib import Path

import pytest

from chaos import catalogue
from concierge.__main__ import run
from contract.faults import TARGETS

AWS = ("run", "--target", "aws")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["chaos", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_every_experiment_and_suite_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "list", "--json")
    listed = json.loads(out)
    assert code == 0
    assert [one["id"] for one in listed["experiments"]] == list(catalogue.names())
    assert {one["id"] for one in listed["suites"]} == {"all", "failover"}
    assert said(capsys, "list")[0] == 0


def test_one_is_shown_with_its_claim_and_its_limits(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "show", "sonnet-down")
    assert code == 0
    assert out.startswith("Haiku answers everybody")
    assert "ends at once: failed_share above 0.5 over 10 s" in out


def test_a_run_plans_and_touches_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, err = said(capsys, "run", "region-down", "--folder", str(tmp_path / "run"))
    assert code == 0
    assert "touches: bedrock, sagemaker, search; 2 reads, 6 changes" in out
    assert err == "nothing was touched: --apply does it\n"
    assert list(tmp_path.iterdir()) == []


def test_in_aws_the_plan_is_that_of_fis(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "run", "region-down", "--target", "aws", "--stack", "dev")
    assert code == 0
    assert "at 0 s: drill 100 % of the calls to fis (drill bedrock-down)" in out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("run",), 2, "name an experiment, or a record with --replay"),
        (("run", "lunch"), 2, "there is no experiment 'lunch'; there are: az-loss"),
        (("run", "sonnet-down", "--set", "x"), 2, "'x' is not KEY=VALUE"),
        ((*AWS, "sonnet-down"), 2, "say which environment is to be broken"),
        ((*AWS, "sonnet-down", "--stack", "prod"), 2, "may run in rehearsal, dev, perf, not in prod"),
        ((*AWS, "sonnet-down", "--stack", "dev", "--apply"), 2, "say where customers reach it"),
        ((*AWS, "sonnet-down", "--stack", "dev", "--apply", "--host", "http://h"), 2, "say why"),
        (("run", "--replay", "none.json"), 2, "none.json: cannot be read: No such file or directory"),
        (("suite", "lunch"), 2, "there is no suite 'lunch'; there are: all, failover"),
        (("sweep", "--target", "aws"), 2, "say which environment is to be swept"),
        (("compare", "none", "other"), 2, "none: cannot be read"),
        (("export", "sonnet-slow", "--format", "fis"), 2, "FIS cannot make sonnet-slow"),
        (("export", "sonnet-slow", "--format", "gremlin"), 2, "is not one of 'chaostoolkit', 'fis'"),
    ],
)  # fmt: skip
def test_wrong_use_is_told_in_a_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, told: str
) -> None:
    found, out, err = said(capsys, *arguments)
    assert (found, out) == (code, "")
    assert told in err
    assert len(err.splitlines()) == 1


def test_a_suite_plans_each_of_its_experiments(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(capsys, "suite", "failover", "--json")
    assert (code, list(json.loads(out)["plans"])) == (0, list(catalogue.suite("failover").experiments))


def test_an_export_is_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, "export", "sonnet-down")
    assert (code, err) == (0, "")
    assert json.loads(out)["title"] == "Sonnet is down"
    assert json.loads(said(capsys, "export", "task-kill", "--format", "fis")[1])["Resources"]["Experiment"]


def test_the_suite_of_all_has_all() -> None:
    assert set(catalogue.suite("all").experiments) == set(catalogue.names())


def test_every_line_of_the_requirement_has_an_experiment() -> None:
    """CHAOS-1, word for word; and what it is broken with."""
    wanted = {
        "sonnet-throttled", "sonnet-slow", "sonnet-partial-errors", "sonnet-midstream-errors", "sonnet-down",
        "haiku-down-too", "region-down", "sagemaker-cold", "sagemaker-failing", "sagemaker-saturated",
        "opensearch-red", "opensearch-slow", "opensearch-full", "dax-down", "valkey-down", "pricing-down",
        "catalogue-slow", "connection-drops", "task-kill", "az-loss",
    }  # fmt: skip
    found = [catalogue.load(name) for name in catalogue.names()]
    assert wanted <= {one.id for one in found}
    assert {stage.fault.target for one in found for stage in one.method} <= set(TARGETS)
    assert all("rehearsal" in one.limits.environments for one in found)
