"""An alarm as a plan declares it, with the values its metric had, period by period."""

from collections.abc import Sequence
from typing import Any

from plan.model import Plan, Resource
from rehearsal.alarms import ALARM_TYPE, SETTLE_S, Judge
from rehearsal.metrics import MetricStore, Point

REGION = "us-east-1"
DIMENSIONS = {"Environment": "dev", "Rung": "sonnet"}
PERIOD_S = 10
NAME = "concierge-dev-bedrock-throttled"
PAGE, TICKET = "arn:aws:sns:us-east-1:123456789012:page", "arn:aws:sns:us-east-1:123456789012:ticket"
GOOD, BAD = 0.0, 1.0  # on either side of the threshold
# A series is written from the oldest period to the youngest, as in the CloudWatch user guide: "0 - X".
_SIGNS = {"0": GOOD, "X": BAD, "-": None}


def alarm(name: str = NAME, region: str = REGION, **changed: Any) -> Resource:
    """Average above 0.5 in 2 of 3 periods of ten seconds, but for what is `changed`; None leaves it out."""
    inputs = {
        "name": name,
        "alarmDescription": "Sonnet refuses calls.",
        "namespace": "Concierge",
        "metricName": "ModelThrottled",
        "dimensions": DIMENSIONS,
        "statistic": "Average",
        "comparisonOperator": "GreaterThanThreshold",
        "threshold": 0.5,
        "period": PERIOD_S,
        "datapointsToAlarm": 2,
        "evaluationPeriods": 3,
        "treatMissingData": "notBreaching",
        "alarmActions": [PAGE],
        "okActions": [TICKET],
        "tags": {"Runbook": "bedrock-throttled", "Severity": "page"},
    }
    return Resource(
        urn=f"urn:pulumi:dev::concierge::{ALARM_TYPE}::{region}-{name}",
        type=ALARM_TYPE,
        name=name,
        id=name,
        custom=True,
        parent=None,
        provider=None,
        region=region,
        inputs={key: value for key, value in {**inputs, **changed}.items() if value is not None},
        outputs={},
    )


def planned(*alarms: Resource) -> Plan:
    return Plan(stack="dev", resources=alarms, outputs={})


def judge(*alarms: Resource) -> Judge:
    """A judge of these alarms, who has seen nothing yet."""
    return Judge.of(planned(*alarms), REGION, MetricStore())


def point(at: float, value: float, **changed: Any) -> Point:
    told = {"at": at, "metric": "ModelThrottled", "dimensions": DIMENSIONS, "value": value, "unit": "Count"}
    return Point(**{**told, **changed})


def series(text: str) -> list[float | None]:
    return [_SIGNS[sign] for sign in text.split()]


def fill(judge: Judge, values: Sequence[float | None], start: float, period: float = PERIOD_S) -> None:
    """One value in the middle of each period from `start` on."""
    middles = [start + (number + 0.5) * period for number in range(len(values))]
    told = zip(middles, values, strict=True)
    judge.store.add([point(at, value) for at, value in told if value is not None])


def over(end: float) -> float:
    """The moment at which a period that ended then is judged."""
    return end + SETTLE_S
