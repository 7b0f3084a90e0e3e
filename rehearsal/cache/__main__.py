"""`python -m rehearsal.cache`: serves until SIGTERM or SIGINT; one JSON line says where."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from rehearsal import fault_api
from rehearsal import serving as http
from rehearsal.cache import backend, proxy
from rehearsal.clock import Clock


def main() -> None:
    parser = http.parser("rehearsal.cache", "Valkey on loopback.")
    parser.add_argument("--embedded", action="store_true", help="not the machine's own server")
    options = parser.parse_args()
    real = None if options.embedded else backend.program()
    http.run(options.port, lambda: serving(real, options.port, options.speed))


@asynccontextmanager
async def serving(real: str | None, port: int = 0, speed: float = 1.0) -> AsyncIterator[dict[str, Any]]:
    """The server, the proxy in front of it, and where its faults are controlled."""
    broken = proxy.faults()
    control = web.Application()
    control.add_routes(fault_api.routes(broken))
    with backend.running(real) as (what, behind):
        async with (
            proxy.serving(proxy.Proxy(behind, broken, Clock(speed)), port) as front,
            http.serving(control) as url,
        ):
            yield {
                "urls": {"cache": f"redis://127.0.0.1:{front}/0"},
                "controls": {"cache": url},
                "server": what,
            }


if __name__ == "__main__":
    main()
