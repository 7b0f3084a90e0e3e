"""Rehearsals that are kept: what a run left, and the simulator against those it never saw."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

from contract.intents import Intent
from sizing import assumptions, compare, recording
from sizing.case import settings_of
from sizing.documents import SizingError
from sizing.measured import ENOUGH, Calls, Measured, Spoken, Times
from sizing.recording import Load, MachineBusyError
from tests.sizing.case_helpers import measured

LOAD = Load(name="small", role="held-out", length_s=10, faults=(), short=frozenset({0, 2}))


def _metric(**fields) -> dict[str, object]:
    return {"_aws": {}, **fields}


def _run(folder: Path, around_ms: float = 100.0) -> Path:
    """Two messages: one whose first call was throttled, and one of our own words."""
    first = {"rung": "haiku", "first_token_ms": 400, "end_to_end_ms": 1_500 + around_ms}
    second = {"rung": "template", "first_token_ms": 30, "end_to_end_ms": 30}
    samples = [
        {"request_id": "r-0", "at_s": 4.2, "intent": "cart", **first},
        {"request_id": "r-1", "at_s": 1.0, "intent": "general", **second},
        {"request_id": "r-2", "at_s": 2.5, "intent": "cart", "error": "late"},
    ]
    log = [
        _metric(request_id="r-0", Rung="sonnet", outcome="throttled", seconds=0.05, ModelThrottled=1),
        _metric(request_id="r-0", Rung="haiku", outcome="ok", seconds=1.4, ModelThrottled=0),
        _metric(request_id="r-0", stages={"generate": 1_500.0}, EndToEnd=1_500.0 + around_ms),
        _metric(request_id="r-1", stages={}, EndToEnd=30.0),
    ]
    (folder / "runtime").mkdir()
    (folder / "samples.jsonl").write_text("\n".join(map(json.dumps, samples)), encoding="utf-8")
    text = "\n".join(["no JSON", *map(json.dumps, log)])
    (folder / "runtime" / "runtime.out").write_text(text, encoding="utf-8")
    return folder


def test_a_run_is_counted_by_who_answered_and_what_calls_came_to(tmp_path: Path) -> None:
    found = recording.of_run(LOAD, _run(tmp_path))
    assert found.answered == {"cart": {"haiku": (1, 0)}, "general": {"template": (0, 1)}}
    assert (found.messages, found.failed) == (2, 1)
    assert found.asked == (
        (100, "general", False, "template"),
        (250, "cart", True, ""),
        (420, "cart", True, ""),
    )
    assert found.share(["haiku"]) == 0.5
    assert found.throttled("sonnet") == 1.0
    assert found.throttled("haiku") == 0.0
    assert recording.spread_out([found.ladder]) == pytest.approx([1_500], rel=0.01)
    assert recording.spread_out([found.around]) == pytest.approx([100], rel=0.01)


def test_of_a_message_of_one_call_its_times_and_rounds_are_kept_together(
    tmp_path: Path,
) -> None:
    folder = _run(tmp_path)
    with (folder / "samples.jsonl").open("a") as file:
        # They still read for half a second when it was due.
        spoken = {"rung": "sonnet", "first_token_ms": 1_200, "end_to_end_ms": 3_600, "busy_ms": 500}
        file.write("\n" + json.dumps({"request_id": "r-3", "at_s": 5.0, "intent": "cart", **spoken}))
    lines = [
        {"request_id": "r-3", "tool": "add_to_cart", "via": "agent"},
        _metric(request_id="r-3", Rung="sonnet", outcome="ok", seconds=3.0, ModelThrottled=0),
        _metric(request_id="r-3", stages={"generate": 3_000.0}, EndToEnd=3_100.0),
    ]
    with (folder / "runtime" / "runtime.out").open("a") as file:
        file.write("\n" + "\n".join(map(json.dumps, lines)))
    kept = recording.of_run(LOAD, folder)
    found = kept.good
    assert recording.spread_out([kept.whole["sonnet"]]) == pytest.approx([3_100], rel=0.01)
    # The message whose first call was throttled tells nothing of how a call begins.
    assert found == {"cart": {"sonnet": ((recording.bucket(600), recording.bucket(3_000), 2),)}}


def test_what_is_kept_is_read_back_the_same(tmp_path: Path) -> None:
    found = recording.of_run(LOAD, _run(tmp_path))
    recording.write(found, tmp_path / "small.json")
    assert recording.read(tmp_path / "small.json") == found


def test_a_machine_that_was_too_busy_says_so_instead_of_being_kept(tmp_path: Path) -> None:
    with pytest.raises(MachineBusyError, match="too busy"):
        recording.of_run(LOAD, _run(tmp_path, around_ms=4_000))


def test_a_folder_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SizingError, match=r"samples\.jsonl"):
        recording.of_run(LOAD, tmp_path)


def test_times_are_drawn_as_they_were_measured() -> None:
    times = Times(np.linspace(100, 1_100, 1_000))
    assert times.at(0.0) == pytest.approx(0.1)
    assert times.at(0.5) == pytest.approx(0.6, rel=0.01)
    assert times.at(1.0) == pytest.approx(1.1)


def test_a_call_is_drawn_from_its_own_intent_where_enough_were_measured() -> None:
    quick, slow = Spoken(0.3, 1.0, 1), Spoken(0.6, 5.0, 2)
    calls = Calls({"cart": [slow] * ENOUGH, "delivery": [quick] * (ENOUGH - 1)})
    random = Random(1)
    assert {calls.draw("cart", random) for _ in range(50)} == {slow}
    assert {calls.draw("delivery", random) for _ in range(50)} == {quick, slow}
    assert {calls.draw("refund", random) for _ in range(50)} == {quick, slow}
    assert calls.slower(2).draw("cart", random) == Spoken(1.2, 10.0, 2)
    with pytest.raises(SizingError, match="no good call"):
        Calls({})


def test_calibration_never_sees_what_is_held_out() -> None:
    fitted, held = recording.known("calibration"), recording.known("held-out")
    assert len(held) >= compare.ENOUGH
    assert not {one.name for one in fitted} & {one.name for one in held}
    alone = Measured.of(fitted)
    assert alone.answered == measured().answered


def test_light_answers_are_the_small_models_and_small_talk_is_our_own() -> None:
    answered = measured().answered
    assert answered[Intent.ORDER_STATUS].light > 0.8
    assert answered[Intent.COMPARISON].light == 0
    assert answered[Intent.ESCALATION].own > 0.5


def test_a_rehearsal_holds_wholly_when_none_of_its_figures_is_outside() -> None:
    rows = [
        compare.Row(name, "tier T0", 0.5, simulated, 0.48, 0.52, 0.4, 0.6)
        for name, simulated in (("good", 0.48), ("good", 0.52), ("half", 0.5), ("half", 0.53))
    ]
    assert [row.holds for row in rows] == [True, True, True, False]
    assert compare.whole(rows) == {"good"}


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_an_interval_of_chance_holds_what_it_is_of(share: float) -> None:
    times = np.random.default_rng(1).lognormal(size=500)
    low, high = compare.bootstrap(times, share)
    assert low <= np.quantile(times, share) <= high


@pytest.mark.prove
@pytest.mark.long
def test_the_simulator_holds_against_rehearsals_it_never_saw() -> None:
    """Percentiles within 10 %, shares within 2 points, P99 by chance; five rehearsals in every figure."""
    tree = settings_of("dev", {})
    runtime = tree.runtime_in(tree.regions.primary.name)
    rows = [
        row
        for one in recording.known("held-out")
        for row in compare.compare(one, measured(), runtime, assumptions.usual())
    ]
    assert len(compare.whole(rows)) >= compare.ENOUGH
