"""What people notice when Sonnet fails, with our ladder and with LiteLLM's Router, on the Bedrock stand-in.

Each trouble is a fault of the stand-in for some seconds of a steady load. Both sides call the same stand-in
through the same client (for LiteLLM as a custom provider), Sonnet first, Haiku when it fails. Waits are a
third of the real ones. Who cannot keep up with the load falls behind, and is shown to. Runs in `.venvs/bench`
(make bench-failover). Usage: python bench/failover_behaviour.py [RATE [SIDE]]
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would fetch its price list from the network
os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}

import aiohttp
import litellm

from contract.controls import Controls
from contract.frames import Ask, Final, ServerFrame
from contract.ladder import Where, standing
from contract.runtime_settings import LADDER, RoutingSettings, Rung, RuntimeSettings
from runtime.assemble import assemble
from runtime.bedrock import Bedrock
from runtime.port import Event, Prompt, Ran, Text
from runtime.targets import Targets
from runtime.telemetry import Telemetry

ROOT = Path(__file__).resolve().parent.parent
SPEED = 3.0
REGION = "us-east-1"
BEFORE_S, TROUBLE_S, AFTER_S = 4.0, 8.0, 8.0
QUESTION = "Which of these two tents would you take for four people in heavy rain?"
TROUBLES = {
    "dead": ("unavailable", 1.0),
    "throttled": ("throttle", 1.0),
    "30 % errors": ("error", 0.3),
    "slow": ("slow", 1.0),
    "mid-stream cut": ("cut", 1.0),
}
# What a stack of two regions publishes today.
_STANDS = standing(LADDER, Where(here=REGION, other="us-west-2")).rungs
_PLAIN = RuntimeSettings(ladder=_STANDS, routing=RoutingSettings(trickle_share=0))
# As the rehearsal does: every wait shrinks with the stand-in's.
SETTINGS = _PLAIN.model_copy(
    update={
        "ladder": tuple(
            rung.model_copy(update={"first_token_s": rung.first_token_s / SPEED, "gap_s": rung.gap_s / SPEED})
            for rung in _PLAIN.ladder
        ),
        "breaker": _PLAIN.breaker.model_copy(
            update={"burst_s": 10 / SPEED, "slow_s": 10 / SPEED, "open_s": 5 / SPEED}
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the person saw it. `model`: who answered; None: none did."""

    asked_at: float
    first_text_s: float | None
    model: str | None


class Counted:
    """The runtime's own port to the stand-in; keeps when each model was called."""

    def __init__(self, port: Bedrock) -> None:
        self._port = port
        self.calls: list[tuple[float, str]] = []

    async def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        self.calls.append((_now(), rung.name))
        async with aclosing(self._port.stream(rung, prompt, recorded, so_far)) as events:
            async for event in events:
                yield event


Say = Callable[[int], Coroutine[Any, Any, Message]]


def ours(port: Counted) -> Say:
    conversation = assemble(
        SETTINGS,
        port=port,
        controls=Controls,
        price=lambda _: (0.0, 0.0),
        telemetry=Telemetry("bench", lambda: datetime.now(UTC), lambda _: None),
    )

    async def say(number: int) -> Message:
        began = _now()
        first: float | None = None
        frames: list[ServerFrame] = []

        async def keep(frame: ServerFrame) -> None:
            nonlocal first
            if first is None and frame.type == "delta":
                first = _now() - began
            frames.append(frame)

        await conversation.answer(Ask(request_id=f"r{number}", text=QUESTION), f"s{number}", keep)
        ending = frames[-1]
        model = ending.rung if isinstance(ending, Final) and not ending.from_knowledge_base else None
        return Message(began, first, model)

    return say


def theirs(port: Counted) -> Say:
    rungs = {rung.name: rung for rung in SETTINGS.ladder}

    class Provider(litellm.CustomLLM):  # type: ignore[misc]  # it has no types
        async def astreaming(self, *_: Any, **asked: Any) -> AsyncGenerator[Any, None]:
            rung = rungs[asked["model"]]
            chunk = {"is_finished": False, "finish_reason": "", "index": 0, "tool_use": None, "usage": None}
            async with aclosing(port.stream(rung, Prompt(QUESTION))) as events:
                while True:
                    async with asyncio.timeout(rung.first_token_s):
                        event = await anext(events, None)
                    if event is None:
                        break
                    if isinstance(event, Text):
                        yield chunk | {"text": event.text}
            yield chunk | {"text": "", "is_finished": True, "finish_reason": "stop"}

    litellm.custom_provider_map = [{"provider": "standin", "custom_handler": Provider()}]
    names = [rung.name for rung in SETTINGS.ladder if rung.model]
    models = [{"model_name": name, "litellm_params": {"model": f"standin/{name}"}} for name in names]
    router = litellm.Router(
        model_list=models,
        fallbacks=[{"sonnet": names[1:]}],
        num_retries=0,
        allowed_fails=3,
        cooldown_time=5 / SPEED,
    )
    asked = [{"role": "user", "content": QUESTION}]

    async def say(_: int) -> Message:
        began = _now()
        first: float | None = None
        model: str | None = None
        try:
            async for chunk in await router.acompletion(model="sonnet", messages=asked, stream=True):
                if first is None and chunk.choices[0].delta.content:
                    first, model = _now() - began, chunk.model.rpartition("/")[2]
        except Exception:  # noqa: BLE001 - whatever it is, the person has no answer
            return Message(began, first, None)
        return Message(began, first, model)

    return say


async def play(url: str, make: Callable[[Counted], Say], kind: str, share: float, rate: float) -> list[str]:
    """One trouble, one side: the cells of its row."""
    async with AsyncExitStack() as stack:
        bedrock = Bedrock(SETTINGS.ladder, REGION, Targets(REGION))
        port = Counted(await stack.enter_async_context(bedrock))
        say = make(port)
        await asyncio.gather(*(say(number) for number in range(4)))  # connections, imports
        port.calls.clear()
        began = _now()
        trouble = asyncio.create_task(_trouble(url, kind, share))
        asking, behind = [], 0.0
        for number in range(int(rate * (BEFORE_S + TROUBLE_S + AFTER_S))):
            await asyncio.sleep(began + number / rate - _now())
            behind = max(behind, _now() - began - number / rate)
            asking.append(asyncio.create_task(say(number)))
        messages = await asyncio.gather(*asking)
        start, end = await trouble
    return [*_row(messages, port.calls, start, end), f"{behind:.1f}"]


async def _trouble(url: str, kind: str, share: float) -> tuple[float, float]:
    """Injects the fault for its time; when it began and ended."""
    await asyncio.sleep(BEFORE_S)
    fault = {"target": "bedrock", "kind": kind, "rate": share, "match": {"model": "sonnet"}, "lease_s": 60}
    async with aiohttp.ClientSession() as http:
        async with http.post(f"{url}/_concierge/faults", json=fault) as told:
            told.raise_for_status()
        start = _now()
        await asyncio.sleep(TROUBLE_S)
        await http.delete(f"{url}/_concierge/faults")
    return start, _now()


def _row(
    messages: Sequence[Message], calls: Sequence[tuple[float, str]], start: float, end: float
) -> list[str]:
    dead = [at for at, rung in calls if rung == "sonnet" and start <= at < end]
    asked = sum(start <= message.asked_at < end for message in messages)
    failed = sum(message.model is None for message in messages)
    quiet = _p99([m for m in messages if m.asked_at < start - 1])
    loud = _p99([m for m in messages if start <= m.asked_at < end])
    gaps = [at for at, after in zip([start, *dead], [*dead, end], strict=True) if after - at > 0.5]
    opened = f"{gaps[0] - start:.1f}" if gaps else "never"
    late = [m.asked_at for m in messages if m.asked_at >= end and m.model != "sonnet"]
    back = f"{max(late) - end:.1f}" if late else "0.0"
    added = f"{loud - quiet:+.2f}" if quiet is not None and loud is not None else "-"
    return [str(failed), f"{len(dead)}/{asked}", opened, added, back]


def _p99(messages: Sequence[Message]) -> float | None:
    waits = sorted(m.first_text_s for m in messages if m.first_text_s is not None)
    return waits[int(len(waits) * 0.99)] if waits else None


def _now() -> float:
    return asyncio.get_running_loop().time()


async def main() -> None:
    logging.disable(logging.CRITICAL)
    litellm.suppress_debug_info = True
    rate = float(sys.argv[1]) if len(sys.argv) > 1 else 50.0
    sides = {"ladder": ours, "litellm": theirs}
    if len(sys.argv) > 2:
        sides = {sys.argv[2]: sides[sys.argv[2]]}
    # The stand-in runs where it belongs: the peers' environment has none of its libraries.
    command = [str(ROOT / ".venv/bin/python"), "-m", "rehearsal.bedrock", "--speed", str(SPEED)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        url = json.loads(await process.stdout.readline())["url"]
        os.environ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = url
        print(f"{rate:g} messages a second; trouble of {TROUBLE_S:g} s; waits a third of the real ones")
        heads = (
            f"{'failed':>32}{'dead calls':>12}{'open s':>8}{'p99 added s':>13}{'back s':>8}{'behind s':>10}"
        )
        print(heads)
        for name, (kind, share) in TROUBLES.items():
            for who, make in sides.items():
                failed, dead, opened, added, back, behind = await play(url, make, kind, share, rate)
                figures = f"{failed:>7}{dead:>12}{opened:>8}{added:>13}{back:>8}{behind:>10}"
                print(f"{name:<16}{who:<9}{figures}", flush=True)
    finally:
        process.terminate()
        await process.wait()
    print("failed: no answer of a model. open: until half a second passed without a call to Sonnet.")


if __name__ == "__main__":
    asyncio.run(main())
