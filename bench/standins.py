"""What the Bedrock stand-in costs a stream and a chunk, beside a floor: `python bench/standins.py`.

The floor is the same server stack (aiohttp) sending bytes of such a stream that were encoded beforehand. Both
serve as fast as they can, each in a process of its own, to the same client; figures are per second of the
server's own processor time, so that another program on the machine changes neither. Exit code 1 below 50 %.
"""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from contract.models import models
from rehearsal import eventstream
from rehearsal import serving as http
from rehearsal.bedrock.account import Account
from rehearsal.bedrock.quotas import Quota
from rehearsal.bedrock.server import Bedrock, serving

AT_ONCE = 16
ROUNDS = 3
LEAST_SHARE = 0.5
AT_ONCE_SPEED = 1e9  # no wait lasts
MODEL = models()["haiku"].callable_id("us-east-1")
BODY = json.dumps(
    {"messages": [{"role": "user", "content": [{"text": "Which noise cancelling headphones?"}]}]}
).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--streams", type=int, default=1_500, help="of each round")
    parser.add_argument("--serve", choices=("standin", "floor"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        http.run(0, lambda: _standin() if options.serve == "standin" else _floor())
        return
    found: dict[str, list[tuple[float, float]]] = {"floor": [], "standin": []}
    for _ in range(ROUNDS):
        for name, rates in found.items():
            rates.append(_measure(name, options.streams))
    streams, chunks = (
        {n: statistics.median(r[k] for r in rates) for n, rates in found.items()} for k in (0, 1)
    )
    share = chunks["standin"] / chunks["floor"]
    print(f"{'':10}{'streams/s':>12}{'chunks/s':>12}   per core, median of {ROUNDS} rounds")
    for name in found:
        print(f"{name:10}{streams[name]:12,.0f}{chunks[name]:12,.0f}")
    print(f"the stand-in sends {share:.0%} of the floor's chunks (at least {LEAST_SHARE:.0%})")
    sys.exit(0 if share >= LEAST_SHARE else 1)


@contextlib.asynccontextmanager
async def _standin() -> AsyncIterator[str]:
    quota = Quota(requests=None, tokens=10**12, most_output=1_000)  # nothing is throttled
    account = Account(quotas=dict.fromkeys(models(), quota))
    async with serving(Bedrock(seed=7, speed=AT_ONCE_SPEED, account=account)) as url:
        yield url


@contextlib.asynccontextmanager
async def _floor() -> AsyncIterator[str]:
    frames = _frames()

    async def stream(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": eventstream.CONTENT_TYPE})
        await response.prepare(request)
        for frame in frames:
            await response.write(frame)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_post("/model/{model}/converse-stream", stream)
    async with http.serving(app) as url:
        yield url


def _frames() -> list[bytes]:
    """A stream of a usual length: as many events as the stand-in's answers have on average."""
    delta = {
        "delta": {"text": " a few words"},
        "contentBlockIndex": 0,
        "p": "abcdefghijklmnopqrstuvwxyzABCDEF",
    }
    deltas = [eventstream.event("contentBlockDelta", delta)] * 40
    ends = [eventstream.event("messageStop", {"stopReason": "end_turn", "p": "abcdefgh"})] * 2
    return [eventstream.event("messageStart", {"role": "assistant", "p": "abcd"}), *deltas, *ends]


def _measure(name: str, streams: int) -> tuple[float, float]:
    """(streams, chunks) per second of the server's processor."""
    command = [sys.executable, __file__, "--serve", name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - PIPE was asked for
            url = json.loads(server.stdout.readline())["url"]
            asyncio.run(_drive(url, AT_ONCE * 4))  # warm
            before = _processor_s(server.pid)
            chunks = asyncio.run(_drive(url, streams))
            spent = _processor_s(server.pid) - before
        finally:
            server.terminate()
    return streams / spent, chunks / spent


async def _drive(url: str, streams: int) -> int:
    """How many chunks came; HTTP by hand, because a client library would be what is measured."""
    place = urlsplit(url)
    left = iter(range(streams))
    lines = [
        f"POST /model/{MODEL.replace(':', '%3A')}/converse-stream HTTP/1.1",
        f"Host: {place.netloc}",
        "Authorization: signed",
        f"Content-Length: {len(BODY)}",
    ]
    request = "\r\n".join([*lines, "", ""]).encode() + BODY

    async def worker() -> int:
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2**20)
        count = 0
        for _ in left:
            writer.write(request)
            answer = await reader.readuntil(b"\r\n0\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer[:300].decode(errors="replace"))
            count += answer.count(b"contentBlockDelta")
        writer.close()
        return count

    return sum(await asyncio.gather(*(worker() for _ in range(AT_ONCE))))


def _processor_s(pid: int) -> float:
    """User and system time so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - a system file
        fields: list[Any] = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
