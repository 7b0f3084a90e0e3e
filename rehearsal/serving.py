"""How a stand-in that speaks HTTP runs: on loopback, as a program of its own or within a test.

The program says where it is with one JSON line, and ends with SIGTERM or SIGINT.
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def serving(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Serves on loopback; yields the URL. Leaving ends what is still being answered."""
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        host, bound = runner.addresses[0]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


def parser(program: str, description: str) -> argparse.ArgumentParser:
    """The options that every stand-in has."""
    made = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    made.add_argument("--port", type=int, default=0, help="0: any free one")
    made.add_argument("--seed", type=int, default=0, help="the same seed gives the same answers and times")
    made.add_argument("--speed", type=_speed, default=1.0, help="divides every wait, 1 to 3")
    return made


def run(port: int, start: Callable[[], AbstractAsyncContextManager[str | dict[str, Any]]]) -> None:
    """Serves until it is stopped; one line where it cannot. `start` yields a URL, or fields to tell."""
    try:
        asyncio.run(_run(start))
    except OSError as error:
        sys.exit(f"cannot serve on port {port}: {error.strerror}; use --port 0 for any free one")


async def _run(start: Callable[[], AbstractAsyncContextManager[str | dict[str, Any]]]) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with start() as said:
        told = {"url": said} if isinstance(said, str) else said
        print(json.dumps({"ready": True, **told}), flush=True)
        await stopped.wait()


def _speed(text: str) -> float:
    speed = float(text)
    if not 1 <= speed <= 3:
        raise argparse.ArgumentTypeError("must be from 1 to 3: processor time does not shrink with the waits")
    return speed
