"""Reads AWS's event stream as it comes off the wire: the events of one answer, each as {kind: body}.

botocore's reader unpacks every header of every event by hand and walks its body along the service's model;
events of one kind have the same headers, byte for byte, and a body of JSON. Here headers are read once, by
botocore, and what is no plain event (an error, a body in another form) is botocore's altogether. Lengths and
checksums are held as there.
"""

import json
from binascii import crc32
from collections.abc import AsyncGenerator, Iterator, Mapping
from functools import lru_cache
from struct import Struct
from typing import Any

from botocore.eventstream import (
    ChecksumMismatch,
    EventStreamBuffer,
    EventStreamHeaderParser,
    EventStreamMessage,
    InvalidPayloadLength,
)

Event = Mapping[str, Any]
_PRELUDE = Struct(">III")  # length of all, length of the headers, checksum of these two
_CHECKSUM = Struct(">I")
_JSON = "application/json"
_LONGEST = 24 * 1024 * 1024 + 128 * 1024


async def read(stream: Any) -> AsyncGenerator[Event, None]:
    """Of an open stream of botocore's; raises what botocore would."""
    arriving = bytearray()
    async for chunk in stream._raw_stream.content.iter_any():
        arriving += chunk
        for message in _whole(arriving):
            event = _plain(message) or await stream._parse_event(_by_botocore(message))
            if event:
                yield event


def _plain(message: bytes) -> Event | None:
    """An event with a body of JSON; None: anything else."""
    headers_end = _PRELUDE.size + _PRELUDE.unpack_from(message)[1]
    kind = _kind(message[_PRELUDE.size : headers_end])
    if kind is None:
        return None
    try:
        body = json.loads(message[headers_end : -_CHECKSUM.size])
    except ValueError:
        return None
    return {kind: body} if isinstance(body, dict) else None


def _whole(arriving: bytearray) -> Iterator[bytes]:
    """Takes the messages that are there to their end away from the front."""
    begin = 0
    while len(arriving) - begin >= _PRELUDE.size:
        length, _, checksum = _PRELUDE.unpack_from(arriving, begin)
        prelude = arriving[begin : begin + _PRELUDE.size - _CHECKSUM.size]
        _hold(checksum, crc32(prelude))
        if length > _LONGEST:
            raise InvalidPayloadLength(length)
        if len(arriving) - begin < length:
            break
        message = bytes(arriving[begin : begin + length])
        _hold(_CHECKSUM.unpack_from(message, length - _CHECKSUM.size)[0], crc32(message[: -_CHECKSUM.size]))
        begin += length
        yield message
    del arriving[:begin]


def _hold(expected: int, calculated: int) -> None:
    if expected != calculated:
        raise ChecksumMismatch(expected, calculated)


@lru_cache(maxsize=64)
def _kind(headers: bytes) -> str | None:
    """Event type, if it is a plain event with a body of JSON."""
    found = EventStreamHeaderParser().parse(headers)
    plain = found.get(":message-type") == "event" and found.get(":content-type") == _JSON
    return found.get(":event-type") if plain else None


def _by_botocore(message: bytes) -> EventStreamMessage:
    buffer = EventStreamBuffer()
    buffer.add_data(message)
    return next(iter(buffer))
