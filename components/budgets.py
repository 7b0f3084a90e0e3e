"""What a month may cost (OPS-2), and who hears at 80 % spent, 100 % spent, 100 % foreseen.

Once for the account: budgets and cost anomalies are global services, whose only door is in us-east-1. What is
counted is data (`budgets.toml`). One topic a notification is all AWS takes, and at most five notifications.

`tag`: the bill is cut by a tag only after somebody switched it on as a cost allocation tag, and then from
that day; until then a budget of a tag counts nothing, so the default is the whole account.

AWS has one monitor of all services for an account: where there is one already, its ARN is given instead.
Bills are a day late, so tokens and dollars of the last minutes are the runtime's own metrics, not these.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from contract.alarms import Severity, Widget
from contract.base import Shape

# (kind, percent, who hears)
NOTIFICATIONS: Sequence[tuple[str, int, Severity]] = (
    ("ACTUAL", 80, "ticket"),
    ("ACTUAL", 100, "page"),
    ("FORECASTED", 100, "ticket"),
)


class Definition(Shape):
    """One budget of `budgets.toml`."""

    services: tuple[str, ...] = ()


@cache
def definitions() -> Mapping[str, Definition]:
    """Budget -> what it counts."""
    rows = tomllib.loads(Path(__file__).with_name("budgets.toml").read_text(encoding="utf-8"))
    return {name: Definition.model_validate(row) for name, row in rows.items()}


@dataclass(frozen=True, kw_only=True)
class BudgetsArgs:
    """`limits`: budget -> US dollars a month. `topics` must let budgets and anomalies in already.

    `tag`: key and value, when only what carries it counts. `anomaly_usd`: the least an anomaly must cost to
    be told; none: no anomalies. `monitor_arn`: the account's monitor of services, where it has one.
    """

    environment: str
    limits: Mapping[str, int]
    topics: Mapping[Severity, Input[str]]
    tag: tuple[str, str] | None
    anomaly_usd: int | None
    monitor_arn: str | None

    def __post_init__(self) -> None:
        if unknown := sorted({*self.limits} - {*definitions()}):
            raise ValueError(f"no budget {', '.join(unknown)}: known are {', '.join(definitions())}")


class Budgets(Component):
    """Budgets of a month, and what is out of the usual."""

    kind = "operations:Budgets"

    def __init__(self, name: str, args: BudgetsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        for budget, limit in args.limits.items():
            self._budget(budget, limit)
        if args.anomaly_usd is not None:
            self._anomalies(args.anomaly_usd)
        self.register_outputs({})

    def alarms(self) -> list[Watch]:
        """None: AWS publishes no metric of a budget. Budgets tell the topics themselves."""
        return []

    def widgets(self) -> list[Widget]:
        return []

    def _budget(self, budget: str, limit: int) -> None:
        args, services = self._args, definitions()[budget].services
        only = {"Service": [*services]} if services else {}
        if args.tag is not None:
            only["TagKeyValue"] = ["user:" + "$".join(args.tag)]
        aws.budgets.Budget(
            f"{self.name}-{budget}",
            name=f"concierge-{args.environment}-{budget}",
            budget_type="COST",
            limit_amount=str(limit),
            limit_unit="USD",
            time_unit="MONTHLY",
            cost_filters=[{"name": name, "values": values} for name, values in only.items()],
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "notification_type": kind,
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_sns_topic_arns": [args.topics[severity]],
                }
                for kind, percent, severity in NOTIFICATIONS
            ],
            opts=self.child(),
        )

    def _anomalies(self, least_usd: int) -> None:
        args = self._args
        aws.costexplorer.AnomalySubscription(
            f"{self.name}-anomalies",
            name=f"concierge-{args.environment}-anomalies",
            # A topic hears of each at once; daily and weekly are for e-mail.
            frequency="IMMEDIATE",
            monitor_arn_lists=[args.monitor_arn or self._monitor()],
            subscribers=[{"type": "SNS", "address": args.topics["ticket"]}],
            threshold_expression={
                "dimension": {
                    "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                    "match_options": ["GREATER_THAN_OR_EQUAL"],
                    "values": [str(least_usd)],
                }
            },
            opts=self.child(),
        )

    def _monitor(self) -> Output[str]:
        return aws.costexplorer.AnomalyMonitor(
            f"{self.name}-monitor",
            name=f"concierge-{self._args.environment}-services",
            monitor_type="DIMENSIONAL",
            monitor_dimension="SERVICE",
            opts=self.child(),
        ).arn
