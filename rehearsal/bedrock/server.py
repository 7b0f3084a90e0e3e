"""The stand-in's HTTP side: one stream a call, its faults, and a count of what became of every call."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits
from typing import Any
from uuid import UUID

from aiohttp import web

from contract.faults import FaultKind
from contract.models import models
from rehearsal import eventstream, faults
from rehearsal.bedrock import answers, pace, requests
from rehearsal.bedrock.refusals import RefusedError, failed, throttled, unavailable

CALLS_PATH = "/_concierge/calls"
_LARGEST_BODY = 25 * 1024 * 1024
SLOW_S = 12.0  # longer than anybody waits for a first text
CUT_AFTER = 3  # chunks
_REFUSALS = {FaultKind.ERROR: failed, FaultKind.UNAVAILABLE: unavailable}
_PADDING = ascii_letters + digits


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted call. `arrived` is the loop's time."""

    model: str
    asked: requests.Conversation
    random: Random
    request_id: str
    arrived: float
    slow: bool
    cut: bool


class Bedrock:
    """One account's Bedrock. `speed` divides every wait; `denied` are keys of models it has no access to."""

    def __init__(self, *, seed: int = 0, speed: float = 1.0, denied: Collection[str] = ()) -> None:
        self._seed = seed
        self._speed = speed
        self._denied = denied
        self._faults = faults.Faults("bedrock", [*FaultKind], {"model": tuple(models())})
        self._served = 0
        endings = ("open", "answered", "abandoned", "throttled", "refused")
        self._calls = {key: dict.fromkeys(endings, 0) for key in models()}

    def app(self) -> web.Application:
        """What to serve."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.add_routes(
            [
                web.post("/model/{model}/converse-stream", self._converse_stream),
                web.get(CALLS_PATH, self._show_calls),
                *faults.routes(self._faults),
            ]
        )
        return app

    async def _converse_stream(self, request: web.Request) -> web.StreamResponse:
        arrived = asyncio.get_running_loop().time()
        self._served += 1
        random = Random(f"{self._seed}/{self._served}")  # noqa: S311 - repeatable, not secret
        request_id = str(UUID(int=random.getrandbits(128), version=4))
        try:
            model, asked = await self._accept(request)
        except RefusedError as refusal:
            await self._until(arrived, pace.refusal_s(random))
            return refusal.response(request_id)
        slow, cut = (self._faults.hit(kind, {"model": model}) for kind in (FaultKind.SLOW, FaultKind.CUT))
        return await self._stream(request, Call(model, asked, random, request_id, arrived, slow, cut))

    async def _accept(self, request: web.Request) -> tuple[str, requests.Conversation]:
        """In Bedrock's order: who calls, which model, what is asked, is there room."""
        if "Authorization" not in request.headers:
            raise RefusedError("MissingAuthenticationTokenException", "Missing Authentication Token")
        body = await request.read()
        found = requests.model_of(request.match_info["model"], self._denied)
        model = found.key
        try:
            asked = requests.conversation(body, prefill=found.prefill)
        except RefusedError:
            self._calls[model]["refused"] += 1
            raise
        if self._faults.hit(FaultKind.THROTTLE, {"model": model}):
            self._calls[model]["throttled"] += 1
            raise throttled()
        for kind, refusal in _REFUSALS.items():
            if self._faults.hit(kind, {"model": model}):
                self._calls[model]["refused"] += 1
                raise refusal()
        return model, asked

    async def _stream(self, request: web.Request, call: Call) -> web.StreamResponse:
        """Keeps count. A client that leaves cancels this, wherever it is."""
        calls, ending = self._calls[call.model], "abandoned"
        calls["open"] += 1
        try:
            response = await self._answer(request, call)
            ending = "abandoned" if call.cut else "answered"
            return response
        finally:
            calls["open"] -= 1
            calls[ending] += 1

    async def _answer(self, request: web.Request, call: Call) -> web.StreamResponse:
        answer = answers.compose(call.random, call.asked.question, call.asked.inference.max_tokens)
        times = pace.pace(call.random, call.model, answer.planned)
        response = web.StreamResponse(
            headers={"Content-Type": eventstream.CONTENT_TYPE, "x-amzn-RequestId": call.request_id}
        )

        async def send(kind: str, body: dict[str, Any]) -> None:
            # Bedrock pads its events, so that their length does not betray the text's.
            padding = _PADDING[: call.random.randrange(len(_PADDING))]
            await response.write(eventstream.event(kind, {**body, "p": padding}))

        late_s = SLOW_S if call.slow else 0.0
        await self._until(call.arrived, times.opens_s)
        await response.prepare(request)
        await send("messageStart", {"role": "assistant"})
        for number, (chunk, due_s) in enumerate(zip(answer.chunks, times.chunks_s, strict=False)):
            if call.cut and number == CUT_AFTER and request.transport is not None:
                request.transport.abort()
                return response
            await self._until(call.arrived, due_s + late_s)
            await send("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": chunk}})
        await send("contentBlockStop", {"contentBlockIndex": 0})
        await send("messageStop", {"stopReason": answer.stop_reason})
        await send("metadata", _metadata(call, answer))
        await response.write_eof()
        return response

    async def _until(self, arrived: float, due_s: float) -> None:
        """Waits for a moment counted from the call's arrival, so that small delays do not add up."""
        await asyncio.sleep(arrived + due_s / self._speed - asyncio.get_running_loop().time())

    async def _show_calls(self, _: web.Request) -> web.Response:
        return web.json_response(self._calls)


def _metadata(call: Call, answer: answers.Answer) -> dict[str, Any]:
    read, written = answers.tokens(call.asked.input_text), answers.tokens(answer.text)
    took = asyncio.get_running_loop().time() - call.arrived
    return {
        "usage": {"inputTokens": read, "outputTokens": written, "totalTokens": read + written},
        "metrics": {"latencyMs": round(took * 1000)},
    }


@asynccontextmanager
async def serving(bedrock: Bedrock, port: int = 0) -> AsyncIterator[str]:
    """Serves on loopback; yields the URL. Leaving ends what is still streaming."""
    runner = web.AppRunner(bedrock.app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        host, bound = runner.addresses[0]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()
