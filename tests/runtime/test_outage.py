"""When no model has answered for a quarter of an hour (RUN-5, T3): a banner, and no new conversations."""

import asyncio
from typing import Any

from contract.frames import Ask, ServerFrame
from contract.runtime_settings import OutageSettings, RuntimeSettings
from contract.tiers import Tier
from runtime.canned import canned
from runtime.outage import Outage
from runtime.testing.desk import Desk
from runtime.testing.models import says, throttled

DOWN = {"sonnet": throttled(), "haiku": throttled()}
QUARTER_S = 900.0


async def ask(desk: Desk, session: str, *, resumed: bool = False) -> list[Any]:
    frames: list[ServerFrame] = []

    async def keep(frame: ServerFrame) -> None:
        frames.append(frame)

    asked = Ask(request_id="r", text="Which lamp?", session_id=session if resumed else None)
    await desk.conversation.answer(asked, session, keep)
    return frames


async def dark_for(desk: Desk, seconds: float) -> None:
    """One conversation goes on asking, and no model answers."""
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() <= until:
        await ask(desk, "patient")
        await asyncio.sleep(30.0)


def test_after_a_quarter_of_an_hour_new_conversations_are_refused_with_links(at_desk):
    async def scene(desk: Desk) -> Any:
        await dark_for(desk, QUARTER_S - 60)
        before = await ask(desk, "early")
        await dark_for(desk, 90)
        await ask(desk, "let in to try")
        return before, await ask(desk, "new")

    before, new = at_desk(scene, DOWN)
    assert [frame.type for frame in before] == ["start", "delta", "final"]
    assert [frame.type for frame in new] == ["start", "banner", "error"]
    assert (new[-1].code, new[-1].message) == ("closed", canned().closed)
    assert "/help" in new[-1].message
    assert "/contact" in new[-1].message


def test_conversations_that_had_begun_go_on_with_a_banner(at_desk):
    async def scene(desk: Desk) -> Any:
        await dark_for(desk, QUARTER_S + 30)
        await ask(desk, "let in to try")
        return await ask(desk, "patient"), await ask(desk, "from-another-task", resumed=True)

    for frames in at_desk(scene, DOWN):
        assert [frame.type for frame in frames] == ["start", "banner", "delta", "final"]
        assert (frames[1].text, frames[-1].tier) == (canned().banner, Tier.T2)


def test_one_new_conversation_now_and_then_finds_out_that_it_is_over(at_desk):
    """With nobody else left to ask. The first answer of a model opens the door for all."""

    async def scene(desk: Desk) -> Any:
        await dark_for(desk, QUARTER_S + 30)
        await asyncio.sleep(60.0)
        return [(await ask(desk, f"new-{number}"))[-1].type for number in range(3)]

    assert at_desk(scene, DOWN) == ["final", "error", "error"]

    def back(_: int) -> Any:
        return throttled() if asyncio.get_running_loop().time() < QUARTER_S + 60 else says("Hi")

    assert at_desk(scene, {"sonnet": back, "haiku": back}) == ["final", "final", "final"]


def test_an_answer_of_a_model_in_between_begins_the_count_again():
    at = [0.0]
    outage = Outage(OutageSettings(), lambda: at[0])
    outage.answered(by_model=False, asked=True)
    at[0] = 899.0
    outage.answered(by_model=True, asked=True)
    outage.answered(by_model=False, asked=True)
    at[0] = 1_000.0
    assert not outage.closed
    at[0] = 899.0 + QUARTER_S
    assert outage.closed


def test_what_no_model_was_asked_for_is_no_outage():
    """Canned answers on purpose: an operator's tier, or the store first."""
    at = [0.0]
    outage = Outage(OutageSettings(), lambda: at[0])
    outage.answered(by_model=False, asked=False)
    at[0] = 10_000.0
    assert not outage.closed


def test_it_remembers_only_so_many_conversations():
    at = [0.0]
    outage = Outage(OutageSettings(sessions=2, try_s=1e6), lambda: at[0])
    for session in ("a", "b", "c"):
        assert outage.lets_in(session, resumed=False)
    outage.answered(by_model=False, asked=True)
    at[0] = QUARTER_S
    assert outage.lets_in("c", resumed=False)
    assert outage.lets_in("the one that tries", resumed=False)
    assert not outage.lets_in("a", resumed=False)


def test_an_outage_does_not_hold_a_working_model_back(at_desk):
    quick = RuntimeSettings(outage=OutageSettings(closed_after_s=1.0))

    async def scene(desk: Desk) -> Any:
        return [await desk.tier(request_id=f"r{number}") for number in range(3)]

    assert at_desk(scene, {"sonnet": says("Hi")}, quick) == [Tier.T0] * 3
