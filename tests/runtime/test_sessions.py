"""Sessions, tickets and feedback in DynamoDB: whose they are, how often written, and how long they live."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import pytest

from runtime.places import Places
from runtime.sessions import wire
from runtime.sessions.memory import Kept
from runtime.sessions.sessions import Said
from runtime.sessions.table import NotTheirsError
from tests.runtime.sessions_helpers import PLACES, Store, open_store


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("moto")) as store:
        yield store


@pytest.fixture
def store(standing: Store) -> Iterator[Store]:
    yield Store(standing.client)


@pytest.fixture
def session() -> str:
    return str(uuid4())


def said(number: int, words: str = "") -> Said:
    return Said(f"r{number}", f"question {number} {words}".strip(), f"answer {number}", "general", ("B0",))


async def talk(stores, session, turns, user="ann"):
    memory = await stores.sessions.open(session, user)
    for turn in turns:
        memory = await stores.sessions.append(memory, turn)
    return memory


def test_a_conversation_goes_on_in_another_process(store, session):
    async def begin(stores):
        new = await stores.sessions.open(session, "ann")
        return new, await talk(stores, session, [said(1), said(2)])

    new, left = store.visit(begin)
    found = store.visit(lambda stores: stores.sessions.open(session, "ann"))

    assert (new.kept, new.complete, new.turns) == (Kept.NEW, True, ())
    assert found == left
    assert [turn.request_id for turn in found.turns] == ["r1", "r2"]
    assert (found.turns[0].asked, found.turns[0].intent, found.turns[0].asins) == (
        "question 1",
        "general",
        ("B0",),
    )


def test_opening_writes_nothing(store, session):
    store.visit(lambda stores: stores.sessions.open(session, "ann"))

    assert not [item for item in store.items() if session in item["shard"]["S"]]


def test_nobody_reaches_anothers_session(store, session):
    store.visit(lambda stores: talk(stores, session, [said(1)]))

    async def others(stores):
        with pytest.raises(NotTheirsError):
            await stores.sessions.open(session, "bob")
        shown = await stores.sessions.export(session, "bob"), await stores.sessions.delete(session, "bob")
        return shown, await stores.sessions.of("bob")

    assert store.visit(others) == ((None, False), [])
    assert len(store.visit(lambda stores: stores.sessions.open(session, "ann")).turns) == 1


def test_of_two_who_begin_one_session_it_is_the_firsts(store, session):
    """Both find nothing there; the second learns it when it writes."""

    async def both(stores):
        ann, bob = [await stores.sessions.open(session, user) for user in ("ann", "bob")]
        await stores.sessions.append(ann, said(1))
        with pytest.raises(NotTheirsError):
            await stores.sessions.append(bob, said(2))

    store.visit(both)
    assert [t.request_id for t in store.visit(lambda s: s.sessions.export(session, "ann"))] == ["r1"]


def test_a_request_is_written_once_however_often_it_comes(store, session):
    async def twice(stores):
        """By three who do not know of each other's writing."""
        memories = [await stores.sessions.open(session, "ann") for _ in range(3)]
        return [await stores.sessions.append(memory, said(1)) for memory in memories]

    assert [memory.kept for memory in store.visit(twice)] == [Kept.STORED] * 3
    store.visit(lambda stores: talk(stores, session, [said(1)]))
    assert len(store.visit(lambda stores: stores.sessions.export(session, "ann"))) == 1
    (known,) = [k for k in store.visit(lambda s: s.sessions.of("ann")) if k.session_id == session]
    assert known.turns == 1


def test_the_last_turns_are_shown_and_those_before_summed_up(store, session):
    turns = [said(n, f"about order ORD-{n}.") for n in range(1, 15)]

    left = store.visit(lambda stores: talk(stores, session, turns))
    found = store.visit(lambda stores: stores.sessions.open(session, "ann"))

    assert found == left
    assert [turn.request_id for turn in found.turns] == [f"r{n}" for n in range(5, 15)]
    assert re.findall(r"ORD-\d+", found.summary) == [f"ORD-{n}" for n in range(1, 5)]
    assert len(store.visit(lambda stores: stores.sessions.export(session, "ann"))) == 14


def test_long_turns_are_summed_up_sooner(store, session):
    turns = [said(n, "word " * 300) for n in range(1, 6)]

    found = store.visit(lambda stores: talk(stores, session, turns), summary_tokens=1_000)

    assert [turn.request_id for turn in found.turns] == ["r4", "r5"]  # of some 380 tokens each
    assert len(found.summary.splitlines()) == 3


def test_nothing_personal_is_kept_anywhere(store, session):
    def redact(text: str) -> str:
        return text.replace("ann@example.com", "[mail]")

    secret = Said("r1", "I am ann@example.com", "Hello ann@example.com", "general")
    left = store.visit(lambda stores: talk(stores, session, [secret]), redact=redact)

    assert (left.turns[0].asked, left.turns[0].answered) == ("I am [mail]", "Hello [mail]")
    assert "ann@example.com" not in str(store.items())


def test_turns_are_gone_after_a_day_and_the_session_after_ninety(store, session):
    store.visit(lambda stores: talk(stores, session, [said(n) for n in range(12)]))

    mine = [item for item in store.items() if session in item["shard"]["S"]]
    lives = {
        item["item"]["S"].partition("#")[0]: int(item["expires_at"]["N"]) - store.wall().timestamp()
        for item in mine
    }
    assert lives == {
        "turn": pytest.approx(86_400, abs=1),
        "done": pytest.approx(86_400, abs=1),
        "~brief": pytest.approx(86_400, abs=1),
        "~meta": pytest.approx(90 * 86_400, abs=1),
    }
    # DynamoDB takes days to remove what has expired: it is not shown meanwhile.
    store.wall.passes(hours=25)
    later = store.visit(lambda stores: stores.sessions.open(session, "ann"))
    assert (later.kept, later.turns, later.summary) == (Kept.STORED, (), "")
    assert store.visit(lambda stores: stores.sessions.export(session, "ann")) == []


def test_a_user_sees_and_deletes_their_sessions(store):
    user, first, second = str(uuid4()), str(uuid4()), str(uuid4())
    store.visit(lambda stores: talk(stores, first, [said(n) for n in range(60)], user))
    store.wall.passes(hours=1)
    store.visit(lambda stores: talk(stores, second, [said(1)], user))

    listed = store.visit(lambda stores: stores.sessions.of(user))
    assert [(known.session_id, known.turns) for known in listed] == [(second, 1), (first, 60)]
    assert listed[0].created == listed[0].updated == store.wall()

    assert store.visit(lambda stores: stores.sessions.delete(first, user)) is True
    assert store.visit(lambda stores: stores.sessions.delete(first, user)) is False
    assert not [item for item in store.items() if first in item["shard"]["S"]]
    assert [known.session_id for known in store.visit(lambda s: s.sessions.of(user))] == [second]


def test_what_is_deleted_is_not_nearby_either(store, session):
    async def scene(stores):
        await talk(stores, session, [said(1)])
        await stores.sessions.delete(session, "ann")
        return await stores.sessions.open(session, "ann")

    assert store.visit(scene, cache_s=60.0).kept is Kept.NEW


def test_sessions_spread_evenly_whatever_their_ids_look_like():
    """By a prefix that all ids of a client may have in common, and by number."""
    shards = Counter(wire.shard(f"guest-2026-11-27-{n:06}")[:2] for n in range(25_600))

    assert len(shards) == wire.SHARDS
    assert max(shards.values()) < 2 * 100


# --- When the store is in trouble ---------------------------------------------------------------------


def test_without_the_store_the_conversation_goes_on_without_memory(store, session, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")

    async def scene(stores):
        memory = await stores.sessions.open(session, "ann")
        after = await stores.sessions.append(memory, said(1))
        return memory, after, await stores.sessions.open(session, "ann")

    memory, after, again = store.visit(scene, read_s=0.2, write_s=0.2)

    assert (memory.kept, memory.complete, memory.turns) == (Kept.NOTHING, False, ())
    assert (after.kept, after.complete) == (Kept.LOCAL, False)
    assert again == after  # this process remembers
    assert {outcome for _, outcome in store.seen.calls} <= {"unavailable", "timeout"}


def test_without_a_table_this_process_remembers(store, session):
    async def scene(stores):
        after = await talk(stores, session, [said(1), said(2)])
        return after, await stores.sessions.open(session, "ann"), stores.tickets, stores.feedback

    after, again, *off = store.visit(scene, Places())

    assert again == after
    assert (after.kept, len(after.turns), off) == (Kept.LOCAL, 2, [None, None])


# --- Tickets and feedback -----------------------------------------------------------------------------


def test_a_ticket_is_stored_by_its_digest_for_a_minute(store):
    ticket = store.visit(lambda stores: stores.tickets.issue("ann", "user"))

    digest = hashlib.sha256(ticket.text.encode()).hexdigest()
    (item,) = [item for item in store.items("t-tickets") if item["ticket"]["S"] == digest]
    assert (item["user"]["S"], item["kind"]["S"]) == ("ann", "user")
    assert int(item["expires_at"]["N"]) == int(store.wall().timestamp()) + 60
    assert ticket.text not in str(store.items("t-tickets")) + repr(ticket)


def test_the_door_takes_a_ticket_once(store):
    from components.functions.door import TicketTable

    ticket = store.visit(lambda stores: stores.tickets.issue("g-1", "guest"))
    digest, now = hashlib.sha256(ticket.text.encode()).hexdigest(), int(store.wall().timestamp())
    door = TicketTable(store.client, "t-tickets")

    assert dict(door.take(digest, now) or {}) == {"user": "g-1", "kind": "guest"}
    assert door.take(digest, now) is None


def test_the_last_verdict_on_an_answer_counts(store, session):
    async def scene(stores):
        memory = await talk(stores, session, [said(1)])
        await stores.feedback.write(memory, "r1", 1, "call me: 555")
        await stores.feedback.write(memory, "r1", 5, "call me: 555")

    store.visit(scene, redact=lambda text: text.replace("555", "[phone]"))

    (item,) = [item for item in store.items("t-feedback") if item["session"]["S"] == session]
    assert (item["rating"]["N"], item["comment"]["S"]) == ("5", "call me: [phone]")
    assert "ann" not in str(item)
    assert PLACES.feedback_table == "t-feedback"
