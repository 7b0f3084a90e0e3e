"""Units around an event while people talk (MOD-3): tried first while they count; nobody is cut off after."""

import asyncio
from datetime import timedelta
from typing import Any

from contract.rungs import ExtraRung
from contract.runtime_settings import RuntimeSettings
from contract.tiers import Tier
from runtime.testing.desk import EPOCH, Desk
from runtime.testing.ladders import alone
from runtime.testing.models import says, throttled

MODELS = {"sonnet": says("Sonnet"), "haiku": says("Haiku")}


def units(name: str = "event", model: str = "sonnet", arn: str = "arn:event") -> ExtraRung:
    until = EPOCH + timedelta(days=1)
    return ExtraRung(name=name, model=model, arn=arn, units=2, who="event", why="test", expires_at=until)


async def rung(desk: Desk, request_id: str = "r1") -> str:
    """The rung that answers."""
    return (await desk.ask(request_id=request_id))[-1].rung  # type: ignore[union-attr]


def test_units_are_called_ahead_of_their_model_while_they_count(at_desk):
    async def scene(desk: Desk) -> Any:
        rungs = [await rung(desk)]
        desk.extras = [units()]
        rungs.append(await rung(desk))
        desk.extras = ()
        return [*rungs, await rung(desk)]

    assert at_desk(scene, {**MODELS, "event": says("Units")}) == ["sonnet", "event", "sonnet"]


def test_full_units_overflow_to_the_models_own_rung_unseen(at_desk, shown):
    async def scene(desk: Desk) -> Any:
        desk.extras = [units()]
        return await desk.ask()

    frames = at_desk(scene, {**MODELS, "event": throttled()})
    assert [frame.type for frame in frames] == ["start", "delta", "final"]
    assert (shown(frames), frames[-1].rung, frames[-1].tier) == ("Sonnet", "sonnet", Tier.T0)


def test_units_of_the_second_model_leave_the_first_alone(at_desk):
    async def scene(desk: Desk) -> Any:
        desk.extras = [units(model="haiku")]
        return await desk.ask(), [call.rung for call in desk.models.calls]

    frames, called = at_desk(scene, {**MODELS, "sonnet": throttled(), "event": says("Units")})
    assert called == ["sonnet", "event"]
    assert frames[-1].tier is Tier.T1


def test_units_are_tried_once_where_two_rungs_call_their_model(at_desk):
    """Ahead of the first of them: they overflow to it, and from it to the other."""

    async def scene(desk: Desk) -> Any:
        desk.extras = [units()]
        await desk.ask()
        return [call.rung for call in desk.models.calls]

    first, *rest = alone().ladder
    twice = RuntimeSettings(ladder=(first, first.model_copy(update={"name": "spare"}), *rest))
    scripts = {**MODELS, **dict.fromkeys(["event", "sonnet", "spare"], throttled())}
    assert at_desk(scene, scripts, twice) == ["event", "sonnet", "spare", "haiku"]


def test_units_stand_in_our_own_region_only(at_desk):
    """Ahead of the first rung that is here, not of one of the other region."""

    async def scene(desk: Desk) -> Any:
        desk.extras = [units(model="haiku")]
        await desk.ask()
        return [call.rung for call in desk.models.calls]

    first, *rest = alone().ladder
    there = first.model_copy(update={"name": "there", "model": "haiku", "region": "us-west-2"})
    scripts = {**MODELS, **dict.fromkeys(["there", "sonnet"], throttled()), "event": says("Units")}
    assert at_desk(scene, scripts, RuntimeSettings(ladder=(there, first, *rest))) == [
        "there",
        "sonnet",
        "event",
    ]


def test_an_answer_outlives_its_rung(at_desk, shown):
    """Withdrawn in the middle of a stream: what runs is finished there, what comes next goes elsewhere."""

    async def scene(desk: Desk) -> Any:
        desk.extras = [units()]
        asking = asyncio.create_task(desk.ask())
        await asyncio.sleep(0.51)
        desk.extras = ()
        after = await rung(desk, "r2")
        return await asking, after

    frames, after = at_desk(scene, {**MODELS, "event": says("One ", "by ", "one", gap_s=2.0)})
    assert (shown(frames), frames[-1].rung) == ("One by one", "event")
    assert after == "sonnet"


def test_units_that_are_gone_before_their_turn_are_stepped_over(at_desk):
    """The walk began when they counted; by then the rung above has failed, and they do not any more."""

    async def scene(desk: Desk) -> Any:
        desk.extras = [units(model="haiku")]
        asking = asyncio.create_task(desk.ask())
        await asyncio.sleep(0)
        desk.extras = ()
        await asking
        return [call.rung for call in desk.models.calls]

    slow_refusal = [*says(first_s=1.0)[:-2], *throttled()]
    scripts = {**MODELS, "sonnet": slow_refusal, "event": says("Units")}
    assert at_desk(scene, scripts) == ["sonnet", "haiku"]


def test_units_have_a_breaker_of_their_own(at_desk):
    """Three throttles and nobody asks them; the model's own rung goes on."""

    async def scene(desk: Desk) -> Any:
        desk.extras = [units()]
        rungs = [await rung(desk, f"r{number}") for number in range(5)]
        return rungs, len(desk.models.on("event")), desk.values("BreakerOpen", Rung="event")

    assert at_desk(scene, {**MODELS, "event": throttled()}) == (["sonnet"] * 5, 3, [1])


def test_new_units_by_an_old_name_begin_afresh(at_desk):
    """More units is a new ARN: the open breaker of the old ones is not theirs."""

    async def scene(desk: Desk) -> Any:
        desk.extras = [units(arn="arn:old")]
        for number in range(4):
            await desk.ask(request_id=f"r{number}")
        desk.extras = [units(arn="arn:new")]
        return await rung(desk, "later")

    old_are_full = lambda call: throttled() if call < 3 else says("Units")  # noqa: E731
    assert at_desk(scene, {**MODELS, "event": old_are_full}) == "event"
