"""One message in the hands of agents: whose turn it is, which tools they may use, and what came of them.

It lives as long as its message, over all rungs. The key of a change is made of the message and what is asked
for: the same message, sent or answered again after an answer was lost, changes nothing twice.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from contract.frames import Proposal, Used
from contract.logs import LOOP_STOPPED
from contract.runtime_settings import ToolsSettings
from runtime.agents.limits import Reason, reason
from runtime.agents.specialists import HAND_OVER, Specialist, specialists
from runtime.measures import Measures
from runtime.port import Asked, Ran, Spec
from runtime.telemetry import Telemetry
from runtime.tools.schema import schema
from runtime.tools.tool import Caller, Code, ToolError
from runtime.tools.toolbox import Result, Toolbox, read

CONFIRMED = "The customer has just confirmed it on their own device: do it now, in this message."
OVER = "handed over: go on as the new specialist"


@dataclass(kw_only=True)
class Errand:
    """`learn` hears of each result. `given_up`: what a person is told when it is stopped."""

    toolbox: Toolbox
    settings: ToolsSettings
    telemetry: Telemetry
    measures: Measures | None
    now: Callable[[], float]
    begins: Specialist
    caller: Caller
    request_id: str
    given_up: str
    learn: Callable[[Mapping[str, Any]], None]
    results: list[Result] = field(default_factory=list)
    calls: list[Used] = field(default_factory=list)
    _began: float | None = None

    @property
    def used(self) -> bool:
        """Whether anything was looked up or done."""
        return bool(self.results)

    @property
    def proposal(self) -> Proposal | None:
        """What is to be confirmed; the newest counts, and one that was settled since does not."""
        last = next((one for one in reversed(self.results) if one.proposal or "payment_id" in one.data), None)
        return last.proposal if last is not None else None

    def told(self, ran: Sequence[Ran]) -> str:
        now = self._on(ran)
        others = "; ".join(f"{one.name} {one.does}" for one in specialists().values() if one != now)
        yes = f" {CONFIRMED}" if self.caller.word else ""
        return f"{now.says.strip()}{yes}\nFor anything else use {HAND_OVER}. The others: {others}."

    def specs(self, ran: Sequence[Ran]) -> Sequence[Spec]:
        """Those of whose turn it is, and those that were used before."""
        names = dict.fromkeys((*self._on(ran).tools, *(one.tool for one in ran)))
        known = [_spec(self.toolbox, name) for name in names if name in self.toolbox.tools]
        return [*known, _hand_over()]

    def stopped(self, ran: Sequence[Ran], rounds: int, asked: Sequence[Asked]) -> bool:
        if self._began is None:
            self._began = self.now()
        why = reason(ran, rounds, asked, self.now() - self._began, self.settings)
        if why is None:
            return False
        self._tell(why, asked[-1].tool)
        return True

    async def use(self, asked: Asked, ran: Sequence[Ran]) -> Ran:
        """What goes wrong is in the result: the model reads it and does better."""
        done = await self._use(asked, ran)
        self.calls.append(Used(tool=done.tool, arguments=done.arguments, ok=done.ok))
        return done

    async def _use(self, asked: Asked, ran: Sequence[Ran]) -> Ran:
        if asked.tool == HAND_OVER:
            return self._handed(asked)
        if asked.tool not in self._on(ran).tools:
            return Ran(
                asked.tool, asked.arguments or {}, _wrong(Code.DENIED, "not one of your tools"), ok=False
            )
        if asked.arguments is None:
            return Ran(asked.tool, {}, _wrong(Code.INVALID, "the input is no JSON object"), ok=False)
        result = await self.toolbox.call(asked.tool, asked.arguments, self._caller(asked))
        self.results.append(result)
        self.learn(result.data)
        tool = self.toolbox.tools.get(asked.tool)
        changed = tool is not None and tool.changes and result.ok
        # To need a confirmation is no failure: it is the next step.
        ok = result.ok or result.code is Code.CONFIRM
        return Ran(asked.tool, asked.arguments, result.text, ok=ok, changed=changed)

    def _on(self, ran: Sequence[Ran]) -> Specialist:
        """Whose turn it is: who was handed over to last."""
        turns = [str(one.arguments["to"]) for one in ran if one.tool == HAND_OVER and one.ok]
        return specialists()[turns[-1]] if turns else self.begins

    def _handed(self, asked: Asked) -> Ran:
        arguments = asked.arguments or {}
        if arguments.get("to") not in specialists():
            known = ", ".join(specialists())
            return Ran(HAND_OVER, arguments, _wrong(Code.INVALID, f"to: one of {known}"), ok=False)
        return Ran(HAND_OVER, arguments, OVER)

    def _caller(self, asked: Asked) -> Caller:
        """With a key of its own for each thing that is asked for."""
        given = json.dumps(self._canonical(asked), sort_keys=True)
        said = f"{self.caller.session}\n{self.request_id}\n{asked.tool}\n{given}"
        key = hashlib.sha256(said.encode()).hexdigest()[:40]
        one = self.caller
        return Caller(one.person, one.session, one.scopes, key, one.word, one.via)

    def _canonical(self, asked: Asked) -> Any:
        """Said in other words, with a default or without, it is the same."""
        tool = self.toolbox.tools.get(asked.tool)
        try:
            return read(tool.takes, asked.arguments).model_dump(mode="json") if tool else asked.arguments
        except ToolError:
            return asked.arguments

    def _tell(self, why: Reason, tool: str) -> None:
        known = tool if tool in self.toolbox.tools or tool == HAND_OVER else "unknown"
        self.telemetry.log("warning", LOOP_STOPPED.message, **{LOOP_STOPPED.by: known}, why=why.value)
        if self.measures is not None:
            self.measures.loop_stopped(self.begins.name)


def _wrong(code: Code, message: str) -> str:
    return json.dumps({"error": {"code": code.value, "message": message}})


def _spec(toolbox: Toolbox, name: str) -> Spec:
    tool = toolbox.tools[name]
    return Spec(name, tool.does, schema(tool.takes))


@cache
def _hand_over() -> Spec:
    names = list(specialists())
    schema_ = {
        "type": "object",
        "properties": {"to": {"enum": names}, "why": {"type": "string"}},
        "required": ["to"],
    }
    return Spec(HAND_OVER, "Gives the conversation to another specialist, who sees all of it.", schema_)
