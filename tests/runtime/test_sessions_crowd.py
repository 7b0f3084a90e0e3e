"""A shared session under a crowd, and throttled tables, in virtual time: the table is spared (DATA-2)."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from contract.runtime_settings import DownstreamSettings, SessionsSettings
from runtime.downstream import Downstream
from runtime.sessions import wire
from runtime.sessions.memory import ANSWERED_LETTERS, SUMMARY_TOKENS, Kept, Memory, Turn, add, extract, tokens
from runtime.sessions.nearby import Nearby
from runtime.sessions.sessions import Said, Sessions
from runtime.sessions.table import TRIES, NotTheirsError, Table
from runtime.testing import loop

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
LIVES = wire.Lives(timedelta(days=90), timedelta(days=1))
MINE = {**wire.key("s", wire.META), "user": {"S": "ann"}, "expires_at": {"N": str(NOW.timestamp() + 9e6)}}


DOWN = "InternalServerError"


class Dynamo:
    """Answers each call after a hundredth of a second, those in `refusals` first."""

    def __init__(self, *refusals: str | list[str]) -> None:
        self.calls: list[float] = []
        self.refusals = list(refusals)

    async def query(self, **_: Any) -> Any:
        await self._served()
        return {"Items": [MINE]}

    async def transact_write_items(self, **_: Any) -> None:
        await self._served()

    async def _served(self) -> None:
        self.calls.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.01)
        if self.refusals:
            raise refused(self.refusals.pop(0))


def refused(how: str | list[str]) -> ClientError:
    """A code, or the reasons for which a transaction was cancelled."""
    code = how if isinstance(how, str) else "TransactionCanceledException"
    reasons = [] if isinstance(how, str) else [{"Code": reason} for reason in how]
    response: Any = {
        "Error": {"Code": code},
        "ResponseMetadata": {"HTTPStatusCode": 500 if code == DOWN else 400},
        "CancellationReasons": reasons,
    }
    return ClientError(response, "Query")


def sessions(client: Dynamo, spread: Any = lambda: 0.5, **settings: Any) -> Sessions:
    chosen = SessionsSettings(**{"read_s": 5.0, "write_s": 5.0, **settings})

    def at(name: str, deadline_s: float) -> Downstream:
        return Downstream(name, deadline_s, DownstreamSettings())

    table = Table(client, "t", at("read", chosen.read_s), at("write", chosen.write_s), chosen.longest_wait_s)
    now = asyncio.get_running_loop().time
    nearby = Nearby(chosen.cache_s, chosen.cache_jitter, chosen.cache_sessions, now, spread)
    return Sessions(table, nearby, chosen, lambda: NOW, str)


def test_a_thousand_readers_of_one_session_are_one_read_every_two_seconds():
    client = Dynamo()

    async def main():
        mine = sessions(client, cache_s=2.0, cache_jitter=0.0)

        async def reader(number):
            for _ in range(100):
                await asyncio.sleep(0.1 + number / 100_000)
                assert (await mine.open("s", "ann")).kept is Kept.STORED

        await asyncio.gather(*(reader(number) for number in range(1_000)))

    loop.run(main())
    # 100,000 reads in about eleven seconds
    assert 5 <= len(client.calls) <= 7


def test_those_who_came_together_do_not_come_back_together():
    async def main():
        now = asyncio.get_running_loop().time
        spreads = iter([0.0, 0.5, 1.0])
        nearby = Nearby(10.0, 0.3, 100, now, lambda: next(spreads))
        for name in "abc":
            nearby.keep(Memory(name, "ann", Kept.STORED))
        fresh = []
        for second in range(15):
            fresh += [(name, second) for name in "abc" if nearby.fresh(name)]
            await asyncio.sleep(1)
        return {name: max(second for one, second in fresh if one == name) for name in "abc"}

    assert loop.run(main()) == {"a": 6, "b": 9, "c": 12}


def test_the_cache_has_an_end():
    async def main():
        nearby = Nearby(10.0, 0.0, 2, asyncio.get_running_loop().time)
        for name in "ab":
            nearby.keep(Memory(name, "ann", Kept.STORED))
        nearby.fresh("a")
        nearby.keep(Memory("c", "ann", Kept.STORED))
        return [name for name in "abc" if nearby.last(name)]

    assert loop.run(main()) == ["a", "c"]


THROTTLED = "ProvisionedThroughputExceededException"


@pytest.mark.parametrize(
    "refusals",
    [[THROTTLED] * 2, ["ThrottlingException"], [["None", "None", "TransactionConflict"]] * 3],
)
def test_a_throttled_call_is_repeated_with_jitter(refusals):
    client = Dynamo(*refusals)

    async def main():
        mine = sessions(client)
        memory = Memory("s", "ann", Kept.STORED)
        return await mine.append(memory, Said("r1", "q", "a"))

    assert loop.run(main()).kept is Kept.STORED
    assert len(client.calls) == len(refusals) + 1
    waits = [b - a - 0.01 for a, b in zip(client.calls, client.calls[1:], strict=False)]
    assert all(0 <= wait <= 0.2 for wait in waits)


def test_patience_has_an_end_and_the_conversation_goes_on():
    client = Dynamo(*[THROTTLED] * 100)

    async def main():
        return await sessions(client).open("s", "ann")

    assert loop.run(main()).kept is Kept.NOTHING
    assert len(client.calls) == TRIES


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ValidationException", "ResourceNotFoundException"]
)
def test_what_does_not_pass_is_not_repeated(code):
    client = Dynamo(code)

    async def main():
        return await sessions(client).open("s", "ann")

    assert loop.run(main()).kept is Kept.NOTHING
    assert len(client.calls) == 1


def test_a_table_that_is_down_is_not_waited_for_by_every_message():
    """The breaker opens after three; what this process knows goes on, and says that it is not all."""
    client = Dynamo()

    async def main():
        mine = sessions(client, cache_s=1.0)
        await mine.open("s", "ann")
        client.refusals = [DOWN] * 1_000
        await asyncio.sleep(15)
        before = len(client.calls)
        found = [await mine.open("s", "ann") for _ in range(100)]
        return {memory.kept for memory in found}, len(client.calls) - before

    kept, calls = loop.run(main())
    assert kept == {Kept.LOCAL}
    assert calls <= 3 * TRIES


@pytest.mark.parametrize(
    ("reasons", "mine"),
    [
        (["ConditionalCheckFailed", "None", "None"], True),
        (["None", "ConditionalCheckFailed", "None"], False),
        (["ConditionalCheckFailed", "ConditionalCheckFailed", "None"], False),
    ],
)
def test_a_cancelled_transaction_says_why(reasons, mine):
    """Written before: as good as written now. Somebody else's: refused, whatever else."""

    async def main():
        return await sessions(Dynamo(reasons)).append(Memory("s", "ann", Kept.STORED), Said("r1", "q", "a"))

    if mine:
        assert loop.run(main()).kept is Kept.STORED
    else:
        with pytest.raises(NotTheirsError):
            loop.run(main())


def test_an_item_that_cannot_be_read_is_no_crash():
    class Odd(Dynamo):
        async def query(self, **_: Any) -> Any:
            return {"Items": [wire.key("s", wire.META)]}

    async def main():
        return await sessions(Odd()).open("s", "ann")

    assert loop.run(main()).kept is Kept.NOTHING


# --- What a model is shown ----------------------------------------------------------------------------------


def turn(number: int, asked: str, answered: str = "") -> Turn:
    return Turn(f"r{number}", NOW + timedelta(seconds=number), asked, answered)


TURNS = st.lists(st.tuples(st.text(max_size=400), st.text(max_size=400)), min_size=1, max_size=25)


@given(TURNS, st.integers(1, 12), st.integers(100, 400))
def test_what_is_shown_stays_within_its_size(texts, most_turns, most_tokens):
    memory = Memory("s", "ann", Kept.NEW)
    for number, (asked, answered) in enumerate(texts):
        memory = memory.with_turn(turn(number, asked, answered), most_turns, most_tokens)

        assert memory.turns[-1].request_id == f"r{number}"
        assert len(memory.turns) <= most_turns
        assert len(memory.turns) == 1 or sum(t.tokens for t in memory.turns) <= most_tokens
        assert tokens(memory.summary) <= SUMMARY_TOKENS + 20
        # Every turn is either shown or summed up, and none is both.
        shown = [t.at for t in memory.turns]
        assert shown == sorted(shown)
        assert memory.through is None or memory.through < shown[0]


@given(st.lists(st.tuples(st.text(max_size=50), st.text(max_size=50)), min_size=1, max_size=6))
def test_what_is_written_is_read_back_as_it_was(texts):
    memory = Memory("s", "ann", Kept.STORED)
    items: list[wire.Item] = [MINE]
    for number, (asked, answered) in enumerate(texts):
        memory = memory.with_turn(turn(number, asked, answered), 3, 2_000)
        items.append(wire.turn_item("s", memory.turns[-1], LIVES))
    if memory.through is not None:
        items.append(wire.summary_item(memory, NOW, LIVES))

    assert wire.memory("s", "ann", items[::-1], NOW) == memory


def test_a_summary_keeps_what_people_come_back_to():
    text = "Thank you for waiting. I have looked. Your order ORD-20001 cost $19.99. It comes on Monday."

    assert extract(text, 60) == "Your order ORD-20001 cost $19.99."
    assert "ORD-20001" in add("", turn(1, "where is it?", text))
    assert len(extract("x" * 1_000, ANSWERED_LETTERS)) == ANSWERED_LETTERS
    assert extract("", 10) == ""
