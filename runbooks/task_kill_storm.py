"""Services lose tasks faster than they start: hold more of them, and say why the others died.

Killed for memory (exit code 137) needs more memory, which is a setting. A rollout whose tasks die is for
`deploy-rollback`.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from runbooks.engine import About, Alarmed, Decision, Finding, Runbook, Verify, World, calling
from runbooks.engine.steps import found
from runbooks.parts.ecs import DESCRIBE, at_least, cpu, described, tasks_missing
from runbooks.parts.people import page

ID = "task-kill-storm"
TASKS = 6
YOUNG = timedelta(hours=1)


@calling("ecs.list_tasks", "ecs.describe_tasks")
def deaths(world: World) -> Finding:
    """Why did tasks stop in the last hour?"""
    cluster = world.named("clusters", "agent")
    listed = world.aws.read("ecs", "list_tasks", cluster=cluster, desiredStatus="STOPPED", maxResults=100)
    if not listed["taskArns"]:
        return Finding(what="no task stopped in the last hour", cause=False)
    tasks = world.aws.read("ecs", "describe_tasks", cluster=cluster, tasks=listed["taskArns"])["tasks"]
    reasons = Counter(str(task.get("stoppedReason") or "unknown") for task in tasks)
    worst = ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common(2))
    return Finding(what=f"stopped: {worst}", evidence=dict(reasons.most_common(3)), cause=len(tasks) > 2)


@calling(DESCRIBE)
def rollout(world: World) -> Finding:
    """Is a rollout on its way, or has one just been?"""
    young = [
        name
        for name, service in described(world).items()
        if any(
            d["status"] == "PRIMARY"
            and world.clock.now() - d["createdAt"] < YOUNG
            and _revision(str(d.get("taskDefinition") or service["taskDefinition"])) > 1
            for d in service["deployments"]
        )
    ]
    what = f"rolled out within the hour: {', '.join(young)}" if young else "nothing was rolled out"
    return Finding(what=what, cause=bool(young), subjects=tuple(young))


def _revision(arn: str) -> int:
    return int(arn.rpartition(":")[2] or 0)


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Act when tasks are missing, unless the same service was just rolled out."""
    missing, young = findings["missing"], findings["rollout"]
    if missing.cause is None:
        return Decision(course="unclear", why=missing.what)
    if not missing.cause:
        return Decision(course="leave", why=missing.what)
    if set(missing.subjects) & set(young.subjects):
        return Decision(course="leave", why=f"{missing.what}; {young.what}", see="deploy-rollback")
    return Decision(course="act", why=f"{missing.what}; {findings['deaths'].what}")


@calling(DESCRIBE)
def missing_now(world: World, _: datetime | None) -> float | None:
    """Tasks that should run and do not."""
    found = described(world).values()
    return float(sum(max(0, one["desiredCount"] - one["runningCount"]) for one in found)) if found else None


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="people are refused or cut off in the middle of an answer",
        budget_min=20,
        escalate="platform on-call, with the reasons of `deaths`; 137 is memory: raise memory_mb",
    ),
    diagnose={
        "missing": tasks_missing,
        "deaths": deaths,
        "rollout": rollout,
        "cpu": cpu(),
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(
        at_least(TASKS, found("missing"), "enough tasks are left when some die"),
        page(ID, "Tasks die faster than they start."),
    ),
    verify=Verify(
        what="tasks that should run and do not",
        within_s=900,
        measure=missing_now,
        better=lambda _, after: after == 0,
    ),
)
