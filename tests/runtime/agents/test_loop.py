"""The loop of an agent around a model: rounds, what is passed on, where it stops, failover in its middle."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from contract.runtime_settings import BreakerSettings, LimitSettings, Rung, ToolsSettings
from runtime.agents.limits import reason
from runtime.agents.loop import BREAK, Loop
from runtime.failover.guard import Guard
from runtime.failover.ladder import Answer, Ladder
from runtime.port import TOOL_USE, Asked, Event, Opened, Prompt, Ran, Spec, Spent, Stop, Text, Using
from runtime.testing import loop
from runtime.testing.ladders import alone
from runtime.testing.models import refusal

LADDER = alone().ladder
RUNG = LADDER[0]
SETTINGS = ToolsSettings()


def wants(*tools: str, said: str = "", **arguments: Any) -> list[Event | Exception]:
    """A round that ends with tools."""
    text = [Text(said)] if said else []
    return [*text, *(Asked(tool, arguments) for tool in tools), Stop(TOOL_USE), Spent(10, 1)]


def says(text: str) -> list[Event | Exception]:
    return [Text(text), Stop(), Spent(10, 5)]


@dataclass
class Model:
    """Says one round after another, whatever it is asked. `waits`: before each; `heard`: what it was told."""

    rounds: list[list[Event | Exception]]
    heard: list[list[Ran]] = field(default_factory=list)
    waits: Sequence[float] = ()

    async def stream(
        self, *asked: Any, recorded: Sequence[Ran] = (), **_: Any
    ) -> AsyncGenerator[Event, None]:
        number = len(self.heard)
        self.heard.append(list(asked[2] if len(asked) > 2 else recorded))
        yield Opened()
        await asyncio.sleep(self.waits[number] if number < len(self.waits) else 1.0)
        for event in self.rounds.pop(0):
            if isinstance(event, Exception):
                raise event
            yield event


@dataclass
class Hands:
    """Tools that note what they do. `takes_s`: for how long."""

    takes_s: float = 0.0
    fails: bool = False
    did: list[str] = field(default_factory=list)
    given_up: str = "I give up."

    def told(self, _: Sequence[Ran]) -> str:
        return "Use tools."

    def specs(self, _: Sequence[Ran]) -> Sequence[Spec]:
        return [Spec("look", "Looks.", {"type": "object"})]

    def stopped(self, ran: Sequence[Ran], rounds: int, asked: Sequence[Asked]) -> bool:
        return reason(ran, rounds, asked, asyncio.get_running_loop().time(), SETTINGS) is not None

    async def use(self, asked: Asked, _: Sequence[Ran]) -> Ran:
        await asyncio.sleep(self.takes_s)
        self.did.append(asked.tool)
        return Ran(asked.tool, asked.arguments or {}, f"{asked.tool} done", ok=not self.fails)


def run(model: Model, hands: Hands | None, recorded: Sequence[Ran] = ()) -> list[Event]:
    async def main() -> list[Event]:
        prompt = Prompt("Find boots", hands=hands)
        return [event async for event in Loop(model).stream(RUNG, prompt, recorded)]

    return loop.run(main())


def text(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Text))


def test_it_goes_on_until_the_model_only_speaks():
    model = Model([wants("look", said="Let me look."), wants("find", "price"), says("Two boots.")])
    hands = Hands()
    events = run(model, hands)
    assert hands.did == ["look", "find", "price"]
    assert [[ran.tool for ran in told] for told in model.heard] == [[], ["look"], ["look", "find", "price"]]
    assert text(events) == f"Let me look.{BREAK}Two boots."
    assert [event for event in events if isinstance(event, Stop | Spent)] == [Stop(), Spent(30, 7)]
    assert [event.tool for event in events if isinstance(event, Using | Ran)] == [
        name for tool in hands.did for name in (tool, tool)
    ]


def test_without_hands_it_is_the_model_itself():
    assert text(run(Model([says("Hello.")]), None)) == "Hello."


def test_what_another_rung_did_is_told_and_not_done_again():
    done = Ran("look", {}, "found")
    model, hands = Model([says("Two boots.")]), Hands()
    run(model, hands, [done])
    assert (model.heard, hands.did) == ([[done]], [])


@pytest.mark.parametrize(
    ("rounds", "hands", "did"),
    [
        ([wants("look", number=number) for number in range(9)], Hands(), SETTINGS.iterations),
        ([wants("look") for _ in range(9)], Hands(), 1),
        ([wants("look", number=number) for number in range(9)], Hands(fails=True), SETTINGS.failures),
        ([wants("look", number=number) for number in range(9)], Hands(takes_s=28.0), 3),
    ],
    ids=["rounds", "repeats", "failures", "time"],
)
def test_an_agent_in_a_loop_is_stopped_and_says_so(rounds: Any, hands: Hands, did: int):
    events = run(Model(rounds), hands)
    assert text(events) == "I give up."
    assert len(hands.did) == did
    assert isinstance(events[-2], Stop)


def ladder(model: Model) -> Ladder:
    def guard(rung: Rung) -> Guard:
        now = asyncio.get_running_loop().time
        return Guard(rung, BreakerSettings(), LimitSettings(), now, lambda _: None)

    return Ladder(Loop(model), guard, lambda _: lambda _: None)


@dataclass
class Heard:
    """What a person has before them."""

    shown: str = ""

    async def text(self, chunk: str) -> None:
        self.shown += chunk

    async def restart(self, chunk: str, _: str) -> None:
        self.shown = chunk


def walk(model: Model, hands: Hands, deadline: float = 100.0) -> tuple[Answer, str]:
    async def main() -> tuple[Answer, str]:
        heard = Heard()
        prompt = Prompt("Find boots", hands=hands)
        answer = await ladder(model).walk(LADDER, prompt, deadline, heard, lambda: "From facts.")
        assert isinstance(answer, Answer)
        return answer, heard.shown

    return loop.run(main())


@pytest.mark.parametrize("said", ["", "Let me look."])
def test_a_rung_that_fails_after_a_tool_hands_its_results_down(said: str):
    """Before anything was shown, or after: the tool ran once, the next rung's text replaces the first's."""
    throttled = refusal("ThrottlingException", 429)
    model = Model([wants("look", said=said), [throttled], says("Two boots.")])
    hands = Hands()
    answer, shown = walk(model, hands)
    assert hands.did == ["look"]
    assert [ran.tool for ran in model.heard[-1]] == ["look"]
    assert shown == answer.text == "Two boots."
    assert answer.rung != RUNG


def test_a_tool_that_takes_its_time_is_not_the_models_silence():
    """Longer than a rung waits for a first text, for the next chunk, and for a whole answer."""
    model = Model([wants("look", said="Let me look."), says("Two boots.")])
    hands = Hands(takes_s=RUNG.total_s + 5)
    answer, shown = walk(model, hands)
    assert (answer.rung, shown) == (RUNG, f"Let me look.{BREAK}Two boots.")


def test_a_model_that_keeps_silent_after_a_tool_is_left():
    waits = (1.0, RUNG.first_token_s + 5)
    model, hands = Model([wants("look"), says("Two boots.")], waits=waits), Hands()
    answer, shown = walk(model, hands)
    assert shown == answer.text == "Two boots."
    assert answer.rung != RUNG
    assert hands.did == ["look"]


def test_a_request_out_of_time_ends_during_a_tool():
    model = Model([wants("look"), says("never")])
    answer, shown = walk(model, Hands(takes_s=60.0), deadline=20.0)
    assert (answer.from_knowledge_base, shown) == (True, "From facts.")
