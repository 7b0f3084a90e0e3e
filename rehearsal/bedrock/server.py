"""The stand-in as an HTTP application: Bedrock's operations, and what is asked of the stand-in itself."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from pydantic import ValidationError

from contract.faults import FaultKind
from rehearsal import fault_api
from rehearsal import serving as http
from rehearsal.bedrock.account import Account
from rehearsal.bedrock.gate import Gate
from rehearsal.bedrock.operations import Operations
from rehearsal.bedrock.published import Published
from rehearsal.bedrock.refusals import RefusedError
from rehearsal.clock import Clock

CALLS_PATH = "/_concierge/calls"
TIMES_PATH = "/_concierge/times"
ACCOUNT_PATH = "/_concierge/account"
QUOTAS_PATH = "/_concierge/quotas"
_LARGEST_BODY = 25 * 1024 * 1024


class Bedrock:
    """One account's Bedrock. `speed` divides every wait; `misbehave`: rates of what must not be said."""

    def __init__(
        self,
        *,
        seed: int = 0,
        speed: float = 1.0,
        denied: Collection[str] = (),
        account: Account | None = None,
        misbehave: Mapping[FaultKind, float] | None = None,
        published: Published | None = None,
    ) -> None:
        held = account or Account()
        everything = held.model_copy(update={"denied": held.denied | set(denied)})
        self._gate = Gate(everything, Clock(speed), seed, published or Published())
        self._operations = Operations(self._gate, misbehave or {})

    def app(self) -> web.Application:
        """What to serve."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.add_routes(
            [
                *self._operations.routes(),
                web.get(CALLS_PATH, self._show_calls),
                web.get(TIMES_PATH, self._show_times),
                web.get(QUOTAS_PATH, self._show_quotas),
                web.get(ACCOUNT_PATH, self._show_account),
                web.put(ACCOUNT_PATH, self._change_account),
                *fault_api.routes(self._gate.faults),
                web.route("*", "/{tail:.*}", _unknown_operation),
            ]
        )
        return app

    async def _show_calls(self, _: web.Request) -> web.Response:
        return web.json_response(self._gate.counts.by_model)

    async def _show_times(self, _: web.Request) -> web.Response:
        """Of the last streamed answers of each model: first text, in milliseconds after the call."""
        return web.json_response({key: list(times) for key, times in self._gate.counts.first_ms.items()})

    async def _show_quotas(self, _: web.Request) -> web.Response:
        return web.json_response({name: pool.left for name, pool in self._gate.pools.items()})

    async def _show_account(self, _: web.Request) -> web.Response:
        return web.json_response(text=self._gate.account.model_dump_json())

    async def _change_account(self, request: web.Request) -> web.Response:
        """As if somebody had bought units, given access, or made a guardrail. Capacity starts full again."""
        try:
            self._gate.account = Account.model_validate_json(await request.read())
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "account"
            return web.json_response({"message": f"{place}: {first['msg']}"}, status=400)
        self._gate.pools.clear()
        return web.Response(status=204)


async def _unknown_operation(_: web.Request) -> web.Response:
    refusal = RefusedError("UnknownOperationException", "The stand-in does not offer this operation.")
    return refusal.response("00000000-0000-4000-8000-000000000000")


@asynccontextmanager
async def serving(bedrock: Bedrock, port: int = 0) -> AsyncIterator[str]:
    """Serves on loopback; yields the URL. Leaving ends what is still streaming."""
    async with http.serving(bedrock.app(), port) as url:
        yield url
