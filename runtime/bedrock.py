"""Bedrock as the model port: ConverseStream, one client a rung, and no retries but the ladder's.

A client of its own for each rung keeps one model's trouble out of another's connections. Errors leave here
as the libraries raise them; `failover.classify` knows what they mean.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any, Self

from contract.model_access import GuardrailUse
from contract.runtime_settings import Rung
from runtime import aws, eventstream, prompts
from runtime.port import Asked, Event, Opened, Prompt, Ran, Spec, Spent, Stop, Text
from runtime.targets import Targets

INTERVENED = "guardrail_intervened"
_ROLES = ("user", "assistant")


class Bedrock:
    """Opens its clients with `async with`, and closes them after the last stream.

    A rung that comes later gets its client with its first call and keeps it: streams may outlive the rung.
    """

    def __init__(self, ladder: Sequence[Rung], region: str, targets: Targets) -> None:
        self._ladder = ladder
        self._region = region
        self._targets = targets
        self._clients: dict[str, Any] = {}
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for rung in self._ladder:
            if rung.model is not None:
                await self._client(rung)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _client(self, rung: Rung) -> Any:
        if rung.name not in self._clients:
            async with self._opening:
                if rung.name not in self._clients:
                    opened = await self._open.enter_async_context(self._make_client(rung))
                    self._clients[rung.name] = opened
        return self._clients[rung.name]

    def _make_client(self, rung: Rung) -> Any:
        return aws.client(
            "bedrock-runtime",
            rung.region or self._region,
            read_timeout=None,  # the ladder keeps the time, and a timer here is set anew for every chunk
            max_pool_connections=rung.concurrency,  # each stream holds one: fewer would be a queue
            retries={"mode": "standard", "total_max_attempts": 1},
        )

    async def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Events of one answer; closing it closes the connection if the answer is not yet whole."""
        target = self._targets.of(rung)  # before anything is awaited: the rung may be gone afterwards
        client = await self._client(rung)
        response = await client.converse_stream(
            modelId=target.model_id,
            system=[{"text": _system(prompt, recorded)}],
            messages=[*_messages(prompt, recorded), *_begun(so_far)],
            inferenceConfig={"maxTokens": rung.max_tokens},
            **_tools(prompt, recorded),
            **_inference(rung),
            **_guarded(target.guardrail),
        )
        checked = target.guardrail is not None and target.guardrail.stream == "sync"
        stream = response["stream"]
        asks = _Asks()
        try:
            async with aclosing(eventstream.read(stream)) as events:
                async for raw in events:
                    if (event := _event(raw, checked=checked) or asks.read(raw)) is not None:
                        yield event
        finally:
            stream.close()


def _messages(prompt: Prompt, recorded: Sequence[Ran]) -> list[Mapping[str, Any]]:
    """The turns before, the person's words with their facts, and the tools that already ran for them."""
    before = [_said(role, text) for turn in prompt.history for role, text in zip(_ROLES, turn, strict=True)]
    content = [{"text": text} for text in (prompt.facts, prompt.asked) if text]
    asked = [*before, {"role": "user", "content": content}]
    if not recorded:
        return asked
    ids = [f"recorded-{number}" for number in range(len(recorded))]
    used = [
        {"toolUse": {"toolUseId": id_, "name": ran.tool, "input": dict(ran.arguments)}}
        for id_, ran in zip(ids, recorded, strict=True)
    ]
    said = [
        {"toolResult": {"toolUseId": id_, "content": [{"text": ran.result}]}}
        for id_, ran in zip(ids, recorded, strict=True)
    ]
    return [*asked, {"role": "assistant", "content": used}, {"role": "user", "content": said}]


def _said(role: str, text: str) -> Mapping[str, Any]:
    return {"role": role, "content": [{"text": text}]}


def _begun(so_far: str) -> list[Mapping[str, Any]]:
    """An answer that has begun comes last: the model goes on from it."""
    return [_said("assistant", so_far)] if so_far else []


def _system(prompt: Prompt, recorded: Sequence[Ran]) -> str:
    usual = prompts.system(prompt.variant)
    return f"{usual}\n{prompt.hands.told(recorded)}" if prompt.hands is not None else usual


def _tools(prompt: Prompt, recorded: Sequence[Ran]) -> Mapping[str, Any]:
    """Those offered. Bedrock wants every tool described that a conversation has used."""
    specs = prompt.hands.specs(recorded) if prompt.hands is not None else ()
    used = {ran.tool for ran in recorded} - {spec.name for spec in specs}
    specs = [*specs, *(Spec(name, "", {"type": "object"}) for name in sorted(used))]
    offered = [
        {
            "toolSpec": {
                "name": spec.name,
                **({"description": spec.does} if spec.does else {}),
                "inputSchema": {"json": spec.schema},
            }
        }
        for spec in specs
    ]
    return {"toolConfig": {"tools": offered}} if offered else {}


def _inference(rung: Rung) -> Mapping[str, Any]:
    """Service tier and latency-optimised inference, where the rung asks for them."""
    chosen: dict[str, Any] = {}
    if rung.service_tier is not None:
        chosen["serviceTier"] = {"type": rung.service_tier}
    if rung.latency is not None:
        chosen["performanceConfig"] = {"latency": rung.latency}
    return chosen


def _guarded(guardrail: GuardrailUse | None) -> Mapping[str, Any]:
    if guardrail is None:
        return {}
    return {
        "guardrailConfig": {
            "guardrailIdentifier": guardrail.id,
            "guardrailVersion": guardrail.version,
            "streamProcessingMode": guardrail.stream,
        }
    }


class _Asks:
    """The tools a model asks for; their input comes in pieces of JSON."""

    def __init__(self) -> None:
        self._tool = ""
        self._pieces: list[str] = []

    def read(self, raw: Mapping[str, Any]) -> Asked | None:
        match raw:
            case {"contentBlockStart": {"start": {"toolUse": {"name": str(name)}}}}:
                self._tool, self._pieces = name, []
            case {"contentBlockDelta": {"delta": {"toolUse": {"input": str(piece)}}}}:
                self._pieces.append(piece)
            case {"contentBlockStop": _} if self._tool:
                tool, self._tool = self._tool, ""
                return Asked(tool, _object("".join(self._pieces) or "{}"))
        return None


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _event(raw: Mapping[str, Any], *, checked: bool) -> Event | None:
    """What a ConverseStream event means to us; block boundaries and the like mean nothing."""
    if delta := raw.get("contentBlockDelta"):  # nearly all of them: a pattern takes several times as long
        text = delta.get("delta", {}).get("text")
        return Text(text) if isinstance(text, str) else None
    match raw:
        case {"messageStart": _}:
            return Opened(checked)
        case {"messageStop": {"stopReason": reason}}:
            return Stop(str(reason), checked=checked and reason == INTERVENED)
        case {"metadata": {"usage": {"inputTokens": int(asked), "outputTokens": int(answered)}}}:
            return Spent(asked, answered)
    return None
