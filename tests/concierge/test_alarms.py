"""`concierge alarms` and `concierge metrics` as people type them: output, exit codes, mistakes."""

import json
from pathlib import Path

import pytest

from concierge.__main__ import run
from contract.errors import DONE, FAILED, WRONG_USE
from runtime.telemetry import Telemetry
from tests.rehearsal.test_replay import START


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch, shared_plans: None) -> None:
    """Lines are not cut."""
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def rehearsed(tmp_path: Path) -> Path:
    """A folder as a rehearsal leaves it: half a minute of good calls, half a minute of throttled ones."""
    from datetime import UTC, datetime

    lines: list[str] = []
    now = [START]
    telemetry = Telemetry("dev", lambda: datetime.fromtimestamp(now[0], UTC), lines.append)
    for second in range(90):
        now[0] = START + second
        telemetry.metrics({"ModelThrottled": float(30 <= second < 60)}, {"Rung": "sonnet"})
    (tmp_path / "runtime.out").write_text("\n".join(lines))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = DONE) -> str:
    assert run([*arguments]) == code
    shown = capsys.readouterr()
    return shown.out if code in {DONE, FAILED} else shown.err


def test_the_list_says_how_many_and_for_how_much(capsys: pytest.CaptureFixture[str]):
    text = said(capsys, "alarms", "list", "dev")
    document = json.loads(said(capsys, "alarms", "list", "dev", "--json"))

    assert "operations:ServiceLevels" in text
    assert f"dev: {document['alarms']} alarms" in text
    assert f"${document['usd_a_month']:.2f} a month" in text
    assert document["alarms"] > 100
    assert 10 < document["usd_a_month"] < 20
    assert set(document["unjudged"]) == {"concierge-dev-cost-unusual"}


def test_coverage_shows_who_tells_and_fails_while_something_is_not_told(capsys: pytest.CaptureFixture[str]):
    document = json.loads(said(capsys, "alarms", "coverage", "dev", "--json", code=FAILED))
    modes = {mode["fails"]: mode for mode in document["modes"]}
    throttled = modes["Sonnet is throttled, four calls in a hundred"]

    assert throttled["caught"][0]["alarm"] == "concierge-dev-bedrock-throttled"
    assert throttled["caught"][0]["after_s"] == 19
    assert modes["the replica in the standby falls behind"]["in_stack"] is False
    # dev promises nobody anything, so that nothing burns slowly: it is said, for it is so.
    slow = "operations:ServiceLevels (us-east-1): one message in two hundred gets no answer, for a day"
    assert f"{slow}: no alarm tells of it" in document["findings"]
    assert "event-scale-down: no alarm of this stack leads to this runbook" in document["findings"]
    text = said(capsys, "alarms", "coverage", "dev", "--gaps", code=FAILED)
    assert "for a day" in text
    assert "bedrock-throttled" not in text


def test_a_replay_shows_what_would_have_fired(capsys: pytest.CaptureFixture[str], rehearsed: Path):
    text = said(capsys, "alarms", "replay", str(rehearsed))
    document = json.loads(said(capsys, "alarms", "replay", str(rehearsed), "--json"))

    assert "concierge-dev-bedrock-throttled" in text
    assert "somebody told of ALARM 1 time" in text
    changes = [(c["at"] - START, c["after"]) for c in document["transitions"] if "throttled" in c["alarm"]]
    assert changes == [(1, "OK"), (51, "ALARM"), (81, "OK")]


def test_tuning_shows_each_alarm_as_it_is_and_as_proposed(
    capsys: pytest.CaptureFixture[str], rehearsed: Path
):
    document = json.loads(said(capsys, "alarms", "tune", str(rehearsed), "--json"))
    (only,) = [each for each in document["alarms"] if each["alarm"].endswith("bedrock-throttled")]

    assert only["now"]["false_alarms"] == 1  # nobody said that anything was broken
    assert only["proposed"]["false_alarms"] == 0
    assert "concierge-dev-bedrock-throttled" in said(capsys, "alarms", "tune", str(rehearsed))


def test_metrics_are_listed_asked_and_exported(
    capsys: pytest.CaptureFixture[str], rehearsed: Path, tmp_path: Path
):
    assert "ModelThrottled" in said(capsys, "metrics", "list", str(rehearsed))
    asked = ["metrics", "query", str(rehearsed), "ModelThrottled", "--stat", "Sum", "--period", "30"]
    (answer,) = json.loads(said(capsys, *asked, "--json"))["answers"]
    assert sum(value or 0 for _, value in answer["points"]) == 30

    out = tmp_path / "told.prom"
    said(capsys, "metrics", "export", str(rehearsed), "--format", "prometheus", "--out", str(out))
    assert 'concierge_model_throttled_sum_total{environment="dev",rung="sonnet"} 30.0' in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["alarms", "list", "nope"], "stack 'nope': there is no such file"),
        (["alarms", "replay", "/nowhere"], "/nowhere: No such file or directory: name a rehearsal's folder"),
        (["alarms", "replay", "{folder}", "--region", "eu-west-1"], "dev has us-east-1"),
        (["alarms", "replay", "{folder}", "--speed", "9"], "Input should be less than or equal to 3"),
        (
            ["metrics", "query", "{folder}", "Throttled"],
            "there is no metric Throttled; nearest: ModelThrottled",
        ),
        (["metrics", "query", "{folder}", "ModelThrottled", "--where", "Rung"], "'Rung' is not NAME=VALUE"),
        (["metrics", "export", "{folder}", "--format", "csv", "--out", "x"], "'csv' is not one of"),
        (
            ["metrics", "export", "{folder}", "--format", "otlp", "--out", "/nowhere/x"],
            "/nowhere/x cannot be written: No such file or directory",
        ),
    ],
)
def test_mistakes_are_told_in_a_line(
    capsys: pytest.CaptureFixture[str], rehearsed: Path, arguments: list[str], why: str
):
    told = said(capsys, *(word.format(folder=rehearsed) for word in arguments), code=WRONG_USE)
    assert why in told
    assert told.count("\n") == 1
