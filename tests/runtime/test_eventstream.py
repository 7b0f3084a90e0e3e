"""The event stream off the wire: read as botocore reads it, however it is cut and whatever is broken."""

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest
from aiobotocore.eventstream import AioEventStream
from aiobotocore.parsers import create_parser
from botocore.eventstream import InvalidPayloadLength
from botocore.loaders import Loader
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from runtime import eventstream
from tests.runtime.eventstream_helpers import encoded

SHAPE = (
    ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
    .operation_model("ConverseStream")
    .output_shape.members["stream"]  # type: ignore[union-attr]
)
PARSER = create_parser("rest-json")._event_stream_parser
EVENTS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "lo \u3053\u3093 \U0001f97e"}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": {"inputTokens": 7, "outputTokens": 2, "totalTokens": 9}}),
)
ANSWER = b"".join(encoded(kind, body) for kind, body in EVENTS)
THROTTLED = encoded("throttlingException", {"message": "too many"}, kind="exception")


class _Body:
    """A body that arrives in pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self.content = self

    async def iter_any(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        for piece in self._pieces:
            yield piece, True


def seen(pieces: Sequence[bytes], ours: bool) -> tuple[list[Mapping[str, Any]], str]:
    """(events, how it ended), read by us or by botocore."""

    async def read() -> tuple[list[Mapping[str, Any]], str]:
        stream, found = AioEventStream(_Body(pieces), SHAPE, PARSER, "ConverseStream"), []
        try:
            async for event in eventstream.read(stream) if ours else stream:
                found.append(event)  # noqa: PERF401 - what came before an error counts
        except Exception as error:  # noqa: BLE001 - whatever it is, both must end with it
            return found, f"{type(error).__name__}: {error}"
        return found, "end"

    return asyncio.run(read())


def cut(whole: bytes, places: Sequence[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[begin:end] for begin, end in pairwise(marks)]


@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_an_answer_is_the_same_however_it_is_cut(places: list[int]):
    found, end = seen(cut(ANSWER, places), ours=True)

    assert found == [{kind: body} for kind, body in EVENTS]
    assert end == "end"


@given(st.integers(0, len(ANSWER) - 1), st.integers(1, 255), st.lists(st.integers(0, 10_000), max_size=3))
def test_a_broken_byte_ends_it_as_with_botocore(place: int, change: int, places: list[int]):
    broken = bytearray(ANSWER)
    broken[place] ^= change
    pieces = cut(bytes(broken), places)

    assert seen(pieces, ours=True) == seen(pieces, ours=False)
    assert seen(pieces, ours=True)[1].startswith("ChecksumMismatch")


@given(st.integers(0, len(ANSWER)))
def test_what_ends_early_ends_without_an_error(upto: int):
    assert seen([ANSWER[:upto]], ours=True) == seen([ANSWER[:upto]], ours=False)


def test_an_error_within_the_stream_is_botocores_own():
    pieces = [encoded(*EVENTS[0]) + THROTTLED]

    assert seen(pieces, ours=True) == seen(pieces, ours=False)
    assert "throttlingException" in seen(pieces, ours=True)[1]


@pytest.mark.parametrize("payload", [b"", b"{", b"[1]"])
def test_a_body_that_is_no_object_is_read_as_botocore_reads_it(payload: bytes):
    pieces = [encoded("messageStart", payload)]

    assert seen(pieces, ours=True) == seen(pieces, ours=False)


def test_a_length_beyond_all_measure_is_not_waited_for():
    front = struct.pack("!II", 2**31, 0)
    assert seen([front + struct.pack("!I", zlib.crc32(front))], ours=True)[1].startswith(
        InvalidPayloadLength.__name__
    )
