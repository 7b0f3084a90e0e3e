"""What a person at a terminal reads, and what a program gets."""

import io
import json

from rich.console import Console

from runbooks import load
from runbooks.engine import Journal, Record, run, undo
from runbooks.render import as_json, render
from tests.runbooks.estate_helpers import Estate

RUNBOOK = load("bedrock-throttled")


def shown(record: Record) -> str:
    console = Console(width=110, file=io.StringIO(), record=True)
    console.print(render(record))
    return console.export_text()


def throttled(estate: Estate) -> Estate:
    estate.throttled_share = 0.04
    estate.live(40)
    return estate


def test_a_plan_reads_from_what_was_seen_to_the_exact_call(estate: Estate, journal: Journal) -> None:
    text = shown(run(RUNBOOK, throttled(estate).world(), apply=False, why="", journal=journal))
    order = [
        "Bedrock throttles (bedrock-throttled), dev us-east-1",
        "!  sonnet      Sonnet is throttled: 4.0% of 1500 calls",
        "-  haiku       Haiku is healthy",
        "act: Sonnet is throttled",
        "control haiku_threshold: 0.05 (settings) -> 0.03 until 10:30 UTC",
        "ssm put_parameter",
        "/concierge/dev/controls",
        "planned: nothing was changed",
        "9 reads, 0 changes made, 1 planned",
        "in Pulumi.dev.yaml: concierge:runtime routing.haiku_threshold: 0.03",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places, text
    assert places == sorted(places)


def test_a_check_that_saw_nothing_is_marked(estate: Estate, journal: Journal) -> None:
    text = shown(run(RUNBOOK, estate.world(), apply=False, why="", journal=journal))
    assert "?  sonnet" in text
    assert "inconclusive: 0 Sonnet calls in 30 s: too few to tell" in text


def test_a_better_runbook_is_pointed_to(estate: Estate, journal: Journal) -> None:
    estate.haiku_failed_share = 0.5
    text = shown(run(RUNBOOK, throttled(estate).world(), apply=False, why="", journal=journal))
    assert "see runbook haiku-degraded" in text


def test_what_was_put_back_is_not_advertised(estate: Estate, journal: Journal) -> None:
    run(RUNBOOK, throttled(estate).world(), apply=True, why="drill", journal=journal)
    text = shown(undo(RUNBOOK, estate.world(), why="over", journal=journal))
    assert "undone: as asked; everything is put back" in text
    assert "to keep it" not in text


def test_what_was_left_alone_is_not_shown_as_put_back(estate: Estate, journal: Journal) -> None:
    run(RUNBOOK, throttled(estate).world(), apply=True, why="drill", journal=journal)
    turned = json.loads(estate.controls)
    turned["haiku_threshold"] |= {"value": 0.01, "who": "lea"}
    estate.write_controls(json.dumps(turned))
    text = shown(undo(RUNBOOK, estate.world(), why="over", journal=journal))
    assert "left-alone: as asked; control haiku_threshold is left alone: since then lea" in text
    assert "put back" not in text
    assert "to keep it" not in text


def test_a_program_gets_everything(estate: Estate, journal: Journal) -> None:
    record = run(RUNBOOK, throttled(estate).world(), apply=False, why="", journal=journal)
    document = json.loads(json.dumps(as_json(record)))
    assert (document["verdict"], document["exit_code"]) == ("planned", 0)
    assert document["findings"]["sonnet"]["evidence"]["share"] == 0.04
    assert document["changes"][0]["call"]["operation"] == "put_parameter"
