"""The verdict of a game day: every gate with what was measured. Pure functions over what was seen.

What people saw comes from the load generator's samples, what the alarms did from the judge, what the rungs
were asked from the runtime's own metrics. Nothing is read from the faults themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chaos.runner import judge as judge_steady_state
from contract.faults import Experiment
from contract.tiers import Tier
from loadtests.samples import Sample, percentile
from rehearsal.alarms import Transition
from rehearsal.metrics import MetricStore
from rehearsal.story import Gates

# A rung that fails altogether is given up after ten seconds without a success (RUN-6).
BREAKER_LEARNS_S = 11.0


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, epoch seconds."""

    start: float
    end: float

    def holds(self, at: float) -> bool:
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class RunbookRun:
    """What became of the runbook: its verdict and whether it was undone."""

    runbook: str
    verdict: str
    verified: bool
    undone: bool


@dataclass(frozen=True)
class Evidence:
    """Everything the verdict is made from."""

    samples: Sequence[Sample]
    generator_valid: bool
    transitions: Sequence[Transition]
    final_states: dict[str, str]
    expected_alarm: str
    runbooks: Sequence[RunbookRun]
    stages: Sequence[Window]
    metrics: MetricStore
    environment: str
    first_rung: str
    leftover_faults: int


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing that had to hold. `held` is None when it could not be told."""

    name: str
    held: bool | None
    measured: str


def gates(evidence: Evidence, limits: Gates, experiment: Experiment) -> list[Gate]:
    """Every gate, in the order a reader asks."""
    return [
        _load(evidence),
        *_people(evidence, limits),
        *_steady_state(evidence, experiment),
        *_alarms(evidence, experiment),
        _runbook(evidence, experiment),
        *_worst_stage(evidence, limits, experiment),
        _recovered(evidence, limits),
        Gate("no fault left", evidence.leftover_faults == 0, f"{evidence.leftover_faults} active"),
    ]


def exit_code(found: Sequence[Gate]) -> int:
    """0 survived, 1 a gate failed, 3 something could not be told."""
    if any(gate.held is False for gate in found):
        return 1
    return 3 if any(gate.held is None for gate in found) else 0
