"""What a conversation works with beside the models. Each part may be missing: then it is answered without.

On a person's own machine, or where a stack does not deploy something, a part is simply not there. One that is
there and does not answer is its own business: none of these raises but where it says so.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from contract.base import Shape
from contract.frames import Action, Card, Resumed, Source
from contract.intents import Intent
from contract.people import Person
from contract.tiers import Tier
from runtime.answer.facts import Facts
from runtime.limits.verdict import Verdict
from runtime.retrieval import Passages
from runtime.understand.intent import Classify, Understanding


class NotYoursError(Exception):
    """The session is somebody else's."""


@dataclass(frozen=True, slots=True)
class Before:
    """What was said before in a session. `known`: whether its store could be read."""

    turns: tuple[tuple[str, str], ...] = ()
    summary: str = ""
    intent: Intent | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Turn:
    """One message and its answer, as they are kept. `ending`: the final frame's JSON, for who asks again."""

    request_id: str
    asked: str
    answered: str
    intent: Intent | None
    ending: str


class Memory(Protocol):
    """Sessions (RUN-16)."""

    async def before(self, session_id: str, person: Person) -> Before:
        """NotYoursError if it is another's."""
        ...

    async def keep(self, session_id: str, person: Person, turn: Turn) -> None: ...

    async def resume(self, session_id: str, person: Person) -> Resumed | None: ...

    async def ending(self, session_id: str, person: Person, request_id: str) -> str | None: ...

    async def export(self, session_id: str, person: Person) -> Mapping[str, Any] | None: ...

    async def forget(self, session_id: str, person: Person) -> bool: ...


class Limits(Protocol):
    """Before a message is understood (RUN-9)."""

    async def admit(self, person: Person) -> Verdict: ...


class Shedding(Protocol):
    """After it is understood, under overload (RUN-9)."""

    def message(self) -> AbstractContextManager[None]: ...

    def admit(self, intent: Intent) -> Verdict: ...


class Gathering(Protocol):
    """What is looked up (RUN-1)."""

    def ahead(self, message: str, language: str) -> asyncio.Task[Passages] | None: ...

    async def facts(
        self,
        message: str,
        understood: Understanding,
        person: Person,
        hints: Mapping[str, str],
        passages: asyncio.Task[Passages] | None,
    ) -> Facts: ...


class Shelved(Shape):
    """An answer as a cache keeps it: everything that does not depend on who asks."""

    tier: Tier
    text: str
    cards: tuple[Card, ...] = ()
    actions: tuple[Action, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer may be found by: nothing else may decide it."""

    message: str
    understood: Understanding
    language: str
    variant: str


class Shelf(Protocol):
    """Answers that were given before (RUN-8). `mode`: the operator's `cache_mode`."""

    async def find(self, asked: Asked, mode: str) -> tuple[Shelved, Literal["exact", "semantic"]] | None: ...

    async def put(self, asked: Asked, answer: Shelved, asins: tuple[str, ...], mode: str) -> None: ...


Watch = Callable[[str], AbstractContextManager[Any]]


def unwatched(_stage: str) -> AbstractContextManager[Any]:
    """For stages nobody looks at."""
    return nullcontext()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """`stage(name)` surrounds each stage: one span and one metric."""

    limits: Limits | None = None
    shedding: Shedding | None = None
    memory: Memory | None = None
    gather: Gathering | None = None
    classify: Classify | None = None
    shelf: Shelf | None = None
    stage: Watch = unwatched
