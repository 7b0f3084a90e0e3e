"""What is watched of a rung in AWS's own figures (OPS-2); `components.models` watches the agent's.

Thresholds are shares of the rung's own deadlines, so that an alarm stands before the ladder steps down. The
first tier wakes people; below it the ladder has already helped.
"""

from typing import Any

from pulumi import Input

from components.alarms import Watch
from contract.alarms import Alarm, Widget
from contract.runtime_settings import Rung
from contract.tiers import Tier

NAMESPACE = "AWS/Bedrock"
SLOW_FIRST_TOKEN, SLOW_ANSWER = 0.4, 0.75
MANY = 20  # calls a minute: a handful of failures is no incident


def alarms(rung: Rung, metered: Input[str]) -> list[Watch]:
    """`metered`: what AWS counts the rung's calls under."""
    first = rung.tier is Tier.T0
    urgent = "page" if first else "ticket"
    slow = "bedrock-latency" if first else "haiku-degraded"
    found = [
        _alarm(
            f"bedrock-first-token-{rung.name}",
            "TimeToFirstToken",
            statistic="p99",
            threshold=SLOW_FIRST_TOKEN * rung.first_token_s * 1000,
            severity=urgent,
            impact=f"The slowest answers of {rung.name} begin late; soon the ladder gives up on them.",
            runbook=slow,
        ),
        _alarm(
            f"bedrock-latency-{rung.name}",
            "InvocationLatency",
            statistic="p99",
            threshold=SLOW_ANSWER * rung.total_s * 1000,
            severity=urgent,
            impact=f"The slowest answers of {rung.name} take nearly as long as anybody waits for them.",
            runbook=slow,
        ),
        _alarm(
            f"bedrock-errors-{rung.name}",
            "InvocationServerErrors",
            statistic="Sum",
            threshold=MANY,
            severity=urgent,
            impact=f"Bedrock fails calls of {rung.name}; answers come from further down the ladder.",
            runbook="bedrock-outage" if first else "haiku-degraded",
        ),
        _alarm(
            f"bedrock-quota-{rung.name}",
            "InvocationThrottles",
            statistic="Sum",
            threshold=MANY,
            severity="ticket",
            impact=f"Calls of {rung.name} are refused minute after minute: quota or units are too small.",
            runbook="bedrock-throttled",
        ),
    ]
    return [Watch(alarm, {"ModelId": metered}) for alarm in found]


def _alarm(id_: str, metric: str, **more: Any) -> Alarm:
    return Alarm(
        id=id_,
        namespace=NAMESPACE,
        metric=metric,
        computed=("ModelId",),
        period_s=60,
        datapoints=3,
        of=5,
        missing="notBreaching",
        **more,
    )


def widgets() -> list[Widget]:
    """For the whole region: ids of profiles are known to nobody but AWS."""
    graphs = {
        "TimeToFirstToken": ("First token, Bedrock P99", "p99"),
        "InvocationLatency": ("Whole answer, Bedrock P99", "p99"),
        "InvocationThrottles": ("Throttled by Bedrock", "Sum"),
        "InvocationServerErrors": ("Failed in Bedrock", "Sum"),
        "InputTokenCount": ("Tokens read", "Sum"),
        "OutputTokenCount": ("Tokens written", "Sum"),
    }
    return [
        Widget.model_validate(
            {"title": title, "namespace": NAMESPACE, "metric": metric, "statistic": statistic}
        )
        for metric, (title, statistic) in graphs.items()
    ]
