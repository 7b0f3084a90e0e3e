"""Somebody always answers (RUN-2, RUN-5): one message on its way down the ladder, in virtual time."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.controls import Control, Controls
from contract.frames import Ask, ServerFrame
from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings, Rung, RuntimeSettings
from contract.tiers import Tier
from runtime.canned import canned
from runtime.conversation import GoneError
from runtime.measures import Measures
from runtime.parts import Parts
from runtime.port import Opened, Spent, Stop, Text
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.desk import EPOCH, Desk, wall
from runtime.testing.models import (
    Wait,
    cut_after,
    hangs,
    in_stream,
    refusal,
    says,
    throttled,
)

FOUR_RUNGS = (
    Rung(name="sonnet", tier=Tier.T0, model="sonnet"),
    Rung(name="haiku", tier=Tier.T1, model="haiku"),
    Rung(name="spare", tier=Tier.STANDBY, model="haiku"),
    Rung(name="canned", tier=Tier.T2),
)
LATER = EPOCH + timedelta(hours=1)
HAIKU = says("Hi ", "from Haiku", first_s=0.2)
SONNET = says("Hi ", "from ", "Sonnet", first_s=0.5)


async def one(desk: Desk) -> tuple[list[Any], float, Desk]:
    """One message: its frames, how long they took, and the desk to look around."""
    began = asyncio.get_running_loop().time()
    frames = await desk.ask()
    return frames, asyncio.get_running_loop().time() - began, desk


def test_a_healthy_answer_streams_chunk_by_chunk(at_desk, shown):
    frames, _, desk = at_desk(one, {"sonnet": SONNET})
    assert [frame.type for frame in frames] == ["start", "delta", "delta", "delta", "final"]
    assert shown(frames) == frames[-1].text == "Hi from Sonnet"
    assert (frames[-1].tier, frames[-1].rung, frames[-1].from_knowledge_base) == (Tier.T0, "sonnet", False)
    assert (frames[-1].usage.input_tokens, frames[-1].usage.output_tokens) == (100, 30)
    assert frames[-1].usage.usd == pytest.approx(100 * 3e-6 + 30 * 15e-6)
    assert [call.how for call in desk.models.calls] == ["whole"]


@pytest.mark.parametrize(
    "trouble",
    [
        throttled(),
        [Opened(), refusal("ServiceUnavailableException", 503)],
        [refusal("AccessDeniedException", 403)],
        [Opened(), in_stream("throttlingException")],
        [Opened()],
        [Opened(), Text(""), Wait(1), in_stream("")],
        [Opened(), Stop()],
    ],
    ids=["throttled", "unavailable", "denied", "in-stream", "clean-end", "no-code", "not-a-word"],
)
def test_before_the_first_text_a_step_is_invisible(at_desk, shown, trouble):
    """Opening a stream shows nothing yet, so it commits to nothing."""
    frames, _, _ = at_desk(one, {"sonnet": trouble, "haiku": HAIKU})
    assert [frame.type for frame in frames] == ["start", "delta", "delta", "final"]
    assert shown(frames) == "Hi from Haiku"
    assert frames[-1].tier is Tier.T1


@pytest.mark.parametrize(
    "trouble",
    [
        cut_after("Hi ", "fr"),
        cut_after("Hi ", "fr", by=in_stream("modelStreamErrorException")),
        cut_after("Hi ", "fr", by=ConnectionResetError()),
        [*cut_after("Hi ", "fr"), Wait(6.0), Text("too late"), Stop()],
    ],
    ids=["clean-end", "in-stream", "reset", "gap"],
)
def test_after_the_first_text_the_next_rung_starts_over(at_desk, shown, trouble):
    """One correction takes the half answer back, and its text is already the new answer's first."""
    frames, _, _ = at_desk(one, {"sonnet": trouble, "haiku": HAIKU})
    assert [f.type for f in frames] == ["start", "delta", "delta", "correction", "delta", "final"]
    assert frames[3].text == "Hi "
    assert shown(frames) == frames[-1].text == "Hi from Haiku"


def test_when_every_model_fails_the_answer_is_canned_and_says_so(at_desk, shown):
    frames, _, _ = at_desk(one, {"sonnet": cut_after("Well"), "haiku": throttled()})
    assert shown(frames) == frames[-1].text == canned().unavailable
    assert "human" in frames[-1].text
    assert (frames[-1].tier, frames[-1].from_knowledge_base) == (Tier.T2, True)


def test_a_rung_gets_its_own_time_to_the_first_text(at_desk, shown):
    """Ten seconds for Sonnet; then Haiku needs a fifth of one."""
    frames, took_s, desk = at_desk(one, {"sonnet": hangs(), "haiku": HAIKU})
    assert shown(frames) == "Hi from Haiku"
    assert took_s == pytest.approx(10.24)
    assert [call.how for call in desk.models.calls] == ["cancelled", "whole"]


def test_a_rung_gets_its_own_time_for_the_whole_answer(at_desk, shown):
    """Never silent for long, and never done: after 20 s Haiku takes over."""
    endless = [Opened(), *([Text("more "), Wait(1.0)] * 100)]
    frames, took_s, _ = at_desk(one, {"sonnet": endless, "haiku": HAIKU})
    assert shown(frames) == "Hi from Haiku"
    assert took_s == pytest.approx(20.24)


def test_nobody_waits_longer_than_the_requests_own_deadline(at_desk, shown):
    """Once it has passed no model is asked; a rung that got less than its own time is not blamed for it."""
    short = RuntimeSettings(request_s=12.0, ladder=FOUR_RUNGS)
    frames, took_s, desk = at_desk(one, dict.fromkeys(["sonnet", "haiku", "spare"], hangs()), short)
    assert shown(frames) == canned().unavailable
    assert took_s == 12.0
    assert [call.rung for call in desk.models.calls] == ["sonnet", "haiku"]
    assert desk.values("ModelFailed", Rung="sonnet") == [1]
    assert desk.values("ModelFailed", Rung="haiku") == [0]


def test_a_lost_bill_loses_no_answer(at_desk, shown):
    """After the stop the text is whole, whatever happens to the rest of the stream."""
    for rest in ([ConnectionResetError()], [Wait(60), Spent(1, 1)], []):
        frames, took_s, _ = at_desk(one, {"sonnet": [Opened(), Text("Hi"), Stop(), *rest]})
        assert shown(frames) == frames[-1].text == "Hi"
        assert frames[-1].tier is Tier.T0
        assert took_s <= 1.0


def test_an_invalid_message_is_refused_without_trying_further(at_desk, shown):
    frames, _, desk = at_desk(one, {"sonnet": [refusal("ValidationException", 400)], "haiku": HAIKU})
    assert [frame.type for frame in frames] == ["start", "error"]
    assert frames[-1].code == "bad_request"
    assert len(desk.models.calls) == 1
    assert desk.values("Failed") == [1]


@pytest.mark.parametrize("slipped", [[], [Text("Something bad")]], ids=["nothing shown", "text shown"])
def test_a_blocked_answer_is_withdrawn_and_no_other_model_is_asked(at_desk, shown, slipped):
    blocked = [Opened(), *slipped, Stop("guardrail_intervened")]
    frames, _, desk = at_desk(one, {"sonnet": blocked, "haiku": HAIKU})
    assert shown(frames) == frames[-1].text == canned().blocked
    assert len(desk.models.calls) == 1
    assert desk.values("ModelFailed", Rung="sonnet") == [0]


def test_what_a_guardrail_checked_beforehand_stays_as_it_is(at_desk, shown):
    """It let this through or put it there itself: a half of an answer, masked names, or its own refusal."""
    checked = [Opened(), Text("Your name "), Text("is {NAME}."), Stop("guardrail_intervened", checked=True)]
    frames, _, desk = at_desk(one, {"sonnet": checked, "haiku": HAIKU})
    assert [frame.type for frame in frames] == ["start", "delta", "delta", "final"]
    assert shown(frames) == frames[-1].text == "Your name is {NAME}."
    assert (frames[-1].rung, frames[-1].from_knowledge_base) == ("sonnet", False)
    assert desk.values("ModelFailed", Rung="sonnet") == [0]


def test_a_guardrail_that_lets_nothing_through_is_not_answered_with_silence(at_desk, shown):
    frames, _, _ = at_desk(one, {"sonnet": [Opened(), Stop("guardrail_intervened", checked=True)]})
    assert shown(frames) == frames[-1].text == canned().blocked


@pytest.mark.parametrize("checked", [True, False])
def test_a_blocked_answer_replaces_what_an_earlier_rung_had_shown(at_desk, shown, checked):
    blocked = [Opened(), Text("I may not."), Stop("guardrail_intervened", checked=checked)]
    frames, _, _ = at_desk(one, {"sonnet": cut_after("Well, "), "haiku": blocked})
    assert shown(frames) == frames[-1].text == ("I may not." if checked else canned().blocked)


@pytest.mark.parametrize("checked", [True, False])
def test_a_blocked_answer_was_paid_for_all_the_same(at_desk, checked):
    blocked = [Opened(), Text("No."), Stop("guardrail_intervened", checked=checked), Spent(100, 10)]
    frames, _, desk = at_desk(one, {"sonnet": blocked})
    assert frames[-1].usage.usd == pytest.approx(100 * 3e-6 + 10 * 15e-6)
    assert desk.values("CostUsd") == [pytest.approx(frames[-1].usage.usd)]


def test_a_banner_comes_right_after_the_start_of_every_answer_while_it_is_turned(at_desk, shown):
    def banner(text: str, for_s: float = 60.0) -> Controls:
        until = EPOCH + timedelta(seconds=for_s)
        return Controls(banner=Control(value=text, who="on-call", why="test", expires_at=until))

    async def scene(desk: Desk) -> Any:
        answers = []
        for controls in (banner("We are slow today."), banner(""), Controls()):
            desk.controls = controls
            answers.append(await desk.ask())
        return answers

    turned, empty, none = at_desk(scene, {"sonnet": SONNET})
    assert [frame.type for frame in turned] == ["start", "banner", "delta", "delta", "delta", "final"]
    assert turned[1].text == "We are slow today."
    assert shown(turned) == shown(empty) == shown(none) == "Hi from Sonnet"
    assert "banner" not in {frame.type for frame in [*empty, *none]}


def test_who_is_turned_away_sees_the_banner_too(at_desk, shown):
    until = EPOCH + timedelta(days=1)
    turned = {"who": "on-call", "why": "test", "expires_at": until}
    shut = Controls.model_validate(
        {"banner": {"value": "Back at nine.", **turned}, "forced_tier": {"value": Tier.T3, **turned}}
    )
    frames, _, _ = at_desk(one, {}, None, shut)
    assert [frame.type for frame in frames] == ["start", "banner", "error"]
    assert shown(frames) == ""


def test_a_client_that_goes_stops_generation_at_once(at_desk):
    async def scene(desk: Desk) -> Any:
        asking = asyncio.create_task(desk.ask())
        await asyncio.sleep(0.51)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return desk

    desk = at_desk(scene, {"sonnet": SONNET})
    (call,) = desk.models.calls
    assert (call.how, call.ended) == ("cancelled", 0.51)
    assert desk.values("ModelFailed") == desk.values("Messages") == desk.values("Failed") == []


def test_a_client_that_cannot_be_told_any_more_stops_generation_too(at_desk):
    """The model did nothing wrong: it is neither blamed nor replaced by another."""

    async def scene(desk: Desk) -> Any:
        async def nobody(_: ServerFrame) -> None:
            if desk.models.calls:
                raise GoneError

        with pytest.raises(GoneError):
            await desk.conversation.answer(Ask(request_id="r1", text="Which lamp?"), "s1", nobody)
        return desk, [call.how for call in desk.models.calls]

    desk, calls = at_desk(scene, {"sonnet": SONNET, "haiku": HAIKU})
    assert calls == ["cancelled"]
    assert desk.values("ModelFailed") == []
    assert [line["level"] for line in desk.lines] == ["info"]


def test_a_bug_of_ours_still_ends_the_request(at_desk, shown):
    """Here: controls that are no controls."""

    async def scene(desk: Desk) -> Any:
        desk.controls = None  # type: ignore[assignment]
        return await desk.ask(), desk

    frames, desk = at_desk(scene, {})
    assert [frame.type for frame in frames] == ["start", "error"]
    assert frames[-1].code == "internal"
    assert desk.values("Failed") == [1]


def test_an_open_breaker_spares_the_wait(at_desk, shown):
    """After three throttles nobody asks Sonnet; after the pause good probes bring it back."""

    async def scene(desk: Desk) -> Any:
        for number in range(3):
            await desk.ask(request_id=f"bad-{number}")
        open_calls = len(desk.models.on("sonnet"))
        await desk.ask(request_id="spared")
        spared_calls = len(desk.models.on("sonnet"))
        await asyncio.sleep(5.0)
        tiers = [await desk.tier(request_id=f"later-{number}") for number in range(60)]
        return open_calls, spared_calls, tiers, desk

    recovers = lambda call: throttled() if call < 3 else SONNET  # noqa: E731
    open_calls, spared_calls, tiers, desk = at_desk(scene, {"sonnet": recovers, "haiku": HAIKU})
    assert open_calls == spared_calls == 3
    assert tiers[0] is tiers[-1] is Tier.T0
    assert Tier.T1 in tiers
    assert desk.values("BreakerOpen", Rung="sonnet") == [1, 0]


def test_each_answer_says_whether_its_question_should_have_had_a_better_one(at_desk):
    lines: list[dict[str, Any]] = []

    async def scene(desk: Desk) -> None:
        await desk.ask("Which of these two lamps would you take on a long journey, and for what reason?")
        desk.controls = Controls(forced_tier=Control(value=Tier.T1, who="lea", why="drill", expires_at=LATER))
        await desk.ask()
        own.flush()

    own = Telemetry("test", wall, lambda line: lines.append(json.loads(line)))
    parts = Parts(measures=Measures(own))
    at_desk(scene, {"sonnet": throttled(), "haiku": HAIKU}, None, None, parts)
    stepped = {line["Meant"]: line["SteppedDown"] for line in lines if "Meant" in line}
    assert stepped == {"T0": [1], "T1": [0]}


def test_cancelled_probes_do_not_keep_a_rung_shut(at_desk):
    async def scene(desk: Desk) -> Any:
        for number in range(3):
            await desk.ask(request_id=f"bad-{number}")
        await asyncio.sleep(5.0)
        for _ in range(3):
            probe = asyncio.create_task(desk.ask())
            await asyncio.sleep(0.1)
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)
        return await desk.tier()

    recovers = lambda call: throttled() if call < 3 else SONNET  # noqa: E731
    assert at_desk(scene, {"sonnet": recovers, "haiku": HAIKU}) is Tier.T0


UNBROKEN = RuntimeSettings(ladder=FOUR_RUNGS, breaker=BreakerSettings(enabled=False))
ERRORS = st.sampled_from(
    [
        refusal("ThrottlingException", 429),
        refusal("InternalServerException", 500),
        refusal("AccessDeniedException", 403),
        refusal("ValidationException", 400),
        in_stream("modelStreamErrorException"),
        ConnectionResetError(),
        TimeoutError(),
        RuntimeError("unknown"),
    ]
)
STEPS = st.one_of(
    st.just(Opened()),
    st.builds(Text, st.text(max_size=5)),
    st.builds(Wait, st.sampled_from([0.0, 0.1, 4.9, 5.1, 30.0])),
    st.builds(Stop, st.sampled_from(["end_turn", "max_tokens", "guardrail_intervened"]), st.booleans()),
    st.builds(Spent, st.integers(0, 9), st.integers(0, 9)),
    ERRORS,
)
SCRIPTS = st.lists(STEPS, max_size=8)


@settings(max_examples=300, deadline=None)
@given(sonnet=SCRIPTS, haiku=SCRIPTS, spare=SCRIPTS)
@example(sonnet=[], haiku=[Text("0")], spare=[Text(":"), Stop("guardrail_intervened")])
def test_whatever_models_do_numbers_have_no_gap_and_there_is_one_ending(shown, sonnet, haiku, spare):
    """And what the client has in front of it is what the final frame says, within the request's deadline."""

    async def main() -> Any:
        return await one(Desk({"sonnet": sonnet, "haiku": haiku, "spare": spare}, UNBROKEN))

    frames, took_s, desk = loop.run(main())
    text = shown(frames)
    assert took_s <= UNBROKEN.request_s
    assert all(call.ended is not None for call in desk.models.calls)
    if frames[-1].type == "final":
        assert text == frames[-1].text != ""
        assert frames[-1].from_knowledge_base == (frames[-1].tier is Tier.T2)
    else:
        assert frames[-1].code == "bad_request"
    outcomes = {line["outcome"] for line in desk.lines if "outcome" in line}
    assert outcomes <= {outcome.value for outcome in Outcome}
    assert len(desk.values("Failed")) == 1
