"""AWS's event-stream wire format (application/vnd.amazon.eventstream), the sending side.

A message is its length, the length of its headers, a CRC32 of those two; the headers; the payload; a CRC32 of
everything before it. Numbers are big-endian. Knows nothing of any one service.
"""

import json
import struct
from binascii import crc32
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

CONTENT_TYPE = "application/vnd.amazon.eventstream"
MAX_HEADERS = 128 * 1024
MAX_PAYLOAD = 24 * 1024 * 1024
_PRELUDE, _CHECKSUM = 12, 4
_ONE, _TWO = struct.Struct(">I").pack, struct.Struct(">II").pack

Header = bool | int | bytes | str | datetime | UUID


def encode(headers: Mapping[str, Header], payload: bytes) -> bytes:
    """One message; ValueError when the format cannot carry it."""
    return _frame(b"".join(_header(name, value) for name, value in headers.items()), payload)


def event(kind: str, body: Mapping[str, Any]) -> bytes:
    """One event of a service that sends JSON."""
    return _frame(_event_headers(kind), json.dumps(body, separators=(",", ":")).encode())


@cache
def encoder(kind: str) -> Callable[[bytes], bytes]:
    """Makes events of one kind whose JSON is already text; for the few kinds that go out by the thousand."""
    headers = _event_headers(kind)
    length, around = len(headers), _PRELUDE + len(headers) + _CHECKSUM

    def encode_one(payload: bytes) -> bytes:
        lengths = _TWO(around + len(payload), length)
        prelude = lengths + _ONE(crc32(lengths))
        return b"".join((prelude, headers, payload, _ONE(crc32(payload, crc32(headers, crc32(prelude))))))

    return encode_one


def exception(kind: str, body: Mapping[str, Any]) -> bytes:
    """An error within a stream; nothing may follow it. Some services leave the body empty."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return encode(headers, json.dumps(body, separators=(",", ":")).encode() if body else b"")


def _frame(headers: bytes, payload: bytes) -> bytes:
    if len(headers) > MAX_HEADERS or len(payload) > MAX_PAYLOAD:
        raise ValueError(f"headers of {len(headers)} and payload of {len(payload)} bytes are too long")
    prelude = struct.pack(">II", _PRELUDE + len(headers) + len(payload) + _CHECKSUM, len(headers))
    message = b"".join((prelude, struct.pack(">I", crc32(prelude)), headers, payload))
    return message + struct.pack(">I", crc32(message))


@cache
def _event_headers(kind: str) -> bytes:
    """The same few kinds go out thousands of times a second."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return b"".join(_header(name, value) for name, value in headers.items())


def _header(name: str, value: Header) -> bytes:
    label = name.encode()
    if not 1 <= len(label) <= 255:
        raise ValueError(f"header name {name!r} must have 1 to 255 bytes")
    return bytes((len(label),)) + label + _value(name, value)


def _value(name: str, value: Header) -> bytes:
    """The type's number and the value: 0 true, 1 false, 4 int32, 5 int64, 6 bytes, 7 text, 8 time, 9 UUID."""
    match value:
        case bool():
            return b"\x00" if value else b"\x01"
        case int() if -(2**31) <= value < 2**31:
            return struct.pack(">Bi", 4, value)
        case int() if -(2**63) <= value < 2**63:
            return struct.pack(">Bq", 5, value)
        case bytes() | str():
            raw, kind = (value, 6) if isinstance(value, bytes) else (value.encode(), 7)
            if len(raw) > 32_767:
                raise ValueError(f"header {name!r} is longer than 32,767 bytes")
            return struct.pack(">BH", kind, len(raw)) + raw
        case datetime():
            return struct.pack(">Bq", 8, round(value.timestamp() * 1000))
        case UUID():
            return b"\x09" + value.bytes
        case _:
            raise ValueError(f"header {name!r} does not fit into 64 bits")
