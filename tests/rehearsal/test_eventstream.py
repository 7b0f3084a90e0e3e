"""What our encoder writes, botocore's decoder reads back; what was damaged on the way, it refuses."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from botocore.eventstream import EventStreamBuffer, ParserError
from hypothesis import given
from hypothesis import strategies as st

from rehearsal import eventstream


def decode(stream: bytes) -> list[Any]:
    """The messages as botocore reads them."""
    buffer = EventStreamBuffer()
    buffer.add_data(stream)
    return list(buffer)


headers = st.dictionaries(
    st.text(min_size=1, max_size=60),
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary() | st.text(max_size=500) | st.uuids(),
    max_size=8,
)


@given(headers, st.binary())
def test_headers_and_payload_survive(sent: dict[str, eventstream.Header], payload: bytes) -> None:
    (message,) = decode(eventstream.encode(sent, payload))

    as_botocore_gives = {k: v.bytes if isinstance(v, UUID) else v for k, v in sent.items()}
    assert repr(message.headers) == repr(as_botocore_gives)  # repr: True is not 1
    assert message.payload == payload


def test_a_time_is_sent_in_milliseconds() -> None:
    moment = datetime(2026, 11, 20, 10, 0, 0, 123_000, tzinfo=UTC)

    (message,) = decode(eventstream.encode({"at": moment}, b""))

    assert message.headers["at"] == 1_795_168_800_123


@given(st.lists(st.binary(max_size=40), min_size=2, max_size=5))
def test_messages_follow_each_other_without_a_gap(payloads: list[bytes]) -> None:
    stream = b"".join(eventstream.encode({"n": number}, body) for number, body in enumerate(payloads))

    assert [message.payload for message in decode(stream)] == payloads


def test_an_event_carries_its_kind_and_compact_json() -> None:
    (message,) = decode(eventstream.event("messageStop", {"stopReason": "end_turn"}))

    assert message.headers == {
        ":event-type": "messageStop",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    assert message.payload == b'{"stopReason":"end_turn"}'
    assert json.loads(message.payload) == {"stopReason": "end_turn"}


@given(st.data())
def test_one_flipped_bit_anywhere_is_noticed(data: st.DataObject) -> None:
    """Both checksums are right: the prelude's guards the lengths, the last one guards all the rest."""
    message = bytearray(eventstream.event("contentBlockDelta", {"delta": {"text": "hello"}}))
    place = data.draw(st.integers(0, len(message) - 1))
    message[place] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(ParserError):
        decode(bytes(message))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("", "x", "1 to 255 bytes"),
        ("n" * 256, "x", "1 to 255 bytes"),
        ("long", "x" * 32_768, "longer than 32,767 bytes"),
        ("big", 2**63, "64 bits"),
    ],
)
def test_what_the_format_cannot_carry_is_refused(name: str, value: eventstream.Header, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        eventstream.encode({name: value}, b"")


def test_a_payload_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        eventstream.encode({}, bytes(eventstream.MAX_PAYLOAD + 1))
