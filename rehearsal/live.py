"""A rehearsal as it goes on, in numbers: what a screen or a page shows. Where it is shown is theirs."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, Protocol

from pydantic import ValidationError

from contract.base import Shape
from contract.tiers import Tier
from loadtests import profile
from loadtests.samples import Percentiles, Sample
from rehearsal.evidence import told
from rehearsal.game_day import GameDay
from rehearsal.timeline import Event

LOOK_BACK_S, BIN_S = 20.0, 10.0
LINES = 12
NOBODY = "none"


class Bin(Shape):
    """A stretch of the story: messages by who answered, and the first token's p95."""

    at_s: float
    tiers: Mapping[str, int]
    p95_ms: float | None


class AlarmSeen(Shape):
    """An alarm that the story names, or that is red."""

    name: str
    state: str
    expected: bool


class Line(Shape):
    """A line of the story."""

    second: float | None
    kind: str
    text: str


class Question(Shape):
    """What a person is asked: may this runbook be applied?"""

    runbook: str
    alarm: str


class State(Shape):
    """Everything that is shown. Shares and times are of the last seconds."""

    title: str
    second: float
    length_s: float
    speed: float
    scene: str
    due: float
    served: float
    sent: int
    messages: int
    failed: int
    tiers: Mapping[str, float]
    first_token_ms: tuple[float, float] | None
    breakers: Mapping[str, Literal["closed", "open"]]
    alarms: tuple[AlarmSeen, ...]
    judged: int
    red: int
    usd: float
    lines: tuple[Line, ...]
    bins: tuple[Bin, ...]
    question: Question | None
    verdict: str | None = None


class Looks(Protocol):
    """What a screen or a page needs."""

    def state(self) -> State: ...


class Desk:
    """Where a person is asked; one question at a time. Whoever shows it answers it."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._answered = threading.Event()
        self._yes = False
        self._closed = False
        self.question: Question | None = None

    def ask(self, runbook: str, alarm: str) -> bool:
        """Waits for the person; no, once the desk is closed."""
        with self._turn:
            if self._closed:
                return False
            self._answered.clear()
            self._yes = False
            self.question = Question(runbook=runbook, alarm=alarm)
            self._answered.wait()
            self.question = None
            return self._yes

    def answer(self, *, yes: bool) -> None:
        """Of the question that is open, if there is one."""
        if self.question is not None:
            self._yes = yes
            self._answered.set()

    def close(self) -> None:
        """The story is over: nobody waits any longer."""
        self._closed = True
        self._answered.set()


class Live:
    """Reads along with a day that has begun."""

    def __init__(self, day: GameDay, desk: Desk) -> None:
        self._day, self._desk = day, desk
        self._tail = _Tail(day.samples)
        self._lock = threading.Lock()
        self.samples: list[Sample] = []
        self.verdict: str | None = None

    def state(self) -> State:
        """As of now."""
        with self._lock:
            return self._state()

    def _state(self) -> State:
        day = self._day
        clock, story = day.clock, day.story
        self.samples += [told(one, clock) for one in self._tail.read()]
        second = max(0.0, clock.second() or 0.0)
        now = second + (clock.zero or 0.0)
        recent = [one for one in self.samples if now - LOOK_BACK_S <= one.intended_at < now]
        ended = Counter(_who(one) for one in recent)
        first = Percentiles.of(one.first_token_ms for one in recent)
        span = max(1.0, min(LOOK_BACK_S, second))
        scenario = day.schedule.scenario
        red = {name for name, state in day.on_call.judge.states.items() if state == "ALARM"}
        return State(
            title=story.title,
            second=second,
            length_s=story.length_s,
            speed=clock.speed,
            scene=_scene(day, second) or profile.stage_at(scenario.segments, second),
            due=profile.expected(scenario.segments, max(0.0, second - span), second) / span,
            served=sum(one.error is None for one in recent) / span,
            sent=len(self.samples),
            messages=day.schedule.messages,
            failed=sum(one.error is not None for one in self.samples),
            tiers={who: count / len(recent) for who, count in sorted(ended.items())},
            first_token_ms=(first.p50, first.p95) if first else None,
            breakers=_breakers(day, now),
            alarms=tuple(_alarms(day, red)),
            judged=len(day.on_call.judge.alarms),
            red=len(red),
            usd=sum(one.usd for one in self.samples),
            lines=tuple(_line(event, clock.zero) for event in day.timeline.events[-LINES:]),
            bins=tuple(bins(self.samples, clock.zero or 0.0, second)),
            question=self._desk.question,
            verdict=self.verdict,
        )


class _Tail:
    """The samples that have come since the last look."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._rest = path, 0, b""

    def read(self) -> list[Sample]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        self._read += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        found = []
        for line in lines:
            try:
                found.append(Sample.model_validate_json(line))
            except ValidationError:
                continue  # what is broken is the verdict's business
        return found


def bins(samples: Sequence[Sample], zero: float, second: float) -> list[Bin]:
    """The whole story so far, in even stretches."""
    grouped: dict[int, list[Sample]] = {}
    for one in samples:
        grouped.setdefault(int((one.intended_at - zero) // BIN_S), []).append(one)
    found = []
    for number in range(int(second // BIN_S)):
        inside = grouped.get(number, [])
        first = Percentiles.of(one.first_token_ms for one in inside)
        tiers = Counter(_who(one) for one in inside)
        found.append(Bin(at_s=number * BIN_S, tiers=dict(tiers), p95_ms=first.p95 if first else None))
    return found


def _who(sample: Sample) -> str:
    return str(sample.tier) if sample.tier is not None and sample.error is None else NOBODY


def _scene(day: GameDay, second: float) -> str:
    return ", ".join(s.title for s in day.story.scenes if s.at_s <= second < s.end_s)


def _breakers(day: GameDay, now: float) -> dict[str, Literal["closed", "open"]]:
    """By the last change that each rung's breaker told of."""
    found: dict[str, Literal["closed", "open"]] = {}
    for rung in day.rungs:
        of_rung = {"Environment": day.stack_name, "Rung": rung}
        changes = day.on_call.metering.store.values("BreakerOpen", of_rung, 0.0, now + 60)
        found[rung] = "open" if changes and changes[-1] else "closed"
    return found


def _alarms(day: GameDay, red: set[str]) -> list[AlarmSeen]:
    names = {name: key for key, name in day.on_call.alarm_names.items()}
    shown = dict.fromkeys([*day.story.alarms, *(names.get(name, name) for name in sorted(red))])
    return [
        AlarmSeen(
            name=key,
            state=day.on_call.judge.states.get(day.on_call.alarm_names.get(key, key), "taken away"),
            expected=key in day.story.alarms or key in day.story.may,
        )
        for key in shown
    ]


def _line(event: Event, zero: float | None) -> Line:
    second = None if zero is None or event.at < zero else event.at - zero
    return Line(second=second, kind=event.kind, text=event.text)


TIERS = (*map(str, Tier), NOBODY)
