"""How a rung's model is called, and the document that tells the running agent (MOD-1, MOD-2, MOD-4).

A capacity is one of three kinds, and never a mix: units are bought for a model's context variant and know no
inference profiles. Which capacity a region allows for a model is judged in `components.model_rules`.
"""

from collections.abc import Mapping
from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from contract.base import Knobs, Shape

Scope = Literal["us", "eu", "jp", "apac", "global"]
Term = Literal["hourly", "OneMonth", "SixMonths"]
StreamMode = Literal["sync", "async"]


class OnDemand(Knobs):
    """The model's own id, in this region only."""


class InferenceProfile(Knobs):
    """A profile of AWS that spreads calls over the regions of a part of the world."""

    scope: Scope = Field("us", description="part of the world calls may go to: first word of the profile")


class Provisioned(Knobs):
    """Model units of our own: paid by the hour, used or not."""

    variant: str = Field(pattern=r"^[0-9]{1,4}k$", description="context variant, such as 200k")
    units: int = Field(ge=1, le=200, description="model units; AWS grants them on a support case")
    tokens_per_minute: int = Field(
        gt=0, description="tokens a minute that one unit carries: AWS names it with the quote for the units"
    )
    term: Term = Field("hourly", description="commitment; a committed unit cannot be given back early")
    committed_until: date | None = Field(
        None,
        strict=False,
        description="last day of the commitment: writing it here acknowledges that it is paid until then",
    )
    standby: bool = Field(
        True, description="the standby region buys the same: a failover waits for no purchase"
    )


Capacity = OnDemand | InferenceProfile | Provisioned


class Access(Knobs):
    """How one rung calls its model: exactly one of the three."""

    on_demand: OnDemand | None = Field(None, description="`{}`: the model's own id, where AWS takes it")
    profile: InferenceProfile | None = Field(None, description="an inference profile")
    provisioned: Provisioned | None = Field(None, description="units of our own")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [name for name, value in self if value is not None]
        if len(given) != 1:
            raise ValueError(
                f"gives {' and '.join(given) or 'nothing'}: give exactly one of on_demand, profile and "
                "provisioned; a rung of its own carries what overflows"
            )
        return self

    @property
    def capacity(self) -> Capacity:
        (given,) = (value for _, value in self if value is not None)
        found: Capacity = given
        return found


class GuardrailUse(Shape):
    """The guardrail of this region, pinned to a version, as a call names it."""

    id: str
    version: str
    stream: StreamMode = Field(
        description="sync: nothing is shown unchecked; async: faster, may be corrected"
    )


class ModelCalls(Shape):
    """What the stack publishes for one region: rung -> modelId, embedder, guardrail of every call.

    A rung of another region has a guardrail of its own: guardrails are regional.
    """

    rungs: Mapping[str, str]
    embed: str | None = None
    guardrail: GuardrailUse | None = None
    guardrails: Mapping[str, GuardrailUse] = Field(default_factory=dict)

    def guardrail_of(self, rung: str) -> GuardrailUse | None:
        return self.guardrails.get(rung, self.guardrail)
