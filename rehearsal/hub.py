"""One HTTP API for the faults of all stand-ins, and for how they are; served by `concierge aws up`.

Faults are asked for as at a single stand-in (`fault_api`); their target says whom they are for.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from chaos.faults import FaultError
from contract.errors import ConciergeError
from contract.faults import ActiveFault, Fault, Injection
from rehearsal import fault_api
from rehearsal.environment import Aws
from rehearsal.processes import ProcessError

STATUS_PATH = "/_concierge/status"
_LIST = TypeAdapter(tuple[ActiveFault, ...])
_LOG = TypeAdapter(tuple[Injection, ...])


def app(aws: Aws) -> web.Application:
    """What to serve."""
    faults = aws.faults

    async def inject(request: web.Request) -> web.Response:
        asked = Fault.model_validate_json(await request.read())
        active = await asyncio.to_thread(faults.inject, asked)
        return fault_api.json_response(active.model_dump_json().encode(), status=201)

    async def show(_: web.Request) -> web.Response:
        return fault_api.json_response(_LIST.dump_json(await asyncio.to_thread(faults.active)))

    async def log(_: web.Request) -> web.Response:
        return fault_api.json_response(_LOG.dump_json(await asyncio.to_thread(faults.log)))

    async def clear(request: web.Request) -> web.Response:
        name = request.match_info["id"]
        there = await asyncio.to_thread(faults.clear, name)
        return web.Response(status=204) if there else fault_api.missing(name)

    async def clear_all(_: web.Request) -> web.Response:
        await asyncio.to_thread(faults.clear_all)
        return web.Response(status=204)

    async def status(_: web.Request) -> web.Response:
        return web.json_response(standing(aws))

    made = web.Application(middlewares=[_tell])
    made.add_routes(
        [
            web.get(STATUS_PATH, status),
            web.post(fault_api.PATH, inject),
            web.get(fault_api.PATH, show),
            web.get(fault_api.LOG_PATH, log),
            web.delete(f"{fault_api.PATH}/{{id}}", clear),
            web.delete(fault_api.PATH, clear_all),
        ]
    )
    return made


def standing(aws: Aws) -> dict[str, object]:
    """Each stand-in: None while it runs, else how it ended."""
    return {name: _ended(process.check) for name, process in aws.processes.items()}


def _ended(check: Callable[[], None]) -> str | None:
    try:
        check()
    except ProcessError as ended:
        return str(ended)
    return None


@web.middleware
async def _tell(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Whatever a stand-in refuses is told in its own words."""
    try:
        return await handler(request)
    except ValidationError as wrong:
        return fault_api.refused(wrong)
    except FaultError as failed:
        return web.json_response({"message": str(failed)}, status=502)
    except ConciergeError as wrong:
        return web.json_response({"message": str(wrong)}, status=400)
