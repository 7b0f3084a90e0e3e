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
from typing import Any, Self

from aiohttp import web
from pydantic import ValidationError

from contract import rungs
from contract.errors import ConciergeError, WrongUseError
from contract.runtime_settings import RuntimeSettings
from runtime import aws
from runtime.app import drain, make_app
from runtime.assemble import assemble
from runtime.bedrock import Bedrock
from runtime.documents import Documents, Names, Store
from runtime.kept import poll
from runtime.prices import token_prices
from runtime.targets import Targets
from runtime.telemetry import LibraryLog, Telemetry

PORTS = range(65_536)


class StartError(WrongUseError):
    """The runtime cannot start as it was told to."""


@dataclass(frozen=True)
class Surroundings:
    """What the environment tells: who we are, and where our documents are. Without `models`: no guardrail."""

    environment: str
    settings: str
    controls: str
    region: str
    models: str | None = None

    @property
    def names(self) -> Names:
        return Names(self.controls, rungs.folder(self.environment), self.models)

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> Self:
        names = ("CONCIERGE_ENVIRONMENT", "CONCIERGE_SETTINGS", "CONCIERGE_CONTROLS", "AWS_REGION")
        if missing := [name for name in names if not variables.get(name)]:
            raise StartError(f"set {', '.join(missing)} in the environment: the task definition names them")
        environment, settings, controls, region = (variables[name] for name in names)
        return cls(environment, settings, controls, region, variables.get("CONCIERGE_MODELS") or None)


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
        documents = Documents(_store(ssm), around.names, settings.ladder, _wall, telemetry)
        await documents.start()
        targets = Targets(around.region, documents.model_calls, documents.extras.units)
        conversation = assemble(
            settings,
            port=await stack.enter_async_context(Bedrock(settings.ladder, around.region, targets)),
            controls=documents.controls.current,
            price=token_prices(settings.ladder, around.region, telemetry),
            telemetry=telemetry,
            extras=documents.extras.current,
        )
        app = make_app(conversation, _wall)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        stack.push_async_callback(runner.cleanup)
        url = await _listen(runner, host, port)
        read = settings.controls
        paces = ((documents.turned, read.poll_s), (documents.published, read.published_poll_s))
        for refresh, every_s in [(refresh, pace) for refreshes, pace in paces for refresh in refreshes]:
            stack.callback(asyncio.create_task(poll(refresh, every_s, read.jitter)).cancel)
        gc.freeze()  # what start-up made stays; the collector need not look at it again
        _write(json.dumps({"ready": True, "url": url}))
        await stop.wait()
        telemetry.log("info", "stopping: streams may finish")
        await drain(app, settings.request_s)  # nobody's answer takes longer


def _store(ssm: Any) -> Store:
    return Store(one=partial(aws.read_parameter, ssm), folder=partial(aws.read_folder, ssm))


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
