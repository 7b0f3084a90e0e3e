"""Valkey does not answer, or has no room: nobody waits for it, limits and caches are local (RUN-9).

ElastiCache replaces a dead node and fails over by itself within minutes; this spares people the waiting. A
group without room gets larger nodes.
"""

from collections.abc import Mapping

from runbooks.engine import About, Alarmed, Decision, Finding, Runbook
from runbooks.parts import relief
from runbooks.parts.bedrock import OUR_FIRST_TOKEN
from runbooks.parts.valkey import ENGINE_BUSY, FULL, group, larger, reporting

ID = "valkey-down"
OFF = relief.cache("off")
LARGER = larger()


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Dead nodes that people notice: stop asking. No room: larger nodes."""
    dead, full, people = findings["nodes"], findings["full"], findings["people"]
    if dead.cause is None or (full.cause is None and not dead.cause):
        return Decision(course="unclear", why=f"{dead.what}; {full.what}")
    if dead.cause and people.cause:
        return Decision(course="act", why=f"{dead.what}; {people.what}", steps=(OFF.name,))
    if dead.cause:
        return Decision(course="leave", why=f"{dead.what}; but {people.what}: ElastiCache replaces it")
    if full.cause:
        return Decision(course="act", why=full.what, steps=(LARGER.name,))
    see = "cache-stampede" if findings["engine"].cause else None
    return Decision(course="leave", why=f"{dead.what}; {full.what}", see=see)


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="answers come late; limits are approximate, guests may be refused",
        budget_min=20,
        escalate="data on-call; AWS Support when a node is not replaced in fifteen minutes",
    ),
    diagnose={
        "nodes": reporting,
        "full": FULL,
        "engine": ENGINE_BUSY,
        "group": group,
        "people": OUR_FIRST_TOKEN,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(OFF, LARGER),
    verify=OUR_FIRST_TOKEN.well(within_s=600),
)
