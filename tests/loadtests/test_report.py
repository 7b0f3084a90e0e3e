"""The report of a run: a page that needs nothing else, the same facts for programs, tables for a
spreadsheet."""

import csv
import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pytest

from contract.errors import FAILED
from loadtests import arrivals, report, run, scenario
from loadtests.documents import DocumentError
from loadtests.report import page
from loadtests.run import Health, Note, Run
from loadtests.tally import Tally
from loadtests.web_page import PATH
from tests.loadtests.sample_helpers import FAILED as NO_ANSWER
from tests.loadtests.sample_helpers import sample

DAY = scenario.load("prime-day")


@pytest.fixture(scope="module")
def day() -> Run:
    """A day on which some messages had no answer, with a fault and an alarm beside it."""
    tally = Tally(DAY.good, DAY.bin_s)
    for arrival in arrivals.schedule(DAY, DAY.people, 1):
        fields = {"stage": arrival.stage, "persona": arrival.person.persona, "intent": str(arrival.intent)}
        bad = NO_ANSWER | {"error": "<b>lost</b>"} if arrival.number % 40 == 0 else {}
        tally.add(sample(arrival.number, at_s=arrival.at_s, usd=0.002, **(fields | bad)))
    tally.lag.add(3.0)
    notes = (Note(kind="fault", text="throttle sonnet 100%", at_s=40, until_s=60), Note(text="<i>", at_s=5))
    return Run(
        DAY, 1, arrivals.planned(DAY, 1), tally, "http://127.0.0.1:8080", 1.0, Health(), notes, ("caches",)
    )


class Page(HTMLParser):
    """What a page loads, and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in {"meta", "path", "rect"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"path", "rect"}:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_needs_nothing_else_and_is_whole(day: Run):
    text = page.html(day)
    found = Page(text)
    assert found.loads == []
    assert found.open == []
    assert not re.search(r"@import|url\(|<script", text)


def test_the_page_says_what_happened(day: Run):
    said = " ".join(Page(page.html(day)).texts)
    for words in (
        "prime-day",
        "failed",
        "switched off: caches",
        "Messages a second: due, and answered",
        "First token, from the moment a message was due",
        "Who answered",
        "throttle sonnet 100%",
        "<b>lost</b>",  # as text, not as markup
        "r-999",
        "flash sale",
    ):
        assert words in said, words
    assert "<b>lost" not in page.html(day)


def test_a_run_under_way_has_no_verdict_yet_and_loads_itself_again(day: Run):
    text = page.html(day, refresh_s=5)
    assert "under way" in text
    assert '<meta http-equiv="refresh" content="5">' in text
    assert PATH.startswith("/")


def test_an_invalid_run_says_why_first(day: Run):
    lost = Run(**{name: getattr(day, name) for name in Run.__slots__} | {"health": Health(lost=("box_1",))})
    said = " ".join(Page(page.html(lost)).texts)
    assert "invalid" in said
    assert "worker box_1 was lost" in said


def test_all_files_tell_the_same(day: Run, tmp_path: Path):
    shown = report.write(day, tmp_path / "new")
    assert sorted(path.name for path in shown.parent.iterdir()) == [
        "groups.csv",
        "intervals.csv",
        "report.html",
        "report.json",
        "run.json",
    ]
    facts = json.loads((shown.parent / "report.json").read_text())
    assert (facts["exit_code"], facts["verdict"]) == (FAILED, "failed")
    rows = list(csv.DictReader(StringIO((shown.parent / "intervals.csv").read_text())))
    assert sum(int(row["messages"]) for row in rows) == facts["all"]["messages"] == day.planned
    assert sum(float(row["due"]) for row in rows) == pytest.approx(DAY.messages, rel=0.01)
    groups = list(csv.DictReader(StringIO((shown.parent / "groups.csv").read_text())))
    of_stages = [row for row in groups if row["dimension"] == "stage"]
    assert sum(int(row["messages"]) for row in of_stages) == day.planned
    assert {row["value"] for row in of_stages} == {stage.name for stage in DAY.stages}


def test_a_run_that_was_kept_is_the_run(day: Run, tmp_path: Path):
    report.write(day, tmp_path)
    again = run.read(tmp_path)
    assert page.html(again) == page.html(day)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is no JSON"),
        ("{}", "is no run of a load test"),
        ('{"format": 1}', "does not hold what a run holds"),
    ],
)
def test_what_is_no_run_is_told(tmp_path: Path, text: str, told: str):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(DocumentError, match=told):
        run.read(tmp_path)


def test_only_what_passed_can_be_a_baseline(day: Run, tmp_path: Path):
    with pytest.raises(DocumentError, match="only a run that passed can be a baseline"):
        run.keep_as_baseline(day, FAILED, tmp_path / "base.json")
    assert not (tmp_path / "base.json").exists()
    run.keep_as_baseline(day, 0, tmp_path / "base.json")
    assert run.read(tmp_path / "base.json").planned == day.planned


def test_a_folder_that_cannot_be_written_is_told(day: Run, tmp_path: Path):
    (tmp_path / "occupied").write_text("")
    with pytest.raises(DocumentError, match="cannot be written"):
        report.write(day, tmp_path / "occupied")


def test_notes_are_counted_from_the_first_message(tmp_path: Path):
    told = run.Told(kind="fault", text="slow", at=1_010.0, until=1_020.0)
    (tmp_path / run.NOTES).write_text(f"{told.model_dump_json()}\nnonsense\n")
    assert run.notes(tmp_path, began_at=1_000.0) == (
        Note(kind="fault", text="slow", at_s=10.0, until_s=20.0),
    )
