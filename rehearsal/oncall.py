"""Who watches a story: its metrics, the alarms that they trip, and the engineer who answers the alarms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plan import Plan
from rehearsal import beforehand
from rehearsal.alarm_definitions import Definition, MetricAlarm
from rehearsal.alarms import Judge, Transition
from rehearsal.metering import Metering
from rehearsal.metrics import MetricStore
from rehearsal.operator import OPERATOR, Operator
from rehearsal.story_clock import StoryClock
from runbooks import engine
from runbooks.engine import inventory as inventories

# Only alarms on what somebody publishes here can be judged: the agent, and Bedrock's stand-in.
PUBLISHED = ("Concierge", "AWS/Bedrock")


@dataclass(frozen=True, kw_only=True)
class Duty:
    """What the watch needs. `client`: makes one of AWS; `without`, `ask`: as `played.Options` has them."""

    plan: Plan
    region: str
    aws: engine.Aws
    client: Callable[[str], Any]
    search_url: str | None
    clock: StoryClock
    folder: Path
    tell: Callable[[str, str], None]
    length_s: float
    keep: Sequence[str]
    without: Sequence[str]
    ask: Callable[[str, str], bool] | None


def _looks_back(alarm: Definition) -> float:
    """Seconds. What looks back over hours would take a story of minutes for all of them."""
    return alarm.period_s * alarm.of if isinstance(alarm, MetricAlarm) else 0.0


class OnCall:
    """Watches from its making to `stop`."""

    def __init__(self, duty: Duty, logs: Sequence[Path]) -> None:
        self._tell = duty.tell
        self.alarm_names = beforehand.alarm_names(duty.plan)
        self.judge = self._judging(duty)
        self.operator = self._engineer(duty)
        self.metering = Metering(
            logs,
            self.judge,
            duty.client("cloudwatch"),
            duty.client("sns"),
            self._hear,
            clock=duty.clock.epoch,
            at=duty.clock.at,
        )
        self.metering.start()

    def stop(self) -> None:
        """The day is over, or ends early."""
        self.operator.leave()
        self.metering.stop()

    def _judging(self, duty: Duty) -> Judge:
        judge = Judge.of(duty.plan, duty.region, MetricStore(), namespaces=PUBLISHED)
        gone = {self.alarm_names[name] for name in beforehand.without(duty.without, "alarm")}
        left = [
            one
            for one in judge.alarms
            if one.name not in gone and _looks_back(one.definition) <= duty.length_s
        ]
        return replace(judge, alarms=left)

    def _engineer(self, duty: Duty) -> Operator:
        found = inventories.fetch(duty.aws, duty.plan.stack, duty.folder / "inventory.json")
        # Stand-ins publish metrics at once; a runbook need not wait for them as in AWS.
        pace = engine.Pace(metrics_lag_s=1.0, poll_s=duty.clock.speed, check_s=10.0)
        world = engine.World(
            aws=duty.aws,
            inventory=found,
            operator=OPERATOR,
            pace=pace,
            clock=duty.clock,
            search_url=duty.search_url,
        )
        return Operator(
            world,
            duty.folder / "runbooks.jsonl",
            duty.tell,
            ask=duty.ask or (lambda *_: True),
            without=beforehand.without(duty.without, "runbook"),
            keep=duty.keep,
        )

    def _hear(self, change: Transition) -> None:
        if change.before == "INSUFFICIENT_DATA" and change.after == "OK":
            return
        self._tell("alarm", f"{change.alarm} is {change.after}: {change.reason}")
        runbook = self.judge.alarm(change.alarm).runbook
        if change.after == "ALARM" and runbook:
            self.operator.take(runbook, change.alarm)
