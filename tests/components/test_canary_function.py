"""The synthetic conversation as plain Python: what counts as an answer, and what is reported."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.functions.canary import PATIENCE_S, Entry, Outcome, World, converse, report
from contract.frames import Ask, Delta, Failure, Final, Start, decode_client, encode
from contract.metrics import known
from contract.tiers import Tier

ENTRY = Entry("region", "https://door/v1", "wss://door/ws", {"x-api-key": "key"})


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time


class Server:
    """Answers one question with these frames, one every `pace` seconds."""

    def __init__(self, clock: Clock, frames: list[str], pace: float = 0.5) -> None:
        self.asked: list[Ask] = []
        self.closed = False
        self._clock = clock
        self._frames = iter(frames)
        self._pace = pace

    def send(self, payload: str) -> None:
        frame = decode_client(payload)
        assert isinstance(frame, Ask)
        self.asked.append(frame)

    def recv(self) -> str:
        self._clock.time += self._pace
        frame = next(self._frames, None)
        if frame is None:
            raise ConnectionError("closed")
        return frame.replace("REQUEST", self.asked[0].request_id)

    def close(self) -> None:
        self.closed = True


START = encode(Start(request_id="REQUEST", sequence_number=0, session_id="s"))
DELTA = encode(Delta(request_id="REQUEST", sequence_number=1, text="We open"))
FINAL = encode(
    Final(request_id="REQUEST", sequence_number=2, text="We open at nine.", tier=Tier.T0, rung="sonnet")
)
EMPTY = encode(Final(request_id="REQUEST", sequence_number=2, text="", tier=Tier.T0, rung="sonnet"))
OTHER = encode(Delta(request_id="somebody-else", sequence_number=1, text="Hello"))
ERROR = encode(Failure(request_id="REQUEST", sequence_number=1, code="internal", message="broken"))


def talk(frames: list[str], pace: float = 0.5) -> tuple[Outcome, Server, list[Any]]:
    clock = Clock()
    server = Server(clock, frames, pace)
    calls: list[Any] = []

    def post(url: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
        clock.time += 0.25
        calls.append(("POST", url, dict(headers)))
        return {"ticket": "t-1"}

    def connect(url: str, headers: Mapping[str, str], offer: list[str]) -> Server:
        calls.append(("CONNECT", url, offer))
        return server

    return converse(ENTRY, "2", World(post, connect, clock.now)), server, calls


def test_a_guest_gets_a_ticket_connects_with_it_and_is_answered():
    outcome, server, calls = talk([START, OTHER, DELTA, FINAL])
    assert calls == [
        ("POST", "https://door/v1/guest/ticket", {"x-api-key": "key"}),
        ("CONNECT", "wss://door/ws", ["concierge.v2", "ticket.t-1"]),
    ]
    assert outcome == Outcome(True, first_token_ms=1_500.0, conversation_ms=2_250.0)
    assert server.closed


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ([START, ERROR], "error frame: internal"),
        ([START, EMPTY], "an empty answer"),
        ([START], "ConnectionError"),
        (["no json"], "JSONDecodeError"),
    ],
)
def test_what_a_customer_would_not_take_for_an_answer_is_none(frames: list[str], reason: str):
    outcome, server, _ = talk(frames)
    assert not outcome.answered
    assert outcome.reason.startswith(reason)
    assert server.closed


def test_patience_ends():
    outcome, _, _ = talk([START, *[DELTA] * 10, FINAL], pace=PATIENCE_S / 4)
    assert outcome == Outcome(False, reason="no final frame in time")


def test_a_door_that_does_not_open_is_an_outcome():
    def refuse(*_: Any) -> Any:
        raise ConnectionError("refused")

    outcome = converse(ENTRY, "2", World(refuse, refuse, Clock().now))
    assert outcome == Outcome(False, reason="ConnectionError: refused")


@pytest.mark.parametrize("outcome", [Outcome(True, 800.0, 1_200.0), Outcome(False, reason="refused")])
def test_the_report_names_metrics_and_dimensions_that_alarms_can_watch(outcome: Outcome):
    """CloudWatch's embedded metric format: each metric named is a key of the line."""
    line = json.loads(json.dumps(report("prod", "region", outcome, 1.5)))
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert line["_aws"]["Timestamp"] == 1_500
    assert line["Answered"] == int(outcome.answered)
    described = known(directive["Namespace"])
    for metric in directive["Metrics"]:
        assert isinstance(line[metric["Name"]], (int, float))
        assert described[metric["Name"]].unit == metric["Unit"]
        assert [list(names) for names in described[metric["Name"]].dimensions] == directive["Dimensions"]
    assert all(dimension in line for names in directive["Dimensions"] for dimension in names)
