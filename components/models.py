"""Which models the agent may call and in what order: the runtime's settings, published for it to read.

Knows how model calls fail (`alarms`) and how that looks (`widgets`).
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.alarms import Watch
from components.base import Component
from contract.alarms import Alarm, Widget
from contract.models import models
from contract.runtime_settings import RuntimeSettings
from contract.tiers import Tier

# What it means that a first rung refuses calls: of a usual one, and of the premium one.
_REFUSED = {
    False: "Sonnet refuses calls; answers come from Haiku and are plainer.",
    True: "The best model refuses calls; answers that money depends on come from Sonnet.",
}


@dataclass(frozen=True, kw_only=True)
class ModelsArgs:
    """`runtime` is published as it is; nothing else configures the agent."""

    environment: str
    region: str
    runtime: RuntimeSettings


class Models(Component):
    """The ladder as a document, and what watches it."""

    kind = "models:Models"
    settings_parameter: Output[str]

    def __init__(self, name: str, args: ModelsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.settings_parameter = aws.ssm.Parameter(
            f"{name}-settings",
            name=f"/concierge/{args.environment}/settings",
            description="What the running agent is set to; written by pulumi only.",
            type="String",
            tier="Advanced",  # all knobs together are more than the 4 KB of a standard one
            insecure_value=args.runtime.model_dump_json(),
            opts=self.child(),
        ).name
        self.register_outputs({"settings_parameter": self.settings_parameter})

    @property
    def ids(self) -> dict[str, str]:
        """Model key -> id to call in this region, for every model on the ladder."""
        used = {rung.model for rung in self._args.runtime.ladder if rung.model}
        return {key: models()[key].callable_id(self._args.region) for key in sorted(used)}

    def alarms(self) -> list[Watch]:
        """Ten-second periods: at an event's start a minute of throttling is thousands of messages.

        Units throttle when they are used to the full, which wakes nobody.
        """
        ladder = self._args.runtime.ladder
        first = [rung for rung in ladder if rung.tier is Tier.T0 and not rung.provisioned]
        first.sort(key=lambda rung: rung.premium)
        return [
            Watch(
                Alarm(
                    id="bedrock-throttled" if rung is first[0] else f"bedrock-throttled-{rung.name}",
                    metric="ModelThrottled",
                    dimensions={"Rung": rung.name},
                    statistic="Average",
                    threshold=0.02,
                    period_s=10,
                    datapoints=2,
                    of=3,
                    missing="notBreaching",
                    severity="page",
                    impact=_REFUSED[rung.premium],
                    runbook="bedrock-throttled",
                )
            )
            for rung in first
        ]

    def widgets(self) -> list[Widget]:
        ladder = self._args.runtime.ladder
        by_rung = tuple({"Rung": rung.name} for rung in ladder if rung.model)
        tiers = [*(tier.value for tier in Tier), *(rung.name for rung in ladder if rung.premium)]
        by_tier = tuple({"Tier": tier} for tier in tiers)
        return [
            Widget(title="Throttled share", metric="ModelThrottled", statistic="Average", dimensions=by_rung),
            Widget(title="Failed share", metric="ModelFailed", statistic="Average", dimensions=by_rung),
            Widget(title="Messages answered", metric="Messages", statistic="Sum", dimensions=by_tier),
            Widget(title="Answers that failed", metric="Failed", statistic="Average"),
            Widget(title="First token P95", metric="FirstToken", statistic="p95", dimensions=by_tier),
            Widget(title="Whole answer P95", metric="EndToEnd", statistic="p95", dimensions=by_tier),
            Widget(title="Cost of answers", metric="CostUsd", statistic="Sum", dimensions=by_tier),
        ]
