"""What a tool is, who calls it, and what keeps it from being done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeVar

from contract.base import Shape
from contract.frames import Proposal
from contract.people import Person

READ, WRITE = "tools.read", "tools.write"
Kind = Literal["read", "write", "money"]


class Code(StrEnum):
    """Why a tool did nothing, for whoever called it."""

    UNKNOWN = "unknown_tool"
    INVALID = "invalid_input"
    SIGN_IN = "sign_in_first"
    DENIED = "not_allowed"
    NOT_FOUND = "not_found"
    CONFIRM = "confirmation_needed"
    DECLINED = "declined"
    LATE = "too_late"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


# The caller's own business: no failure of the tool.
OWN_FAULTS = frozenset(Code) - {Code.LATE, Code.UNAVAILABLE, Code.INTERNAL}


class ToolError(Exception):
    """Nothing was done, and why, for the caller. `proposal`: what a customer has to say yes to."""

    def __init__(self, code: Code, message: str, proposal: Proposal | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.proposal = proposal


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf, where, with what right. `key`: of a change; `word`: the customer's own yes."""

    person: Person
    session: str
    scopes: frozenset[str] = frozenset({READ, WRITE})
    key: str = ""
    word: str = ""
    via: str = "agent"


T = TypeVar("T")


def there(part: T | None) -> T:
    """A part that a tool works with; who opens the tools leaves out those without."""
    if part is None:
        raise ToolError(Code.UNAVAILABLE, "that is not set up here")
    return part


Run = Callable[[Any, Caller], Awaitable[Shape]]


@dataclass(frozen=True, slots=True)
class Tool:
    """`does` is read by models: say what it gives and when to use it. `signed_in`: for customers alone."""

    name: str
    does: str
    takes: type[Shape]
    gives: type[Shape]
    run: Run
    kind: Kind = "read"
    signed_in: bool = False

    @property
    def changes(self) -> bool:
        """Whether it needs a key."""
        return self.kind != "read"

    @property
    def scope(self) -> str:
        return WRITE if self.changes else READ
