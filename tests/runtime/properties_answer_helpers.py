"""What must hold of an answer that several models had a part in, or that nobody waits for."""

import asyncio
from collections.abc import Callable

import pytest

from contract.frames import Ask, ServerFrame
from contract.tiers import Tier
from runtime.conversation import GoneError
from runtime.port import Opened, Ran, Stop, Text
from runtime.testing.desk import Desk
from runtime.testing.models import cut_after
from tests.runtime.scene_helpers import HAIKU, MODELS, at_desk


def tools_that_ran_are_replayed() -> None:
    ran = Ran("find", {"about": "tents"}, "two tents")

    async def scene(desk: Desk) -> None:
        await desk.ask()
        assert [call.recorded for call in desk.models.calls] == [(), (ran,)]

    cut = [Opened(), ran, *cut_after("Well")[1:]]
    at_desk(scene, {"sonnet": cut, "haiku": HAIKU})


def a_client_that_is_gone_stops_the_model_at_once() -> None:
    async def scene(desk: Desk) -> None:
        asking = asyncio.create_task(desk.ask())
        await asyncio.sleep(0.51)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        (call,) = desk.models.calls
        assert (call.how, call.ended) == ("cancelled", 0.51)

    at_desk(scene, MODELS)


def a_client_that_cannot_be_told_stops_the_model_too() -> None:
    async def scene(desk: Desk) -> None:
        async def nobody(_: ServerFrame) -> None:
            if desk.models.calls:
                raise GoneError

        with pytest.raises(GoneError):
            await desk.conversation.answer(Ask(request_id="r1", text="Which lamp?"), "s1", nobody)
        assert [call.how for call in desk.models.calls] == ["cancelled"]

    at_desk(scene, MODELS)


def half_an_answer_is_never_mixed_with_another() -> None:
    async def scene(desk: Desk) -> None:
        frames = await desk.ask()
        assert [frame.type for frame in frames] == ["start", "delta", "correction", "delta", "final"]
        assert frames[-1].text == "Hi from Haiku"  # type: ignore[union-attr]

    at_desk(scene, {"sonnet": cut_after("Well"), "haiku": HAIKU})


def a_checked_answer_is_gone_on_from_and_the_person_is_told() -> None:
    """Once more it is cut, and the next one finds that it was whole already."""

    async def scene(desk: Desk) -> None:
        frames = await desk.ask()
        assert [frame.type for frame in frames] == [
            "start",
            "delta",
            "correction",
            "delta",
            "correction",
            "final",
        ]
        assert [frame.text for frame in frames[1:]] == [  # type: ignore[union-attr]
            "Well, ",
            "Well, take",
            " this.",
            "Well, take this.",
            "Well, take this.",
        ]
        assert [call.so_far for call in desk.models.calls] == ["", "Well,", "Well, take this."]
        assert (frames[-1].rung, frames[-1].tier) == ("haiku", Tier.T1)  # type: ignore[union-attr]

    scripts = {
        "sonnet-units": [Opened(checked=True), Text("Well, ")],
        "sonnet": [Opened(checked=True), Text(" take"), Text(" this.")],
        "haiku": [Opened(checked=True), Stop()],
    }
    at_desk(scene, scripts)


def a_stream_without_a_stop_is_cut() -> None:
    async def scene(desk: Desk) -> None:
        assert await desk.tier() is Tier.T1

    at_desk(scene, {"sonnet": [Opened(), Text("Well")], "haiku": HAIKU})
    whole = {"sonnet": [Opened(), Text("Well"), Stop()], "haiku": HAIKU}

    async def stays(desk: Desk) -> None:
        assert await desk.tier() is Tier.T0

    at_desk(stays, whole)


PROPERTIES: tuple[Callable[[], None], ...] = (
    tools_that_ran_are_replayed,
    a_client_that_is_gone_stops_the_model_at_once,
    a_client_that_cannot_be_told_stops_the_model_too,
    half_an_answer_is_never_mixed_with_another,
    a_checked_answer_is_gone_on_from_and_the_person_is_told,
    a_stream_without_a_stop_is_cut,
)
