"""What the runtime adds to the calls it makes: CPU, first-token latency, memory; and whether frames get lost.

    .venv/bin/python bench/runtime.py [--quick]

The floor makes the same calls for the same messages, with the same clients and nothing else: the limits'
script, session read and write, classifier, vector, search, rerank, products, prices, the model's stream, and
the cache. Agent and floor are programs of their own, on the same stand-ins in the same run; every check,
limit and log is on. Goals: CPU at most 1.25 times the floor's, and at most 3 ms a message above it. The soak
sends what people say on an ordinary evening (loadtests/scenarios/normal.toml), ten times as often.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import boto3

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from contract.frames import Ask, decode_answer, encode  # noqa: E402
from loadtests import scenario  # noqa: E402
from loadtests.arrivals import schedule  # noqa: E402
from rehearsal import environment, plans  # noqa: E402
from rehearsal.agent import agent  # noqa: E402
from rehearsal.environment import Aws  # noqa: E402
from rehearsal.processes import Processes  # noqa: E402

GOAL_RATIO, GOAL_MS = 1.25, 3.0
MOST_LATE = 0.03  # of the agent's calls that were not made, for its CPU to be compared
PACE = 8.0  # messages a second: a fourth of a core, and no call is late
LONG_S = 20_000.0  # of an evening: more messages than any run here sends
TICKS = os.sysconf("SC_CLK_TCK")
# Whole-path questions: no rule is sure of them, so they need the classifier, the index, products and a model.
# Numbers make them all different, so that no cache answers; short ones, or they would be telephone numbers.
QUESTIONS = (
    "Does the Heron tripod carry a heavy lens, question {n}?",
    "How bright is the Lumen monitor number {n} near a window?",
)
NUMBERS = itertools.count(10_000)


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@dataclass
class Measured:
    """One run of messages."""

    first_ms: list[float]
    finals: int = 0
    lost: int = 0
    gaps: int = 0
    refused: int = 0


async def one(ws: Any, number: int, text: str, seen: Measured) -> None:
    """Sends a message and reads its answer, held against the protocol."""
    began, expected, first = time.perf_counter(), 0, None
    await ws.send_str(encode(Ask(request_id=f"r{number}", text=text)))
    while True:
        try:
            frame = decode_answer(await ws.receive_str(timeout=60))
        except (TimeoutError, TypeError):
            seen.lost += 1
            return
        if frame.request_id != f"r{number}":
            continue
        seen.gaps += frame.sequence_number != expected
        expected = frame.sequence_number + 1
        if frame.type in {"delta", "final"} and first is None:
            first = (time.perf_counter() - began) * 1_000
            seen.first_ms.append(first)
        if frame.type == "final":
            seen.finals += 1
            return
        if frame.type == "error":
            seen.refused += 1
            return


def hard(number: int) -> tuple[str, str]:
    """(customer, question): each goes the whole way."""
    return f"c-{number % 600:05d}", QUESTIONS[number % len(QUESTIONS)].format(n=next(NUMBERS))


def evening(seed: int) -> Callable[[int], tuple[str, str]]:
    """(customer, message) as on an ordinary evening: those of the load scenario `normal`, in its order."""
    found = scenario.load("normal")
    arrivals = schedule(found.lasting(LONG_S), found.people, seed)

    def message(_: int) -> tuple[str, str]:
        arrival = next(arrivals)
        who = found.shop.customers[arrival.conversation % len(found.shop.customers)]
        return who.id, arrival.text(found.shop, who.orders[0])

    return message


async def load(
    url: str,
    rate: float,
    seconds: float,
    idle: int,
    seed: int = 1,
    message: Callable[[int], tuple[str, str]] = hard,
) -> Measured:
    """Poisson arrivals on an open model; each message on a connection of its own."""
    chance, seen, tasks = random.Random(seed), Measured([]), []
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def customer(number: int) -> None:
            who, text = message(seed * 10_000 + number)
            async with session.ws_connect(f"{url}/ws", headers={"X-User": who}) as ws:
                await one(ws, number, text, seen)

        sleeping = [await session.ws_connect(f"{url}/ws") for _ in range(idle)]
        loop, due, number = asyncio.get_running_loop(), 0.0, 0
        began = loop.time()
        while due < seconds:
            await asyncio.sleep(max(0.0, began + due - loop.time()))
            tasks.append(asyncio.create_task(customer(number)))
            number += 1
            due += chance.expovariate(rate)
        await asyncio.gather(*tasks)
        for ws in sleeping:
            await ws.close()
    return seen


def calls_of(out: Path) -> dict[str, tuple[int, int]]:
    """Provider -> (calls the agent made, those that failed or were late), from its own metric lines."""
    found: dict[str, tuple[int, int]] = {}
    for line in out.read_text().splitlines():
        said = json.loads(line) if "ProviderMs" in line else {}
        if "Provider" in said:
            calls, failed = found.get(said["Provider"], (0, 0))
            found[said["Provider"]] = calls + len(said["ProviderMs"]), failed + sum(said["ProviderFailed"])
    return found


def fresh_table(aws: Aws) -> str:
    """Sessions of this run alone: moto copies a whole table for each transaction."""
    name = f"sessions-{uuid4().hex[:8]}"
    client = boto3.client("dynamodb", endpoint_url=aws.urls["aws"], region_name=aws.region)
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("shard", "item")],
        KeySchema=[
            {"AttributeName": "shard", "KeyType": "HASH"},
            {"AttributeName": "item", "KeyType": "RANGE"},
        ],
    )
    return name


@contextmanager
def running(aws: Aws, folder: Path, program: str) -> Iterator[tuple[str, int]]:
    """The agent, or the floor, on the stand-ins: (URL, pid)."""
    told = {**aws.variables(), "CONCIERGE_TABLE_SESSIONS": fresh_table(aws)}
    with Processes(folder / program) as processes:
        if program == "agent":
            process = agent(processes, "dev", told)
        else:
            process = processes.start(
                "floor",
                [sys.executable, "-P", str(ROOT / "bench" / "_runtime_floor.py")],
                {
                    "PYTHONPATH": str(ROOT),
                    "CONCIERGE_ENVIRONMENT": "dev",
                    "CONCIERGE_SETTINGS": "/concierge/dev/settings",
                    **told,
                },
            )
        yield str(process.ready_line(60)["url"]), process.pid


def cpu_of(aws: Aws, folder: Path, program: str, messages: int) -> tuple[float, Measured]:
    """CPU seconds of a message, over so many, warm."""
    with running(aws, folder, program) as (url, pid):
        asyncio.run(load(url, 5, 4, 0, seed=900))
        before = cpu_s(pid)
        seen = asyncio.run(load(url, PACE, messages / PACE, 0, seed=random.randrange(1_000, 10**6)))
        return (cpu_s(pid) - before) / max(1, seen.finals), seen


def quantile(values: Sequence[float], share: float) -> float:
    return statistics.quantiles(values, n=100)[round(share * 100) - 1] if len(values) > 1 else values[0]


def say(text: str) -> None:
    print(text, flush=True)


def added_cpu(aws: Aws, folder: Path, rounds: int, messages: int) -> bool:
    ours, floors = list[float](), list[float]()
    lost = 0
    (folder / "agent" / "runtime.out").unlink(missing_ok=True)
    for _ in range(rounds):  # side by side, so that a busy minute meets both
        for program, found in (("floor", floors), ("agent", ours)):
            spent, seen = cpu_of(aws, folder, program, messages)
            found.append(spent)
            lost += seen.lost + seen.refused
    mine, floor = (statistics.median(each) * 1_000 for each in (ours, floors))
    ratio, above = mine / floor, mine - floor
    say(f"CPU a message: agent {mine:.2f} ms, floor {floor:.2f} ms: {ratio:.2f}x, {above:+.2f} ms")
    say(f"  goal: {GOAL_RATIO}x and {GOAL_MS:g} ms; one core serves {1_000 / mine:.0f} messages/s")
    if lost:
        say(f"  INVALID: {lost} messages were not answered")
    same = _same_calls(folder / "agent" / "runtime.out")
    return same and not lost and ratio <= GOAL_RATIO and above <= GOAL_MS


def _same_calls(out: Path) -> bool:
    """An agent that gave up on late calls did less than the floor: then the figure means nothing."""
    calls = calls_of(out)
    told = (f"{name} {made} ({bad} late or failed)" for name, (made, bad) in calls.items())
    say(f"  calls of the agent: {', '.join(told)}")
    done = [made - bad for made, bad in calls.values()]
    missing = 1 - min(done) / max(made for made, _ in calls.values())
    if missing > MOST_LATE:
        say(f"  INVALID: {missing:.0%} of a kind of calls were not made: use a quiet machine")
    return missing <= MOST_LATE


def latency(aws: Aws, folder: Path, rates: Sequence[float], seconds: float) -> None:
    for rate in rates:
        told: dict[str, Measured] = {}
        for program in ("floor", "agent"):
            with running(aws, folder, program) as (url, _):
                asyncio.run(load(url, 5, 3, 0, seed=901))
                told[program] = asyncio.run(load(url, rate, seconds, 0, seed=int(rate)))
        parts = []
        for share in (0.5, 0.99):
            mine, floor = (quantile(told[p].first_ms, share) for p in ("agent", "floor"))
            parts.append(f"p{share * 100:.0f} {mine:.0f} ms (floor {floor:.0f}, {mine - floor:+.0f})")
        say(f"first token at {rate:g} messages/s: {', '.join(parts)}")


def idle_memory(aws: Aws, folder: Path, sessions: int) -> None:
    async def hold(url: str, pid: int) -> float:
        before = memory_mb(pid)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            held = [await session.ws_connect(f"{url}/ws") for _ in range(sessions)]
            await asyncio.sleep(2)
            after = memory_mb(pid)
            for ws in held:
                await ws.close()
        return (after - before) * 1024 / sessions

    with running(aws, folder, "agent") as (url, pid):
        say(f"memory of an idle session: {asyncio.run(hold(url, pid)):.1f} KB over {sessions}")


def soak(aws: Aws, folder: Path, idle: int, rate: float, seconds: float) -> bool:
    with running(aws, folder, "agent") as (url, pid):
        asyncio.run(load(url, 5, 3, 0, seed=902))
        before, began = cpu_s(pid), time.perf_counter()
        seen = asyncio.run(load(url, rate, seconds, idle, seed=77, message=evening(77)))
        busy = (cpu_s(pid) - before) / (time.perf_counter() - began)
    total = seen.finals + seen.lost + seen.refused
    say(
        f"{idle} idle + {rate:g} messages/s for {seconds:g} s: {seen.finals} of {total} finals, "
        f"{seen.lost} lost, {seen.refused} refused, {seen.gaps} gaps"
    )
    first = [quantile(seen.first_ms, share) for share in (0.5, 0.99)]
    say(f"  first token p50 {first[0]:.0f} ms, p99 {first[1]:.0f} ms; {busy * 100:.0f} % of a core")
    return seen.lost == 0 and seen.gaps == 0 and seen.refused == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("--only", choices=("cpu", "latency", "memory", "soak"))
    options = parser.parse_args()
    quick, wanted = options.quick, options.only
    good = True
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        with environment.standing(folder / "aws", lambda: plans.kept("dev", ROOT / "build" / "aws")) as aws:
            os.environ |= aws.variables()
            if wanted in {None, "cpu"}:
                good &= added_cpu(aws, folder, 2 if quick else 6, 80 if quick else 160)
            if wanted in {None, "latency"}:
                latency(aws, folder, (20,) if quick else (20, 50), 8 if quick else 20)
            if wanted in {None, "memory"}:
                idle_memory(aws, folder, 500 if quick else 2_000)
            if wanted in {None, "soak"}:
                good &= soak(aws, folder, 200 if quick else 2_000, 20 if quick else 50, 10 if quick else 60)
    say("goals met" if good else "GOALS MISSED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
