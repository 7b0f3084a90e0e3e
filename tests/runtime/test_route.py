"""Which rung a message starts on (RUN-4, RUN-5)."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from contract.controls import Control, Controls
from contract.runtime_settings import BreakerSettings, RoutingSettings, Rung, RuntimeSettings
from contract.tiers import Tier
from runtime.canned import canned
from runtime.testing.desk import EPOCH, Desk
from runtime.testing.models import Behaviour, Script, says, throttled

SIMPLE = "Where is my order?"
COMPLEX = "Which of these two tents is better for four people in heavy rain?"
MODELS = {"sonnet": says("Sonnet"), "haiku": says("Haiku")}
LATER = EPOCH + timedelta(days=1)


def turned(value: Any) -> Control[Any]:
    return Control(value=value, who="on-call", why="test", expires_at=LATER)


def share_throttled(percent: int) -> Behaviour:
    """Of every hundred calls to Sonnet so many are throttled, evenly spread."""
    return lambda call: (
        throttled() if call * percent // 100 != (call + 1) * percent // 100 else says("Sonnet")
    )


async def simple_and_complex(desk: Desk) -> tuple[Tier | None, Tier | None]:
    return await desk.tier(SIMPLE), await desk.tier(COMPLEX)


async def after_a_hundred_calls(desk: Desk) -> tuple[Tier | None, Tier | None]:
    """Long ones, one after another but quick enough for the window; then where both kinds start."""
    for number in range(100):
        await desk.ask(COMPLEX, f"warm-{number}")
    return await simple_and_complex(desk)


FAST = RuntimeSettings(routing=RoutingSettings(threshold_window_s=120.0))


def test_all_is_well_and_everything_starts_at_the_top(at_desk):
    assert at_desk(simple_and_complex, MODELS) == (Tier.T0, Tier.T0)


@pytest.mark.parametrize(
    ("percent", "controls", "simple"),
    [
        (4, Controls(), Tier.T0),
        (5, Controls(), Tier.T1),
        (4, Controls(haiku_threshold=turned(0.03)), Tier.T1),
        (2, Controls(haiku_threshold=turned(0.03)), Tier.T0),
        (5, Controls(haiku_threshold=turned(0.10)), Tier.T0),
    ],
)
def test_simple_messages_move_to_haiku_at_the_threshold(at_desk, percent, controls, simple):
    """5 % of T0's calls by itself; on-call may lower it to 3 %, or raise it."""
    scripts = {**MODELS, "sonnet": share_throttled(percent)}
    assert at_desk(after_a_hundred_calls, scripts, FAST, controls) == (simple, Tier.T0)


UNBROKEN = FAST.model_copy(update={"breaker": BreakerSettings(enabled=False)})


@pytest.mark.parametrize(("calls", "tier"), [(49, Tier.T0), (50, Tier.T1)])
def test_a_few_calls_are_no_rate(at_desk, calls, tier):
    """Every second one fails, but only from 50 on it counts."""

    async def scene(desk: Desk) -> Any:
        for number in range(calls):
            await desk.ask(COMPLEX, f"warm-{number}")
        return await desk.tier(SIMPLE)

    def every_second_fails(call: int) -> Script:
        return throttled() if call < calls and call % 2 else says("Sonnet")

    assert at_desk(scene, {**MODELS, "sonnet": every_second_fails}, UNBROKEN) is tier


@pytest.mark.parametrize(("words", "tier"), [(1, Tier.T1), (8, Tier.T1), (9, Tier.T0)])
def test_short_messages_are_the_simple_ones(at_desk, words, tier):
    async def scene(desk: Desk) -> Any:
        await after_a_hundred_calls(desk)
        return await desk.tier(" ".join(["word"] * words))

    assert at_desk(scene, {**MODELS, "sonnet": share_throttled(10)}, FAST) is tier


def test_old_errors_are_forgotten(at_desk):
    async def scene(desk: Desk) -> Any:
        poor = await after_a_hundred_calls(desk)
        await asyncio.sleep(120.0)
        return poor[0], await desk.tier(SIMPLE)

    scripts = {**MODELS, "sonnet": share_throttled(10)}
    assert at_desk(scene, scripts, FAST) == (Tier.T1, Tier.T0)


@pytest.mark.parametrize("tier", [Tier.T0, Tier.T1, Tier.T2])
def test_a_forced_tier_goes_before_everything(at_desk, tier):
    controls = Controls(forced_tier=turned(tier), haiku_threshold=turned(0.01))
    scripts = {**MODELS, "sonnet": share_throttled(0)}
    assert at_desk(after_a_hundred_calls, scripts, FAST, controls) == (tier, tier)


def test_a_forced_tier_that_has_no_rung_means_the_next_one_down(at_desk):
    assert at_desk(simple_and_complex, MODELS, None, Controls(forced_tier=turned(Tier.STANDBY))) == (
        Tier.T2,
        Tier.T2,
    )


def test_forced_shut_it_says_so_and_when_to_come_back(at_desk, shown):
    async def scene(desk: Desk) -> Any:
        return await desk.ask(), desk

    frames, desk = at_desk(scene, MODELS, None, Controls(forced_tier=turned(Tier.T3)))
    assert [frame.type for frame in frames] == ["start", "error"]
    assert (frames[-1].code, frames[-1].message) == ("closed", canned().closed)
    assert frames[-1].retry_after_s > 0
    assert desk.models.calls == []


# --- What money depends on (RUN-4) --------------------------------------------------------------------------

PREMIUM = RuntimeSettings(ladder=RuntimeSettings().rungs, premium=None)
WITH_OPUS = {"premium": says("Opus"), **MODELS}
PAYMENT = "My credit card was declined"


async def rungs(desk: Desk, *texts: str) -> list[str]:
    for number, text in enumerate(texts):
        await desk.ask(text, f"r{number}")
    return [call.rung for call in desk.models.calls]


def test_what_money_depends_on_begins_with_the_best_model_and_nothing_else_does(at_desk):
    assert at_desk(lambda desk: rungs(desk, PAYMENT, SIMPLE, COMPLEX), WITH_OPUS, PREMIUM) == [
        "premium",
        "sonnet",
        "sonnet",
    ]


def test_what_the_best_model_takes_longer_for_does_not_make_the_others_look_slow(at_desk):
    async def scene(desk: Desk) -> Any:
        await rungs(desk, PAYMENT, SIMPLE)
        return desk

    desk = at_desk(scene, WITH_OPUS, PREMIUM)
    assert len(desk.values("EndToEnd", Tier="premium")) == 1
    assert len(desk.values("EndToEnd", Tier="T0")) == 1


def test_without_the_best_model_it_is_answered_as_all_else(at_desk):
    refuses = {**WITH_OPUS, "premium": throttled()}

    assert at_desk(lambda desk: rungs(desk, PAYMENT), refuses, PREMIUM) == ["premium", "sonnet"]
    assert at_desk(lambda desk: rungs(desk, PAYMENT), MODELS) == ["sonnet"]


def test_an_operators_tier_holds_for_it_too(at_desk):
    forced = Controls(forced_tier=turned(Tier.T1))

    assert at_desk(lambda desk: rungs(desk, PAYMENT), WITH_OPUS, PREMIUM, forced) == ["haiku"]


# --- Where the models are (control `region`) ----------------------------------------------------------------

ABROAD = RuntimeSettings(
    ladder=(
        Rung(name="sonnet", tier=Tier.T0, model="sonnet"),
        Rung(name="haiku", tier=Tier.T1, model="haiku"),
        Rung(name="far-sonnet", tier=Tier.STANDBY, model="sonnet", region="us-west-2"),
        Rung(name="far-haiku", tier=Tier.STANDBY, model="haiku", region="us-west-2"),
        Rung(name="canned", tier=Tier.T2),
        Rung(name="closed", tier=Tier.T3),
    )
)
EVERYWHERE = {**MODELS, "far-sonnet": says("far Sonnet"), "far-haiku": says("far Haiku")}


@pytest.mark.parametrize(
    ("named", "first"),
    [(None, "sonnet"), ("us-west-2", "far-sonnet"), ("us-east-1", "sonnet"), ("eu-west-1", "sonnet")],
)
def test_models_of_the_region_that_an_operator_names_answer_first(at_desk, named, first):
    controls = Controls() if named is None else Controls(region=turned(named))
    assert at_desk(lambda desk: rungs(desk, COMPLEX), EVERYWHERE, ABROAD, controls) == [first]


def test_when_none_there_answers_the_others_do_and_no_canned_answer_comes_before_a_models(at_desk):
    silent = {**EVERYWHERE, "far-sonnet": throttled(), "far-haiku": throttled()}
    tried = at_desk(lambda desk: rungs(desk, COMPLEX), silent, ABROAD, Controls(region=turned("us-west-2")))
    assert tried == ["far-sonnet", "far-haiku", "sonnet"]


def test_how_hard_a_message_is_still_says_which_model(at_desk):
    """A light one goes to Haiku there, not to Sonnet; so does everything when an operator forces Haiku."""
    light, complex_ = "Is it waterproof?", COMPLEX
    there = Controls(region=turned("us-west-2"), forced_tier=turned(Tier.T1))
    silent = {**EVERYWHERE, "far-haiku": throttled()}

    assert at_desk(lambda desk: rungs(desk, light, complex_), EVERYWHERE, ABROAD, there) == ["far-haiku"] * 2
    assert at_desk(lambda desk: rungs(desk, complex_), silent, ABROAD, there) == ["far-haiku", "haiku"]
