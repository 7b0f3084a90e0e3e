"""A region is lost: send people to the other one, or back when it serves again.

DNS fails over by itself when the canaries say so (NET-7). This forces it when they are wrong or too slow:
Route 53 counts a calculated health check as failed when it asks for more healthy children than there are.
Before that it makes sure that the other region answers and that the data there is fresh.
"""

from collections.abc import Mapping

from runbooks.engine import About, Alarmed, Call, Decision, Finding, Runbook, Switch, Watch, World, calling
from runbooks.engine.places import canary, replicas
from runbooks.parts.ecs import DESCRIBE, described

ID = "region-failover"
# More children than a check may have: it counts as failed.
_NEVER = 256
_GET = "route53.get_health_check"


def answers(entry: str) -> Watch:
    return Watch(
        what=f"conversations of the canary ({entry} door)",
        namespace="Concierge/Canary",
        metric="Answered",
        of=canary(entry),
        statistic="Average",
        limit=0.5,
        below=True,
        needed=3,
    )


HERE = answers("region")
PEOPLE = answers("public")
FRESH = Watch(
    what="how far the other region's tables are behind",
    namespace="AWS/DynamoDB",
    metric="ReplicationLatency",
    of=replicas,
    statistic="Average",
    limit=60_000,
    unit=" ms",
)


def _health_threshold(world: World) -> int:
    check = world.aws.read("route53", "get_health_check", HealthCheckId=world.named("checks", "primary"))
    return int(check["HealthCheck"]["HealthCheckConfig"]["HealthThreshold"])


def _children(world: World) -> int:
    check = world.aws.read("route53", "get_health_check", HealthCheckId=world.named("checks", "primary"))
    return len(check["HealthCheck"]["HealthCheckConfig"].get("ChildHealthChecks", ()))


@calling(_GET)
def sent(world: World) -> Finding:
    """Where are people sent now, by an operator's hand?"""
    away = _health_threshold(world) > _children(world)
    words = "to the standby by hand" if away else "where the canaries say"
    return Finding(what=f"people are sent {words}", evidence={"by hand": str(away)}, cause=away)


@calling(DESCRIBE)
def standby_runs(world: World) -> Finding:
    """Does the standby run tasks enough to be sent people?"""
    found = described(world.at("standby"))
    idle = [name for name, service in found.items() if service["runningCount"] < service["desiredCount"]]
    none = [name for name in ("chat", "rest") if not found.get(name, {}).get("runningCount")]
    bad = sorted({*idle, *none})
    what = f"the standby lacks tasks of {', '.join(bad)}" if bad else "the standby runs all its tasks"
    return Finding(what=what, cause=bool(bad), subjects=tuple(bad))


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Away when this region does not answer and the other is ready; back when it answers again."""
    here, there, away = findings["here"], findings["there"], findings["sent"]
    if here.cause is None or away.cause is None:
        return Decision(course="unclear", why=f"{here.what}; {away.what}")
    if away.cause:
        if here.cause:
            return Decision(course="leave", why=f"{away.what}, and {here.what}")
        return Decision(course="act", why=f"back: {away.what}, and {here.what}")
    if not here.cause:
        return Decision(course="leave", why=here.what)
    for check in ("there", "tasks", "fresh"):
        if findings[check].cause is not False:
            course: Decision = Decision(
                course="unclear", why=f"{here.what}; but {findings[check].what}: moving could lose more"
            )
            return course
    return Decision(course="act", why=f"away: {here.what}; {there.what}; {findings['fresh'].what}")


def _wanted(world: World, _: str, __: str) -> str:
    return "standby" if world.findings["here"].cause else "where the canaries say"


def _send(world: World, _: str, where: str) -> Call:
    threshold = _NEVER if where == "standby" else _children(world)
    request = {"HealthCheckId": world.named("checks", "primary"), "HealthThreshold": threshold}
    return Call(service="route53", operation="update_health_check", request=request)


SEND = Switch(
    name="send people",
    effect="DNS answers with the other region within a minute",
    subjects=lambda _: ("primary",),
    present=lambda world, _: (
        "standby" if _health_threshold(world) > _children(world) else "where the canaries say"
    ),
    wanted=_wanted,
    call=_send,
    calls=(_GET, "route53.update_health_check"),
)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="nobody who is sent to this region is served",
        budget_min=15,
        escalate="platform on-call and the incident lead; what is not replicated yet stands in `fresh`",
    ),
    diagnose={
        "here": HERE,
        "there": HERE.over_there(),
        "tasks": standby_runs,
        "fresh": FRESH,
        "sent": sent,
        "people": PEOPLE,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(SEND,),
    verify=PEOPLE.well(within_s=600),
)
