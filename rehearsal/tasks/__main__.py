"""`python -m rehearsal.tasks`: serves until SIGTERM or SIGINT; one JSON line says where."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from rehearsal import fault_api
from rehearsal import serving as http
from rehearsal.tasks import ZONES
from rehearsal.tasks.balancer import Balancer, faults
from rehearsal.tasks.service import Service

TASKS_PATH = "/_concierge/tasks"
_TASK = (sys.executable, "-m", "runtime", "--host", "127.0.0.1", "--port", "0")


def main() -> None:
    parser = http.parser("rehearsal.tasks", "The agent's tasks behind a balancer on loopback.")
    parser.add_argument("--log", type=Path, required=True, help="file for what all tasks write")
    options = parser.parse_args()
    http.run(options.port, lambda: _serving(options))


@asynccontextmanager
async def _serving(options: Namespace) -> AsyncIterator[dict[str, Any]]:
    broken = faults()
    with options.log.open("ab") as log:
        service = Service(_TASK, ZONES, log, broken)
        balancer = Balancer(service, broken)
        try:
            await service.ready()
            keeping = asyncio.create_task(service.keep())
            server = await asyncio.start_server(balancer.connected, "127.0.0.1", options.port, backlog=1024)
            control = web.Application()
            control.add_routes([web.get(TASKS_PATH, _shown(service, balancer)), *fault_api.routes(broken)])
            async with http.serving(control) as url:
                front = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
                yield {"url": front, "urls": {"tasks": front}, "controls": {"tasks": url}}
            keeping.cancel()
            server.close()
        finally:
            await service.end()


def _shown(service: Service, balancer: Balancer) -> Any:
    async def show(_: web.Request) -> web.Response:
        known = {"tasks": len(service.tasks), "healthy": len(service.healthy), **balancer.counts}
        return web.json_response(known)

    return show


if __name__ == "__main__":
    main()
