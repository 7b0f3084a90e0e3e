"""How scaling for an event fails, and how that looks (MOD-3, OPS-2). Makes no resource."""

from collections.abc import Mapping

from pulumi import Input

from components.alarms import Watch
from contract.alarms import Alarm, Widget

UP, DOWN = "event-up", "event-down"
# What goes wrong with an execution, by the metric that counts it.
_ENDS_BADLY = {
    "ExecutionsFailed": "failed",
    "ExecutionsTimedOut": "timed-out",
    "ExecutionsAborted": "aborted",
    "ExecutionThrottled": "throttled",
}
_NOT_STARTED = {
    "InvocationDroppedCount": "dropped",
    "InvocationsSentToDeadLetterCount": "dead",
    "InvocationsFailedToBeSentToDeadLetterCount": "lost",
}
_IMPACT = {
    UP: "Extra model units for an event are not in service: at its peak answers will come from Haiku.",
    DOWN: "Extra model units are not deleted after an event: they cost money every hour.",
}
_RUNBOOK = {UP: "event-scale-up", DOWN: "event-scale-down"}


def alarms(machine_arns: Mapping[str, Input[str]], group: str) -> list[Watch]:
    """One bad execution is enough: the next is hours away, or there is none."""
    return [
        *(_machine(kind, arn, metric) for kind, arn in machine_arns.items() for metric in _ENDS_BADLY),
        *(_schedule(group, metric) for metric in _NOT_STARTED),
    ]


def widgets(group: str) -> list[Widget]:
    """Only AWS knows the ARNs that count executions; the schedules' group has a name of ours."""
    return [
        Widget(
            title=title,
            namespace="AWS/Scheduler",
            metric=metric,
            statistic="Sum",
            dimensions=({"ScheduleGroup": group},),
        )
        for title, metric in (
            ("Event schedules refused by their target", "TargetErrorCount"),
            ("Event schedules given up", "InvocationDroppedCount"),
        )
    ]


def _machine(kind: str, arn: Input[str], metric: str) -> Watch:
    alarm = Alarm(
        id=f"{kind}-{_ENDS_BADLY[metric]}",
        namespace="AWS/States",
        metric=metric,
        computed=("StateMachineArn",),
        statistic="Sum",
        threshold=0,
        datapoints=1,
        of=1,
        missing="notBreaching",
        severity="ticket" if metric == "ExecutionThrottled" else "page",
        impact=_IMPACT[kind],
        runbook=_RUNBOOK[kind],
    )
    return Watch(alarm, {"StateMachineArn": arn})


def _schedule(group: str, metric: str) -> Watch:
    return Watch(
        Alarm(
            id=f"event-schedule-{_NOT_STARTED[metric]}",
            namespace="AWS/Scheduler",
            metric=metric,
            dimensions={"ScheduleGroup": group},
            statistic="Sum",
            threshold=0,
            datapoints=1,
            of=1,
            missing="notBreaching",
            severity="page",
            impact="A schedule of an event did not start: units are not bought, or not deleted.",
            runbook="dead-letters",
        )
    )
