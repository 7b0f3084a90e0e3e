"""All tools behind one door: who may, with what input, for how long, and an audit line of each call."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from contract.base import Shape
from contract.frames import Proposal
from contract.logs import TOOL_CALLED
from contract.runtime_settings import ToolsSettings
from runtime.connections import asking
from runtime.downstream import ProviderError, Why
from runtime.measures import Measures
from runtime.telemetry import Telemetry
from runtime.tools.tool import OWN_FAULTS, Caller, Code, Tool, ToolError

LONGEST_KEY = 128
DONE = "done"
_CODES = {Why.DECLINED: Code.DECLINED, Why.TIMEOUT: Code.LATE}


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a call. `data`: the typed result as plain data, or what was wrong."""

    data: Mapping[str, Any]
    code: Code | None = None
    proposal: Proposal | None = None

    @property
    def ok(self) -> bool:
        return self.code is None

    @property
    def failed(self) -> bool:
        """Whether the tool is at fault, not who called it."""
        return self.code is not None and self.code not in OWN_FAULTS

    @property
    def text(self) -> str:
        """As a model reads it: amounts as people say them."""
        return json.dumps(_spoken(self.data), ensure_ascii=False)


class Toolbox:
    """`measures`: none where nothing is counted."""

    def __init__(
        self,
        tools: Sequence[Tool],
        settings: ToolsSettings,
        telemetry: Telemetry,
        measures: Measures | None,
        now: Callable[[], float],
    ) -> None:
        self.tools: Mapping[str, Tool] = {tool.name: tool for tool in tools}
        self._longest = {"read": settings.read_s, "write": settings.write_s, "money": settings.money_s}
        self._telemetry = telemetry
        self._measures = measures
        self._now = now

    async def call(self, name: str, arguments: Mapping[str, Any] | None, caller: Caller) -> Result:
        """Never an error: what is wrong is in the result, in words for the caller."""
        began = self._now()
        try:
            tool = self._allowed(name, caller)
            given = read(tool.takes, arguments)
            async with asyncio.timeout(self._longest[tool.kind]):
                with asking(caller.person.id):
                    made = await tool.run(given, caller)
            result = Result(made.model_dump(mode="json"))
        except ToolError as no:
            result = _no(no.code, str(no), no.proposal)
        except ProviderError as away:
            result = _no(_CODES.get(away.why, Code.UNAVAILABLE), _told(away))
        except TimeoutError:
            result = _no(Code.LATE, "it took too long; ask again with the same key: nothing happens twice")
        except Exception as bug:  # noqa: BLE001 - the caller gets an answer, we get the reason
            self._telemetry.log("error", "a tool failed inside", tool=name, error=repr(bug))
            result = _no(Code.INTERNAL, "something went wrong on our side")
        self._tell(name, caller, result, self._now() - began)
        return result

    def _allowed(self, name: str, caller: Caller) -> Tool:
        tool = self.tools.get(name)
        if tool is None:
            raise ToolError(Code.UNKNOWN, f"there is no tool {name!r}: list the tools")
        if tool.scope not in caller.scopes:
            raise ToolError(Code.DENIED, f"{name} needs the scope {tool.scope}")
        if tool.signed_in and not caller.person.signed_in:
            raise ToolError(Code.SIGN_IN, "the customer has to sign in first")
        if tool.changes and not 0 < len(caller.key) <= LONGEST_KEY:
            raise ToolError(
                Code.INVALID, f"idempotency_key: a change needs one of 1 to {LONGEST_KEY} letters"
            )
        return tool

    def _tell(self, name: str, caller: Caller, result: Result, seconds: float) -> None:
        """Who did what and what came of it, for the audit; nothing of the input, which may be personal."""
        tool = self.tools.get(name)
        known = name if tool is not None else "unknown"
        self._telemetry.log(
            "info",
            TOOL_CALLED.message,
            tool=known,
            kind=tool.kind if tool is not None else None,
            customer=caller.person.owner,
            via=caller.via,
            key=caller.key if tool is not None and tool.changes else None,
            outcome=result.code.value if result.code is not None else DONE,
            seconds=round(seconds, 3),
        )
        if self._measures is not None:
            self._measures.tool(known, seconds, failed=result.failed)


def read(takes: type[Shape], arguments: Mapping[str, Any] | None) -> Shape:
    """The input as typed; ToolError names the first thing wrong with it, and never its value."""
    try:
        return takes.model_validate(dict(arguments or {}))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "input"
        raise ToolError(Code.INVALID, f"{place}: {first['msg']}") from None


def _no(code: Code, message: str, proposal: Proposal | None = None) -> Result:
    wrong: dict[str, Any] = {"error": {"code": code.value, "message": message}}
    if proposal is not None:
        wrong["proposal"] = proposal.model_dump(mode="json")
    return Result(wrong, code, proposal)


def _told(away: ProviderError) -> str:
    if away.why is Why.DECLINED:
        return f"{away.provider} declined: {away.detail}"
    return f"{away.provider} cannot be reached right now; ask again with the same key: nothing happens twice"


def _spoken(value: Any) -> Any:
    """`price_cents: 8999` becomes `price: 89.99`."""
    if isinstance(value, Mapping):
        return {
            name.removesuffix("_cents"): part / 100
            if name.endswith("_cents") and isinstance(part, int)
            else _spoken(part)
            for name, part in value.items()
        }
    return [_spoken(part) for part in value] if isinstance(value, list) else value
