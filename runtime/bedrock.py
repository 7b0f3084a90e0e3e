"""Bedrock as the model port: ConverseStream, one client a rung, and no retries but the ladder's.

A client of its own for each rung keeps one model's trouble out of another's connections. Errors leave here
as the libraries raise them; `failover.classify` knows what they mean.
"""

import tomllib
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any, Self

from contract.models import models
from contract.runtime_settings import Rung
from runtime import aws
from runtime.port import Event, Opened, Spent, Stop, Text

CONNECTIONS = 500  # each stream holds one while it lasts; botocore's ten would be a queue


class Bedrock:
    """Opens its clients with `async with`, and closes them after the last stream."""

    def __init__(self, ladder: Sequence[Rung], region: str) -> None:
        self._ladder = ladder
        self._region = region
        self._clients: dict[str, Any] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for rung in self._ladder:
            if rung.model is not None:
                self._clients[rung.name] = await self._open.enter_async_context(self._client(rung))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def _client(self, rung: Rung) -> Any:
        return aws.client(
            "bedrock-runtime",
            self._region,
            # The ladder keeps the time; this only ends a socket that nobody watches any more.
            read_timeout=rung.total_s + 5,
            max_pool_connections=CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": 1},
        )

    async def stream(self, rung: Rung, message: str) -> AsyncGenerator[Event, None]:
        """Events of one answer; closing it closes the connection if the answer is not yet whole."""
        response = await self._clients[rung.name].converse_stream(
            modelId=models()[rung.model or ""].callable_id(self._region),
            system=[{"text": _system()}],
            messages=[{"role": "user", "content": [{"text": message}]}],
            inferenceConfig={"maxTokens": rung.max_tokens},
        )
        events = response["stream"]
        try:
            async for raw in events:
                if (event := _event(raw)) is not None:
                    yield event
        finally:
            events.close()


def _event(raw: Mapping[str, Any]) -> Event | None:
    """What a ConverseStream event means to us; block boundaries and the like mean nothing."""
    match raw:
        case {"contentBlockDelta": {"delta": {"text": str(text)}}}:
            return Text(text)
        case {"messageStart": _}:
            return Opened()
        case {"messageStop": {"stopReason": reason}}:
            return Stop(str(reason))
        case {"metadata": {"usage": {"inputTokens": int(asked), "outputTokens": int(answered)}}}:
            return Spent(asked, answered)
    return None


@cache
def _system() -> str:
    text = Path(__file__).with_name("prompt.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["system"]).strip()
