"""Faults: what can be made to go wrong on purpose, for how long. A fault dies with its lease (CHAOS-2)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from contract.base import Shape
from contract.tiers import Tier


class FaultKind(StrEnum):
    """What a stand-in, a proxy or the runtime's own hook knows how to do."""

    THROTTLE = "throttle"
    ERROR = "error"  # 500: something inside went wrong
    UNAVAILABLE = "unavailable"  # 503
    SLOW = "slow"  # the first text comes long after people stopped waiting
    CUT = "cut"  # the connection breaks in the middle of an answer


class Fault(Shape):
    """`rate` of the matching calls to `target` misbehave until the lease runs out."""

    target: str = Field(description="who misbehaves: bedrock, ...")
    kind: FaultKind
    rate: float = Field(1.0, gt=0, le=1)
    match: Mapping[str, str] = Field(default_factory=dict, description="narrows it: model = sonnet, ...")
    lease_s: float = Field(gt=0, le=3_600)


class ActiveFault(Shape):
    """A fault that was injected, as the control API lists it."""

    id: str
    fault: Fault
    injected_at: AwareDatetime
    expires_at: AwareDatetime


class Stage(Shape):
    """Part of an experiment: at `at_s`, inject `fault`; it is cleared after `for_s`."""

    at_s: float = Field(ge=0)
    for_s: float = Field(gt=0)
    fault: Fault

    @model_validator(mode="after")
    def _outlives(self) -> Self:
        if self.fault.lease_s < self.for_s:
            raise ValueError(
                f"lease_s {self.fault.lease_s} ends before for_s {self.for_s}: lengthen the lease"
            )
        return self


class Probe(Shape):
    """Something measured at the client that must stay within a tolerance before, during and after."""

    measure: Literal["failed_share", "first_token_p95_ms", "sequence_gaps"]
    at_most: float = Field(ge=0)


class Expectation(Shape):
    """What must be seen from outside while the fault lasts."""

    alarm: str
    within_s: float = Field(gt=0)
    tier: Tier = Field(description="who must answer while the fault is at its worst")
    runbook: str
    recovery_s: float = Field(gt=0, description="after the last fault, back to the first tier within")


class Experiment(Shape):
    """A claim about the system, and how to try to break it. One YAML file each in `chaos/experiments/`."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    hypothesis: str
    steady_state: tuple[Probe, ...] = Field(min_length=1)
    method: tuple[Stage, ...] = Field(min_length=1)
    expect: Expectation
