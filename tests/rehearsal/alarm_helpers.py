"""An alarm as a plan declares it, with the values its metric had, period by period."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plan.model import Plan, Resource
from rehearsal.alarm_definitions import ALARM_TYPE, COMPOSITE_TYPE
from rehearsal.alarms import SETTLE_S, Judge
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
    return _resource(ALARM_TYPE, name, region, {**inputs, **changed})


def math_alarm(queries: Sequence[dict[str, Any]], name: str = NAME, **changed: Any) -> Resource:
    """An alarm on an expression; `queries` as the provider has them."""
    plain = dict.fromkeys(["namespace", "metricName", "dimensions", "statistic", "period"])
    return alarm(name, **{**plain, "metricQueries": list(queries), **changed})


def query(
    id_: str, metric: str, stat: str = "Average", period: int = PERIOD_S, **changed: Any
) -> dict[str, Any]:
    """One metric of an expression."""
    asked = {
        "namespace": "Concierge",
        "metricName": metric,
        "dimensions": DIMENSIONS,
        "stat": stat,
        "period": period,
    }
    return {"id": id_, "metric": {**asked, **changed}, "returnData": False}


def composite(name: str, rule: str, region: str = REGION, **changed: Any) -> Resource:
    """A composite that pages, but for what is `changed`."""
    inputs = {
        "alarmName": name,
        "alarmDescription": "Shoppers wait and fail.",
        "alarmRule": rule,
        "alarmActions": [PAGE],
        "okActions": [TICKET],
        "tags": {"Runbook": "bedrock-outage", "Severity": "page"},
    }
    return _resource(COMPOSITE_TYPE, name, region, {**inputs, **changed})


def planned(*alarms: Resource) -> Plan:
    return Plan(stack="dev", resources=alarms, outputs={})


def judge(*alarms: Resource, **more: Any) -> Judge:
    """A judge of these alarms, who has seen nothing yet."""
    return Judge.of(planned(*alarms), REGION, MetricStore(), **more)


def point(at: float, value: float, **changed: Any) -> Point:
    told = {"at": at, "metric": "ModelThrottled", "dimensions": DIMENSIONS, "value": value, "unit": "Count"}
    return Point(**{**told, **changed})


def guide(name: str) -> dict[str, Any]:
    """A part of the CloudWatch user guide, transcribed."""
    return tomllib.loads((Path(__file__).parent / "cloudwatch" / f"{name}.toml").read_text("utf-8"))


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


def _resource(type_: str, name: str, region: str, inputs: Mapping[str, Any]) -> Resource:
    """As a plan has it; an input of None is left out."""
    return Resource(
        urn=f"urn:pulumi:dev::concierge::{type_}::{region}-{name}",
        type=type_,
        name=name,
        id=name,
        custom=True,
        parent=None,
        provider=None,
        region=region,
        inputs={key: value for key, value in inputs.items() if value is not None},
        outputs={},
    )
