"""What every service of the image does at its start and its end: settings, a port, signals, a clock."""

import asyncio
import contextlib
import signal
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from contract.runtime_settings import RuntimeSettings
from runtime import aws
from runtime.documents import Store
from runtime.surroundings import StartError


def store(ssm: Any) -> Store:
    """Documents in SSM."""
    return Store(one=partial(aws.read_parameter, ssm), folder=partial(aws.read_folder, ssm))


def stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def settings_of(name: str, text: str) -> RuntimeSettings:
    """StartError names the knob that is wrong."""
    try:
        return RuntimeSettings.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise StartError(f"settings in SSM parameter {name}: {place}: {first['msg']}") from None


async def listen(runner: web.AppRunner, host: str, port: int) -> str:
    """The URL that it can be reached at."""
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise StartError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    reachable = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - compared, not bound
    return f"http://{reachable}:{runner.addresses[0][1]}"


def wall() -> datetime:
    return datetime.now(UTC)


def write(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads the log, or the disk is full: work goes on
        print(line, flush=True)
