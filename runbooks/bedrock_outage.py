"""Sonnet, or all of Bedrock here, fails: nobody waits for what is dead any more (OPS-5, RUN-5).

The runtime's breakers step down by themselves. This ends the attempts, tells people, and goes as far down as
it must: Haiku for all when Haiku is well, else the standby region, else canned answers.
"""

from collections.abc import Mapping

from contract.tiers import Tier
from runbooks.engine import About, Alarmed, Decision, Finding, Runbook, World
from runbooks.engine.controls import TurnControl, usual
from runbooks.parts import relief
from runbooks.parts.bedrock import UNANSWERED, failing, first_token, throttled
from runbooks.parts.people import page, support_case

ID = "bedrock-outage"


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Act when Sonnet's calls fail and people notice; how far down depends on what else is well."""
    sonnet, people = findings["sonnet"], findings["people"]
    if sonnet.cause is None:
        return Decision(course="unclear", why=sonnet.what)
    if not sonnet.cause:
        for check, see in (("throttled", "bedrock-throttled"), ("slow", "bedrock-latency")):
            if findings[check].cause:
                return Decision(course="leave", why=f"{sonnet.what}; but {findings[check].what}", see=see)
        return Decision(course="leave", why=sonnet.what)
    if not people.cause:
        return Decision(course="leave", why=f"{sonnet.what}; but {people.what}: the ladder holds")
    return Decision(course="act", why=f"{sonnet.what}; {findings['haiku'].what}; {findings['standby'].what}")


def haiku_is_down(world: World) -> bool:
    return world.findings["haiku"].cause is not False


def standby_is_well(world: World) -> bool:
    return haiku_is_down(world) and world.findings["standby"].cause is False


def best_tier(world: World) -> Tier:
    """The best that still answers."""
    if not haiku_is_down(world):
        return Tier.T1
    return Tier.STANDBY if standby_is_well(world) else Tier.T2


LOWER = TurnControl(
    control="forced_tier",
    setting=usual(None),
    value=best_tier,
    minutes=30,
    enough=lambda present: present is not None,
    effect="no call waits for a rung that is dead",
)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="answers are late, from smaller models, canned, or missing",
        budget_min=20,
        escalate="runtime on-call and AWS Support; `region-failover` when more than Bedrock is gone here",
    ),
    diagnose={
        "sonnet": failing("sonnet"),
        "haiku": failing("haiku"),
        "standby": failing("standby-sonnet").over_there(),
        "throttled": throttled("sonnet"),
        "slow": first_token("sonnet"),
        "people": UNANSWERED,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(relief.standby_region(when=standby_is_well), LOWER),
    further=(
        (
            relief.canned_first(),
            relief.banner("We are having trouble answering everything right now."),
            page(ID, "Bedrock fails and stepping down was not enough."),
            support_case("Bedrock calls fail", "amazon-bedrock", "service-availability"),
        ),
    ),
    verify=UNANSWERED.well(within_s=300),
)
