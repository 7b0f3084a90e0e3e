"""CloudWatch's room for alarms (OPS-2)."""

from collections.abc import Iterator

from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict
from plan.preflight.quotas import held_against

# A region's room, and no quota that could be asked for: CloudWatch user guide, "CloudWatch service quotas".
_ROOM = 5_000


def _look(facts: Facts, region: str) -> Iterator[Verdict]:
    planned = {
        r.inputs.get("name", r.inputs.get("alarmName"))
        for token in ("cloudwatch.MetricAlarm", "cloudwatch.CompositeAlarm")
        for r in facts.declared(token, region)
    }
    kinds = ("MetricAlarm", "CompositeAlarm")
    pages = (
        facts.client("cloudwatch", region).get_paginator("describe_alarms").paginate(AlarmTypes=list(kinds))
    )
    present = {a["AlarmName"] for page in pages for kind in kinds for a in page.get(f"{kind}s", ())}
    yield held_against(_ROOM, len(planned), len(present - planned))


CHECKS = (
    Check(
        id="alarm-room",
        title="CloudWatch alarms",
        why="A region holds 5,000 alarms; what does not fit is not watched.",
        fix="Delete alarms of environments that are gone, or ask support for more room.",
        lead_time="a day",
        look=_look,
        actions=("cloudwatch:DescribeAlarms",),
        types=("cloudwatch.MetricAlarm",),
    ),
)
