"""What is made from a runbook for others: page, report, summary, Automation document, grants."""

import json
import re
from pathlib import Path

import pytest
import yaml

import runbooks
from contract.errors import WrongUseError
from contract.metrics import known, registry
from runbooks import automation, pages, permissions, report
from runbooks.engine import Journal, Record, Runbook, Watch, run
from runbooks.engine.watch import Measured
from tests.runbooks.estate_helpers import Estate
from tools import docs

HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Verification", "Undo", "Escalation"]


@pytest.mark.parametrize("name", runbooks.scripts())
class TestEvery:
    def test_page_has_the_same_headings(self, name: str) -> None:
        text = pages.page(runbooks.load(name), ())
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS

    def test_page_asks_what_it_asks_in_words(self, name: str) -> None:
        for check, asked in ((c, pages.question(c)) for c in runbooks.load(name).diagnose.values()):
            assert asked.endswith(("?", ")", ".")), check

    def test_call_is_one_that_iam_knows(self, name: str) -> None:
        book = runbooks.load(name)
        assert book.calls
        for call in book.calls:
            assert permissions.actions(call)
            assert permissions.resources(call)

    def test_change_is_allowed_on_named_things_only(self, name: str) -> None:
        """Reads may know no resource; what changes something names it. Support cases have no ARN."""
        book = runbooks.load(name)
        for call in book.calls - book.reads:
            looks = call.rpartition(".")[2].startswith(("describe_", "list_", "get_"))
            wild = "*" in permissions.resources(call)
            assert looks or not wild or call.startswith("support."), call

    def test_metric_is_one_that_somebody_publishes(self, name: str) -> None:
        for watch in _watches(runbooks.load(name)):
            if watch.namespace in {"Concierge", "Concierge/Canary"}:
                assert watch.namespace != "Concierge" or watch.metric in registry()
                continue
            described = known(watch.namespace)
            assert watch.metric in described, f"{watch.namespace} {watch.metric}"
            assert watch.over is None or watch.over in described


def _watches(book: Runbook) -> list[Watch]:
    measure = book.verify.measure
    found = [check for check in book.diagnose.values() if isinstance(check, Watch)]
    return [*found, measure.watch] if isinstance(measure, Measured) else found


def test_pages_and_grants_are_as_the_runbooks_are(root: Path) -> None:
    for name, text in docs.runbook_pages().items():
        assert (root / name).read_text(encoding="utf-8") == text, f"{name}: run `make docs`"


@pytest.fixture
def planned(estate: Estate, journal: Journal) -> Record:
    estate.throttled_share = 0.04
    estate.live(40)
    return run(runbooks.load("bedrock-throttled"), estate.world(), apply=False, why="", journal=journal)


def test_a_timeline_tells_when_what_happened(estate: Estate, journal: Journal) -> None:
    estate.throttled_share = 0.04
    estate.live(40)
    run(runbooks.load("bedrock-throttled"), estate.world(), apply=True, why="prime day", journal=journal)
    text = report.timeline(journal.of())
    assert text.startswith("# Bedrock throttles: run ")
    assert "Why: prime day" in text
    assert "| changed | amira | control haiku_threshold: 0.05 (settings) -> 0.03 until" in text
    assert re.search(
        r"- time to first finding: 0 s\n- time to mitigation: 0 s\n- time to verified: \d+ s", text
    )


def test_a_summary_can_be_pasted(planned: Record) -> None:
    lines = report.summary(planned).splitlines()
    assert lines[0] == "*Bedrock throttles* (bedrock-throttled, dev us-east-1): *planned*"
    assert any(line.startswith("• control haiku_threshold: 0.05 (settings) -> 0.03") for line in lines)


def test_controls_do_not_fit_automation(planned: Record) -> None:
    with pytest.raises(WrongUseError, match="does not fit SSM Automation: control haiku_threshold"):
        automation.document(planned)


def test_plain_calls_do(planned: Record) -> None:
    change = planned.changes[0].model_copy(
        update={
            "subject": "scale the endpoint: intent",
            "step": "scale the endpoint",
            "call": planned.changes[0].call.model_copy(
                update={
                    "service": "sagemaker",
                    "operation": "update_endpoint_weights_and_capacities",
                    "request": {"EndpointName": "e"},
                }
            ),
        }
    )
    made = yaml.safe_load(automation.document(planned.model_copy(update={"changes": (change,)})))
    assert made["schemaVersion"] == "0.3"
    assert [step["action"] for step in made["mainSteps"]] == ["aws:approve", "aws:executeAwsApi"]
    assert made["mainSteps"][1]["inputs"] == {
        "Service": "sagemaker",
        "Api": "UpdateEndpointWeightsAndCapacities",
        "EndpointName": "e",
    }


def test_the_grants_the_stack_reads_are_json() -> None:
    assert set(json.loads(permissions.FILE.read_text(encoding="utf-8"))) == set(runbooks.scripts())
