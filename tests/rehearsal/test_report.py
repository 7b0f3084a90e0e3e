"""The report of any game day is whole, safe to open, and says on the page what it says as JSON."""

import errno
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from chaos import catalogue as experiments
from contract.errors import INCONCLUSIVE
from contract.tiers import Tier
from rehearsal import report, verdict
from rehearsal.game_day import Options, Result
from rehearsal.report import ReportError
from rehearsal.timeline import Event, Timeline
from tests.rehearsal.evidence_helpers import (
    EXPERIMENT,
    LENGTH_S,
    LITTLE,
    OTHER,
    STORY,
    ZERO,
    change,
    evidence,
    red_and_green,
    sample,
    traffic,
)

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(2)> $title ${title} & "quoted"'
VOID = {"meta"}


class Page(HTMLParser):
    """Reads a page, and insists that every element is closed where it was opened."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.said: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said.append(data)
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join("".join(self.said).split())


def day(
    folder: Path, events: tuple[tuple[float, str, str], ...] = (), zero: float | None = ZERO, **changed: Any
) -> Result:
    """A good game day, but for what is changed of its evidence; events are (second, kind, text)."""
    timeline = Timeline(lambda _: None)
    timeline.events += [Event(at=ZERO + second, kind=kind, text=text) for second, kind, text in events]
    if zero is not None:
        timeline.begin(zero)
    seen = evidence(**changed)
    return Result(
        story=STORY,
        experiment=EXPERIMENT,
        options=Options(stack="dev", seed=7),
        folder=folder,
        gates=verdict.gates(seen, STORY.gates, EXPERIMENT),
        evidence=seen,
        timeline=timeline,
    )


def written(result: Result) -> tuple[Page, dict[str, Any]]:
    page = report.write(result)
    return Page(page.read_text("utf-8")), json.loads((result.folder / "report.json").read_text("utf-8"))


EVENTS = (
    (-8.0, "plan", "stack dev: 84 resources"),
    (6.0, "fault", "injected: throttle 4 %"),
    (26.2, "runbook", "changed: control haiku_threshold: 0.05 -> 0.03"),
    (89.5, "runbook", "undone: control haiku_threshold: put back"),
)


# --- What it says -------------------------------------------------------------------------------------------


def test_the_page_is_in_the_folder_of_the_run(tmp_path: Path):
    result = day(tmp_path)

    assert report.write(result) == report.page(result) == tmp_path / "report.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]


@pytest.mark.parametrize(
    ("changed", "word", "code"),
    [
        ({}, "survived", 0),
        ({"leftover_faults": 2}, "not survived", 1),
        ({"generator_said": 3}, "inconclusive", 3),
    ],
)
def test_the_verdict_is_the_first_thing_on_the_page(tmp_path: Path, changed: Any, word: str, code: int):
    result = day(tmp_path, **changed)
    page, facts = written(result)

    assert report.headline(result) == f"Prime Day with Sonnet throttled: {word}"
    assert page.text.count(report.headline(result)) == 2  # the window's title and the heading
    assert f"Verdict: {word} " in page.text
    assert (facts["verdict"], facts["exit_code"]) == (word, code)


def test_page_and_json_have_the_same_gates(tmp_path: Path):
    page, facts = written(day(tmp_path, leftover_faults=1, generator_said=3))

    words = {True: "held", False: "FAILED", None: "not told"}
    told = [[words[gate["held"]], gate["gate"], gate["measured"]] for gate in facts["gates"]]
    assert page.rows[: len(told)] == told
    assert {row[0] for row in told} == set(words.values())


def test_the_json_says_what_was_played_and_how_it_went(tmp_path: Path):
    _, facts = written(day(tmp_path, EVENTS))

    assert {key: facts[key] for key in ("story", "experiment", "stack", "seed", "changes")} == {
        "story": "prime-day",
        "experiment": "sonnet-throttled",
        "stack": "dev",
        "seed": 7,
        "changes": {},
    }
    assert facts["load"]["count"] == len(traffic())
    assert [event["text"] for event in facts["events"]] == [text for _, _, text in EVENTS]


def test_times_of_each_tier_and_of_all_are_a_table(tmp_path: Path):
    page, facts = written(day(tmp_path))

    rows = {row[0]: row[1:] for row in page.rows if row[0] in {"T0", "T1", "all"}}
    assert [rows[tier][0] for tier in ("T0", "T1", "all")] == ["680", "200", "880"]
    assert rows["T1"][1] == f"{facts['load']['tiers']['T1']['first_token_ms']['p50']:.0f}" == "250"


def test_events_have_the_second_at_which_they_happened_but_not_before_traffic(tmp_path: Path):
    page, _ = written(day(tmp_path, EVENTS))

    assert page.rows[-4:] == [
        ["", "plan", "stack dev: 84 resources"],
        ["6.0 s", "fault", "injected: throttle 4 %"],
        ["26.2 s", "runbook", "changed: control haiku_threshold: 0.05 -> 0.03"],
        ["89.5 s", "runbook", "undone: control haiku_threshold: put back"],
    ]


def test_the_plots_are_marked_with_faults_alarms_and_runbooks(tmp_path: Path):
    page, _ = written(day(tmp_path, EVENTS))

    for words in (
        "throttle sonnet 4%",
        "throttle sonnet 100%",
        "alarm red",
        "alarm green",
        "runbook applied",
        "runbook undone",
    ):
        assert page.said.count(words) == 4, words  # in both plots, shown and when pointed at


def test_each_bar_carries_the_fault_that_was_there(tmp_path: Path):
    """Also when an earlier stage of the experiment never was."""
    page, _ = written(day(tmp_path, stages=evidence().stages[1:]))

    assert page.said.count("throttle sonnet 100%") == 4
    assert "throttle sonnet 4%" not in page.said


def test_an_alarm_that_lost_its_data_is_not_called_green(tmp_path: Path):
    """It went red, and then nothing more was heard of it."""
    page, _ = written(
        day(tmp_path, transitions=[*red_and_green(), change(80, "INSUFFICIENT_DATA", "ALARM", OTHER)])
    )

    assert page.said.count("alarm without data") == 4
    assert page.said.count("alarm green") == 4


def test_who_got_no_answer_has_a_colour_that_no_tier_has(tmp_path: Path):
    """Whatever tiers there were: a tier keeps its colour from report to report."""

    def colours(samples: list[Any]) -> dict[str, str]:
        text = report.write(day(tmp_path, samples=samples)).read_text("utf-8")
        areas = re.findall(r'<polygon points="[^"]*" fill="([^"]*)"><title>([^<]*)</title>', text)
        return {name: colour for colour, name in areas}

    some = colours([sample(1), sample(2, tier=Tier.T2), sample(3, tier=None, error="lost", finals=0)])
    every = colours(
        [*(sample(number, tier=tier) for number, tier in enumerate(Tier)), sample(9, tier=None, error="x")]
    )

    assert list(some) == ["T0", "T2", "no answer"]
    assert list(every) == [*map(str, Tier), "no answer"]
    assert len(set(every.values())) == 6
    assert some.items() <= every.items()


# --- Any day ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"samples": []},
        {"stages": [], "faults_in_place": "the experiment did not run"},
        {"samples": [], "stages": [], "transitions": [], "runbooks": [], "final_states": {}},
        {"samples": [sample(3)]},
        {"samples": [sample(n, tier=None, error="lost", finals=0, first_token_ms=None) for n in range(9)]},
        {"zero": None},
        {"zero": None, "events": (), "samples": []},
        {"stages": evidence().stages[:1]},
    ],
    ids=", ".join,
)
def test_a_day_of_which_little_was_seen_has_a_whole_report(tmp_path: Path, changed: dict[str, Any]):
    page, facts = written(day(tmp_path, **{"events": EVENTS, **changed}))

    assert page.tags["svg"] == 2
    assert facts["exit_code"] in {0, 1, 3}


def test_a_long_day_has_no_more_bins_than_can_be_told_apart(tmp_path: Path):
    """An hour of traffic: every bin is long enough to be seen, and none is missing."""
    text = report.write(day(tmp_path, samples=[sample(second) for second in range(3_600)])).read_text("utf-8")

    (area, *_) = re.findall(r'<polygon points="([^"]*)"', text)
    steps = len(area.split()) / 4  # above and below, begin and end of each
    assert 60 <= steps <= 121


def test_the_page_needs_nothing_but_itself(tmp_path: Path):
    """It is opened from a build folder, an e-mail or a ticket, where nothing else can be fetched."""
    page, _ = written(day(tmp_path, EVENTS))

    assert not {"script", "link", "img", "iframe", "object"} & page.tags.keys()
    assert not {"src", "href", "onclick", "onload"} & {name for name, _ in page.attributes}
    assert not re.findall(r"@import|url\(", page.text)


def test_whatever_people_or_programs_wrote_is_text(tmp_path: Path):
    """Errors, events, names of alarms and settings come from outside: none of it is markup or a template."""
    error = sample(30, error=HOSTILE, tier=None, finals=0)
    result = day(
        tmp_path,
        ((7.0, "runbook", f"changed: {HOSTILE}"), (8.0, HOSTILE, HOSTILE)),
        samples=[*traffic(), error],
        faults_in_place=HOSTILE,
        final_states={HOSTILE: "ALARM"},
        transitions=[change(LITTLE + 20, "ALARM", "OK", HOSTILE)],
    )
    page, facts = written(result)

    assert not {"script", "img"} & page.tags.keys()
    assert page.text.count(HOSTILE) >= 5
    assert facts["load"]["errors"] == {HOSTILE: 1}


def test_changed_settings_are_named(tmp_path: Path):
    good = day(tmp_path)
    result = Result(**{**vars(good), "options": Options(changes={"runtime.breaker.enabled": "false"})})
    page, facts = written(result)

    assert "changed: runtime.breaker.enabled=false" in page.text
    assert facts["changes"] == {"runtime.breaker.enabled": "false"}


def test_every_experiment_of_the_catalogue_can_be_drawn(tmp_path: Path):
    for name in experiments.names():
        result = Result(**{**vars(day(tmp_path)), "experiment": experiments.load(name)})
        page, _ = written(result)
        assert page.tags["svg"] == 2


# --- When it cannot be written ------------------------------------------------------------------------------


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


def test_a_folder_that_is_gone_is_said_in_one_line(tmp_path: Path):
    with pytest.raises(ReportError) as wrong:
        report.write(day(tmp_path / "gone"))

    assert str(wrong.value).startswith(f"the report cannot be written to {tmp_path / 'gone'}: No such file")
    assert "\n" not in str(wrong.value)
    assert wrong.value.exit_code == INCONCLUSIVE
    assert not (tmp_path / "gone").exists()


@contextmanager
def full_disk(at: str) -> Iterator[None]:
    """No more room in the middle of this file."""
    whole = Path.write_text

    def half(path: Path, text: str, *args: Any, **kwargs: Any) -> int:
        if at in path.name:
            whole(path, text[: len(text) // 2], *args, **kwargs)
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(path, text, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_text", half)
        yield


@pytest.mark.parametrize("at", ["report.json", "report.html"])
def test_on_a_full_disk_nothing_is_half_written(tmp_path: Path, at: str):
    with full_disk(at), pytest.raises(ReportError, match=r": No space left on device: mend that"):
        report.write(day(tmp_path))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", ["report.json", "report.html"])
def test_on_a_full_disk_what_was_there_stays(tmp_path: Path, at: str):
    report.write(day(tmp_path))
    before = files(tmp_path)

    with full_disk(at), pytest.raises(ReportError):
        report.write(day(tmp_path, leftover_faults=1))

    assert files(tmp_path) == before


def test_a_report_replaces_the_one_before(tmp_path: Path):
    report.write(day(tmp_path, leftover_faults=1))
    _, facts = written(day(tmp_path))

    assert facts["verdict"] == "survived"
    assert facts["load"]["count"] == LENGTH_S * 10
