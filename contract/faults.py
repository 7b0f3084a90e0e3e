"""Faults: what can be made to go wrong on purpose, for how long. A fault dies with its lease (CHAOS-2)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from contract.base import Shape
from contract.tiers import Tier


class FaultKind(StrEnum):
    """What can go wrong; each stand-in knows some (docs/rehearsal.md). Comments: what `magnitude` is."""

    # The connection.
    RESET = "reset"  # closed before a word was said
    HANG = "hang"  # nothing is said; seconds
    SLOW = "slow"  # the answer begins long after people stopped waiting; seconds
    CUT = "cut"  # broken in the middle of an answer; after so many chunks
    UNFINISHED = (
        "unfinished"  # a stream that ends in good order, without its last events; after so many chunks
    )
    # Refusals.
    THROTTLE = "throttle"  # 429
    BARE_THROTTLE = "bare-throttle"  # 429 from somebody in front, who names no error
    NOT_READY = "not-ready"  # 429: the model is being loaded
    ERROR = "error"  # 500: something inside went wrong
    BAD_GATEWAY = "bad-gateway"  # 502
    UNAVAILABLE = "unavailable"  # 503
    GATEWAY_TIMEOUT = "gateway-timeout"  # 504
    MODEL_TIMEOUT = "model-timeout"  # 408
    MODEL_ERROR = "model-error"  # 424; the status that the model gave
    INVALID = "invalid"  # 400
    QUOTA = "quota"  # 400: an account's limit that does not refill
    DENIED = "denied"  # 403
    EXPIRED_TOKEN = "expired-token"  # 403  # noqa: S105 - a name, no secret
    NOT_FOUND = "not-found"  # 404
    # Errors within a stream that has begun; after so many chunks.
    STREAM_THROTTLE = "stream-throttle"
    STREAM_MODEL_ERROR = "stream-model-error"
    STREAM_ERROR = "stream-error"
    STREAM_UNAVAILABLE = "stream-unavailable"
    STREAM_INVALID = "stream-invalid"
    STREAM_EMPTY = "stream-empty"  # an error without a word of what it is
    # A model that says what it must not.
    WRONG_PRICE = "wrong-price"
    LEAKED_PII = "leaked-pii"
    COMPETITOR = "competitor"
    OFF_TOPIC = "off-topic"
    MALFORMED_TOOL = "malformed-tool"
    # Endpoints and clusters.
    COLD = "cold"  # no instance is warm; seconds until one is
    SATURATED = "saturated"  # everything takes longer; by so many times
    RED = "red"  # shards without any copy
    YELLOW = "yellow"  # shards without all their copies
    DISK_FULL = "disk-full"  # percent used
    # Tasks of a service.
    STOP = "stop"  # ended without warning; seconds until another takes its place
    # An experiment of AWS's own, whatever it does.
    DRILL = "drill"


DRILL = "drill"  # what a fault of FIS is narrowed by: the name of its experiment
TARGETS = (
    "bedrock", "sagemaker", "search", "cache", "dynamodb", "catalogue", "product-search", "pricing",
    "recommendation", "shipping", "promotions", "orders", "cards", "tasks",
)  # fmt: skip


class Fault(Shape):
    """`rate` of the matching calls to `target` misbehave until the lease runs out."""

    target: str = Field(description="who misbehaves: bedrock, ...")
    kind: FaultKind
    rate: float = Field(1.0, gt=0, le=1)
    magnitude: float | None = Field(
        None, ge=0, le=100_000, description="how much; None: as the kind usually is"
    )
    match: Mapping[str, str] = Field(default_factory=dict, description="narrows it: model = sonnet, ...")
    lease_s: float = Field(gt=0, le=3_600)

    def measure(self, usual: float) -> float:
        """How much: as asked, or as this kind usually is."""
        return usual if self.magnitude is None else self.magnitude


class ActiveFault(Shape):
    """A fault that was injected, as the control API lists it."""

    id: str
    fault: Fault
    injected_at: AwareDatetime
    expires_at: AwareDatetime


class Injection(Shape):
    """A line of a stand-in's log: what was done to a fault, when, and how many calls it had hit by then."""

    at: AwareDatetime
    what: Literal["injected", "cleared", "expired"]
    id: str
    fault: Fault
    seen: int
    hit: int


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


Measure = Literal[
    "failed_share",
    "first_token_p50_ms",
    "first_token_p95_ms",
    "end_to_end_p95_ms",
    "sequence_gaps",
    "ended_twice",
    "canned_share",
    "made_share",  # of the answers of models, those made for one person alone: not kept, not shared
]


class Probe(Shape):
    """Something measured at the client that must stay within a tolerance before, during and after."""

    measure: Measure
    at_most: float = Field(ge=0)
    during: float | None = Field(None, ge=0, description="the tolerance while it is broken, if another")

    def limit(self, phase: str) -> float:
        """What is tolerated then."""
        return self.during if phase == "during" and self.during is not None else self.at_most

    def with_slack(self, times: float) -> Self:
        """Times may be longer; what is counted is counted."""
        if not self.measure.endswith("_ms"):
            return self
        during = None if self.during is None else self.during * times
        return self.model_copy(update={"at_most": self.at_most * times, "during": during})


class Expectation(Shape):
    """What must be seen from outside while the fault lasts."""

    alarm: str = Field(description="key of the inventory, of an alarm that must turn red")
    within_s: float = Field(gt=0, description="after the first fault; the clock is that of the alarms")
    tier: Tier = Field(description="who must answer while the fault is at its worst")
    tier_share: float = Field(0.5, gt=0, le=1, description="... of so many messages at least")
    runbook: str = Field(description="what the alarm must lead to, and must end it")
    recovery_s: float = Field(gt=0, description="after the last fault, back to the first tier within")


class Stop(Shape):
    """An SLO guard: past it nothing more is learned, and people are hurt."""

    measure: Measure
    above: float = Field(ge=0)
    over_s: float = Field(10.0, gt=0, description="measured over so many last seconds")


class Limits(Shape):
    """How much damage an experiment may do, and where."""

    share: float = Field(1.0, gt=0, le=1, description="of the calls that a fault may hit")
    environments: tuple[str, ...] = Field(("rehearsal",), min_length=1, description="where it may run")
    stops: tuple[Stop, ...] = Field(
        (Stop(measure="failed_share", above=0.5),), min_length=1, description="what ends it at once"
    )
    stop_alarms: tuple[str, ...] = Field((), description="alarms that end it at once, such as answers-failed")


class Traffic(Shape):
    """Who asks meanwhile, where the experiment brings its own people."""

    scenario: str = Field("steady", description="of loadtests/scenarios")
    rate: float = Field(3.0, gt=0, le=200, description="messages a second, on average")
    before_s: float = Field(10.0, gt=0, description="watched before the first fault")
    after_s: float = Field(8.0, gt=0, description="watched after `recovery_s`")
    speed: float = Field(
        12.0, ge=1, le=20, description="the alarms' minutes pass so many times faster than the clock's"
    )


class Experiment(Shape):
    """A claim about the system, and how to try to break it. One YAML file each in `chaos/experiments/`."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    hypothesis: str
    steady_state: tuple[Probe, ...] = Field(min_length=1)
    method: tuple[Stage, ...] = Field(min_length=1)
    expect: Expectation
    limits: Limits = Limits()
    traffic: Traffic = Traffic()
    fis: str | None = Field(None, description="in AWS FIS does it: a drill of components/faults.toml")

    @model_validator(mode="after")
    def _within_its_limits(self) -> Self:
        for number, stage in enumerate(self.method):
            if stage.fault.rate > self.limits.share:
                raise ValueError(
                    f"method.{number} hits {stage.fault.rate:g} of the calls, limits.share is "
                    f"{self.limits.share:g}: lower the rate"
                )
        return self

    @property
    def length_s(self) -> float:
        """From the first stage to the end of the last."""
        return max(stage.at_s + stage.for_s for stage in self.method)

    def with_slack(self, times: float) -> Self:
        """The same claim with so many times the time, for a machine that is busy otherwise."""
        if times == 1:
            return self
        probes = tuple(probe.with_slack(times) for probe in self.steady_state)
        expect = self.expect.model_copy(update={"recovery_s": self.expect.recovery_s * times})
        return self.model_copy(update={"steady_state": probes, "expect": expect})


class Suite(Shape):
    """Experiments in an order. One YAML file each in `chaos/suites/`."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    experiments: tuple[str, ...] = Field(min_length=1)
