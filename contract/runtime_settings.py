"""The runtime's part of the settings tree: the stack publishes it, the runtime and the rehearsal read it.

Its defaults are the requirement's own numbers; `concierge:runtime` in a stack file changes single knobs.
"""

from typing import Self

from pydantic import Field, model_validator

from contract.base import Knobs
from contract.models import models
from contract.tiers import Tier


class Rung(Knobs):
    """One step of the ladder: a model with its limits, or an answer that needs no model."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="what metrics, controls and runbooks call it")
    tier: Tier = Field(strict=False, description="how good its answers are; rungs go down the tiers")
    model: str | None = Field(None, description="key in contract/models.toml; none: no model is called")
    first_token_s: float = Field(10.0, gt=0, description="longest wait for the first text")
    gap_s: float = Field(5.0, gt=0, description="longest silence between two chunks")
    total_s: float = Field(20.0, gt=0, description="longest answer")
    max_tokens: int = Field(800, gt=0, description="reserved against the quota up front, so kept small")

    @model_validator(mode="after")
    def _known_model(self) -> Self:
        if self.model is not None and self.model not in models():
            raise ValueError(f"model {self.model!r} is not in contract/models.toml: {', '.join(models())}")
        return self

    @model_validator(mode="after")
    def _first_text_in_time(self) -> Self:
        if self.model is not None and self.first_token_s > self.total_s:
            raise ValueError(
                f"first_token_s {self.first_token_s} is more than total_s {self.total_s}: "
                "lower first_token_s, or raise total_s"
            )
        return self


LADDER = (
    Rung(name="sonnet", tier=Tier.T0, model="sonnet"),
    Rung(name="haiku", tier=Tier.T1, model="haiku", first_token_s=5.0, total_s=10.0, max_tokens=500),
    Rung(name="canned", tier=Tier.T2),
)


class BreakerSettings(Knobs):
    """When a rung is given up for a while (RUN-6)."""

    enabled: bool = Field(True, description="off: outcomes are counted but never stop a call")
    window_s: float = Field(60.0, gt=0, description="sliding window of the failure share")
    failure_share: float = Field(0.20, gt=0, lt=1, description="failed or slow share above which it opens")
    minimum_calls: int = Field(20, ge=1, description="calls in the window before the share counts")
    burst_failures: int = Field(3, ge=2, description="failures, with no first text between ...")
    burst_s: float = Field(10.0, gt=0, description="... within this time, that open it at once")
    open_s: float = Field(5.0, gt=0, description="pause before probes are let through")
    probe_share: float = Field(0.10, gt=0, le=1, description="share of traffic that probes a half-open rung")
    probes_to_close: int = Field(5, ge=1, description="good probes that close it")

    @model_validator(mode="after")
    def _one_failure_is_no_outage(self) -> Self:
        if self.minimum_calls * self.failure_share < 1:
            raise ValueError(
                f"one failure in {self.minimum_calls} calls is more than failure_share {self.failure_share}: "
                "raise minimum_calls"
            )
        return self


class RoutingSettings(Knobs):
    """Which rung a message starts on (RUN-4, RUN-5)."""

    haiku_threshold: float = Field(
        0.05, gt=0, le=1, description="error rate of T0 at which simple messages start on T1"
    )
    threshold_window_s: float = Field(15.0, gt=0, description="window in which that rate is measured")
    threshold_calls: int = Field(50, ge=1, description="calls in the window before the rate counts")
    simple_words: int = Field(8, ge=1, description="a message of at most so many words is simple")


class ControlsSettings(Knobs):
    """How the operator's document is read, and those that change with a deployment or an event."""

    poll_s: float = Field(5.0, gt=0, description="time between two reads of the controls")
    published_poll_s: float = Field(
        30.0, gt=0, description="time between two reads of the model calls and of the extra rungs"
    )
    jitter: float = Field(0.2, ge=0, lt=1, description="share of it by which reads are spread")


class RuntimeSettings(Knobs):
    """Tiers, breaker, routing and controls of the running agent."""

    request_s: float = Field(25.0, gt=0, description="nobody waits longer for an answer")
    ladder: tuple[Rung, ...] = Field(LADDER, strict=False, description="rungs from the best answer down")
    breaker: BreakerSettings = BreakerSettings()
    routing: RoutingSettings = RoutingSettings()
    controls: ControlsSettings = ControlsSettings()

    @model_validator(mode="after")
    def _walkable(self) -> Self:
        names = [rung.name for rung in self.ladder]
        if len(set(names)) != len(names):
            raise ValueError(f"two rungs have the same name in {', '.join(names)}")
        if not self.ladder or self.ladder[-1].model is not None:
            raise ValueError("the last rung must need no model, so that somebody always gets an answer")
        order = list(Tier)
        if sorted(self.ladder, key=lambda rung: order.index(rung.tier)) != list(self.ladder):
            raise ValueError(f"rungs must go down the tiers {', '.join(order)}")
        return self
