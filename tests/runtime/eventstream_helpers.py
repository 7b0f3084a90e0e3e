"""AWS's event stream, the sending side."""

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any


def encoded(name: str, body: Mapping[str, Any] | bytes, kind: str = "event") -> bytes:
    """One message of the binary event stream."""
    headers = b""
    for key, value in (
        (f":{kind}-type", name),
        (":message-type", kind),
        (":content-type", "application/json"),
    ):
        headers += (
            struct.pack("!B", len(key)) + key.encode() + struct.pack("!BH", 7, len(value)) + value.encode()
        )
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))
