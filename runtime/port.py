"""A model as the runtime sees it: ask it, and events come. Bedrock fits here, and the models of tests."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from contract.runtime_settings import Rung


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a model is told for one message.

    `asked`: the person's words. `facts`: what was looked up for them, fenced as data. `history`: the turns
    before, as (asked, answered), the oldest first. `variant`: which wording of our own instructions. `hands`:
    what it may do for this message beside speaking.
    """

    asked: str
    facts: str = ""
    history: tuple[tuple[str, str], ...] = ()
    variant: str = ""
    hands: "Hands | None" = None


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

    def plus(self, more: "Spent") -> "Spent":
        return Spent(self.input_tokens + more.input_tokens, self.output_tokens + more.output_tokens)


@dataclass(frozen=True, slots=True)
class Ran:
    """A tool ran for this message. A rung that starts over is told, and does not run it again (RUN-14)."""

    tool: str
    arguments: Mapping[str, Any]
    result: str
    ok: bool = True
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """The model wants a tool to run. None for arguments that are no JSON object."""

    tool: str
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Using:
    """A tool runs: it is waited for, not the model."""

    tool: str


UNBILLED = Spent(0, 0)
Event = Opened | Text | Stop | Spent | Ran | Asked | Using
TOOL_USE = "tool_use"  # why a model stops that waits for tools


class Spec(NamedTuple):
    """A tool as a model is told of it; `schema` is a JSON schema of its input."""

    name: str
    does: str
    schema: Mapping[str, Any]


class Hands(Protocol):
    """What a model may do for one message. `ran`: what was done for it so far, on this rung or another."""

    def told(self, ran: Sequence[Ran]) -> str:
        """What it is told in addition to what every model is told."""
        ...

    def specs(self, ran: Sequence[Ran]) -> Sequence[Spec]:
        """The tools that are offered now, and those that were used."""
        ...

    def stopped(self, ran: Sequence[Ran], rounds: int, asked: Sequence[Asked]) -> bool:
        """Whether it has asked for enough."""
        ...

    @property
    def given_up(self) -> str:
        """What the person is told then."""
        ...

    async def use(self, asked: Asked, ran: Sequence[Ran]) -> Ran:
        """Runs a tool; what goes wrong is in the result."""
        ...


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
