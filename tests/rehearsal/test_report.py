"""The report of any rehearsal is whole, safe to open, and says on the page what it says as JSON."""

import errno
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from contract.errors import DONE, FAILED, INCONCLUSIVE
from contract.tiers import Tier
from plan import Plan
from rehearsal import compare, dashboards, lessons, report, verdict
from rehearsal.compare import CompareError
from rehearsal.played import Options, Result
from rehearsal.report import ReportError
from rehearsal.story_clock import StoryClock
from rehearsal.timeline import Event, Timeline
from tests.rehearsal.evidence_helpers import (
    A_SECOND,
    BROKEN,
    KEY,
    LENGTH_S,
    OTHER,
    SCENE,
    STORY,
    WELL,
    ZERO,
    evidence,
    helped,
    red_and_green,
    traffic,
    with_samples,
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
    folder: Path,
    events: Sequence[tuple[float, str, str]] = (),
    pages: Sequence[dashboards.Page] = (),
    **changed: Any,
) -> Result:
    """A good rehearsal, but for what is changed of its evidence; events are (second, kind, text)."""
    clock = StoryClock(3.0)
    clock.begin(ZERO)
    timeline = Timeline(lambda _: None, clock)
    timeline.events += [Event(at=ZERO + second, kind=kind, text=text) for second, kind, text in events]
    seen = evidence(**changed)
    return Result(
        story=STORY,
        options=Options(),
        stack="dev",
        folder=folder,
        gates=verdict.gates(seen, STORY),
        evidence=seen,
        timeline=timeline,
        pages=pages,
    )


def written(result: Result, compared: dict[str, Any] | None = None) -> tuple[Page, dict[str, Any]]:
    page = report.write(result, compared)
    return Page(page.read_text("utf-8")), json.loads((result.folder / "report.json").read_text("utf-8"))


EVENTS = (
    (-8.0, "plan", "stack dev: 84 resources"),
    (6.0, "fault", "injected: throttle 4 %"),
    (26.2, "runbook", "changed: control haiku_threshold: 0.05 -> 0.03"),
)


# --- What it says -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "word", "code"),
    [
        ({}, "survived", DONE),
        ({"leftover_faults": 2}, "not survived", FAILED),
        ({"generator_doubts": ["late"]}, "inconclusive", INCONCLUSIVE),
    ],
)
def test_the_verdict_comes_first(tmp_path: Path, changed: Any, word: str, code: int):
    page, facts = written(day(tmp_path, **changed))

    assert page.text.startswith(f"Made up: {word}")
    assert page.text.index(f" {word} messages") < page.text.index("The verdict, gate by gate")
    assert (facts["verdict"], facts["exit_code"]) == (word, code)


def test_page_and_json_have_the_same_gates(tmp_path: Path):
    page, facts = written(day(tmp_path, leftover_faults=1, generator_doubts=["late"]))

    words = {True: "held", False: "FAILED", None: "not told"}
    told = [[words[gate["held"]], gate["gate"], gate["measured"]] for gate in facts["gates"]]
    assert page.rows[: len(told)] == told
    assert {row[0] for row in told} == set(words.values())


def test_what_an_alarm_did_and_its_runbook_changed_is_told(tmp_path: Path):
    page, facts = written(day(tmp_path, transitions=[*red_and_green(), *red_and_green(130, OTHER)]))

    assert [
        "expected",
        KEY,
        "80 s",
        "20 s after: Sonnet is gone",
        "150 s",
        "bedrock-throttled: applied+verified",
    ] in page.rows
    assert ["FALSE", "cost-spike", "130 s", "70 s after: Sonnet is gone", "150 s", ""] in page.rows
    (run,) = facts["runbooks"]
    assert (run["changes"], run["begun_s"], run["undone"]) == (
        ["control haiku_threshold: 0.05 -> 0.03"], BROKEN + 25, True,
    )  # fmt: skip
    silent, _ = written(day(tmp_path, transitions=[], runbooks=[]))
    assert ["did not fire", KEY, "-", "", "-", ""] in silent.rows


def test_events_have_the_second_at_which_they_happened_but_not_before_traffic(tmp_path: Path):
    page, _ = written(day(tmp_path, EVENTS))

    assert page.rows[-3:] == [
        ["", "plan", "stack dev: 84 resources"],
        ["6.0 s", "fault", "injected: throttle 4 %"],
        ["26.2 s", "runbook", "changed: control haiku_threshold: 0.05 -> 0.03"],
    ]


def test_faults_alarms_and_runbooks_are_on_one_axis_with_who_answered(tmp_path: Path):
    page, _ = written(day(tmp_path))

    for words in ("sonnet: throttle", KEY, f"{KEY} green", "bedrock-throttled"):
        assert page.said.count(words) >= 2, words
    assert {"Who answered", "T0 Sonnet", "T1 Haiku"} <= set(page.said)


def test_dashboards_are_drawn_with_what_was_measured(tmp_path: Path, prod: Plan):
    page, _ = written(day(tmp_path, pages=dashboards.pages(prod, "war-room")[:1]))

    assert any("war-room" in words for words in page.said)
    assert "with the metrics of a rehearsal" in page.said


def test_what_would_have_happened_without_failover_stands_beside_it(tmp_path: Path):
    bare = day(
        tmp_path,
        samples=with_samples(lambda second: BROKEN <= second < WELL, tier=None, error="gone", finals=0),
    )
    page, facts = written(day(tmp_path), report.as_json(bare))

    assert ["messages without an answer", "0.00%", "30.00%"] in page.rows
    assert facts["compared"]["verdict"] == "not survived"
    assert "--counterfactual" in written(day(tmp_path))[0].text


def test_a_canned_answer_is_quick_and_in_order_and_counted_beside(tmp_path: Path):
    bare = day(tmp_path, samples=with_samples(lambda second: BROKEN <= second < WELL, tier=Tier.T2))
    page, _ = written(day(tmp_path), report.as_json(bare))

    assert ["canned answers", "0.0%", "30.0%"] in page.rows


# --- What it teaches ----------------------------------------------------------------------------------------


def test_times_to_detect_mitigate_and_recover():
    (times,) = lessons.times(evidence(), STORY)

    assert (times.scene, times.detected, times.mitigated, times.recovered) == (SCENE.title, 20.0, 0.0, 0.0)


def test_what_the_next_scene_does_is_not_what_this_one_left_behind():
    next_scene = SCENE.model_copy(update={"title": "Again", "at_s": 140.0, "for_s": 40.0})
    story = STORY.model_copy(update={"scenes": (SCENE, next_scene)})
    slow = with_samples(lambda second: second >= 140, first_token_ms=9_000.0)
    first, second = lessons.times(evidence(samples=slow), story)

    assert (first.recovered, second.recovered) == (0.0, None)


@pytest.mark.parametrize(("at_s", "alone_s"), [(120.0, 0.0), (100.0, 0.0), (132.0, 12.0)])
def test_recovery_is_told_of_the_time_that_is_a_scenes_own(at_s: float, alone_s: float):
    """The next one begins at its end, before it, or between two looks."""
    story = STORY.model_copy(
        update={"scenes": (SCENE, SCENE.model_copy(update={"at_s": at_s, "for_s": 60.0}))}
    )
    slow = with_samples(lambda second: second >= max(at_s, WELL), first_token_ms=9_000.0)
    first = lessons.times(evidence(samples=slow), story)[0]

    assert (first.recovered, first.alone_s) == (0.0, alone_s)


def test_people_who_wait_are_not_served_well():
    slow = with_samples(lambda second: BROKEN <= second < BROKEN + 12, first_token_ms=9_000.0)
    never = with_samples(lambda second: second >= BROKEN, first_token_ms=9_000.0)

    assert lessons.times(evidence(samples=slow), STORY)[0].mitigated == 15.0
    assert lessons.times(evidence(samples=never), STORY)[0].mitigated is None
    assert lessons.times(evidence(samples=never), STORY)[0].recovered is None
    assert lessons.times(evidence(transitions=[]), STORY)[0].detected is None


def test_what_gives_out_first_comes_first():
    found = lessons.bounds(evidence())

    assert [one.what for one in found] == [
        "processor of the agent's task", "quota of sonnet", "concurrency of rung sonnet",
    ]  # fmt: skip
    assert [round(one.times) for one in found] == sorted(round(one.times) for one in found)
    # 20 s for 800 messages: at 70 % a task carries 28 a second, seven times the 4 there were.
    assert found[0].times == pytest.approx(7.0)


def test_promises_are_held_against_calm_and_against_all_of_the_day():
    slow = with_samples(lambda second: BROKEN <= second < WELL, first_token_ms=9_000.0)
    haiku = {one.name: one for one in lessons.promises(evidence(samples=slow), STORY)}[
        "first token p95, Haiku"
    ]

    assert (haiku.calm, haiku.all, haiku.kept) == (None, 9_000.0, None)
    sonnet = {one.name: one for one in lessons.promises(evidence(), STORY)}["first token p95, Sonnet"]
    assert (sonnet.calm, sonnet.kept) == (600.0, True)


# --- Two of them --------------------------------------------------------------------------------------------


def test_two_rehearsals_side_by_side(tmp_path: Path):
    good, bad = report.as_json(day(tmp_path)), report.as_json(day(tmp_path, runbooks=[], transitions=[]))
    found = compare.between(good, bad)

    assert found.exit_code == FAILED
    assert ("runbook bedrock-throttled helped and was undone", "held", "FAILED") in found.gates
    assert found.alarms == ((KEY, "red at 80 s", "-"),)
    assert compare.between(bad, good).exit_code == DONE
    assert compare.between(good, good).gates == ()


def test_one_that_shows_nothing_is_compared_with_nothing(tmp_path: Path):
    good = report.as_json(day(tmp_path))
    untold = report.as_json(day(tmp_path, generator_doubts=["late"]))
    other = {**good, "seed": 8}

    assert compare.between(good, untold).exit_code == INCONCLUSIVE
    assert compare.between(good, other).unlike == ("seed: 7 and 8",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read: No such file"),
        ("{", "is no JSON"),
        ("{}", "is no report of a rehearsal in format 2"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(tmp_path: Path, text: str | None, said: str):
    if text is not None:
        (tmp_path / "report.json").write_text(text)
    with pytest.raises(CompareError, match=said):
        compare.read(tmp_path)


# --- Whole and safe -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changed",
    [
        {"samples": (), "transitions": (), "stages": (), "runbooks": ()},
        {"samples": traffic()[:1]},
        {"runbooks": [helped(verdict="failed", note="it broke", changes=(), mitigated_at=None)]},
        {"alarm_names": {}, "final_states": {}, "transitions": ()},
    ],
    ids=["nothing", "one message", "a runbook that broke", "no alarm"],
)  # fmt: skip
def test_a_day_of_which_little_was_seen_has_a_whole_report(tmp_path: Path, changed: dict[str, Any]):
    page, facts = written(day(tmp_path, **changed))

    assert page.tags["table"] >= 6
    assert facts["load"]["count"] == len(changed.get("samples", traffic()))


def test_the_page_needs_nothing_but_itself(tmp_path: Path):
    page, _ = written(day(tmp_path, EVENTS))

    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0
    assert [value for name, value in page.attributes if name in {"href", "src"}] == []


def test_whatever_people_or_programs_wrote_is_text(tmp_path: Path):
    changed: dict[str, Any] = {
        "runbooks": [helped(note=HOSTILE, changes=(HOSTILE,))],
        "generator_doubts": [HOSTILE],
    }
    page, facts = written(day(tmp_path, [(1.0, HOSTILE, HOSTILE)], **changed))

    assert page.tags["script"] == page.tags["img"] == 0
    assert page.rows[-1] == ["1.0 s", HOSTILE, HOSTILE]
    assert facts["runbooks"][0]["note"] == HOSTILE


def test_a_folder_that_is_gone_is_said_in_one_line(tmp_path: Path):
    with pytest.raises(ReportError) as wrong:
        report.write(day(tmp_path / "gone"))

    assert str(wrong.value).startswith(f"the report cannot be written to {tmp_path / 'gone'}: No such file")
    assert "\n" not in str(wrong.value)
    assert wrong.value.exit_code == INCONCLUSIVE
    assert not (tmp_path / "gone").exists()


def files(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


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
    assert facts["load"]["count"] == LENGTH_S * A_SECOND
