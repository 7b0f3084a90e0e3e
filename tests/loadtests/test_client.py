"""The client on a real socket, and what it makes of a server that misbehaves."""

import time

import pytest

from contract.errors import INCONCLUSIVE, WRONG_USE, WrongUseError
from contract.frames import Ask, Final
from contract.tiers import Tier
from loadtests.client import ChatClient, UnreachableError, socket_url
from loadtests.transcript import Transcript
from tests.loadtests.chat_server_helpers import Act, Answer, Do, Wait, chat_server, corrected, refused, well


def asked(answer: Answer, *, within_s: float = 30, messages: int = 1, **server: float) -> list[Transcript]:
    """What one client saw of messages to such a server, one after the other."""
    with chat_server(answer, **server) as host:
        client = ChatClient(socket_url(host))
        found = [
            client.ask(Ask(request_id=f"r-{number}", text="Where is it?"), time.monotonic() + within_s)
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

    assert [found.problem for found in asked(falls_once, messages=2)] == ["connection lost", None]


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
