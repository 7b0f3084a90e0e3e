"""Model units of our own for one rung (MOD-2), behind a guard: AWS and the provider have none.

Bought units cannot be resized: another number of units is another throughput with another ARN. So the number,
the variant and the term are part of both names. Changed in a stack file, the new one is bought first, its ARN
is published, and only then the old one is given back; nothing is ever replaced in place.

Committed units cannot be given back before their term ends. They are protected: a plan that would drop them
stops. What is wanted meanwhile becomes a rung of its own beside them.

How busy units are is no metric of AWS's: tokens as AWS weighs them are held against the tokens that were
bought. MOD-3 asks for a ticket below half for two weeks. An alarm sees seven days at most: the ticket comes
after one week, and the weekly review sees whether it still stands after the second.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import date

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components import model_rules
from components.alarms import Watch
from components.base import Component
from components.place import Place
from contract.alarms import Alarm, Widget
from contract.model_access import Provisioned
from contract.models import Model

NAMESPACE = "AWS/Bedrock"
USED = "EstimatedTPMQuotaUsage"
BUSY, IDLE = 0.8, 0.5
_DAY_S = 86_400
_TERMS = {"hourly": "hourly", "OneMonth": "1m", "SixMonths": "6m"}


@dataclass(frozen=True, kw_only=True)
class ProvisionedThroughputArgs:
    """`production`: a protected environment; only there may be a commitment."""

    environment: str
    place: Place
    rung: str
    model: Model
    capacity: Provisioned
    production: bool
    today: date


class ProvisionedThroughput(Component):
    """The units of one rung in one region."""

    kind = "models:ProvisionedThroughput"
    arn: Output[str]

    def __init__(
        self, name: str, args: ProvisionedThroughputArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        capacity, region = args.capacity, args.place.region
        _allow(args)
        variant = model_rules.variant_of(args.model, capacity, region)
        what = f"{capacity.units}x{capacity.variant}-{_TERMS[capacity.term]}"
        committed = capacity.term != "hourly"
        made = aws.bedrock.ProvisionedModelThroughput(
            f"{name}-{what}-{_digest(variant)}",
            provisioned_model_name=_physical(args, what, variant),
            model_arn=args.place.ownerless_arn("bedrock", f"foundation-model/{variant}"),
            model_units=capacity.units,
            commitment_duration=capacity.term if committed else None,
            timeouts={"create": "40m"},
            opts=self.child(protect=committed),
        )
        self.arn = made.provisioned_model_arn
        self.register_outputs({"arn": self.arn})

    def alarms(self) -> list[Watch]:
        """A minute's tokens for too much, a day's for too little: units bought for a peak rest at night."""
        capacity, rung = self._args.capacity, self._args.rung
        per_minute = capacity.units * capacity.tokens_per_minute
        busy = Alarm(
            id=f"units-busy-{rung}",
            namespace=NAMESPACE,
            metric=USED,
            computed=("ModelId",),
            statistic="Sum",
            threshold=BUSY * per_minute,
            period_s=60,
            datapoints=5,
            of=5,
            missing="notBreaching",
            severity="ticket",
            impact=f"The units of {rung} are used above 80 %: soon calls overflow and cost more.",
            runbook="throughput-review",
        )
        idle = Alarm(
            id=f"units-idle-{rung}",
            namespace=NAMESPACE,
            metric=USED,
            computed=("ModelId",),
            statistic="Sum",
            comparison="LessThanThreshold",
            threshold=IDLE * per_minute * 24 * 60,
            period_s=_DAY_S,
            datapoints=7,
            of=7,
            missing="breaching",
            severity="ticket",
            impact=f"The units of {rung} were used below 50 % for a week: most of them are paid for nothing.",
            runbook="throughput-review",
        )
        return [Watch(alarm, {"ModelId": self.arn}) for alarm in (busy, idle)]

    def widgets(self) -> list[Widget]:
        """Under what AWS adds up for the region: the ARN is known to nobody but AWS."""
        return [
            Widget(title="Tokens against quota and units", namespace=NAMESPACE, metric=USED, statistic="Sum")
        ]


def _allow(args: ProvisionedThroughputArgs) -> None:
    found = model_rules.refusal(
        args.model,
        args.capacity,
        args.place.region,
        geography="world",
        production=args.production,
        today=args.today,
    )
    if found:
        raise ValueError(f"rung {args.rung}: {found.at or 'model'}: {found.why}")


def _physical(args: ProvisionedThroughputArgs, what: str, variant: str) -> str:
    """A name nobody has yet, so that the new units can stand beside the old ones."""
    name = f"concierge-{args.environment}-{args.rung}-{what}-{_digest(variant)}"
    if len(name) > 63 or not re.fullmatch(r"([0-9a-zA-Z][_-]?)+", name):
        raise ValueError(
            f"rung {args.rung}: Bedrock takes no throughput named {name}: give the rung a shorter name, "
            "without doubled hyphens"
        )
    return name


def _digest(variant: str) -> str:
    """Another version of a model is another throughput as well."""
    return hashlib.sha256(variant.encode()).hexdigest()[:6]
