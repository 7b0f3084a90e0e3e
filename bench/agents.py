"""One turn of an agent with tools: our own loop beside Strands Agents, in one process, CPU alone.

The model answers at once and the tools do nothing, so that only the machinery is measured. Rounds of all
subjects take turns, and the median round of each counts. Beside it: what importing costs, and the longest
time that a turn kept the event loop. Runs in `.venvs/bench`. Usage: python bench/agents.py [ROUNDS]
"""

import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from strands import Agent, tool
from strands.models.model import Model

from runtime.agents.loop import Loop
from runtime.port import TOOL_USE, Asked, Event, Opened, Prompt, Ran, Spec, Spent, Stop, Text
from runtime.testing.ladders import whole

TURNS = 50
CHUNKS = 40
ALLOWED_MS = 2.0  # of CPU, for a turn
Turn = Callable[[], Awaitable[None]]


class Port:
    """Asks for so many tools, one after another, then speaks."""

    def __init__(self, tools: int) -> None:
        self._tools = tools

    async def stream(
        self,
        rung: Any,  # noqa: ARG002 - the port's own signature
        prompt: Prompt,  # noqa: ARG002
        recorded: Sequence[Ran] = (),
        so_far: str = "",  # noqa: ARG002
    ) -> AsyncGenerator[Event, None]:
        await asyncio.sleep(0)
        yield Opened()
        if len(recorded) < self._tools:
            yield Asked("search", json.loads(json.dumps({"query": f"boots {len(recorded)}"})))
            yield Stop(TOOL_USE)
        else:
            for _ in range(CHUNKS):
                yield Text("word ")
            yield Stop()
        yield Spent(1, 1)


class Hands:
    """One tool."""

    given_up = ""

    def told(self, _: Sequence[Ran]) -> str:
        return "Be brief."

    def specs(self, _: Sequence[Ran]) -> Sequence[Spec]:
        return [Spec("search", "Search products.", {"type": "object"})]

    def stopped(self, _: Sequence[Ran], rounds: int, asked: Sequence[Asked]) -> bool:  # noqa: ARG002
        return False

    async def use(self, asked: Asked, _: Sequence[Ran]) -> Ran:
        return Ran(asked.tool, asked.arguments or {}, "found")


class Strands(Model):  # type: ignore[misc] # untyped where the bench's environment is not
    """The same model, as Strands takes one."""

    def __init__(self, tools: int) -> None:
        self._tools = tools

    def update_config(self, **_: Any) -> None: ...

    def get_config(self) -> Any:
        return {}

    async def structured_output(self, *_: Any, **__: Any) -> AsyncGenerator[Any, None]:
        yield {}

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncGenerator[Any, None]:
        done = sum("toolResult" in block for message in messages for block in message["content"])
        await asyncio.sleep(0)
        yield {"messageStart": {"role": "assistant"}}
        if done < self._tools:
            use = {"toolUse": {"toolUseId": f"t{done}", "name": "search"}}
            yield {"contentBlockStart": {"start": use}}
            yield {
                "contentBlockDelta": {"delta": {"toolUse": {"input": json.dumps({"query": f"boots {done}"})}}}
            }
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "tool_use"}}
        else:
            yield {"contentBlockStart": {"start": {}}}
            for _chunk in range(CHUNKS):
                yield {"contentBlockDelta": {"delta": {"text": "word "}}}
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "end_turn"}}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        yield {"metadata": {"usage": usage, "metrics": {"latencyMs": 1}}}


@tool  # type: ignore[untyped-decorator]
async def search(query: str) -> str:
    """Search products.

    Args:
        query: what is looked for
    """
    return f"found {query}"


def subjects(tools: int) -> dict[str, Turn]:
    loop, rung, prompt = Loop(Port(tools)), whole()[0], Prompt("Find boots", hands=Hands())

    async def own() -> None:
        async for _ in loop.stream(rung, prompt):
            pass

    async def strands() -> None:
        agent = Agent(model=Strands(tools), tools=[search], callback_handler=None, system_prompt="Be brief.")
        async for _ in agent.stream_async("Find boots"):
            pass

    return {"own loop": own, "Strands Agents": strands}


async def measured(turn: Turn) -> tuple[float, float]:
    """CPU of one turn, and the longest the event loop was kept, in ms."""
    kept: list[float] = [0.0]

    async def watch() -> None:
        while True:
            began = perf_counter()
            await asyncio.sleep(0)
            kept.append(perf_counter() - began)

    await turn()
    began = process_time()
    for _ in range(TURNS):
        await turn()
    cpu = (process_time() - began) / TURNS
    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    for _ in range(10):
        await turn()
    watching.cancel()
    return cpu * 1_000, max(kept) * 1_000


def imported(what: str) -> float:
    """CPU seconds of a new process that imports it, beyond one that imports nothing."""

    def cost(code: str) -> float:
        program = f"import time; {code}; print(time.process_time())"
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        return float(said.stdout)

    return min(cost(f"import {what}") for _ in range(3)) - min(cost("pass") for _ in range(3))


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"{'tools':>5}  {'subject':<16}{'CPU a turn':>12}{'loop kept':>12}")
    for tools in (0, 1, 2):
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in subjects(tools)}
        for _ in range(rounds):
            for name, turn in subjects(tools).items():
                found[name].append(asyncio.run(measured(turn)))
        for name, values in found.items():
            cpu, kept = (statistics.median(column) for column in zip(*values, strict=True))
            late = "" if cpu <= ALLOWED_MS else f"  more than the {ALLOWED_MS:g} ms allowed"
            print(f"{tools:>5}  {name:<16}{cpu:>9.2f} ms{kept:>9.2f} ms{late}")
    for what in ("strands", "mcp.server.lowlevel"):
        print(f"import {what}: {imported(what):.2f} s of CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
