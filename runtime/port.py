"""A model as the runtime sees it: ask it, and events come. Bedrock fits here, and the models of tests."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from contract.runtime_settings import Rung


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a model is told for one message.

    `asked`: the person's words. `facts`: what was looked up for them, fenced as data. `history`: the turns
    before, as (asked, answered), the oldest first. `variant`: which wording of our own instructions.
    """

    asked: str
    facts: str = ""
    history: tuple[tuple[str, str], ...] = ()
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The model took the call. No text yet: nothing may be concluded from it.

    Checked: a guardrail reads all text before it comes.
    """

    checked: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """More of the answer, cut where the model cut it."""

    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The answer is whole; a stream that ends without this was cut.

    Checked: a guardrail intervened, and what came is what it let through or put there itself.
    """

    reason: str = "end_turn"
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Spent:
    """What the call used; comes after `Stop`, if at all."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Ran:
    """A tool ran for this message. A rung that starts over is told, and does not run it again (RUN-14)."""

    tool: str
    arguments: Mapping[str, Any]
    result: str


UNBILLED = Spent(0, 0)
Event = Opened | Text | Stop | Spent | Ran


class ModelPort(Protocol):
    """Something that answers on a rung."""

    def stream(
        self, rung: Rung, prompt: Prompt, recorded: Sequence[Ran] = (), so_far: str = ""
    ) -> AsyncGenerator[Event, None]:
        """Events of one answer. Closing or cancelling it ends the call upstream at once.

        `recorded`: what tools already did for this message on another rung. `so_far`: how its answer began;
        the text goes on from there. Only for models that can.
        """
        ...
