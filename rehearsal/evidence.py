"""What was seen of a game day, and what was to be seen: all that the verdict is made from."""

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
from rehearsal.metrics import MetricStore
from rehearsal.story import Story


def read_samples(path: Path) -> tuple[Sample, ...]:
    """What the generator wrote. A file that a full disk has cut in two is nobody's wrong use."""
    try:
        return samples.read(path)
    except samples.SamplesError as broken:
        raise InconclusiveError(f"what people saw is not known: {broken}: is the disk full?") from None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, epoch seconds."""

    start: float
    end: float

    def after(self, seconds: float) -> "Window":
        return Window(min(self.start + seconds, self.end), self.end)

    def of(self, found: Sequence[Sample]) -> list[Sample]:
        """Messages that were due in it."""
        return [sample for sample in found if self.start <= sample.intended_at < self.end]


@dataclass(frozen=True, slots=True)
class Stage(Window):
    """A stretch of time in which a fault was in place."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class RunbookRun:
    """What became of a runbook that an alarm asked for."""

    id: str
    verdict: str
    note: str
    undone: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """The traffic that was to be; `length_s` from the first message to the last."""

    scenario: Scenario
    messages: int
    length_s: float

    @classmethod
    def of(cls, story: Story, seed: int) -> Self:
        """What the generator is to send: the same pure function as its own, asked once more."""
        chosen = scenario.load(story.scenario).lasting(story.length_s)
        due = [one.at_s for one in arrivals.schedule(chosen, chosen.people, seed)]
        return cls(chosen, len(due), due[-1] - due[0] if due else 0.0)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the verdict is made from. `ladder`: rungs that call a model, best first; `stages` as they ran."""

    environment: str
    ladder: Sequence[str]
    breaker: BreakerSettings
    schedule: Schedule
    samples: Sequence[Sample]
    generator_said: int
    metrics: MetricStore
    stages: Sequence[Stage]
    faults_in_place: str | None
    transitions: Sequence[Transition]
    final_states: Mapping[str, State]
    expected_alarm: str
    runbooks: Sequence[RunbookRun]
    leftover_faults: int

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
    def faulty(self) -> Window | None:
        """From the first fault to the end of the last."""
        if not self.stages:
            return None
        return Window(self.stages[0].start, max(stage.end for stage in self.stages))
