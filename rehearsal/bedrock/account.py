"""What an account has in Bedrock: who may be called by which id, units of its own, guardrails, quotas.

The foundation models are those of `contract/models.toml`. The rest is told: a JSON document at the start
(`--account`), and over HTTP later, as buying units would. From a plan: `rehearsal.bedrock.planned`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import Field

from contract.base import Shape
from contract.models import Model, Offered, embedders, models
from rehearsal.bedrock.guardrail_rules import Guardrail
from rehearsal.bedrock.quotas import Quota
from rehearsal.bedrock.refusals import RefusedError, invalid


class Units(Shape):
    """Provisioned throughput: its model, how much, and whether it can be called."""

    model: str
    units: int = Field(ge=1)
    state: Literal["Creating", "InService", "Updating", "Failed"] = "InService"
    tokens_per_minute: int = Field(100_000, gt=0, description="that one unit carries")


class Account(Shape):
    """`denied`: keys of models it was not given. `quotas`: by model, where not as in quotas.toml."""

    number: str = "123456789012"
    region: str = "us-east-1"
    profiles: Mapping[str, str] = Field(default_factory=dict, description="application profile -> model")
    units: Mapping[str, Units] = Field(default_factory=dict, description="ARN -> provisioned throughput")
    guardrails: Mapping[str, Guardrail] = Field(default_factory=dict, description="id -> guardrail")
    denied: frozenset[str] = frozenset()
    quotas: Mapping[str, Quota] = {}

    def target(self, model_id: str) -> "Target":
        """Whom a call with this id reaches; RefusedError in Bedrock's words."""
        if model_id in self.units:
            return self._own_units(model_id)
        bare = model_id.rpartition("/")[2]
        key = self.profiles.get(model_id) or self.profiles.get(bare)
        found = known()[key] if key else by_id().get(bare)
        if found is None:
            raise _unknown(model_id)
        self._require_offered(found, model_id, by_its_own_id=key is None and bare == found.id)
        return Target(found, found.key)

    def guardrail(self, identifier: str, version: str) -> Guardrail:
        """By id or ARN; a version that was made, or the working draft."""
        found = self.guardrails.get(identifier.rpartition("/")[2])
        if found is None or version not in (*found.versions, "DRAFT"):
            raise RefusedError(
                "ResourceNotFoundException",
                "The guardrail identifier or version provided in the request does not exist.",
            )
        return found

    def _own_units(self, arn: str) -> "Target":
        own = self.units[arn]
        if own.state not in ("InService", "Updating"):
            raise RefusedError("ModelNotReadyException", "The provisioned model is not ready for inference.")
        return Target(known()[own.model], arn, own)

    def _require_offered(self, found: Offered, model_id: str, *, by_its_own_id: bool) -> None:
        if found.state == "end-of-life":
            raise RefusedError(
                "ResourceNotFoundException",
                "This model version has reached the end of its life. "
                "Please refer to the AWS documentation for more details.",
            )
        if isinstance(found, Model) and found.profile and by_its_own_id:
            raise invalid(
                f"Invocation of model ID {model_id} with on-demand throughput isn't supported. Retry your "
                "request with the ID or ARN of an inference profile that contains this model."
            )
        if found.key in self.denied:
            raise RefusedError(
                "AccessDeniedException", "You don't have access to the model with the specified model ID."
            )


@dataclass(frozen=True, slots=True)
class Target:
    """A model, and the pool of capacity its calls are counted against."""

    model: Offered
    pool: str
    units: Units | None = None

    @property
    def key(self) -> str:
        return self.model.key


def known() -> Mapping[str, Offered]:
    """Key -> every model, of either kind."""
    return {**models(), **embedders()}


@cache
def by_id() -> Mapping[str, Offered]:
    """Ids and inference profiles that AWS itself made."""
    ids: dict[str, Offered] = {model.id: model for model in known().values()}
    for model in models().values():
        offered = (profile for offer in model.regions.values() for profile in offer.profiles)
        ids |= dict.fromkeys([*model.profile.values(), *offered], model)
    return ids


def _unknown(model_id: str) -> RefusedError:
    if model_id.startswith("arn:"):
        return RefusedError(
            "ResourceNotFoundException",
            "Could not resolve the foundation model from the provided model identifier.",
        )
    return invalid("The provided model identifier is invalid.")
