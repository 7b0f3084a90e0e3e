"""Calls on their way to moto, what can go wrong with them, and the count of what did."""

import json
from collections import Counter

import aiohttp
from aiohttp import web

from contract.faults import FaultKind
from rehearsal import fault_api
from rehearsal.clock import Clock
from rehearsal.faults import Faults

COUNTS_PATH = "/_concierge/counts"
OPERATIONS = (
    "GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem",
    "TransactGetItems", "TransactWriteItems",
)  # fmt: skip
READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_SLOW_S, _HANG_S = 2.0, 3_600.0
# kind of fault -> (status, DynamoDB's own word for it)
_REFUSALS = {
    FaultKind.THROTTLE: (400, "ProvisionedThroughputExceededException"),
    FaultKind.ERROR: (500, "InternalServerError"),
    FaultKind.UNAVAILABLE: (503, "ServiceUnavailable"),
}
_KINDS = (FaultKind.RESET, FaultKind.HANG, FaultKind.SLOW, *_REFUSALS)
_PASSED_ON = ("Authorization", "Content-Type", "X-Amz-Target", "X-Amz-Date", "X-Amz-Security-Token")
_LARGEST_BODY = 16 * 1024 * 1024


class Door:
    """In front of the moto at `behind`."""

    def __init__(self, behind: str, clock: Clock) -> None:
        self._behind, self._clock = behind, clock
        self._faults = Faults("dynamodb", _KINDS, {"route": OPERATIONS, "table": ()})
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._client: aiohttp.ClientSession | None = None

    def app(self) -> web.Application:
        """What to serve."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.cleanup_ctx.append(self._connected)
        app.add_routes(
            [
                *fault_api.routes(self._faults),
                web.get(COUNTS_PATH, self._show),
                web.post("/{tail:.*}", self._pass),
            ]
        )
        return app

    async def _connected(self, _: web.Application):  # type: ignore[no-untyped-def]  # noqa: ANN202
        async with aiohttp.ClientSession(auto_decompress=False) as client:
            self._client = client
            yield

    async def _show(self, _: web.Request) -> web.Response:
        """Of each table and operation: throttled, failed."""
        rows = [
            {"table": table, "operation": operation, "what": what, "count": count}
            for (table, operation, what), count in self._counts.items()
        ]
        return web.json_response(rows)

    async def _pass(self, request: web.Request) -> web.Response:
        body = await request.read()
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        table = _table(body)
        struck = self._faults.strike(_KINDS, {"route": operation, "table": table})
        if slow := struck.get(FaultKind.SLOW):
            await self._clock.sleep(slow.measure(_SLOW_S))
        if hang := struck.get(FaultKind.HANG):
            await self._clock.sleep(hang.measure(_HANG_S))
        if FaultKind.HANG in struck or FaultKind.RESET in struck:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        for kind, (status, code) in _REFUSALS.items():
            if kind in struck:
                self._counts[table, operation, "throttled" if status == 400 else "failed"] += 1
                return _refused(status, code)
        return await self._asked(request, body)

    async def _asked(self, request: web.Request, body: bytes) -> web.Response:
        assert self._client is not None  # noqa: S101 - opened with the application
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        async with self._client.post(f"{self._behind}{request.path}", data=body, headers=headers) as answer:
            kept = {
                k: v for k, v in answer.headers.items() if k.lower().startswith(("x-amz", "content-type"))
            }
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


def _table(body: bytes) -> str:
    """Of calls to one table; others name theirs further in."""
    try:
        found = json.loads(body)
    except ValueError:
        return ""
    return str(found.get("TableName", "")) if isinstance(found, dict) else ""


def _refused(status: int, code: str) -> web.Response:
    said = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "injected"}
    return web.json_response(said, status=status, content_type="application/x-amz-json-1.0")
