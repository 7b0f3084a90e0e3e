"""Bedrock P99 rises on a great day (OPS-5): relief step by step, the mildest first, until people wait less.

Regional or ours? What AWS measures at its own door tells: when that is quick and people wait all the same,
the fault is between us and Bedrock, and none of these steps would help.
"""

from collections.abc import Mapping

from contract.tiers import Tier
from runbooks.engine import About, Alarmed, Decision, Finding, Runbook, Watch, World
from runbooks.engine.places import services
from runbooks.parts import relief
from runbooks.parts.bedrock import OUR_FIRST_TOKEN, UNANSWERED, failing, first_token, throttled
from runbooks.parts.people import page, support_case

ID = "bedrock-latency"
TASKS_BUSY = Watch(
    what="CPU of the chat service",
    namespace="AWS/ECS",
    metric="CPUUtilization",
    of=services("chat"),
    statistic="Average",
    limit=85,
    unit=" %",
)


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Slow at AWS's door, and people notice: act. Quick there: it is ours. Throttled, failing: see there."""
    sonnet, ours = findings["sonnet"], findings["tasks"]
    for check, see in (("failing", "bedrock-outage"), ("throttled", "bedrock-throttled")):
        if findings[check].cause:
            return Decision(course="leave", why=findings[check].what, see=see)
    if sonnet.cause is None:
        return Decision(course="unclear", why=sonnet.what)
    if not sonnet.cause:
        why = f"{sonnet.what}: it is not Bedrock; {ours.what}"
        return Decision(course="leave", why=why, see="task-kill-storm" if ours.cause else None)
    if not findings["people"].cause:
        return Decision(course="leave", why=f"{sonnet.what}; but {findings['people'].what}: relief holds")
    return Decision(course="act", why=f"regional: {sonnet.what}; {findings['haiku'].what}")


def haiku_is_slow_too(world: World) -> bool:
    """Only then is another region worth its distance; and only if that one is not slow as well."""
    haiku, there = world.findings.get("haiku"), world.findings.get("standby")
    return bool(haiku and haiku.cause) and not (there and there.cause)


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="people wait 4 s and longer for the first word",
        budget_min=40,
        escalate="runtime on-call; AWS Support with the case this run opens; status page after stage 3",
    ),
    diagnose={
        "sonnet": first_token("sonnet"),
        "haiku": first_token("haiku"),
        "standby": first_token("standby-sonnet").over_there(),
        "failing": failing("sonnet"),
        "throttled": throttled("sonnet"),
        "tasks": TASKS_BUSY,
        "people": OUR_FIRST_TOKEN,
        "unanswered": UNANSWERED,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(relief.haiku_sooner(), relief.cache("aggressive")),
    further=(
        (
            relief.canned_first(),
            page(ID, "Bedrock is slow and the first relief was not enough."),
            support_case("Bedrock first token latency", "amazon-bedrock", "performance"),
        ),
        (relief.banner("Answers take longer than usual at the moment."),),
        (relief.standby_region(when=haiku_is_slow_too),),
        (relief.tier(Tier.T3, minutes=15),),
    ),
    verify=OUR_FIRST_TOKEN.well(within_s=300),
    keep=relief.KEEP_THRESHOLD,
)
