"""`python -m runtime --port 8080 --host 0.0.0.0`: reads its settings from SSM, serves until SIGTERM, drains.

Prints `{"ready": true, "url": ...}` when it serves, then log and metric lines. What keeps it from starting is
one line on stderr, and an exit code of `contract.errors`.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Self

from aiohttp import web
from pydantic import ValidationError

from contract.errors import ConciergeError, WrongUseError
from contract.runtime_settings import RuntimeSettings
from runtime import aws
from runtime.app import CHAT, make_app
from runtime.assemble import assemble
from runtime.bedrock import Bedrock
from runtime.controls import ControlsReader
from runtime.prices import token_prices
from runtime.telemetry import LibraryLog, Telemetry

PORTS = range(65_536)


class StartError(WrongUseError):
    """The runtime cannot start as it was told to."""


@dataclass(frozen=True)
class Surroundings:
    """What the environment tells: who we are, and where our documents are."""

    environment: str
    settings: str
    controls: str
    region: str

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        names = ("CONCIERGE_ENVIRONMENT", "CONCIERGE_SETTINGS", "CONCIERGE_CONTROLS", "AWS_REGION")
        if missing := [name for name in names if not variables.get(name)]:
            raise StartError(f"set {', '.join(missing)} in the environment: the task definition names them")
        return cls(*(variables[name] for name in names))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m runtime", description="The concierge's agent runtime.")
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on (default: all)")  # noqa: S104
    parser.add_argument("--port", default=8080, type=int, help="port to listen on; 0 takes a free one")
    arguments = parser.parse_args()
    try:
        if arguments.port not in PORTS:
            raise StartError(f"--port {arguments.port} is none: give one from 0 to {PORTS[-1]}")
        asyncio.run(_serve(arguments.host, arguments.port))
    except ConciergeError as error:
        print(f"runtime: {error}", file=sys.stderr)
        return error.exit_code
    return 0


async def _serve(host: str, port: int) -> None:
    stop = _stop_on_signal()
    around = Surroundings.read(os.environ)
    telemetry = Telemetry(around.environment, _wall, _write)
    logging.basicConfig(handlers=[LibraryLog(telemetry)], level=logging.WARNING)
    async with AsyncExitStack() as stack:
        ssm = await stack.enter_async_context(aws.ssm(around.region))
        settings = _settings(around.settings, await aws.read_parameter(ssm, around.settings))
        read = partial(aws.read_parameter, ssm, around.controls)
        controls = ControlsReader(read, settings.controls, _wall, telemetry)
        await controls.refresh()
        conversation = assemble(
            settings,
            port=await stack.enter_async_context(Bedrock(settings.ladder, around.region)),
            controls=controls.current,
            price=token_prices(settings.ladder, around.region, telemetry),
            telemetry=telemetry,
        )
        app = make_app(conversation, _wall)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        stack.push_async_callback(runner.cleanup)
        url = await _listen(runner, host, port)
        polling = asyncio.create_task(controls.poll())
        stack.callback(polling.cancel)
        gc.freeze()  # what start-up made stays; the collector need not look at it again
        _write(json.dumps({"ready": True, "url": url}))
        await stop.wait()
        telemetry.log("info", "stopping: streams may finish")
        await app[CHAT].drain(settings.request_s)  # nobody's answer takes longer


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _settings(name: str, text: str) -> RuntimeSettings:
    try:
        return RuntimeSettings.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise StartError(f"settings in SSM parameter {name}: {place}: {first['msg']}") from None


async def _listen(runner: web.AppRunner, host: str, port: int) -> str:
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    reachable = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
    return f"http://{reachable}:{runner.addresses[0][1]}"


def _wall() -> datetime:
    return datetime.now(UTC)


def _write(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads the log, or the disk is full: people still get answers
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
