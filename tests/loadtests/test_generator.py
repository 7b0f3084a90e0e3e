"""One run in one process: everything that was due has a sample, timed from when it was due."""

import time
from collections.abc import Callable, Iterable
from statistics import quantiles
from typing import Any

import pytest

from contract.frames import Ask
from loadtests import arrivals
from loadtests.client import ChatClient, socket_url
from loadtests.generator import NOBODY_FREE, TOO_LATE
from loadtests.scenario import Scenario
from tests.loadtests.chat_server_helpers import Act, Do, Wait, chat_server, well
from tests.loadtests.generator_helpers import play

FREEZE_S = 2.0


def story(**fields: Any) -> Scenario:
    """Short, and in a hurry."""
    told = {
        "name": "short",
        "users": 60,
        "mix": {"browse": 0.5, "track": 0.5},
        "think": 0.02,
        "arrivals": "exact",
        "stages": [{"for_s": 1.5, "rate": 40}],
    }
    return Scenario.model_validate(told | fields)


def test_every_message_that_was_due_has_one_sample():
    day = story()
    with chat_server() as host:
        generator, found = play(day, host)
    planned = list(arrivals.schedule(day, day.people, 1))
    assert sorted(int(sample.request_id.rpartition("-")[2]) for sample in found) == [
        arrival.number for arrival in planned
    ]
    assert {sample.error for sample in found} == {None}
    assert {sample.persona for sample in found} == {"browse", "track"}
    assert generator.tally.select().messages == len(planned)
    assert generator.tally.connect.count >= day.users
    assert generator.tally.conversations == generator.tally.resolved > 0


def test_customers_come_as_customers_and_guests_as_guests():
    seen = []

    def answer(ask: Ask) -> Iterable[Act]:
        seen.append(ask.session_id)
        return well(ask)

    with chat_server(answer) as host:
        _, found = play(story(), host)
    talks = {sample.conversation for sample in found}
    # A session for each conversation of a customer; a guest is the session of the connection.
    assert 1 < len({session for session in seen if session}) < len(talks)
    assert None in seen


def freezing(after: int) -> Callable[[Ask], Iterable[Act]]:
    """A server that stands still once, altogether, in the middle of its work."""
    count = 0

    def answer(ask: Ask) -> Iterable[Act]:
        nonlocal count
        count += 1
        if count == after:
            time.sleep(FREEZE_S)
        return well(ask)

    return answer


def test_a_freeze_of_two_seconds_shows_which_a_closed_loop_hides(monkeypatch: pytest.MonkeyPatch):
    """Each who waits for an answer before asking again sees one slow answer, among hundreds of quick ones."""
    monkeypatch.setattr("loadtests.client.LINGER_S", 0.0)  # a closed loop should be as quick as it can
    with chat_server(freezing(after=150)) as host:
        client = ChatClient(socket_url(host))
        closed = []
        for number in range(400):
            begun = time.monotonic()
            found = client.ask(f"r-{number}", "Where is it?", None, begun + 30)
            assert found.problem is None
            assert found.ended_at is not None
            closed.append(found.ended_at - begun)
        client.close()
    with chat_server(freezing(after=60)) as host:
        generator, _ = play(story(users=150, stages=[{"for_s": 4, "rate": 40}]), host)
    ours_ms = generator.tally.select().end_to_end.at(0.95)
    assert max(closed) >= FREEZE_S * 0.9  # it was there ...
    assert quantiles(closed, n=100)[98] < FREEZE_S / 4  # ... and 99 of 100 saw nothing of it
    assert ours_ms is not None
    assert ours_ms > FREEZE_S / 2 * 1_000


def test_who_finds_nobody_free_is_dropped_and_told():
    day = story(users=2, answer_within_s=1.0)
    with chat_server(lambda ask: [Wait(0.6), *well(ask)]) as host:
        generator, found = play(day, host)
    cell = generator.tally.select()
    assert cell.messages == len(found) == arrivals.planned(day, 1)
    assert cell.dropped > 0
    assert cell.dropped == sum(generator.tally.errors[why] for why in (NOBODY_FREE, TOO_LATE))
    late = [sample for sample in found if not sample.dropped and sample.late_ms > 300]
    assert late  # who was served late is in the figures with all of the waiting


def test_a_message_whose_predecessor_takes_too_long_waits_for_it_from_when_it_was_due():
    with chat_server(lambda ask: [Wait(0.5), *well(ask)]) as host:
        _, found = play(story(users=120), host)
    assert all(sample.error is None for sample in found)
    assert max(sample.late_ms for sample in found) > 200
    # ... and says how much of it was the customer's own doing, who still read.
    assert max(sample.busy_ms for sample in found) > 200
    assert all(sample.busy_ms <= sample.late_ms + 1 for sample in found)
    assert all(sample.over_ms >= (sample.end_to_end_ms or 0) for sample in found)
    assert all(sample.since_free().late_ms < 200 for sample in found)
    firsts = {sample.conversation: sample for sample in reversed(found)}
    assert all(sample.busy_ms == 0 for sample in firsts.values())


def test_a_connection_for_each_conversation():
    day = story(connect_each=True)
    with chat_server() as host:
        generator, found = play(day, host)
    talks = {sample.conversation for sample in found}
    assert generator.tally.connect.count >= len(talks)


def test_connections_that_are_cut_are_opened_again_and_no_message_is_lost():
    count = 0

    def cuts_now_and_then(ask: Ask) -> Iterable[Act]:
        nonlocal count
        count += 1
        return [*well(ask)[:2], Do.CUT] if count % 10 == 0 else well(ask)

    with chat_server(cuts_now_and_then, again=lambda ask: [well(ask)[-1]]) as host:
        generator, found = play(story(), host)
    cell = generator.tally.select()
    assert cell.reconnects > 0
    assert (cell.failed, cell.sequence_gaps, cell.messages) == (0, 0, len(found))


@pytest.mark.parametrize("guests", [0.0, 0.04, 1.0])
def test_there_is_somebody_for_every_kind_of_person(guests: float):
    with chat_server() as host:
        day = story(users=80, mix={"track": 1 - guests, "browse": guests})
        generator, _ = play(day, host)
    assert generator.tally.select().dropped == 0
