"""Opens everything around a conversation and serves it until it is told to stop, then drains.

The one place where real ports, clocks and sockets come together; what they are used for is elsewhere.
"""

import asyncio
import gc
import json
import os
from contextlib import AsyncExitStack

from aiohttp import web

from contract.runtime_settings import RuntimeSettings
from runtime import aws
from runtime.app import Doors, Server
from runtime.assemble import assemble
from runtime.bedrock import Bedrock
from runtime.documents import Documents
from runtime.fault_hook import FaultHook, Hooked
from runtime.freshness import EVERY_S as FRESHNESS_S
from runtime.freshness import Freshness
from runtime.kept import poll
from runtime.opening import Opened, open_parts
from runtime.prices import token_prices
from runtime.service import listen, stop_on_signal, store, wall, write
from runtime.signing import GATEWAY, Signer
from runtime.starting import Start, starting
from runtime.surfaces.desk import desk
from runtime.surfaces.gateway import Gateway
from runtime.surfaces.tokens import Tokens
from runtime.targets import Targets
from runtime.telemetry import Telemetry

TASK_S = 10.0  # how often a task says how it is


async def serve(host: str, port: int) -> None:
    """Prints `{"ready": true, "url": ...}` when it serves, then log and metric lines, until SIGTERM."""
    stop = stop_on_signal()
    async with starting(write) as start, AsyncExitStack() as stack:
        around, settings, telemetry = start.around, start.settings, start.telemetry
        documents = Documents(store(start.ssm), around.names, settings.ladder, wall, telemetry, around.region)
        await documents.start()
        hook = FaultHook(documents.controls.current, start.shared, around.environment, wall, telemetry)
        targets = Targets(around.region, documents.model_calls, documents.extras.units)
        opened = await stack.enter_async_context(
            open_parts(
                start.places,
                settings,
                environment=around.environment,
                region=around.region,
                variables=os.environ,
                calls=documents.model_calls,
                cutover=documents.cutover,
                telemetry=telemetry,
                wall=wall,
                secret=start.secret,
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
        server = Server(conversation, await _doors(start, opened, documents), wall)
        runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=1.0)
        stack.push_async_callback(runner.cleanup)
        await opened.warm()
        url = await listen(runner, host, port)
        _keep_reading(stack, settings, documents)
        _keep_telling(stack, telemetry, opened, server)
        gc.freeze()  # what start-up made stays; the collector need not look at it again
        write(json.dumps({"ready": True, "url": url}))
        await stop.wait()
        telemetry.log("info", "stopping: streams may finish")
        await server.drain(settings.request_s)  # nobody's answer takes longer


async def _doors(start: Start, opened: Opened, documents: Documents) -> Doors:
    post = None
    if start.around.callback:
        keys = await aws.credentials()
        signer = Signer(keys, start.around.region, GATEWAY) if keys else None
        post = Gateway(start.http, start.around.callback, signer, start.telemetry).post
    return Doors(
        identity=start.identity(),
        tokens=Tokens(start.secret, wall),
        telemetry=start.telemetry,
        post=post,
        **desk(opened.stores, wall, documents.controls.current, opened.parts.trial),
    )


def _keep_reading(stack: AsyncExitStack, settings: RuntimeSettings, documents: Documents) -> None:
    read = settings.controls
    paces = ((documents.turned, read.poll_s), (documents.published, read.published_poll_s))
    for refresh, every_s in [(refresh, pace) for refreshes, pace in paces for refresh in refreshes]:
        stack.callback(asyncio.create_task(poll(refresh, every_s, read.jitter)).cancel)


def _keep_telling(stack: AsyncExitStack, telemetry: Telemetry, opened: Opened, server: Server) -> None:
    """How this task is, and how old the contracts with our providers are."""
    freshness = Freshness(telemetry, wall)

    async def task() -> None:
        opened.measures.task(
            connections=server.connections, in_flight=opened.shedding.running, lag_s=opened.shedding.lag_s
        )

    for tell, every_s in ((task, TASK_S), (freshness.tell, FRESHNESS_S)):
        stack.callback(asyncio.create_task(poll(tell, every_s, 0.1)).cancel)
