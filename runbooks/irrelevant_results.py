"""Answers are beside the point since the index changed: read the generation before.

A new generation is wrong when it holds much less than the one before, or was embedded by another model than
the queries are (VEC-2). Both stand in the index itself. The old generation stays for a week (VEC-5).
"""

import json
from collections.abc import Mapping

from runbooks.engine import About, Alarmed, Decision, Finding, Runbook, Verify, World, calling
from runbooks.parts.opensearch import ALIAS, READ, RED, counts, embedders, point_alias, read_now

ID = "irrelevant-results"
LEAST = 0.8


@calling(*READ)
def generations(world: World) -> Finding:
    """How much does the generation that is read hold, beside the one before?"""
    held, now = counts(world), read_now(world)
    before = sorted((name for name in held if name not in now), key=_number)
    if not now or not before:
        return Finding(what=f"the alias {ALIAS} has no generation before it", cause=False)
    share = sum(held[name] for name in now) / max(1, held[before[-1]])
    return Finding(
        what=f"{', '.join(now)} holds {share:.0%} of what {before[-1]} does",
        evidence={"share": round(share, 4), "before": before[-1], "limit": LEAST},
        cause=share < LEAST,
    )


@calling(*READ)
def embedder(world: World) -> Finding:
    """Which model embedded what is read, and which the one before?"""
    known = embedders(world)
    now = sorted({known.get(name, "unknown") for name in read_now(world)})
    others = sorted({model for name, model in known.items() if name not in read_now(world)})
    odd = bool(now and others) and now != others
    return Finding(
        what=f"embedded by {', '.join(now) or 'nobody'}"
        + (f", before by {', '.join(others)}" if odd else ""),
        cause=odd,
    )


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Back to the generation before when the new one holds too little or was embedded differently."""
    if findings["red"].cause:
        return Decision(course="leave", why=findings["red"].what, see="opensearch-red")
    held, model = findings["generations"], findings["embedder"]
    if held.cause is None:
        return Decision(course="unclear", why=held.what)
    if not held.evidence.get("before"):
        return Decision(course="leave", why=f"{held.what}: there is nothing to go back to", see="reindex")
    bad = [one.what for one in (held, model) if one.cause]
    if not bad:
        return Decision(course="leave", why=f"{held.what}; {model.what}")
    return Decision(course="act", why="; ".join(bad))


def _before(world: World, _: str) -> str:
    return json.dumps([world.findings["generations"].evidence["before"]])


def _number(name: str) -> tuple[int, str]:
    tail = name.rpartition("-")[2]
    return (int(tail) if tail.isdigit() else -1, name)


@calling(*READ)
def reachable(world: World, _: object) -> float | None:
    """Documents behind the alias, as a share of the fullest generation."""
    held = counts(world)
    now = read_now(world)
    return sum(held[name] for name in now) / max(1, *held.values()) if held and now else None


BACK = point_alias("read the generation before", "searches find what they found before", _before)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="answers do not fit the question; products that exist are not found",
        budget_min=15,
        escalate="search on-call: why the new generation is poorer; then `reindex` again",
    ),
    diagnose={"generations": generations, "embedder": embedder, "red": RED, "alarms": Alarmed(ID)},
    decide=decide,
    mitigate=(BACK,),
    verify=Verify(
        what="documents that searches reach, of what there is",
        within_s=120,
        measure=reachable,
        better=lambda before, after: after >= LEAST or after > before,
    ),
)
