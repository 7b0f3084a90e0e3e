"""What the agent of one region calls: one document beside its settings, and the grants that go with it.

Rung -> modelId, and the guardrail that each call names. Ids are regional. A rung of the other region calls
what stands there, through that region's guardrail in that region's version: nothing of this region can be
used there. How models are called, and what is bought for it, is in `components.model_access`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component
from components.grants import Grant
from components.model_access import ModelAccess
from contract.runtime_settings import Rung


@dataclass(frozen=True, kw_only=True)
class ModelCallsArgs:
    """`ladder`: as it stands in this region; `other`: the models of the other one."""

    environment: str
    ladder: Sequence[Rung]
    here: ModelAccess
    other: ModelAccess | None


class ModelCalls(Quiet, Component):
    """`calls`: rung -> what to pass as modelId; `parameter`: where the agent reads it."""

    kind = "models:ModelCalls"
    quiet = "a document has no metric; what it names is watched where it stands"
    parameter: Output[str]

    def __init__(self, name: str, args: ModelCallsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        there = {name: access.calls[rung] for name, (access, rung) in self._away.items()}
        self.calls: dict[str, Output[str]] = {**args.here.calls, **there}
        self.parameter = aws.ssm.Parameter(
            f"{name}-document",
            name=f"/concierge/{args.environment}/models",
            description="What the agent of this region calls; written by pulumi only.",
            type="String",
            insecure_value=Output.json_dumps(
                {
                    "rungs": self.calls,
                    "embed": args.here.embed,
                    "guardrail": args.here.guarded,
                    "guardrails": self._guardrails(),
                }
            ),
            opts=self.child(),
        ).name
        self.register_outputs({"parameter": self.parameter})

    @cached_property
    def _away(self) -> Mapping[str, tuple[ModelAccess, str]]:
        """Rung of the other region -> its models, and the rung of them that it calls."""
        found: dict[str, tuple[ModelAccess, str]] = {}
        for rung in self._args.ladder:
            if rung.model is not None and rung.region is not None:
                if self._args.other is None:
                    raise ValueError(f"rung {rung.name}: there are no models in {rung.region}")
                found[rung.name] = (self._args.other, self._args.other.rung_for(rung.model))
        return found

    def _guardrails(self) -> Mapping[str, Mapping[str, Input[str]]]:
        return {name: access.guarded for name, (access, _) in self._away.items() if access.guarded}

    def grants(self) -> list[Grant]:
        """For whoever answers people: every rung, and nothing past the guardrail of its region."""
        found = self._args.here.grants()
        for name, (access, rung) in self._away.items():
            found += access.grants_of(rung, by=name)
        if self._away and self._args.other is not None:
            found += [
                replace(grant, sid=f"{grant.sid}There") for grant in self._args.other.guardrail_grants()
            ]
        return found
