"""Extra model units around known events, by schedule (MOD-3): bought 48 h before, gone within 24 h after.

Two short state machines rather than one that sleeps through the event. `up` finds or buys units by their
name, waits until they are in service, and publishes them as a rung of its own (`contract.rungs`); `down`
withdraws the rung, waits until nobody can be using it any more, deletes the units. Each looks first and then
does what is missing: either may run again at any time, and what a stopped one leaves, the next one finds.

Schedules start them. Up four times, 48, 24, 6 and 1 h before: a quota granted a day late still helps. An
event added late has fewer (`lead_hours`): the scheduler may refuse a time that is past already. Down at the
end, and again 12 and 22 h later: this sweep finds units only if the run before it failed, was stopped, or had
lost to an `up`; it pages, and cleans up. Even then nobody calls deleted units: a rung stops counting at the
end of its event by itself.

An event is what it says: units, schedules, rung and executions carry its name and a digest of the rest.
Changed, it is another event, with its own units; the schedules that take the old one down stay in AWS
although the calendar no longer has them (`retain_on_delete`). An execution is named after what its schedule
is for, so that a schedule delivered twice starts it once. A new event adds schedules, and touches nothing.

The machines hold no customer data: what they keep is encrypted by AWS's own key, logs and messages by ours.
Execution data is left out of the logs; the history of an execution shows it to who may look there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.asl import definition
from components.base import Component
from components.event_alarms import DOWN, UP, alarms, widgets
from components.event_grants import EventGrants
from components.grants import Grant
from components.place import Place
from components.service_role import ServiceRole, ServiceRoleArgs
from contract.alarms import Severity, Widget
from contract.rungs import folder

OWNER = "event-capacity"
LEAD_HOURS = 48
# If the first attempt comes to nothing.
AGAIN_HOURS = (24, 6, 1)
SWEEP_HOURS = (12, 22)


@dataclass(frozen=True, kw_only=True)
class CapacityEvent:
    """A known peak. `model` is the key that the rung stands for, `model_id` the context variant to buy."""

    name: str
    model: str
    model_id: str
    units: int
    starts: datetime
    ends: datetime
    lead_hours: int = LEAD_HOURS

    @property
    def up_hours(self) -> Sequence[int]:
        """How long before the start units are bought, or looked after."""
        return (self.lead_hours, *(hours for hours in AGAIN_HOURS if hours < self.lead_hours))

    @property
    def key(self) -> str:
        """Its name, and a digest of what is bought and until when. How early is no part of that."""
        said = f"{self.model_id} {self.units} {self.starts.isoformat()} {self.ends.isoformat()}"
        return f"{self.name}-{sha256(said.encode()).hexdigest()[:6]}"


@dataclass(frozen=True, kw_only=True)
class EventCapacityArgs:
    """`model_ids`: base ids that may be bought at all, whatever the calendar says today."""

    environment: str
    place: Place
    calendar: Sequence[CapacityEvent]
    model_ids: Sequence[str]
    drain_s: int
    topics: Mapping[Severity, Input[str]]
    notices_key_arn: Input[str]
    log_key_arn: Input[str]
    log_days: int
    protect: bool
    boundary: str | None = None


class EventCapacity(Component):
    """Machines, schedules and roles of one region."""

    kind = "models:EventCapacity"
    machine_arns: dict[str, Output[str]]

    def __init__(
        self, name: str, args: EventCapacityArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        self._letters = self._dead_letters()
        self.machine_arns = {kind: self._machine(kind) for kind in (UP, DOWN)}
        self._starter = self._role("event-schedules", "scheduler", self._group_arn(), self._may_start())
        self._group = aws.scheduler.ScheduleGroup(
            f"{name}-group", name=self._physical("events"), opts=self.child(protect=args.protect)
        )
        for event in args.calendar:
            self._schedule_all(event)
        self.register_outputs({"machines": self.machine_arns})

    def _physical(self, thing: str) -> str:
        return f"concierge-{self._args.environment}-{thing}"

    def _machine_arn(self, kind: str) -> Output[str]:
        return self._args.place.arn("states", f"stateMachine:{self._physical(kind)}")

    def _group_arn(self) -> Output[str]:
        """The scheduler says on whose behalf it comes by the group, not by the schedule."""
        return self._args.place.arn("scheduler", f"schedule-group/{self._physical('events')}")

    def _grants(self) -> EventGrants:
        args = self._args
        return EventGrants(
            environment=args.environment,
            place=args.place,
            owner=OWNER,
            rungs=folder(args.environment),
            notices_key_arn=args.notices_key_arn,
        )

    def _may(self, kind: str) -> Sequence[Grant]:
        topics = [self._args.topics[severity] for severity in sorted(self._args.topics)]
        grants = self._grants()
        return grants.up(self._args.model_ids, topics) if kind == UP else grants.down(topics)

    def _may_start(self) -> Sequence[Grant]:
        return self._grants().start([*self.machine_arns.values()], self._letters.arn)

    def _role(self, part: str, service: str, for_arn: Input[str], may: Sequence[Grant]) -> Output[str]:
        args = self._args
        return ServiceRole(
            f"{self.name}-{part}-role",
            ServiceRoleArgs(
                environment=args.environment,
                place=args.place,
                part=part,
                service=service,
                for_arns=[for_arn],
                grants=may,
                boundary=args.boundary,
            ),
            self.child(),
        ).arn

    def _dead_letters(self) -> aws.sqs.Queue:
        """What the scheduler could not deliver: two weeks, as long as a queue keeps anything."""
        return aws.sqs.Queue(
            f"{self.name}-dead-letters",
            name=self._physical("event-dead-letters"),
            message_retention_seconds=14 * 86_400,
            kms_master_key_id=self._args.notices_key_arn,
            opts=self.child(),
        )

    def _machine(self, kind: str) -> Output[str]:
        args = self._args
        # The prefix spares the account's one resource policy of logs, which is limited in size.
        log = aws.cloudwatch.LogGroup(
            f"{self.name}-{kind}-log",
            name=f"/aws/vendedlogs/states/{self._physical(kind)}",
            retention_in_days=args.log_days,
            kms_key_id=args.log_key_arn,
            opts=self.child(),
        )
        values = {
            "partition": args.place.partition,
            "environment": args.environment,
            "page_topic": args.topics["page"],
            "ticket_topic": args.topics["ticket"],
        }
        return aws.sfn.StateMachine(
            f"{self.name}-{kind}",
            name=self._physical(kind),
            type="STANDARD",
            definition=definition(kind.replace("-", "_"), values | _only(kind)),
            role_arn=self._role(kind, "states", self._machine_arn(kind), self._may(kind)),
            logging_configuration={
                "level": "ALL",
                "include_execution_data": False,
                "log_destination": Output.concat(log.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            opts=self.child(),
        ).arn

    def _schedule_all(self, event: CapacityEvent) -> None:
        for hours in event.up_hours:
            at = event.starts - timedelta(hours=hours)
            self._schedule(event, UP, f"up-{hours}h", at, self._bought(event))
        withdrawn = {**self._named(event), "drain_s": self._args.drain_s}
        self._schedule(event, DOWN, "down", event.ends, {**withdrawn, "sweep": False})
        for hours in SWEEP_HOURS:
            at = event.ends + timedelta(hours=hours)
            self._schedule(event, DOWN, f"sweep-{hours}h", at, {**withdrawn, "sweep": True})

    def _named(self, event: CapacityEvent) -> dict[str, Any]:
        return {
            "event": event.key,
            "name": self._physical(event.key),
            "parameter": f"{folder(self._args.environment)}/{event.key}",
        }

    def _bought(self, event: CapacityEvent) -> dict[str, Any]:
        return {
            **self._named(event),
            "model": event.model,
            "model_id": event.model_id,
            "units": event.units,
            "until": _instant(event.ends),
            "why": f"event {event.name}, {_instant(event.starts)} to {_instant(event.ends)}",
        }

    def _schedule(
        self, event: CapacityEvent, kind: str, purpose: str, at: datetime, said: Mapping[str, Any]
    ) -> None:
        """Once. The universal target, unlike the one made for state machines, lets us name the execution."""
        call = {
            "StateMachineArn": self.machine_arns[kind],
            "Name": f"{event.key}-{purpose}",
            "Input": Output.json_dumps(said),
        }
        start = Output.concat("arn:", self._args.place.partition, ":scheduler:::aws-sdk:sfn:startExecution")
        aws.scheduler.Schedule(
            f"{self.name}-{event.key}-{purpose}",
            name=f"{event.key}-{purpose}",
            group_name=self._group.name,
            description=f"Extra model units for {event.name}: {purpose}.",
            schedule_expression=f"at({at:%Y-%m-%dT%H:%M:%S})",
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": start,
                "role_arn": self._starter,
                "input": Output.json_dumps(call),
                "retry_policy": {
                    "maximum_retry_attempts": 30,
                    "maximum_event_age_in_seconds": 3_600 if kind == UP else 6 * 3_600,
                },
                "dead_letter_config": {"arn": self._letters.arn},
            },
            opts=self._kept(kind),
        )

    def _kept(self, kind: str) -> pulumi.ResourceOptions:
        """Who takes an event out of the calendar forgets its units: what takes them down stays."""
        return pulumi.ResourceOptions(parent=self, retain_on_delete=kind == DOWN)

    def alarms(self) -> list[Watch]:
        return alarms(self.machine_arns, self._physical("events"))

    def widgets(self) -> list[Widget]:
        return widgets(self._physical("events"))


def _only(kind: str) -> dict[str, str]:
    return {"owner": OWNER} if kind == UP else {}


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
