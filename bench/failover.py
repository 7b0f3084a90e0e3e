"""What failover itself costs, beside pybreaker, LangChain's fallbacks and LiteLLM's Router, in one process.

No model and no network: every port answers at once, so that only the machinery is measured. Rounds of all
subjects take turns, the median round of each counts, and ratios are what is printed: machines differ. Runs in
`.venvs/bench` (make bench-failover). Usage: python bench/failover.py [ROUNDS]
"""

import asyncio
import gc
import logging
import os
import resource
import statistics
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would fetch its price list from the network

import litellm
import pybreaker
from langchain_core.runnables import RunnableLambda

from contract.outcomes import Outcome
from contract.runtime_settings import BreakerSettings, LimitSettings, Rung
from runtime.failover.breaker import Breaker
from runtime.failover.guard import Guard
from runtime.failover.ladder import Ladder
from runtime.port import Event, Opened, Prompt, Ran, Spent, Stop, Text
from runtime.testing.ladders import whole
from runtime.testing.models import refusal

CALLS = 300
STREAMS = 10_000
MANY = 40_000  # room for all streams at once
PATIENT = {"concurrency": MANY, "gap_s": 60.0, "total_s": 120.0}  # this machine is what is slow here
LADDER = tuple(rung.model_copy(update=PATIENT) for rung in whole())
FIRST = LADDER[0]
THROTTLED = refusal("ThrottlingException", 429)
Call = Callable[[], Coroutine[Any, Any, Any]]
Subject = Callable[[], Awaitable[float]]  # seconds for one call, or one chunk


class Port:
    """Answers at once with so many chunks. Of `dead` rungs every call is throttled."""

    def __init__(self, chunks: int = 1, dead: Sequence[str] = (), gap_s: float | None = None) -> None:
        self._chunks = chunks
        self._dead = dead
        self._gap_s = gap_s

    async def stream(
        self,
        rung: Rung,
        prompt: Prompt,  # noqa: ARG002 - the port's own signature
        recorded: Sequence[Ran] = (),  # noqa: ARG002
        so_far: str = "",  # noqa: ARG002
    ) -> AsyncGenerator[Event, None]:
        if rung.name in self._dead:
            raise THROTTLED
        yield Opened()
        for _ in range(self._chunks):
            if self._gap_s is not None:
                await asyncio.sleep(self._gap_s)
            yield Text("text")
        yield Stop()
        yield Spent(1, 1)


class Nobody:
    async def text(self, chunk: str) -> None: ...

    async def restart(self, chunk: str, reason: str) -> None: ...


def ladder(port: Port) -> Ladder:
    """As the runtime makes it; the breaker only counts, so that a dead rung is tried every time."""
    now = asyncio.get_running_loop().time
    settings = BreakerSettings(mode="normal" if not port._dead else "metrics-only")
    guards = {rung.name: Guard(rung, settings, LimitSettings(), now, lambda _: None) for rung in LADDER}
    return Ladder(port, lambda rung: guards[rung.name], lambda _: lambda _: None)


def walking(port: Port) -> Call:
    made, nobody, time = ladder(port), Nobody(), asyncio.get_running_loop().time
    return lambda: made.walk(LADDER, Prompt("Hello"), time() + 25, nobody, lambda: "nothing")


def langchain(*, dead: bool) -> Call:
    async def answers(_: str) -> str:
        return "text"

    async def throttles(_: str) -> str:
        raise THROTTLED

    chain = RunnableLambda(throttles if dead else answers).with_fallbacks([RunnableLambda(answers)])
    return lambda: chain.ainvoke("Hello")


class InProcess(litellm.CustomLLM):  # type: ignore[misc]  # it has no types
    """LiteLLM's own door for a provider that needs no network."""

    async def acompletion(self, *_: Any, **asked: Any) -> Any:
        if asked["model"] == "dead":
            raise litellm.RateLimitError("throttled", llm_provider="local", model="dead")
        response = litellm.ModelResponse()
        response.choices[0].message.content = "text"
        return response

    async def astreaming(self, *_: Any, **asked: Any) -> AsyncGenerator[Any, None]:
        chunks = int(asked["messages"][-1]["content"])
        for number in range(chunks):
            last = number == chunks - 1
            yield {
                "text": f"text {number} ",  # it takes a repeated chunk for a fault
                "is_finished": last,
                "finish_reason": "stop" if last else "",
                "index": 0,
                "tool_use": None,
                "usage": None,
            }


def router(*, dead: bool = False) -> litellm.Router:
    litellm.custom_provider_map = [{"provider": "local", "custom_handler": InProcess()}]

    def deployment(name: str, model: str) -> dict[str, Any]:
        return {"model_name": name, "litellm_params": {"model": f"local/{model}"}}

    return litellm.Router(
        model_list=[deployment("sonnet", "dead" if dead else "fine"), deployment("haiku", "fine")],
        fallbacks=[{"sonnet": ["haiku"]}],
        num_retries=0,
        disable_cooldowns=True,
    )


def routed(made: litellm.Router) -> Call:
    asked = [{"role": "user", "content": "Hello"}]
    return lambda: made.acompletion(model="sonnet", messages=asked)


async def per_call(call: Call, calls: int = CALLS) -> float:
    began = perf_counter()
    for _ in range(calls):
        await call()
    return (perf_counter() - began) / calls


async def breaker_ours(calls: int = 20_000) -> float:
    breaker = Breaker(BreakerSettings(), asyncio.get_running_loop().time, lambda _: None)
    began = perf_counter()
    for _ in range(calls):
        breaker.admit().settle(Outcome.OK)  # type: ignore[union-attr]
    return (perf_counter() - began) / calls


async def breaker_theirs(calls: int = 20_000) -> float:
    breaker = pybreaker.CircuitBreaker(fail_max=3)
    nothing = lambda: None  # noqa: E731
    began = perf_counter()
    for _ in range(calls):
        breaker.call(nothing)
    return (perf_counter() - began) / calls


async def chunk_ours() -> float:
    """By the difference of a long and a short answer."""
    short, long = await per_call(walking(Port(1)), 30), await per_call(walking(Port(501)), 30)
    return (long - short) / 500


async def chunk_theirs() -> float:
    made = router()

    async def read(chunks: int) -> float:
        asked = [{"role": "user", "content": str(chunks)}]
        began = perf_counter()
        async for _ in await made.acompletion(model="sonnet", messages=asked, stream=True):
            pass
        return perf_counter() - began

    await read(1)
    return (await read(501) - await read(1)) / 500


async def measure(rounds: int) -> dict[str, float]:
    """Subject -> its median round in seconds."""
    dead = Port(dead=[FIRST.name])
    healthy_router, failing_router = router(), router(dead=True)
    subjects: dict[str, Subject] = {
        "breaker": breaker_ours,
        "breaker, pybreaker": breaker_theirs,
        "healthy": lambda: per_call(walking(Port())),
        "healthy, langchain": lambda: per_call(langchain(dead=False)),
        "healthy, litellm": lambda: per_call(routed(healthy_router), 60),
        "failing over": lambda: per_call(walking(dead)),
        "failing over, langchain": lambda: per_call(langchain(dead=True)),
        "failing over, litellm": lambda: per_call(routed(failing_router), 40),
        "chunk": chunk_ours,
        "chunk, litellm": chunk_theirs,
    }
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            gc.collect()
            found[name].append(await subject())
    return {name: statistics.median(values) for name, values in found.items()}


async def held_streams() -> tuple[float, float]:
    """KB a stream while 10,000 run, and by how much memory grew while they went on."""
    before = _resident_kb()
    walk = walking(Port(chunks=8, gap_s=1.5))
    walks = [asyncio.create_task(walk()) for _ in range(STREAMS)]
    await asyncio.sleep(4.0)
    early = _resident_kb()
    await asyncio.sleep(6.0)
    late = _resident_kb()
    answers = await asyncio.gather(*walks)
    if any(answer.rung is not FIRST for answer in answers):
        raise SystemExit("a stream was not held: the figures say nothing")
    return (early - before) / STREAMS, late / early - 1


def _resident_kb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize() / 1024
    except OSError:  # not Linux: the peak, which only grows
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


GOALS = (
    ("admit and record", "breaker", "breaker, pybreaker", 2.0),
    ("healthy call", "healthy", "healthy, langchain", 0.5),
    ("healthy call", "healthy", "healthy, litellm", 1 / 30),
    ("failing over", "failing over", "failing over, langchain", 1.0),
    ("failing over", "failing over", "failing over, litellm", 1 / 30),
    ("streamed chunk", "chunk", "chunk, litellm", 1 / 20),
)


def main() -> None:
    logging.disable(logging.CRITICAL)
    litellm.suppress_debug_info = True
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    found = asyncio.run(measure(rounds))
    print("what                 us   peer                          us    ratio     goal")
    for what, ours, theirs, goal in GOALS:
        mine, peer = found[ours], found[theirs]
        name = theirs.rpartition(", ")[2]
        met = "met" if mine <= peer * goal else "MISSED"
        figures = f"{what:<17}{mine * 1e6:>7.2f}   {name:<22}{peer * 1e6:>10.2f}{mine / peer:>9.3f}"
        print(f"{figures} <= {goal:.3f} {met}")
    each, grew = asyncio.run(held_streams())
    print(f"{STREAMS} streams at once: {each:.1f} KB each, {grew:+.1%} from the middle to the end")


if __name__ == "__main__":
    main()
