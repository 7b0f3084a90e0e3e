"""Stand-ins in a thread with a loop of its own, and plain requests to them."""

import asyncio
import json
import queue
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

import botocore.session
from botocore.config import Config

T = TypeVar("T")
CALLER: dict[str, Any] = {
    "region_name": "us-east-1",
    "aws_access_key_id": "rehearsal",
    "aws_secret_access_key": "rehearsal",
}


@contextmanager
def in_thread(start: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """What `start` yields, served until the block ends."""
    said: queue.Queue[tuple[T, Callable[[], object]]] = queue.Queue()

    async def serve() -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        async with start() as place:
            said.put((place, lambda: loop.call_soon_threadsafe(stopped.set)))
            await stopped.wait()

    thread = threading.Thread(target=asyncio.run, args=[serve()])
    thread.start()
    place, stop = said.get(timeout=10)
    try:
        yield place
    finally:
        stop()
        thread.join()


@contextmanager
def client_of(service: str, url: str, **options: Any) -> Iterator[Any]:
    """A real client of a service, which tries once."""
    config = Config(retries={"total_max_attempts": 1}, **options)
    client = botocore.session.get_session().create_client(service, endpoint_url=url, config=config, **CALLER)
    try:
        yield client
    finally:
        client.close()


def http(method: str, url: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of a plain request; what is no JSON comes as text."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": "signed", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            text, status = response.read(), response.status
    except urllib.error.HTTPError as refused:
        with refused:
            text, status = refused.read(), refused.code
    try:
        return status, json.loads(text) if text else None
    except ValueError:
        return status, text.decode()


def fault(
    target: str, kind: str, rate: float = 1.0, magnitude: float | None = None, **match: str
) -> dict[str, Any]:
    """A fault as JSON; its lease outlives any test."""
    more = {} if magnitude is None else {"magnitude": magnitude}
    return {"target": target, "kind": kind, "rate": rate, "match": match, "lease_s": 60, **more}
