"""The tools over MCP (RUN-14): what an agent of somebody else does, through the same door and its checks.

JSON-RPC over HTTP as the protocol's streamable transport has it. Which tool is called for what is data.
"""

import itertools
import json
import os
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import RootModel

from contract.base import Shape
from contract.errors import InconclusiveError
from contract.intents import Intent
from loadtests import documents
from loadtests.client import Who
from loadtests.http_line import HttpLine
from loadtests.transcript import Transcript

FILE = Path(__file__).with_name("data") / "tools.toml"
WHERE = "CONCIERGE_TOOLS_URL"
_PROTOCOL = "2025-06-18"
_SESSION, _VERSION = "Mcp-Session-Id", "MCP-Protocol-Version"
_OK, _ACCEPTED = 200, 202


class ToolCall(Shape):
    """A tool and what it is told; texts may hold {asin}, {order} and {text}."""

    tool: str
    arguments: Mapping[str, str]


class ToolCalls(RootModel[Mapping[Intent, ToolCall]]):
    """By what somebody wants."""


class ToolError(InconclusiveError):
    """The tools cannot be reached, or do not speak as they should."""


@cache
def calls() -> Mapping[Intent, ToolCall]:
    """The data file."""
    return documents.read(FILE, ToolCalls).root


class ToolClient:
    """One session with the tools."""

    def __init__(self, host: str, who: Who) -> None:
        self._line = HttpLine(os.environ.get(WHERE) or f"{host.rstrip('/')}/mcp")
        self._headers = {"Accept": "application/json, text/event-stream", **who.headers}
        self._ids = itertools.count(1)
        self._offered: set[str] | None = None

    def call(self, request_id: str, intent: Intent, slots: Mapping[str, str], until: float) -> Transcript:
        """Calls the tool for what is wanted; its answer is checked to be one."""
        seen = Transcript(request_id, time.monotonic())
        wanted = calls()[intent]
        try:
            if self._offered is None:
                self._offered = self._begin(until)
            if wanted.tool not in self._offered:
                raise ToolError(f"there is no tool {wanted.tool!r}")
            arguments = {name: text.format(**slots) for name, text in wanted.arguments.items()}
            found = self._ask("tools/call", {"name": wanted.tool, "arguments": arguments}, until)
            if found.get("isError"):
                raise ToolError(f"tool {wanted.tool} failed: {_text(found)[:80]}")
            if not isinstance(found.get("content"), list):
                raise ToolError(f"tool {wanted.tool} answered without content")
            seen.came(time.monotonic(), len(_text(found)))
        except OSError as lost:
            self._offered = None
            seen.fail(f"no answer: {lost}")
        except ToolError as wrong:
            seen.fail(str(wrong))
        return seen

    def close(self) -> None:
        """Leaves."""
        self._line.close()

    def _begin(self, until: float) -> set[str]:
        """Introduces itself, and asks what there is."""
        about = {
            "protocolVersion": _PROTOCOL,
            "capabilities": {},
            "clientInfo": {"name": "concierge-load", "version": "1"},
        }
        self._ask("initialize", about, until)
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"}, until)
        listed = self._ask("tools/list", {}, until).get("tools", ())
        return {str(tool.get("name")) for tool in listed}

    def _ask(self, method: str, params: Mapping[str, Any], until: float) -> Mapping[str, Any]:
        number = next(self._ids)
        told = self._post({"jsonrpc": "2.0", "id": number, "method": method, "params": params}, until)
        if told is None or told.get("id") != number:
            raise ToolError(f"{method} was not answered")
        if "error" in told:
            raise ToolError(f"{method}: {told['error'].get('message', told['error'])}")
        result = told.get("result")
        if not isinstance(result, dict):
            raise ToolError(f"{method} was answered without a result")
        return result

    def _post(self, message: Mapping[str, Any], until: float) -> dict[str, Any] | None:
        status, headers, body = self._line.post("", message, self._headers, until)
        if status not in {_OK, _ACCEPTED}:
            raise ToolError(f"HTTP status {status}")
        lower = {name.lower(): value for name, value in headers.items()}
        if session := lower.get(_SESSION.lower()):
            self._headers |= {_SESSION: session, _VERSION: _PROTOCOL}
        if status == _ACCEPTED or not body:
            return None
        try:
            told = json.loads(_event(body) if "event-stream" in lower.get("content-type", "") else body)
        except ValueError:
            raise ToolError("an answer that is no JSON") from None
        if not isinstance(told, dict):
            raise ToolError("an answer that is no JSON-RPC")
        return told


def _event(body: bytes) -> bytes:
    """The data of the last event of a stream."""
    lines = [line.removeprefix(b"data:").strip() for line in body.splitlines() if line.startswith(b"data:")]
    return lines[-1] if lines else b""


def _text(found: Mapping[str, Any]) -> str:
    parts = found.get("content") or ()
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, dict))
