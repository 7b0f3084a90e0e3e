"""A plain HTTP service that misbehaves on request: waits as services do, and fails as its faults say.

For stand-ins without a wire format of their own for errors; what an error looks like is theirs to say.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from math import exp
from random import Random

from aiohttp import web

from contract.faults import Fault, FaultKind
from rehearsal import fault_api
from rehearsal.clock import Clock
from rehearsal.faults import Faults

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
CUSTOMER = "X-Concierge-Customer"
LATE_S = web.RequestKey("late_s", float)  # what a fault had a request wait
STATUSES = {
    FaultKind.THROTTLE: 429,
    FaultKind.ERROR: 500,
    FaultKind.BAD_GATEWAY: 502,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.GATEWAY_TIMEOUT: 504,
}
_CONNECTION = (FaultKind.RESET, FaultKind.HANG)
KINDS = (*_CONNECTION, FaultKind.SLOW, *STATUSES)
SLOW_S, HANG_S = 5.0, 3_600.0
_SPREAD = 0.35


class Pace:
    """Waits of a log-normal length, drawn from a seed."""

    def __init__(self, median_s: float, seed: str, clock: Clock) -> None:
        self._median_s, self._random, self._clock = median_s, Random(seed), clock  # noqa: S311 - repeatable

    async def wait(self, times: float = 1.0) -> None:
        await self._clock.sleep(self._median_s * times * exp(self._random.gauss(0.0, _SPREAD)))


def faults_of(target: str, routes: Collection[str], more: Collection[FaultKind] = ()) -> Faults:
    """Faults of such a service: narrowed by route and customer."""
    return Faults(target, (*KINDS, *more), {"route": tuple(routes), "customer": ()})


def application(
    faults: Faults,
    handlers: Mapping[str, tuple[str, str, Handler]],
    clock: Clock,
    pace: Pace | None = None,
    refuse: Callable[[int], web.Response] | None = None,
    largest_body: int = 2 * 1024 * 1024,
    named: Callable[[str], str] = str,
) -> web.Application:
    """`handlers`: route -> (method, path, handler). `named`: what a fault calls the route.

    The control API comes with it, and waits for nobody.
    """
    say = refuse or _refuse
    app = web.Application(client_max_size=largest_body)
    for route, (method, path, handler) in handlers.items():
        app.router.add_route(method, path, _broken(named(route), handler, faults, clock, pace, say))
    app.add_routes(fault_api.routes(faults))
    return app


def _broken(
    route: str,
    handler: Handler,
    faults: Faults,
    clock: Clock,
    pace: Pace | None,
    refuse: Callable[[int], web.Response],
) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        attributes = {"route": route, "customer": request.headers.get(CUSTOMER, "")}
        struck = faults.strike(KINDS, attributes)
        if slow := struck.get(FaultKind.SLOW):
            request[LATE_S] = slow.measure(SLOW_S)
            await clock.sleep(slow.measure(SLOW_S))
        if connection := next((struck[kind] for kind in _CONNECTION if kind in struck), None):
            return await _break(request, connection, clock)
        for kind, status in STATUSES.items():
            if kind in struck:
                return refuse(status)
        if pace is not None:
            await pace.wait()
        return await handler(request)

    return handle


async def _break(request: web.Request, fault: Fault, clock: Clock) -> web.Response:
    if fault.kind is FaultKind.HANG:
        await clock.sleep(fault.measure(HANG_S))
    if request.transport is not None:
        request.transport.abort()
    await asyncio.sleep(0)
    return web.Response(status=500)


def _refuse(status: int) -> web.Response:
    return web.json_response({"error": {"code": status, "message": "injected"}}, status=status)
