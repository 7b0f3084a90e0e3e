"""Opens everything around a conversation and serves it until it is told to stop, then drains.

The one place where real ports, clocks and sockets come together; what they are used for is elsewhere.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import secrets
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import ValidationError

from contract.runtime_settings import RuntimeSettings
from runtime import aws
from runtime.app import Doors, Server
from runtime.assemble import assemble
from runtime.bedrock import Bedrock
from runtime.documents import Documents, Store
from runtime.fault_hook import FaultHook, Hooked
from runtime.freshness import EVERY_S as FRESHNESS_S
from runtime.freshness import Freshness
from runtime.kept import poll
from runtime.opening import Opened, open_parts
from runtime.places import Places
from runtime.prices import token_prices
from runtime.signing import GATEWAY, Signer
from runtime.surfaces.desk import desk
from runtime.surfaces.gateway import Gateway
from runtime.surfaces.identity import Identity
from runtime.surfaces.tokens import Tokens
from runtime.surroundings import StartError, Surroundings
from runtime.targets import Targets
from runtime.telemetry import LibraryLog, Telemetry

KEYS_S = 3.0  # how long the issuer's keys may take
TASK_S = 10.0  # how often a task says how it is


async def serve(host: str, port: int) -> None:
    """Prints `{"ready": true, "url": ...}` when it serves, then log and metric lines, until SIGTERM."""
    stop = _stop_on_signal()
    around, places = Surroundings.read(os.environ), Places.read(os.environ)
    telemetry = Telemetry(around.environment, _wall, _write)
    logging.basicConfig(handlers=[LibraryLog(telemetry)], level=logging.WARNING)
    async with AsyncExitStack() as stack:
        ssm = await stack.enter_async_context(aws.ssm(around.region))
        settings = _settings(around.settings, await aws.read_parameter(ssm, around.settings))
        documents = Documents(_store(ssm), around.names, settings.ladder, _wall, telemetry)
        await documents.start()
        secret = await _secret(around)
        hook = FaultHook(documents.controls.current, secret, around.environment, _wall, telemetry)
        targets = Targets(around.region, documents.model_calls, documents.extras.units)
        opened = await stack.enter_async_context(
            open_parts(
                places,
                settings,
                environment=around.environment,
                region=around.region,
                variables=os.environ,
                calls=documents.model_calls,
                telemetry=telemetry,
                wall=_wall,
                spoil=hook.spoil,
            )
        )
        bedrock = await stack.enter_async_context(Bedrock(settings.ladder, around.region, targets))
        conversation = assemble(
            settings,
            port=Hooked(bedrock, hook),
            controls=documents.controls.current,
            price=token_prices(settings.ladder, around.region, telemetry),
            telemetry=telemetry,
            extras=documents.extras.current,
            parts=opened.parts,
        )
        server = Server(conversation, await _doors(stack, around, telemetry, opened, secret), _wall)
        runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1.0)
        stack.push_async_callback(runner.cleanup)
        await opened.warm()
        url = await _listen(runner, host, port)
        _keep_reading(stack, settings, documents)
        _keep_telling(stack, telemetry, opened, server)
        gc.freeze()  # what start-up made stays; the collector need not look at it again
        _write(json.dumps({"ready": True, "url": url}))
        await stop.wait()
        telemetry.log("info", "stopping: streams may finish")
        await server.drain(settings.request_s)  # nobody's answer takes longer


async def _secret(around: Surroundings) -> bytes | None:
    """What signs tokens, and what keys of other purposes are made of."""
    if around.token_secret is None:
        return None
    return (await aws.read_secret(around.region, around.token_secret)).encode()


async def _doors(
    stack: AsyncExitStack, around: Surroundings, telemetry: Telemetry, opened: Opened, secret: bytes | None
) -> Doors:
    session = await stack.enter_async_context(aiohttp.ClientSession())

    async def fetch(url: str) -> Mapping[str, Any]:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=KEYS_S)) as answer:
            answer.raise_for_status()
            found: Mapping[str, Any] = await answer.json(content_type=None)
            return found

    if secret is None:
        telemetry.log("warning", "no CONCIERGE_TOKEN_SECRET: sessions of guests resume at this task only")
    post = None
    if around.callback:
        keys = await aws.credentials()
        signer = Signer(keys, around.region, GATEWAY) if keys else None
        post = Gateway(session, around.callback, signer, telemetry).post
    return Doors(
        identity=Identity(around.issuer, fetch, telemetry),
        tokens=Tokens(secret or secrets.token_bytes(32), _wall),
        telemetry=telemetry,
        post=post,
        **desk(opened.stores, _wall),
    )


def _keep_reading(stack: AsyncExitStack, settings: RuntimeSettings, documents: Documents) -> None:
    read = settings.controls
    paces = ((documents.turned, read.poll_s), (documents.published, read.published_poll_s))
    for refresh, every_s in [(refresh, pace) for refreshes, pace in paces for refresh in refreshes]:
        stack.callback(asyncio.create_task(poll(refresh, every_s, read.jitter)).cancel)


def _keep_telling(stack: AsyncExitStack, telemetry: Telemetry, opened: Opened, server: Server) -> None:
    """How this task is, and how old the contracts with our providers are."""
    freshness = Freshness(telemetry, _wall)

    async def task() -> None:
        opened.measures.task(
            connections=server.connections, in_flight=opened.shedding.running, lag_s=opened.shedding.lag_s
        )

    for tell, every_s in ((task, TASK_S), (freshness.tell, FRESHNESS_S)):
        stack.callback(asyncio.create_task(poll(tell, every_s, 0.1)).cancel)


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
