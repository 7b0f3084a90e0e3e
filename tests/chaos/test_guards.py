"""Production is broken on purpose only when it is confirmed, in its window, quiet, and has budget left."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chaos import guards
from chaos.guards import GuardError

WEDNESDAY = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0)
WEDNESDAY -= timedelta(days=(WEDNESDAY.weekday() - 2) % 7)


@pytest.fixture
def cloudwatch() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("cloudwatch", region_name="us-east-1")


def answered(cloudwatch: Any, messages: int, failed: int) -> None:
    """What the agent has published in the days before."""
    for day in range(1, 4):
        cloudwatch.put_metric_data(
            Namespace="Concierge",
            MetricData=[
                {
                    "MetricName": "Failed",
                    "Dimensions": [{"Name": "Environment", "Value": "prod"}],
                    "Timestamp": WEDNESDAY - timedelta(days=day),
                    "Values": [0.0, 1.0],
                    "Counts": [float(messages - failed), float(failed)],
                }
            ],
        )


def alarm(cloudwatch: Any, name: str, state: str) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="N", MetricName="M", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def refused(cloudwatch: Any, now: datetime = WEDNESDAY, confirmed: str = "prod") -> list[str]:
    with pytest.raises(GuardError) as told:
        guards.require("prod", now, cloudwatch, confirmed)
    assert told.value.exit_code == 1
    return [line.removeprefix("prod is not broken now: ") for line in str(told.value).splitlines()]


def test_a_quiet_wednesday_with_budget_is_a_good_moment(cloudwatch: Any) -> None:
    answered(cloudwatch, 2_000, 1)
    alarm(cloudwatch, "concierge-prod-answers-failed", "OK")
    alarm(cloudwatch, "concierge-prod-chat-scale-in", "ALARM")
    alarm(cloudwatch, "concierge-dev-answers-failed", "ALARM")
    guards.require("prod", WEDNESDAY, cloudwatch, "prod")


def test_every_reason_against_it_is_told_at_once(cloudwatch: Any) -> None:
    alarm(cloudwatch, "concierge-prod-answers-failed", "ALARM")
    sunday = WEDNESDAY + timedelta(days=4, hours=3)
    assert refused(cloudwatch, sunday, "yes") == [
        "type its name to confirm (--confirm prod), not 'yes'",
        "its change window is Tue, Wed, Thu 09:00 to 15:00 UTC, and it is Sun 13:00 UTC",
        "alarms are red already: concierge-prod-answers-failed",
        "its error budget cannot be told: no message in 30 days",
    ]


@pytest.mark.parametrize(("failed", "left"), [(8, "20%"), (10, "0%"), (30, "-200%")])
def test_a_budget_that_is_spent_is_a_reason(cloudwatch: Any, failed: int, left: str) -> None:
    answered(cloudwatch, 10_000, failed)
    assert refused(cloudwatch) == [f"{left} of the month's error budget is left, 25% is needed"]


@pytest.mark.parametrize(
    ("hour", "minute", "open_"), [(8, 59, False), (9, 0, True), (14, 59, True), (15, 0, False)]
)
def test_the_window_has_sharp_edges(hour: int, minute: int, open_: bool) -> None:
    assert guards.windows()["prod"].holds(WEDNESDAY.replace(hour=hour, minute=minute)) is open_
