"""Search P99 is above 500 ms: ask it less first, then give it more nodes.

Full heap or graph memory makes every search slow and only nodes help; a busy CPU is helped by fewer searches.
"""

from collections.abc import Mapping

from runbooks.engine import About, Alarmed, Decision, Finding, Runbook
from runbooks.engine.steps import this
from runbooks.parts import relief
from runbooks.parts.opensearch import BUSY, FREE, GRAPHS, HEAP, RED, SLOW, health, more_nodes

ID = "opensearch-slow"
NODES = 6


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Act when searches are slow, unless shards or space are missing: those are the cause then."""
    for check, see in (("red", "opensearch-red"), ("free", "opensearch-disk")):
        if findings[check].cause:
            return Decision(course="leave", why=findings[check].what, see=see)
    slow = findings["slow"]
    if slow.cause is None:
        return Decision(course="unclear", why=slow.what)
    if not slow.cause:
        return Decision(course="leave", why=slow.what)
    why = [slow.what, *(findings[name].what for name in ("busy", "heap", "graphs") if findings[name].cause)]
    return Decision(course="act", why="; ".join(why))


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="answers about products come late, or without what was found",
        budget_min=60,
        escalate="search on-call, with the slow log of the domain",
    ),
    diagnose={
        "slow": SLOW,
        "busy": BUSY,
        "heap": HEAP,
        "graphs": GRAPHS,
        "free": FREE,
        "red": RED,
        "cluster": health,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(relief.cache("aggressive", minutes=60),),
    further=((more_nodes(NODES, this("search")),),),
    verify=SLOW.well(within_s=2400),
)
