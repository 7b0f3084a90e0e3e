"""The tools as programs: opened like the chat service, without a model and without a conversation."""

import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from contract.people import Person, guest
from runtime.opening import open_parts
from runtime.service import stop_on_signal, wall, write
from runtime.starting import Start, starting
from runtime.surroundings import StartError
from runtime.tools.tool import Caller
from runtime.tools.toolbox import Toolbox

PORTS = range(65_536)


async def over_http(host: str, port: int) -> None:
    """Prints `{"ready": true, "url": ...}` when it serves, then log and metric lines, until SIGTERM."""
    from runtime.tools.serving import PATH, app, serve  # the SDK: nobody else pays for it

    stop = stop_on_signal()
    async with _opened(write) as (start, toolbox):
        bound = _bound(host, port)
        reachable = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
        url = f"http://{reachable}:{bound.getsockname()[1]}{PATH}"

        def ready() -> None:
            write(json.dumps({"ready": True, "url": url}))

        served = app(toolbox, start.identity(), start.around.issuer, host, url)
        await serve(served, bound, stop, ready, start.settings.tools.money_s)


async def over_stdio(customer: str) -> None:
    """Until stdin ends. The lines of the log go to stderr: stdout is the protocol's."""
    from mcp.server.stdio import stdio_server

    from runtime.tools.protocol import server

    person = Person("user", customer) if customer else guest("stdio")

    async def who(_: Mapping[str, str]) -> Caller:
        return Caller(person, person.owner)

    async with _opened(_aside) as (_, toolbox), stdio_server() as (said, say):
        made = server(toolbox, who)
        await made.run(said, say, made.create_initialization_options())


@asynccontextmanager
async def _opened(log: Callable[[str], None]) -> AsyncIterator[tuple[Start, Toolbox]]:
    async with (
        starting(log) as start,
        open_parts(
            start.places,
            start.settings,
            environment=start.around.environment,
            region=start.around.region,
            variables=os.environ,
            calls=lambda: None,
            telemetry=start.telemetry,
            wall=wall,
            secret=start.secret,
        ) as opened,
    ):
        yield start, opened.toolbox


def _bound(host: str, port: int) -> socket.socket:
    if port not in PORTS:
        raise StartError(f"--port {port} is none: give one from 0 to {PORTS[-1]}")
    try:
        return socket.create_server((host, port), backlog=1_024)
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error


def _aside(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
