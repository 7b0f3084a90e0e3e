"""What the alarms say. Each names its runbook in its description, so that is how they are told apart."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbooks.engine.shape import Finding
from runbooks.engine.world import World

ALARMS = "cloudwatch.describe_alarms"
_NAMED = re.compile(r"concierge runbook run ([a-z0-9-]+)")


@dataclass(frozen=True)
class Red:
    """An alarm that is on."""

    alarm: str
    runbook: str
    impact: str
    reason: str
    since: datetime


def red(world: World) -> tuple[Red, ...]:
    """Every alarm of the environment that is on and names a runbook, the oldest first."""
    found = [one for answer in _pages(world) for one in _alarms(answer)]
    return tuple(sorted(found, key=lambda one: one.since))


@dataclass(frozen=True)
class Suggestion:
    """A runbook, and the alarms that ask for it."""

    runbook: str
    alarms: tuple[str, ...]
    since: datetime
    impact: str

    def as_json(self) -> dict[str, Any]:
        return {
            "runbook": self.runbook,
            "alarms": list(self.alarms),
            "since": self.since.isoformat(),
            "impact": self.impact,
        }


def suggestions(world: World) -> tuple[Suggestion, ...]:
    """The runbooks that alarms which are on ask for: the most asked for first, then the one red longest."""
    by_runbook: dict[str, list[Red]] = {}
    for one in red(world):
        by_runbook.setdefault(one.runbook, []).append(one)
    found = [
        Suggestion(runbook, tuple(one.alarm for one in reds), reds[0].since, reds[0].impact)
        for runbook, reds in by_runbook.items()
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.alarms), one.since)))


@dataclass(frozen=True)
class Alarmed:
    """Which alarms of this runbook are on?"""

    runbook: str
    calls: tuple[str, ...] = (ALARMS,)

    def __call__(self, world: World) -> Finding:
        """What is on."""
        mine = [one for one in red(world) if one.runbook == self.runbook]
        if not mine:
            return Finding(what="no alarm that names this runbook is on", cause=False)
        evidence = {one.alarm: one.reason for one in mine}
        words = f"{mine[0].alarm} is on since {mine[0].since:%H:%M} UTC"
        more = f", and {len(mine) - 1} more" if len(mine) > 1 else ""
        return Finding(what=words + more, evidence=evidence, cause=True)


def _pages(world: World) -> Iterator[Mapping[str, Any]]:
    asked: dict[str, Any] = {
        "StateValue": "ALARM",
        "AlarmNamePrefix": f"concierge-{world.environment}-",
        "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
    }
    while True:
        answer = world.aws.read("cloudwatch", "describe_alarms", **asked)
        yield answer
        if not answer.get("NextToken"):
            return
        asked["NextToken"] = answer["NextToken"]


def _alarms(answer: Mapping[str, Any]) -> Iterator[Red]:
    for alarm in (*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())):
        text = str(alarm.get("AlarmDescription", ""))
        named = _NAMED.search(text)
        if named and alarm["StateValue"] == "ALARM":
            yield Red(
                alarm=str(alarm["AlarmName"]),
                runbook=named.group(1),
                impact=text.partition(" Do: ")[0],
                reason=str(alarm.get("StateReason", "")),
                since=alarm["StateUpdatedTimestamp"],
            )
