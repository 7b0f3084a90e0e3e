"""The shape of a runbook and of what comes of it. Data only; `runbooks.engine.run` brings it to life."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from pydantic import AwareDatetime

from contract.base import Shape
from contract.errors import DONE, FAILED, INCONCLUSIVE, ConciergeError, WrongUseError
from contract.runbooks import catalogue
from runbooks.engine.world import World


class Origin(Shape):
    """Which run, of whom, where and why: the head of every journal entry and record."""

    run: str
    runbook: str
    environment: str
    region: str
    who: str
    why: str


class Finding(Shape):
    """What one check saw. `cause`: True: there is trouble, False: there is none, None: it could not see.

    `subjects`: the things it is about, by our names; steps act on these.
    """

    what: str
    evidence: Mapping[str, float | str] = {}
    cause: bool | None = None
    subjects: tuple[str, ...] = ()


class Decision(Shape):
    """act, leave it alone, or unclear; `see` names the runbook that fits better.

    `steps`: which of the runbook's steps to take, by name; None: all.
    """

    course: Literal["act", "leave", "unclear"]
    why: str
    see: str | None = None
    steps: tuple[str, ...] | None = None


class Call(Shape):
    """One API call, exactly as it is made."""

    service: str
    operation: str
    request: Mapping[str, Any]


class Change(Shape):
    """One planned call: `before` and `after` are for people, `saved` is all that undo needs.

    `stage`: 1 is made first; a later one only when what came before was not enough. `undo`: how it goes back,
    in words. `keep`: the settings change that makes it last, where Pulumi owns it.
    """

    step: str
    subject: str
    before: str
    after: str
    call: Call
    saved: str
    stage: int = 1
    effect: str = ""
    undo: str = "the value it had"
    keep: str | None = None


class Verification(Shape):
    """What had to get better. `held` is None when nothing could be measured after the change."""

    what: str
    before: float
    after: float | None
    held: bool | None
    took_s: float


Check = Callable[[World], Finding]
T = TypeVar("T", bound=Callable[..., Any])


def calling(*calls: str) -> Callable[[T], T]:
    """Declares the AWS calls of a check, step or measurement: `service.operation`; no other is allowed."""

    def declare(thing: T) -> T:
        thing.calls = (*declared(thing), *calls)  # type: ignore[attr-defined]
        return thing

    return declare


def declared(thing: object) -> tuple[str, ...]:
    """The calls a part of a runbook has declared."""
    return tuple(getattr(thing, "calls", ()))


class LeftAloneError(ConciergeError):
    """Somebody else has changed the same thing since: theirs stays, nothing comes back."""


class DriftError(ConciergeError):
    """Somebody else was quicker."""


class Step(Protocol):
    """One thing a runbook can change. `apply` and `undo` may be asked twice and do no harm."""

    @property
    def name(self) -> str: ...

    def precondition(self, world: World, /) -> str | None:
        """Why it cannot be done, in words; None when it can."""

    def plan(self, world: World, /) -> tuple[Change, ...]:
        """The calls it would make; none when it is already so."""

    def apply(self, world: World, change: Change, /) -> None:
        """Makes the planned call, unless the subject has changed since the plan."""

    def undo(self, world: World, change: Change, /) -> bool:
        """Restores what was before; False when it is so already. LeftAloneError says who was here since."""


@dataclass(frozen=True, kw_only=True)
class Verify:
    """What must get better, and by when.

    `measure(world, since)` is the number now; with `since` only from what happened after, None: not seen yet.
    """

    what: str
    within_s: float
    measure: Callable[[World, datetime | None], float | None]
    better: Callable[[float, float], bool]
    stage_s: float = 180.0  # after a stage that has another one behind it: then the next is worth trying


@dataclass(frozen=True, kw_only=True)
class About:
    """What somebody wants to know before they read on: how bad it is, and how long this may take."""

    impact: str
    severity: Literal["page", "ticket", "planned"] = "page"
    budget_min: int = 15
    # What nobody should try to answer alone, and what to paste there.
    escalate: str = "the owner named above, with the summary of this run"
    # What `--set` must say, or may where the meaning begins with "optional": name -> meaning.
    inputs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Runbook:
    """One incident. `mitigate` is done first; each of `further` only when what came before was not enough.

    `keep` is the settings change that makes the fix last.
    """

    id: str
    diagnose: Mapping[str, Check]
    decide: Callable[[Mapping[str, Finding]], Decision]
    mitigate: tuple[Step, ...]
    verify: Verify
    further: tuple[tuple[Step, ...], ...] = ()
    about: About = About(impact="see the incident")
    keep: str | None = None

    def __post_init__(self) -> None:
        if self.id not in catalogue():
            raise WrongUseError(f"runbook {self.id!r} is not in contract/runbooks.toml: add it there")

    @property
    def stages(self) -> tuple[tuple[Step, ...], ...]:
        return (self.mitigate, *self.further)

    @property
    def steps(self) -> Mapping[str, Step]:
        """By name."""
        return {step.name: step for stage in self.stages for step in stage}

    @property
    def reads(self) -> frozenset[str]:
        """Every call that looks: those of checks and of the measurement."""
        return _calls((*self.diagnose.values(), self.verify.measure))

    @property
    def calls(self) -> frozenset[str]:
        """Every call it may make."""
        return self.reads | _calls(self.steps.values())


def _calls(things: Iterable[object]) -> frozenset[str]:
    return frozenset(call for thing in things for call in declared(thing))


Verdict = Literal[
    "planned", "applied+verified", "rolled-back", "undone", "left-alone", "nothing-to-do", "inconclusive",
]  # fmt: skip
_EXIT_CODES: Mapping[Verdict, int] = {
    "rolled-back": FAILED,
    "left-alone": FAILED,
    "inconclusive": INCONCLUSIVE,
}


class Times(Shape):
    """Seconds since the run began; None: it did not come to that."""

    finding_s: float | None = None
    mitigated_s: float | None = None
    verified_s: float | None = None


class Record(Origin):
    """All there is to say about one run."""

    started_at: AwareDatetime
    ended_at: AwareDatetime
    findings: Mapping[str, Finding]
    decision: Decision | None
    changes: tuple[Change, ...]
    verification: Verification | None
    verdict: Verdict
    note: str
    reads: int
    writes: int
    keep: str | None
    times: Times = Times()

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES.get(self.verdict, DONE)
