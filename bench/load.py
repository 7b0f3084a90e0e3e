"""What the load generator costs a frame and a connected user, beside websocket-client: `python
bench/load.py`.

Both run as Locust users in a process of their own, against the same server, in turns, and both check every
frame: the same shapes and the same transcript. What differs is the socket and, in one of the two peers, the
decoder. Figures
are of the process's own processor time, so that the server beside it on the machine changes none of them.

  together   a whole answer comes at once: what the reading of frames costs at best
  apart      frames come one by one to many users: what a real stream costs, which the fleet is sized by

Exit code 1 below 1.5 times the peer's frames a second, or above 16 KB a connected user.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.frames import Delta, Final, Start, Usage, encode
from contract.tiers import Tier

FRAMES = 40
ROUNDS = 3
LEAST_TIMES, MOST_BYTES = 1.5, 16 * 1024
CLIENTS = ("ours", "peer", "peer-fast")
NAMES = {
    "ours": "ours",
    "peer": "websocket-client, pydantic",
    "peer-fast": "websocket-client, our decoder",
}
ANSWER_WITHIN_S = 60.0
_REPORTS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """Of one client in one round."""

    together_s: float  # frames a second of processor time
    apart_us: float  # microseconds of processor time for a frame
    message_us: float  # and for a message beside its frames
    user_bytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--messages", type=int, default=3_000, help="of each measurement")
    parser.add_argument("--users", type=int, default=2_000, help="connected, when their memory is measured")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    options = parser.parse_args()
    found: dict[str, list[Found]] = {client: [] for client in CLIENTS}
    with _server() as port:
        for number in range(ROUNDS):
            for client, results in found.items():
                print(f"round {number + 1} of {ROUNDS}: {NAMES[client]}", file=sys.stderr, flush=True)
                results.append(_measure(client, port, options.messages, options.users))
    counting_us, report_ms = _counting()
    medians = {client: _median(results) for client, results in found.items()}
    times = medians["ours"].together_s / medians["peer-fast"].together_s
    held = times >= LEAST_TIMES and medians["ours"].user_bytes <= MOST_BYTES
    if options.json:
        print(json.dumps(_document(medians, times, (counting_us, report_ms), held), indent=2))
    else:
        _show(medians, times, (counting_us, report_ms), held)
    sys.exit(0 if held else 1)


def _median(results: list[Found]) -> Found:
    return Found(*(statistics.median(getattr(one, name) for one in results) for name in Found.__slots__))


def _show(medians: dict[str, Found], times: float, counting: tuple[float, float], held: bool) -> None:
    head = f"{'':32}{'together, frames/s':>20}{'apart, us/frame':>17}{'us/message':>12}{'bytes/user':>12}"
    print(f"{head}   median of {ROUNDS} rounds")
    for client, one in medians.items():
        figures = f"{one.together_s:20,.0f}{one.apart_us:17.1f}{one.message_us:12.0f}{one.user_bytes:12,.0f}"
        print(f"{NAMES[client]:32}{figures}")
    print(f"dealing and counting a message: {counting[0]:.0f} us; adding up a report: {counting[1]:.1f} ms")
    print(
        f"{times:.2f} times the frames of websocket-client with the same decoder (at least {LEAST_TIMES}), "
        f"{medians['ours'].user_bytes / 1024:.1f} KB a connected user (at most {MOST_BYTES // 1024}): "
        f"{'held' if held else 'NOT held'}"
    )


def _document(
    medians: dict[str, Found], times: float, counting: tuple[float, float], held: bool
) -> dict[str, Any]:
    ours = medians["ours"]
    return {
        "clients": {
            client: {name: getattr(one, name) for name in Found.__slots__} for client, one in medians.items()
        },
        "times": times,
        "held": held,
        # What `concierge load fleet --measured FILE` reads.
        "fleet": {
            "frame_us": round(ours.apart_us, 1),
            "message_us": round(ours.message_us + counting[0], 1),
            "user_bytes": round(ours.user_bytes),
            "report_ms": round(counting[1], 2),
        },
    }


def _measure(client: str, port: int, messages: int, users: int) -> Found:
    """In a process of its own: memory that one client leaves behind must not count as another's."""
    command = [sys.executable, "-m", "bench.load_client", client, str(port), str(messages), str(users)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    told = json.loads(done.stdout.splitlines()[-1])
    return Found(**told)


def _counting() -> tuple[float, float]:
    """Microseconds for a message to be dealt and counted; milliseconds for a master to add up a busy
    report."""
    from loadtests import arrivals, scenario
    from loadtests.samples import Sample
    from loadtests.tally import Tally
    from loadtests.transcript import Transcript

    story = scenario.load("prime-day").at_rate(60).lasting(3)
    worker, master = (Tally(story.good, story.bin_s) for _ in range(2))
    begun = time.process_time()
    for arrival in arrivals.schedule(story, story.people, 1):
        seen = Transcript(str(arrival.number), arrival.at_s)
        seen.first_token_at, seen.ended_at, seen.finals = arrival.at_s + 0.3, arrival.at_s + 1.7, 1
        seen.tier, seen.longest_gap_s = Tier.T0 if arrival.number % 3 else Tier.T1, 0.1
        worker.add(Sample.of(seen, arrival.at_s, 0.0, arrival))
    spent = time.process_time() - begun
    message_us = spent / arrivals.planned(story, 1) * 1e6
    data, begun = worker.as_data(), time.process_time()
    for _ in range(_REPORTS):
        master.merge(Tally.from_data(data))
    return message_us, (time.process_time() - begun) / _REPORTS * 1_000


@contextmanager
def _server() -> Iterator[int]:
    """A chat server that does nothing but send: whole answers at once, or frame by frame."""
    context = multiprocessing.get_context("spawn")
    ports: Any = context.Queue()
    process = context.Process(target=_serve, args=(ports.put,), daemon=True)
    process.start()
    try:
        yield ports.get(timeout=30)
    finally:
        process.terminate()
        process.join()


def _serve(tell: Callable[[int], None]) -> None:
    asyncio.run(_serving(tell))


async def _serving(tell: Callable[[int], None]) -> None:
    from aiohttp import WSMsgType, web

    async def chat(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False, protocols=("concierge.v3",))
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                asked = json.loads(message.data)
                answer = answer_to(asked["request_id"], 2 if asked["text"] == "short" else FRAMES)
                pause_s = 0.01 if asked["text"].startswith("apart") else 0.0
                if not pause_s:  # all frames in one write, as they come over a network after a short wait
                    assert request.transport is not None  # noqa: S101 - it is being answered
                    request.transport.write(b"".join(map(_frame, answer)))
                    continue
                for text in answer:
                    await socket.send_str(text)
                    await asyncio.sleep(pause_s)
        return socket

    app = web.Application()
    app.router.add_get("/ws", chat)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4_096).start()
    tell(runner.addresses[0][1])
    await asyncio.Event().wait()


def _frame(text: str) -> bytes:
    """A WebSocket frame of a server."""
    body = text.encode()
    size = bytes((len(body),)) if len(body) < 126 else b"\x7e" + len(body).to_bytes(2)
    return b"\x81" + size + body


def answer_to(request_id: str, count: int) -> list[str]:
    """A whole answer, as the runtime writes it."""
    words = [f" word {number} of the answer" for number in range(count - 2)]
    deltas = [
        Delta(request_id=request_id, sequence_number=number, text=text)
        for number, text in enumerate(words, 1)
    ]
    usage = Usage(input_tokens=800, output_tokens=200, usd=0.0054)
    final = Final(
        request_id=request_id,
        sequence_number=count - 1,
        text="".join(words),
        tier=Tier.T0,
        rung="sonnet",
        usage=usage,
    )
    start = Start(request_id=request_id, sequence_number=0, session_id="s")
    return [encode(start), *map(encode, deltas), encode(final)]


if __name__ == "__main__":
    main()
