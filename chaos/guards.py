"""What must be so before anything is broken that real people use: asked before, never skipped.

The window in which production may be broken on purpose is data (`windows.yaml`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import yaml
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from contract.base import Shape
from contract.errors import ConciergeError, InconclusiveError
from contract.metrics import ENVIRONMENT, NAMESPACE
from contract.slos import slos

FILE = Path(__file__).with_name("windows.yaml")
_KINDS = ("MetricAlarms", "CompositeAlarms")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEAST_LEFT = 0.25  # of the month's error budget
ANSWERS = "answers"  # the promise of contract/slos.toml that its budget is of
_MONTH = timedelta(days=30)


class GuardError(ConciergeError):
    """Not now, or not there: one line a reason."""


class Window(Shape):
    """When an environment may be broken on purpose: somebody is at work, and few people shop."""

    days: tuple[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"], ...] = Field(min_length=1)
    begin: time
    end: time
    zone: str = "UTC"

    def holds(self, now: datetime) -> bool:
        there = now.astimezone(ZoneInfo(self.zone))
        return _DAYS[there.weekday()] in self.days and self.begin <= there.time() < self.end

    def __str__(self) -> str:
        return f"{', '.join(self.days)} {self.begin:%H:%M} to {self.end:%H:%M} {self.zone}"


def windows(file: Path = FILE) -> Mapping[str, Window]:
    """Environment -> its window; one that is not named may be broken at any time."""
    rows = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {name: Window.model_validate(row) for name, row in rows.items()}


def require(stack: str, now: datetime, cloudwatch: Any, confirmed: str) -> None:
    """GuardError names every reason against it. `confirmed`: what somebody has typed."""
    against = [
        *_confirmation(stack, confirmed),
        *_window(stack, now),
        *_red(stack, cloudwatch),
        *_budget(stack, now, cloudwatch),
    ]
    if against:
        raise GuardError("\n".join(f"{stack} is not broken now: {reason}" for reason in against))


def _confirmation(stack: str, confirmed: str) -> Iterator[str]:
    if confirmed != stack:
        yield f"type its name to confirm (--confirm {stack}), not {confirmed!r}"


def _window(stack: str, now: datetime) -> Iterator[str]:
    window = windows().get(stack)
    if window is not None and not window.holds(now):
        yield f"its change window is {window}, and it is {now:%a %H:%M %Z}"


def _red(stack: str, cloudwatch: Any) -> Iterator[str]:
    """What is red already would hide what the experiment does, and says that somebody has trouble."""
    prefix = f"concierge-{stack}-"
    pages = _asked(lambda: list(cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)))
    rows = [row for page in pages for kind in _KINDS for row in page.get(kind, ())]
    red = [row["AlarmName"] for row in rows if row["StateValue"] == "ALARM"]
    # Scaling in is an alarm too, of which nobody needs to know.
    if told := sorted(name for name in red if not name.endswith(("-scale-in", "-scale-out"))):
        more = f" and {len(told) - 3} more" if len(told) > 3 else ""
        yield f"alarms are red already: {', '.join(told[:3])}{more}"


def _budget(stack: str, now: datetime, cloudwatch: Any) -> Iterator[str]:
    """Messages without an answer, of the last thirty days, against what was promised."""
    answer = _asked(
        lambda: cloudwatch.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName="Failed",
            Dimensions=[{"Name": ENVIRONMENT, "Value": stack}],
            StartTime=now - _MONTH,
            EndTime=now,
            Period=86_400,
            Statistics=["Sum", "SampleCount"],
        )
    )
    messages = sum(point["SampleCount"] for point in answer["Datapoints"])
    if not messages:
        yield "its error budget cannot be told: no message in 30 days"
        return
    failed = sum(point["Sum"] for point in answer["Datapoints"]) / messages
    promised = next(slo for slo in slos() if slo.id == ANSWERS)
    left = 1 - failed / promised.budget
    if left < LEAST_LEFT:
        yield f"{left:.0%} of the month's error budget is left, {LEAST_LEFT:.0%} is needed"


def _asked(work: Any) -> Any:
    try:
        return work()
    except (BotoCoreError, ClientError) as error:
        raise InconclusiveError(f"CloudWatch cannot be asked whether it is a good moment: {error}") from None
