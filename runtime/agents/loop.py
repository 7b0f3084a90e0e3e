"""The loop of an agent: the model asks for tools, they run, it is asked again, until it only speaks (RUN-14).

A model port around another. All it knows between two rounds is what tools did (`Ran`), and it passes each on
as it comes: whoever starts over, on another rung, begins from there and runs nothing twice.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from contract.runtime_settings import Rung
from runtime.port import (
    TOOL_USE,
    UNBILLED,
    Asked,
    Event,
    Hands,
    ModelPort,
    Prompt,
    Ran,
    Spent,
    Stop,
    Text,
    Using,
)

BREAK = "\n\n"  # between what is said before a tool and after it


class Loop:
    """For a prompt without hands it is the port inside."""

    def __init__(self, inside: ModelPort) -> None:
        self._inside = inside

    def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Events of one answer, tools and all."""
        if prompt.hands is None:
            return self._inside.stream(rung, prompt, recorded, so_far)
        return self._rounds(rung, prompt, prompt.hands, list(recorded), so_far)

    async def _rounds(
        self, rung: Rung, prompt: Prompt, hands: Hands, ran: list[Ran], so_far: str
    ) -> AsyncGenerator[Event, None]:
        heard = _Heard(said=bool(so_far))
        while True:
            heard.begin()
            async with aclosing(self._inside.stream(rung, prompt, ran, so_far)) as events:
                async for event in events:
                    if (passed := heard.take(event)) is not None:
                        yield passed
            if not heard.asked:
                break
            if hands.stopped(ran, heard.rounds, heard.asked):
                heard.stop = Stop()
                yield heard.after_tools(hands.given_up)
                break
            so_far = ""
            for one in heard.asked:
                yield Using(one.tool)
                done = await hands.use(one, ran)
                ran.append(done)
                yield done
        if heard.stop is not None:
            yield heard.stop
        yield heard.spent


@dataclass
class _Heard:
    """What a model said, round after round. `wants`: tools it asked for, if that is why it stopped."""

    said: bool
    rounds: int = 0
    spent: Spent = UNBILLED
    stop: Stop | None = None
    wants: list[Asked] = field(default_factory=list)
    broken: bool = False

    def begin(self) -> None:
        self.rounds += 1
        self.broken = self.rounds > 1 and self.said
        self.stop, self.wants = None, []

    @property
    def asked(self) -> Sequence[Asked]:
        return self.wants if self.stop is not None and self.stop.reason == TOOL_USE else ()

    def take(self, event: Event) -> Event | None:
        """What is passed on at once; the end of a round may not be the end of the answer."""
        match event:
            case Asked():
                self.wants.append(event)
            case Stop():
                self.stop = event
            case Spent():
                self.spent = self.spent.plus(event)
            case Text():
                return self.after_tools(event.text)
            case _:
                return event
        return None

    def after_tools(self, text: str) -> Text:
        """Apart from what was said before them."""
        if self.broken and text.strip():
            self.broken = False
            text = BREAK + text.lstrip()
        self.said = self.said or bool(text)
        return Text(text)
