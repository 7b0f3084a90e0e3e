"""The fallback itself is ill: nobody is moved to Haiku until it is well.

Simple messages stay on Sonnet, which costs more; looser cache hits pay for that.
"""

from collections.abc import Mapping

from runbooks.engine import About, Alarmed, Decision, Finding, Runbook
from runbooks.parts import relief
from runbooks.parts.bedrock import OUR_FIRST_TOKEN, failing, first_token, throttled

ID = "haiku-degraded"


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Act when Haiku is slow or fails and Sonnet is well; with both ill there is nowhere to move to."""
    slow, fails, sonnet = findings["slow"], findings["failing"], findings["sonnet"]
    if sonnet.cause:
        return Decision(course="leave", why=f"{sonnet.what}: both are ill", see="bedrock-outage")
    ill = slow if slow.cause else fails
    if slow.cause is None and fails.cause is None:
        return Decision(course="unclear", why=f"{slow.what}; {fails.what}")
    if not ill.cause:
        see = "bedrock-throttled" if findings["throttled"].cause else None
        return Decision(course="leave", why=ill.what, see=see)
    if sonnet.cause is None:
        return Decision(course="unclear", why=f"{ill.what}; but {sonnet.what}")
    return Decision(course="act", why=f"{ill.what}; {sonnet.what}")


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="simple questions, and everybody during a Sonnet outage, wait or get canned answers",
        severity="ticket",
        escalate="runtime on-call; AWS Support when it lasts an hour",
    ),
    diagnose={
        "slow": first_token("haiku"),
        "failing": failing("haiku", 0.1),
        "throttled": throttled("haiku"),
        "sonnet": failing("sonnet", 0.1),
        "people": OUR_FIRST_TOKEN,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(relief.haiku_never(minutes=60), relief.cache("aggressive", minutes=60)),
    verify=OUR_FIRST_TOKEN.well(within_s=300),
)
