"""The steps runbooks are made of: a value that is set and set back, and a thing that is done once.

Both read what is there now, say what it would become, and make one call a subject. Each declares its calls.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import ConciergeError
from runbooks.engine import search
from runbooks.engine.shape import Call, Change, LeftAloneError
from runbooks.engine.world import World

Subjects = Callable[[World], tuple[str, ...]]
Guard = Callable[[World], str | None]


def free(_: World) -> str | None:
    """No guard beyond what was found."""
    return None


def found(check: str) -> Subjects:
    """What that check found trouble with."""
    return lambda world: world.subjects(check)


def this(name: str) -> Subjects:
    """The one thing there is."""
    return lambda _: (name,)


def make(world: World, call: Call) -> Mapping[str, Any]:
    """Makes a planned call, through the door it belongs to."""
    if call.service == "search":
        method, _, path = call.operation.partition(" ")
        answer: Mapping[str, Any] = search.change(world, method, path, call.request or None)
        return answer
    return world.aws.write(call.service, call.operation, call.request)


def state(**values: Any) -> str:
    """Several values that are set together, as one that can be compared and read."""
    return json.dumps(values, sort_keys=True, default=str)


@dataclass(frozen=True, kw_only=True)
class Switch:
    """Sets each subject from what it is to what it should be, and back.

    `present`: its state now. `wanted`: the state it should have; the same one: nothing to do. `call`: what
    brings a state about, there and back alike.
    """

    name: str
    effect: str
    subjects: Subjects
    present: Callable[[World, str], str]
    wanted: Callable[[World, str, str], str]
    call: Callable[[World, str, str], Call]
    calls: tuple[str, ...]
    unit: str = ""
    guard: Guard = free
    keep: Callable[[World, str, str], str] | None = None

    def precondition(self, world: World) -> str | None:
        try:
            return self.guard(world)
        except ConciergeError as error:
            return str(error)

    def plan(self, world: World) -> tuple[Change, ...]:
        found = (self._change(world, subject) for subject in self.subjects(world))
        return tuple(change for change in found if change is not None)

    def apply(self, world: World, change: Change) -> None:
        make(world, change.call)

    def undo(self, world: World, change: Change) -> bool:
        subject = change.subject.removeprefix(f"{self.name}: ")
        present, ours = self.present(world, subject), json.loads(change.saved)
        if present == ours["before"]:
            return False
        if present != ours["after"]:
            raise LeftAloneError(f"{change.subject} is left alone: since then somebody made it {present}")
        make(world, self.call(world, subject, ours["before"]))
        return True

    def _change(self, world: World, subject: str) -> Change | None:
        before = self.present(world, subject)
        after = self.wanted(world, subject, before)
        if before == after:
            return None
        return Change(
            step=self.name,
            subject=f"{self.name}: {subject}",
            before=f"{before}{self.unit}",
            after=f"{after}{self.unit}",
            call=self.call(world, subject, after),
            saved=state(before=before, after=after),
            effect=self.effect,
            keep=self.keep(world, subject, after) if self.keep else None,
        )


@dataclass(frozen=True, kw_only=True)
class Once:
    """Does something to each subject that cannot be set back, and knows when it was done already.

    `no_undo` says so before anybody says yes; `back` is what can be done instead, if anything. `optional`:
    what follows is done even when this fails.
    """

    name: str
    effect: str
    subjects: Subjects
    done: Callable[[World, str], bool]
    call: Callable[[World, str], Call]
    calls: tuple[str, ...]
    before: Callable[[World, str], str] = lambda _, __: "not done"
    after: str = "done"
    no_undo: str = "it cannot be taken back"
    back: Callable[[World, str, str], Call | None] = lambda _, __, ___: None
    guard: Guard = free
    optional: bool = False

    def precondition(self, world: World) -> str | None:
        try:
            return self.guard(world)
        except ConciergeError as error:
            return str(error)

    def plan(self, world: World) -> tuple[Change, ...]:
        return tuple(
            Change(
                step=self.name,
                subject=f"{self.name}: {subject}",
                before=self.before(world, subject),
                after=self.after,
                call=self.call(world, subject),
                saved=state(subject=subject),
                effect=self.effect,
                undo=self.no_undo,
            )
            for subject in self.subjects(world)
            if not self.done(world, subject)
        )

    def apply(self, world: World, change: Change) -> None:
        make(world, change.call)

    def undo(self, world: World, change: Change) -> bool:
        subject = json.loads(change.saved)["subject"]
        if not self.done(world, subject):
            return False  # it never arrived
        instead = self.back(world, subject, change.saved)
        if instead is None:
            raise LeftAloneError(f"{change.subject} stays: {self.no_undo}")
        make(world, instead)
        return True
