"""The ingest service: as many workers as batches may be under way, until it is told to stop.

Nobody asks it anything but whether it is well; it signs nothing, and so needs no secret (`runtime.starting`).
"""

import asyncio
import json
import logging
import os
from contextlib import AsyncExitStack

from aiohttp import web

from runtime import aws
from runtime.documents import Documents
from runtime.ingest.opening import Ingest, open_ingest
from runtime.ingest.origins import Origin
from runtime.ingest.queue import Queue
from runtime.ingest.worker import Worker
from runtime.kept import poll
from runtime.places import Places
from runtime.safety.watch import ready
from runtime.service import listen, settings_of, stop_on_signal, store, wall, write
from runtime.surroundings import StartError, Surroundings
from runtime.telemetry import LibraryLog, Telemetry

QUEUE = "CONCIERGE_INGEST_QUEUE"


async def serve(host: str, port: int) -> None:
    """Prints `{"ready": true, "url": ...}` when it works, then log and metric lines, until SIGTERM."""
    stop = stop_on_signal()
    around, url = Surroundings.read(os.environ), os.environ.get(QUEUE, "")
    if not url:
        raise StartError(
            f"set {QUEUE} in the environment: the task definition of the ingest service names it"
        )
    telemetry = Telemetry(around.environment, wall, write)
    logging.basicConfig(handlers=[LibraryLog(telemetry)], level=logging.WARNING)
    async with AsyncExitStack() as stack:
        ssm = await stack.enter_async_context(aws.ssm(around.region))
        settings = settings_of(around.settings, await aws.read_parameter(ssm, around.settings))
        documents = Documents(store(ssm), around.names, settings.ladder, wall, telemetry)
        await documents.start()
        opened = await stack.enter_async_context(
            open_ingest(
                Places.read(os.environ),
                settings,
                region=around.region,
                wall=wall,
                calls=documents.model_calls,
                cutover=documents.cutover,
            )
        )
        # Whoever writes must know of a cutover sooner than whoever reads.
        for refresh in (*documents.turned, *documents.published):
            task = asyncio.create_task(poll(refresh, settings.controls.poll_s, settings.controls.jitter))
            stack.callback(task.cancel)
        ready()
        runner = web.AppRunner(_app(stop), access_log=None, shutdown_timeout=1.0)
        stack.push_async_callback(runner.cleanup)
        write(json.dumps({"ready": True, "url": await listen(runner, host, port)}))
        await _work(opened, url, telemetry, stop)
        telemetry.log("info", "stopped: nothing is half done")


async def _work(opened: Ingest, url: str, telemetry: Telemetry, stop: asyncio.Event) -> None:
    async def bucket(name: str) -> Origin:
        return await opened.bucket(name)

    worker = Worker(
        Queue(await opened.clients.of("sqs"), url),
        opened.intake,
        telemetry,
        origin=bucket,
        follow=opened.generations.follow,
        changed=opened.tell_caches,
    )
    async with asyncio.TaskGroup() as group:
        for _ in range(opened.settings.ingest.batches):
            group.create_task(worker.work(stop))


def _app(stop: asyncio.Event) -> web.Application:
    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live"})

    async def ready_(_: web.Request) -> web.Response:
        draining = stop.is_set()
        status = "draining" if draining else "ready"
        return web.json_response({"status": status}, status=503 if draining else 200)

    app = web.Application()
    app.add_routes([web.get("/ping", live), web.get("/health/live", live), web.get("/health/ready", ready_)])
    return app
