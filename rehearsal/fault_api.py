"""The control API of faults over HTTP: POST, GET and DELETE on `/_concierge/faults`; GET of their log.

Every stand-in serves it for itself, and the hub of `concierge aws` for all of them. Python's client is
`chaos.faults.rehearsal.RehearsalTarget`.
"""

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from contract.faults import ActiveFault, Fault, Injection
from rehearsal.faults import FaultError, Faults

PATH = "/_concierge/faults"
LOG_PATH = "/_concierge/injections"
_LIST = TypeAdapter(list[ActiveFault])
_LOG = TypeAdapter(list[Injection])


def routes(faults: Faults) -> list[web.RouteDef]:
    """What to add to a stand-in's application."""

    async def inject(request: web.Request) -> web.Response:
        try:
            active = faults.inject(Fault.model_validate_json(await request.read()))
        except (FaultError, ValidationError) as wrong:
            return refused(wrong)
        return json_response(active.model_dump_json().encode(), status=201)

    async def show(_: web.Request) -> web.Response:
        return json_response(_LIST.dump_json(faults.active()))

    async def log(_: web.Request) -> web.Response:
        return json_response(_LOG.dump_json(faults.log()))

    async def clear(request: web.Request) -> web.Response:
        name = request.match_info["id"]
        return web.Response(status=204) if faults.clear(name) else missing(name)

    async def clear_all(_: web.Request) -> web.Response:
        faults.clear_all()
        return web.Response(status=204)

    return [
        web.post(PATH, inject),
        web.get(PATH, show),
        web.get(LOG_PATH, log),
        web.delete(f"{PATH}/{{id}}", clear),
        web.delete(PATH, clear_all),
    ]


def refused(wrong: FaultError | ValidationError) -> web.Response:
    """What is wrong with a fault, in one line."""
    if isinstance(wrong, FaultError):
        return web.json_response({"message": str(wrong)}, status=400)
    first = wrong.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "fault"
    return web.json_response({"message": f"{place}: {first['msg']}"}, status=400)


def missing(fault_id: str) -> web.Response:
    return web.json_response({"message": f"no fault {fault_id!r}, or its lease has run out"}, status=404)


def json_response(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
