"""The client on a real socket, and what it makes of a server that misbehaves."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from contract.errors import INCONCLUSIVE, WRONG_USE, WrongUseError
from contract.frames import Ask, Failure, Final, encode
from contract.tiers import Tier
from loadtests.client import RECONNECTS, ChatClient, Connections, UnreachableError, Who, socket_url
from loadtests.transcript import Transcript
from tests.loadtests.chat_server_helpers import (
    Act,
    Answer,
    Do,
    Seen,
    Wait,
    chat_server,
    corrected,
    refused,
    well,
)


def asked(
    answer: Answer, *, within_s: float = 30, messages: int = 1, session: str | None = "s", **server: Any
) -> list[Transcript]:
    """What one client saw of messages to such a server, one after the other."""
    with chat_server(answer, **server) as host:
        client = ChatClient(socket_url(host))
        found = [
            client.ask(f"r-{number}", "Where is it?", session, time.monotonic() + within_s)
            for number in range(messages)
        ]
        client.close()
    return found


def test_an_answer_is_read_to_its_end():
    (found,) = asked(well)
    assert (found.problem, found.tier, found.sequence_gaps, found.finals) == (None, Tier.T1, 0, 1)
    assert found.first_token_at is not None
    assert found.ended_at is not None
    assert found.sent_at < found.first_token_at <= found.ended_at
    assert found.characters == len("It is on its way.")


def test_one_socket_carries_one_message_after_the_other():
    assert [found.problem for found in asked(well, messages=3)] == [None, None, None]


def test_corrections_are_counted():
    (found,) = asked(corrected)
    assert (found.problem, found.corrections) == (None, 1)


def test_an_error_frame_is_a_failed_message():
    (found,) = asked(refused)
    assert found.problem == "internal: out of order"


def test_a_second_ending_is_noticed_though_the_answer_was_complete():
    def twice(ask: Ask) -> list[Act]:
        *_, final = answer = well(ask)
        assert isinstance(final, Final)
        return [*answer, final.model_copy(update={"sequence_number": 4})]

    (found,) = asked(twice)
    assert (found.problem, found.finals) == ("ended twice", 2)


def test_what_is_no_frame_is_told():
    (found,) = asked(lambda ask: ["hello", *well(ask)])
    assert found.problem is not None
    assert found.problem.startswith("no frame: ")


def test_a_lost_connection_fails_one_message_and_not_the_next():
    def falls_once(ask: Ask) -> list[Act]:
        return [well(ask)[0], Do.HANG_UP] if ask.request_id == "r-0" else well(ask)

    found = asked(falls_once, messages=2, within_s=0.5)
    assert [transcript.problem for transcript in found] == ["no end in time", None]


def ending(ask: Ask) -> list[Act]:
    return [well(ask)[-1]]


@pytest.mark.parametrize("how", [Do.HANG_UP, Do.CUT])
def test_an_answer_that_was_cut_off_is_asked_for_again_on_another_connection(how: Do):
    seen = Seen()
    (found,) = asked(lambda ask: [*well(ask)[:2], how], again=ending, seen=seen)
    assert (found.problem, found.finals, found.sequence_gaps) == (None, 1, 0)
    assert (found.reconnects, found.resends) == (1, 1)
    assert seen.kinds == ["message", "resume", "resend"]
    assert json.loads(seen.texts[1]) == {"type": "resume", "session_id": "s"}
    assert len(seen.users) == 2


def gone(ask: Ask) -> list[Act]:
    told = Failure(
        request_id=ask.request_id, sequence_number=0, code="bad_request", message="no recent answer"
    )
    return [told]


def test_an_answer_that_is_gone_for_good_is_asked_for_anew():
    def cuts_once(ask: Ask) -> list[Act]:
        return [*well(ask)[:2], Do.CUT] if len(seen.users) == 1 else well(ask)

    seen = Seen()
    (found,) = asked(cuts_once, again=gone, seen=seen)
    assert (found.problem, found.finals, found.sequence_gaps, found.text_differs) == (None, 1, 0, False)
    assert seen.kinds == ["message", "resume", "resend", "message"]


def test_neither_session_nor_answer_is_known_any_more_and_the_message_is_asked_once():
    """Both are told, one after the other: the second is no answer to what was asked anew meanwhile."""

    def cuts_once(ask: Ask) -> list[Act]:
        return [*well(ask)[:2], Do.CUT] if len(seen.users) == 1 else well(ask)

    def gone_with_its_session(ask: Ask) -> list[Act]:
        told = Failure(
            request_id="", sequence_number=0, code="bad_request", message="session_id: no session s"
        )
        return [told, *gone(ask)]

    seen = Seen()
    found = asked(cuts_once, again=gone_with_its_session, seen=seen, messages=2)
    assert [(one.problem, one.finals) for one in found] == [(None, 1), (None, 1)]
    assert seen.kinds == ["message", "resume", "resend", "message", "message"]


def test_a_connection_that_breaks_again_is_made_again_and_not_for_ever():
    def cuts(times: int) -> Callable[[Ask], list[Act]]:
        return lambda ask: [*well(ask)[:2], Do.CUT] if len(seen.users) <= times else well(ask)

    for times, problem in ((RECONNECTS, None), (RECONNECTS + 1, "connection lost")):
        seen = Seen()
        (found,) = asked(cuts(times), again=gone, seen=seen)
        assert (found.problem, found.reconnects) == (problem, RECONNECTS)


def test_a_guest_who_lost_the_connection_asks_anew():
    def cuts_once(ask: Ask) -> list[Act]:
        return [*well(ask)[:2], Do.CUT] if len(seen.users) == 1 else well(ask)

    seen = Seen()
    (found,) = asked(cuts_once, session=None, seen=seen)
    assert (found.problem, found.finals) == (None, 1)
    assert seen.kinds == ["message", "message"]


def test_an_ending_that_does_not_come_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loadtests.client.RESEND_AFTER_S", 0.1)
    seen = Seen()
    (found,) = asked(lambda ask: well(ask)[:-1], again=ending, seen=seen)
    assert (found.problem, found.resends, found.reconnects) == (None, 1, 0)
    assert seen.kinds == ["message", "resend"]


def test_an_ending_that_comes_twice_because_it_was_asked_for_is_no_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("loadtests.client.RESEND_AFTER_S", 0.1)
    (found,) = asked(lambda ask: [*well(ask)[:-1], Wait(0.3), well(ask)[-1]], again=ending)
    assert (found.problem, found.finals, found.resends) == (None, 1, 1)


def test_who_is_told_to_come_back_later_does_so_between_two_messages():
    def sends_away(ask: Ask) -> list[Act]:
        told = '{"type": "reconnect", "after_s": 0, "session_id": "s", "resume_token": "t-2"}'
        return [*well(ask), *([told] if ask.request_id == "r-0" else [])]

    seen = Seen()
    found = asked(sends_away, messages=2, seen=seen)
    assert [transcript.problem for transcript in found] == [None, None]
    assert seen.kinds == ["message", "resume", "message"]
    assert len(seen.users) == 2


@pytest.mark.parametrize("served", [("concierge.v3", "concierge.v2"), ("concierge.v2",), ()])
def test_the_newest_protocol_that_both_speak_is_spoken(served: tuple[str, ...]):
    with chat_server(protocols=served) as host:
        client = ChatClient(socket_url(host))
        client.open()
        assert client.web_socket is not None
        assert client.web_socket.protocol == (served[0] if served else "")
        client.close()


def test_a_customer_is_known_by_name_and_a_guest_is_nobody():
    seen = Seen()
    with chat_server(seen=seen) as host:
        for who in (Who("C-1"), Who()):
            client = ChatClient(socket_url(host), who)
            client.open()
            client.close()
    assert seen.users == ["C-1", None]


def test_connections_are_counted_with_what_they_took():
    with chat_server() as host:
        found = Connections()
        client = ChatClient(socket_url(host), connections=found)
        client.open()
        client.close()
    with pytest.raises(UnreachableError):
        client.open()
    assert len(found.took_ms) == 1
    assert found.refused == ["Connection refused"]


def test_keys_of_a_newer_protocol_do_no_harm():
    def newer(ask: Ask) -> list[Act]:
        start, *rest, last = (json.loads(encode(frame)) for frame in well(ask))  # type: ignore[arg-type]
        about = {"intent": "delivery", "cached": "exact", "sources": ["doc-1"], "missing": {}}
        return [json.dumps(f) for f in [start, *rest, {**last, "about": about, "cards": [{"kind": "order"}]}]]

    (found,) = asked(newer)
    assert (found.problem, found.answered_intent, found.cached) == (None, "delivery", True)


def test_text_that_differs_from_what_was_shown_is_told():
    def other_words(ask: Ask) -> list[Act]:
        *_, final = answer = well(ask)
        assert isinstance(final, Final)
        return [*answer[:-1], final.model_copy(update={"text": "It is lost."})]

    assert [found.text_differs for found in (*asked(other_words), *asked(corrected), *asked(well))] == [
        True,
        True,
        False,
    ]


def test_a_server_may_leave_after_the_end():
    assert [found.problem for found in asked(lambda ask: [*well(ask), Do.HANG_UP], messages=2)] == [
        None,
        None,
    ]


def test_silence_ends_in_time_and_its_late_frames_meet_nobody():
    def slow_once(ask: Ask) -> list[Act]:
        return [Wait(0.3), *well(ask)] if ask.request_id == "r-0" else well(ask)

    found = asked(slow_once, within_s=0.2, messages=2)
    assert [transcript.problem for transcript in found] == ["no end in time", None]


def test_pings_are_answered_while_an_answer_is_on_its_way():
    (found,) = asked(lambda ask: [Wait(0.3), *well(ask)], heartbeat=0.05)
    assert found.problem is None


def test_pings_are_answered_while_there_is_nothing_to_ask():
    with chat_server(heartbeat=0.05) as host:
        client = ChatClient(socket_url(host))
        client.open()
        idle_until = time.monotonic() + 0.3
        while time.monotonic() < idle_until:
            client.breathe()
        assert client.connected
        client.close()


def test_an_idle_client_notices_that_the_other_side_has_gone():
    with chat_server() as host:
        client = ChatClient(socket_url(host))
        client.open()
    client.breathe()
    assert not client.connected


def test_nobody_there_is_one_short_line():
    with chat_server() as host:
        pass
    url = socket_url(host)
    with pytest.raises(UnreachableError, match=f"^{url}: Connection refused$") as told:
        ChatClient(url).open()
    assert told.value.exit_code == INCONCLUSIVE


def test_somebody_else_there_is_one_short_line():
    with (
        chat_server() as host,
        pytest.raises(UnreachableError, match=r"HTTP status 404 instead of a WebSocket$"),
    ):
        ChatClient(socket_url(f"{host}/elsewhere")).open()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"),
        ("http://127.0.0.1:8080/", "ws://127.0.0.1:8080/ws"),
        ("https://chat.example.com", "wss://chat.example.com/ws"),
        ("wss://api.example.com/prod", "wss://api.example.com/prod"),
    ],
)
def test_the_socket_of_a_host(host: str, url: str):
    assert socket_url(host) == url


@pytest.mark.parametrize("host", ["", "localhost:8080", "ftp://example.com", "http://"])
def test_a_host_that_is_no_address(host: str):
    with pytest.raises(WrongUseError, match=r"such as http://127\.0\.0\.1:8080") as told:
        socket_url(host)
    assert told.value.exit_code == WRONG_USE
