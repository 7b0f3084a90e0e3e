"""What was seen of a rehearsal, and what was to be seen: all that the verdict is made from.

All moments are in the story's time, seconds since 1970.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from contract.alarm_rules import State
from contract.errors import InconclusiveError
from contract.faults import Fault
from contract.runtime_settings import BreakerSettings
from loadtests import arrivals, samples, scenario
from loadtests.samples import Sample
from loadtests.scenario import Scenario
from rehearsal.alarms import Transition
from rehearsal.machine import Machine
from rehearsal.metrics import MetricStore
from rehearsal.story import Story
from rehearsal.story_clock import StoryClock


def read_samples(path: Path, clock: StoryClock | None = None) -> tuple[Sample, ...]:
    """What the generator wrote, in the story's time. A file that a full disk has cut in two is nobody's wrong
    use."""
    try:
        return tuple(told(sample, clock or StoryClock()) for sample in samples.read(path))
    except samples.SamplesError as broken:
        raise InconclusiveError(f"what people saw is not known: {broken}: is the disk full?") from None


def told(sample: Sample, clock: StoryClock) -> Sample:
    """Moments as the story counts them; whatever lasted, lasted so many times longer in it."""
    longer = {
        name: None if (value := getattr(sample, name)) is None else value * clock.speed
        for name in ("first_token_ms", "end_to_end_ms", "gap_ms", "over_ms", "busy_ms")
    }
    moments = {name: clock.at(getattr(sample, name)) for name in ("intended_at", "sent_at")}
    return sample.model_copy(update={**longer, **moments, "at_s": sample.at_s * clock.speed})


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time."""

    start: float
    end: float

    def after(self, seconds: float) -> "Window":
        return Window(min(self.start + seconds, self.end), self.end)

    def of(self, found: Sequence[Sample]) -> list[Sample]:
        """Messages that were due in it."""
        return [sample for sample in found if self.start <= sample.intended_at < self.end]


@dataclass(frozen=True, slots=True)
class Stage(Window):
    """A stretch of time in which a fault was in place. `hit`: calls that felt it; None: nobody counted."""

    fault: Fault
    hit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbookRun:
    """What became of a runbook that an alarm asked for."""

    id: str
    verdict: str
    note: str
    undone: bool
    alarm: str = ""
    changes: tuple[str, ...] = ()
    mitigated_at: float | None = None
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The traffic that was to be; `length_s` from the first message to the last."""

    scenario: Scenario
    messages: int
    length_s: float

    @classmethod
    def of(cls, story: Story, rate: float, seed: int, speed: float = 1.0) -> Self:
        """What the generator is to send: the same pure function as its own, asked once more."""
        chosen = scenario.load(story.traffic.scenario).lasting(story.length_s).at_rate(rate)
        sent = chosen.faster(speed)
        due = [one.at_s * speed for one in arrivals.schedule(sent, sent.people, seed)]
        return cls(chosen, len(due), due[-1] - due[0] if due else 0.0)


@dataclass(frozen=True, slots=True)
class Breach:
    """Something that must never be, and was: `kind` of invariant, and where it was seen."""

    kind: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the verdict is made from. `ladder`: rungs that call a model, best first; `stages` as they ran.

    `generator_doubts`: why the measuring itself went wrong; `looked`: how many answers and places were
    searched for what must not be there.
    """

    environment: str
    zero: float
    ladder: Sequence[str]
    concurrency: int
    breaker: BreakerSettings
    schedule: Schedule
    samples: Sequence[Sample]
    generator_doubts: Sequence[str]
    metrics: MetricStore
    stages: Sequence[Stage]
    faults_in_place: str | None
    transitions: Sequence[Transition]
    final_states: Mapping[str, State]
    alarm_names: Mapping[str, str]
    runbooks: Sequence[RunbookRun]
    leftover_faults: int
    breaches: Sequence[Breach]
    looked: Mapping[str, int]
    machine: Machine

    @property
    def first_rung(self) -> str:
        """Who answers when all is well."""
        return self.ladder[0]

    @property
    def traffic(self) -> Window:
        """From the first message to the last, which is in it."""
        due = [sample.intended_at for sample in self.samples]
        return Window(min(due), math.nextafter(max(due), math.inf)) if due else Window(0, 0)

    @property
    def names(self) -> Mapping[str, str]:
        """What AWS calls an alarm -> our word for it."""
        return {name: key for key, name in self.alarm_names.items()}
