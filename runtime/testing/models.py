"""Models that do what a test tells them: a script for each call, by rung. Errors are botocore's own."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from botocore.exceptions import ClientError, EventStreamError

from contract.runtime_settings import Rung
from runtime.port import Event, Opened, Prompt, Ran, Spent, Stop, Text


@dataclass(frozen=True)
class Wait:
    """Nothing comes for so long."""

    seconds: float


Step = Event | Wait | Exception
Script = Sequence[Step]
Behaviour = Callable[[int], Script]  # number of the call on its rung, from 0 -> what it does


@dataclass
class Call:
    """One call as the model saw it."""

    rung: str
    message: str
    started: float
    recorded: tuple[Ran, ...] = ()
    so_far: str = ""
    ended: float | None = None
    how: Literal["running", "whole", "raised", "cancelled"] = "running"
    prompt: Prompt = field(default_factory=lambda: Prompt(""))


class ScriptedModels:
    """A model port. A rung may have one script for every call, or a function from the call's number."""

    def __init__(self, scripts: Mapping[str, Script | Behaviour]) -> None:
        self._scripts = scripts
        self.calls: list[Call] = []
        self._counts: Counter[str] = Counter()

    def on(self, rung: str) -> list[Call]:
        """The calls on a rung, in order."""
        return [call for call in self.calls if call.rung == rung]

    async def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        loop = asyncio.get_running_loop()
        script = self._scripts[rung.name]
        steps = script(self._counts[rung.name]) if callable(script) else script
        self._counts[rung.name] += 1
        call = Call(rung.name, prompt.asked, loop.time(), tuple(recorded), so_far, prompt=prompt)
        self.calls.append(call)
        try:
            for step in steps:
                if isinstance(step, Exception):
                    call.how = "raised"
                    raise step
                if isinstance(step, Wait):
                    await asyncio.sleep(step.seconds)
                else:
                    yield step
            call.how = "whole"
        finally:
            call.ended = loop.time()
            if call.how == "running":
                call.how = "cancelled"


def says(*chunks: str, first_s: float = 0.5, gap_s: float = 0.02) -> Script:
    """A healthy answer: opened, text after a while, more text, the end, the bill."""
    script: list[Step] = [Opened(), Wait(first_s)]
    for chunk in chunks:
        script += [Text(chunk), Wait(gap_s)]
    return [*script, Stop(), Spent(input_tokens=100, output_tokens=10 * len(chunks))]


def cut_after(*chunks: str, by: Exception | None = None) -> Script:
    """The text, and then no stop: by an error, or by an end that looks clean."""
    script: list[Step] = [Opened(), *(Text(chunk) for chunk in chunks)]
    return [*script, by] if by is not None else script


def hangs() -> Script:
    """Takes the call and never says a word."""
    return [Opened(), Wait(1e6)]


def throttled() -> Script:
    return [refusal("ThrottlingException", 429)]


def refusal(code: str, status: int, message: str = "", original_status: int | None = None) -> ClientError:
    """An error of the service, as botocore raises it before a stream opens."""
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if original_status is not None:
        response["originalStatusCode"] = original_status
    return ClientError(response, "ConverseStream")  # type: ignore[arg-type]


def in_stream(code: str) -> EventStreamError:
    """An error inside an open stream: only a code, in lower camel case, and sometimes not even that."""
    return EventStreamError({"Error": {"Code": code, "Message": ""}}, "ConverseStream")
