"""What Valkey costs a message: python bench/caches.py

CPU of this process alone; the server is the stand-in, in its own. A command of ours against the same parser
without deadlines, breaker and typed errors (the floor), and against redis-py as people use it. Then what a
message does with it: the limits, an answer found by its words, one found by its meaning.
"""

import asyncio
import random
import resource
import sys
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import hiredis

from contract.intents import Intent
from contract.people import Person
from contract.traffic_settings import BucketSettings, CacheSettings, RateSettings, ValkeySettings
from rehearsal import standins
from rehearsal.processes import Processes
from runtime.caches import Answers, Codec, Made, Question, Shelf, Similar
from runtime.limits import Limits
from runtime.measures import Measures
from runtime.telemetry import Telemetry
from runtime.tracing import Stages
from runtime.valkey import Valkey
from runtime.valkey.address import Dialler, parse

CALLS, TOGETHER, RUNS = 2_000, 50, 3
COMMAND_RATIO, MESSAGE_MS = 1.6, 1.0
Ask = Callable[[], Awaitable[Any]]


def main() -> int:
    with tempfile.TemporaryDirectory() as logs, Processes(Path(logs)) as processes:
        process = standins.start(processes, "cache", more=("--embedded",))
        return asyncio.run(_measure(standins.ready(process).urls["cache"]))


async def _measure(url: str) -> int:
    async with AsyncExitStack() as stack:
        settings = ValkeySettings(command_s=1.0)  # the stand-in is slow; what is measured is this side
        valkey = await stack.enter_async_context(Valkey(Dialler(parse(url)), settings, lambda *_: None))
        floor = await _cost(await _bare(url))
        ours = await _cost(lambda: valkey.ask("GET", "key"))
        theirs = await _cost(await _redis_py(url, stack))
        print(f"one command, bare protocol and parser   {floor:7.1f} us")
        print(f"one command, ours                       {ours:7.1f} us  {ours / floor:.2f}x the floor")
        print(f"one command, redis-py                   {theirs:7.1f} us  {theirs / floor:.2f}x the floor")
        message = await _message(valkey)
    kept = ours < COMMAND_RATIO * floor and message < MESSAGE_MS * 1_000
    print(f"  limits: a command {COMMAND_RATIO}x, a message {MESSAGE_MS} ms: {'kept' if kept else 'MISSED'}")
    return 0 if kept else 1


async def _message(valkey: Valkey) -> float:
    """What limits and caches cost one message, in microseconds."""
    loop = asyncio.get_running_loop()
    telemetry = Telemetry("bench", lambda: datetime.now(UTC), lambda _: None)
    measures, caches = Measures(telemetry), CacheSettings(early=False)
    many = BucketSettings(most=1_000_000, per_s=1.0)
    limits = Limits(valkey, RateSettings(user=many, model_calls=many), telemetry, loop.time)
    similar = Similar("answers", valkey, caches)
    answers = Answers(
        Shelf("answers", valkey, Codec[str](1, str.encode, bytes.decode), caches), similar, caches, measures
    )
    asked, vectors = await _learned(answers, caches.group)
    stages = Stages(measures, loop.time)

    async def limit() -> None:
        await limits.admit(Person("user", "ann"))

    async def exact() -> None:
        async with answers.turn(asked[0]):
            pass

    async def by_meaning() -> None:
        question = Question(text=f"question {random.random()}", intent=Intent.PRODUCT_INFO, entities=("B1",))
        async with answers.turn(question) as turn:
            await turn.similar(vectors[0])

    async def stage() -> None:
        with stages.stage("intent"):
            pass

    costs = {
        "limits of a message": await _cost(limit),
        "an answer, found by its words": await _cost(exact),
        f"an answer, found by meaning of {caches.group}": await _cost(by_meaning),
        "a stage: span not sampled, metric": await _cost(stage),
    }
    for what, cost in costs.items():
        print(f"{what:40}{cost:7.1f} us")
    return sum(costs.values()) + 9 * costs["a stage: span not sampled, metric"]


async def _learned(answers: Answers[str], many: int) -> tuple[list[Question], list[list[float]]]:
    """A full group of questions that differ in their words."""
    asked = [
        Question(text=f"question {'x' * n}", intent=Intent.PRODUCT_INFO, entities=("B1",))
        for n in range(many)
    ]
    vectors = [[random.gauss(0, 1) for _ in range(1_024)] for _ in asked]
    for question, vector in zip(asked, vectors, strict=True):
        async with answers.turn(question) as turn:
            await turn.keep("an answer " * 40, Made(by_model=True), vector=vector)
    return asked, vectors


async def _cost(ask: Ask) -> float:
    """CPU of one call in microseconds: the least of several runs, many under way at a time."""
    found = []
    for _ in range(RUNS):
        before = _spent()
        for _ in range(CALLS // TOGETHER):
            await asyncio.gather(*(ask() for _ in range(TOGETHER)))
        found.append((_spent() - before) / CALLS * 1e6)
    return min(found)


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class _Bare(asyncio.Protocol):
    """The same without anything: no deadline, no breaker, no error."""

    def __init__(self) -> None:
        self.reader, self.waiting = hiredis.Reader(), deque[asyncio.Future[Any]]()

    def data_received(self, data: bytes) -> None:
        self.reader.feed(data)
        while (said := self.reader.gets()) is not False:
            self.waiting.popleft().set_result(said)


async def _bare(url: str) -> Ask:
    address, loop = parse(url), asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(_Bare, address.host, address.port)

    async def ask() -> Any:
        reply = loop.create_future()
        protocol.waiting.append(reply)
        transport.write(hiredis.pack_command(("GET", "key")))  # type: ignore[arg-type] # its stub wants one
        return await reply

    return ask


async def _redis_py(url: str, stack: AsyncExitStack) -> Ask:
    from redis.asyncio import Redis

    client = await stack.enter_async_context(Redis.from_url(url, socket_timeout=60.0))
    return lambda: client.get("key")


if __name__ == "__main__":
    sys.exit(main())
