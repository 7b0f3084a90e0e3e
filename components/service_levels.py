"""What was promised to shoppers, whatever is behind it (OPS-1, OPS-2). Makes no resource of its own.

The promises and the windows of their error budgets are `contract.slos`'; here stands what is told at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.alarms import Watch
from components.base import Component
from contract.alarms import Alarm, Composite, Measure, Severity, Widget, graphs
from contract.metrics import NAMESPACE
from contract.slos import slos
from contract.tiers import Tier

# Below, a minute's percentile or share is chance.
ENOUGH = 100
CANNED_SHARE = 0.1
HOUR_S = 3_600
STEPPED_DOWN_SHARE = 0.2
FEW = 20  # of so many a tenth is no chance any more, three minutes of five
LOOPS = 5  # agents stopped in a minute; one now and then is what limits are for


@dataclass(frozen=True, kw_only=True)
class ServiceLevelsArgs:
    """`budgets`: promises of `contract/slos.toml` whose error budget is watched."""

    budgets: Sequence[str]


class ServiceLevels(Component):
    """Error budgets, and the limits of OPS-1 minute by minute."""

    kind = "operations:ServiceLevels"

    def __init__(
        self, name: str, args: ServiceLevelsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._watched = [slo for slo in slos() if slo.id in args.budgets]
        self.register_outputs({})

    def alarms(self) -> list[Watch]:
        budgets = [alarm for slo in self._watched for alarm in slo.alarms()]
        return [Watch(alarm) for alarm in [*_at_once(), *budgets]]

    def composites(self) -> list[Composite]:
        """What is told of the error budgets."""
        return [composite for slo in self._watched for composite in slo.composites()]

    def widgets(self) -> list[Widget]:
        return graphs(
            NAMESPACE, {"Answers of all tiers P95": ("EndToEnd", "p95"), "Messages": ("Messages", "Sum")}
        )


def _at_once() -> list[Alarm]:
    return [
        _alarm(
            "answers-failed",
            "Failed",
            statistic="Average",
            threshold=0.01,
            severity="page",
            impact="More than one message in a hundred gets no answer.",
            runbook="bedrock-outage",
        ),
        _slow("first-token-slow", "FirstToken", Tier.T0, 2_500, "bedrock-latency"),
        _slow("haiku-first-token-slow", "FirstToken", Tier.T1, 1_500, "haiku-degraded"),
        _slow("answers-slow", "EndToEnd", Tier.T0, 8_000, "bedrock-latency"),
        _canned(),
        _stepped_down("answers-stepped-down", Tier.T0, "bedrock-outage"),
        _stepped_down("haiku-stepped-down", Tier.T1, "haiku-degraded"),
        _away("pricing", 0.1, "page", "Prices are missing from answers and cards.", "pricing-down"),
        _away("catalogue", 0.1, "ticket", "Products are missing from answers.", "catalogue-slow"),
        _loops(),
        _cost(),
    ]


def _loops() -> Alarm:
    """Agents that were stopped (RUN-14). What they cost meanwhile is the spend alarms' business."""
    return _alarm(
        "agents-stopped",
        "LoopsStopped",
        statistic="Sum",
        threshold=LOOPS,
        minimum_samples=0,
        severity="ticket",
        impact="Agents call tools again and again and are stopped: those people are not helped.",
        runbook="agent-loop",
    )


def _away(provider: str, share: float, severity: Severity, impact: str, runbook: str) -> Alarm:
    """A provider that does not answer within its deadline, or is not asked any more because it did not."""
    return _alarm(
        f"{provider}-away",
        "ProviderFailed",
        dimensions={"Provider": provider},
        statistic="Average",
        minimum_samples=FEW,
        threshold=share,
        severity=severity,
        impact=impact,
        runbook=runbook,
    )


def _slow(id_: str, metric: str, tier: Tier, limit_ms: float, runbook: str) -> Alarm:
    what = "first words" if metric == "FirstToken" else "last words"
    return _alarm(
        id_,
        metric,
        dimensions={"Tier": tier.value},
        statistic="p95",
        threshold=limit_ms,
        minimum_samples=0,
        patient=True,
        severity="ticket",
        impact=f"One answer of {tier.value} in twenty has its {what} after {limit_ms / 1000:g} seconds.",
        runbook=runbook,
    )


def _canned() -> Alarm:
    """A share: of few messages it is chance, and there is no point."""
    return _alarm(
        "answers-canned",
        "Messages",
        dimensions={"Tier": Tier.T2.value},
        statistic="Sum",
        others={"all": Measure(metric="Messages", statistic="Sum")},
        expression=f"IF(all >= {ENOUGH}, m0 / all)",
        minimum_samples=0,
        threshold=CANNED_SHARE,
        severity="page",
        impact="One shopper in ten gets an answer from the store, because no model answers.",
        runbook="bedrock-outage",
    )


def _stepped_down(id_: str, meant: Tier, runbook: str) -> Alarm:
    """A share: once breakers are open few calls fail, and how few depends on how many tasks there are.

    Nobody is woken: the ladder holds. Where it does not, failed or canned answers wake.
    """
    return _alarm(
        id_,
        "SteppedDown",
        dimensions={"Meant": meant.value},
        statistic="Average",
        minimum_samples=FEW,
        threshold=STEPPED_DOWN_SHARE,
        severity="ticket",
        impact=f"One answer in five that {meant.value} should give is from further down, and plainer.",
        runbook=runbook,
    )


def _cost() -> Alarm:
    """What is usual of cost, hour by hour, nobody can write down: CloudWatch learns it."""
    return Alarm(
        id="cost-unusual",
        metric="CostUsd",
        statistic="Sum",
        band=3,
        period_s=HOUR_S,
        datapoints=2,
        of=2,
        missing="notBreaching",
        severity="ticket",
        impact="Answers cost far more than usual at this hour of the week.",
        runbook="cost-spike",
    )


def _alarm(id_: str, metric: str, **more: Any) -> Alarm:
    usual = {"minimum_samples": ENOUGH, "datapoints": 3, "of": 5, "missing": "notBreaching"}
    return Alarm.model_validate({"id": id_, "metric": metric, **usual, **more})
