"""Sends a reply as ConverseStream does: event by event, in time, and broken where a fault wants it broken."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring as _quoted
from string import ascii_letters, digits
from typing import Any

from aiohttp import web

from contract.faults import Fault, FaultKind
from rehearsal import eventstream
from rehearsal.bedrock import pace, refusals
from rehearsal.bedrock.calls import Call
from rehearsal.bedrock.replies import Block, Reply, Text, Tool
from rehearsal.clock import Clock

SLOW_S = 12.0  # longer than anybody waits for a first text
BREAKS_AFTER = 3  # chunks
BREAKING = (FaultKind.CUT, FaultKind.UNFINISHED, *refusals.STREAMED)
_PADDINGS = [(ascii_letters + digits)[:length] for length in range(62)]
_encode_delta = eventstream.encoder("contentBlockDelta")
_json = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class _Break:
    """Where a stream breaks, and how."""

    kind: FaultKind
    after: int

    @classmethod
    def of(cls, call: Call) -> "_Break | None":
        faults = [fault for kind, fault in (call.struck or {}).items() if kind in BREAKING]
        breaks = [cls(fault.kind, round(fault.measure(BREAKS_AFTER))) for fault in faults]
        return min(breaks, key=lambda found: found.after, default=None)


async def send(
    request: web.Request, call: Call, reply: Reply, more: dict[str, Any], clock: Clock
) -> web.StreamResponse:
    """The whole stream. `more`: fields of the metadata beside usage and times."""
    times = pace.pace(call.random, call.target.key if call.target else "", reply.planned)
    late_s, broken = late(call), _Break.of(call)
    response = web.StreamResponse(
        headers={"Content-Type": eventstream.CONTENT_TYPE, "x-amzn-RequestId": call.request_id}
    )
    await clock.until(call.arrived, times.opens_s)
    await response.prepare(request)
    await response.write(_event(call, "messageStart", '"role":"assistant"'))
    sent, closing = 0, b""  # what ends a block goes out with what follows at once
    for index, block in enumerate(reply.blocks):
        opening = closing + _opening(call, index, block)
        for piece in block.pieces:
            if broken and broken.after <= sent:
                return await _break(request, response, call, broken)
            await clock.until(call.arrived, times.chunks_s[sent] + late_s)
            await response.write(opening + _delta(call, index, block, piece))
            if not sent:
                call.first_token_s = clock.now() - call.arrived
            opening, sent = b"", sent + 1
        closing = opening + _event(call, "contentBlockStop", f'"contentBlockIndex":{index}')
    if broken:  # it was to break later than this answer lasts
        await response.write(closing)
        return await _break(request, response, call, broken)
    took_ms = round((clock.now() - call.arrived) * 1000)
    metadata = {"usage": reply.usage, "metrics": {"latencyMs": took_ms}, **more}
    await response.write(b"".join((closing, *_last(call, reply, metadata))))
    await response.write_eof()
    return response


def late(call: Call) -> float:
    """How much later everything comes."""
    slow: Fault | None = (call.struck or {}).get(FaultKind.SLOW)
    return slow.measure(SLOW_S) if slow else 0.0


def _event(call: Call, kind: str, fields: str) -> bytes:
    return eventstream.encoder(kind)(f'{{{fields},"p":"{_padding(call)}"}}'.encode())


def _padding(call: Call) -> str:
    """Bedrock pads its events, so that their length does not betray the text's."""
    return _PADDINGS[int(call.random.random() * len(_PADDINGS))]


def _opening(call: Call, index: int, block: Block) -> bytes:
    """Only blocks that are no text say that they begin."""
    if not isinstance(block, Tool):
        return b""
    start = {"toolUse": {"toolUseId": block.use.id, "name": block.use.name}}
    return _event(call, "contentBlockStart", f'"start":{_json(start)},"contentBlockIndex":{index}')


def _delta(call: Call, index: int, block: Block, piece: str) -> bytes:
    """Most of what is ever sent: every piece of text comes through here."""
    said = f'{{"text":{_quoted(piece)}}}' if type(block) is Text else _json(block.delta(piece))
    payload = f'{{"delta":{said},"contentBlockIndex":{index},"p":"{_padding(call)}"}}'
    return _encode_delta(payload.encode())


def _last(call: Call, reply: Reply, metadata: dict[str, Any]) -> Iterator[bytes]:
    yield _event(call, "messageStop", f'"stopReason":"{reply.stop_reason}"')
    yield _event(call, "metadata", _json(metadata)[1:-1])


async def _break(
    request: web.Request, response: web.StreamResponse, call: Call, broken: _Break
) -> web.StreamResponse:
    call.broken = True
    if broken.kind is FaultKind.CUT:
        abort(request)
        return response
    if broken.kind is not FaultKind.UNFINISHED:
        await response.write(refusals.frame(broken.kind))
    await response.write_eof()
    return response


def abort(request: web.Request) -> None:
    """The connection breaks: no goodbye in HTTP's own words."""
    if request.transport is not None:
        request.transport.abort()
