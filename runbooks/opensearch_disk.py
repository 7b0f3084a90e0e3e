"""A data node runs out of disk: enlarge the volumes, then let indices be written to again.

At the flood stage (95 %) OpenSearch blocks writes to every index with a shard there; it takes the block off
by itself only when space comes back, and an index that was blocked by hand stays blocked.
"""

from runbooks.engine import About, Alarmed, Blame, Finding, Runbook, World, calling, search
from runbooks.engine.steps import found, this
from runbooks.parts.opensearch import (
    BLOCKED,
    FREE,
    READ,
    RED,
    flat,
    fullest_gb,
    health,
    index_setting,
    larger_volumes,
    stored_gb,
)  # fmt: skip

ID = "opensearch-disk"
BLOCK = "blocks.read_only_allow_delete"


@calling(*READ)
def stored(world: World) -> Finding:
    """How much is stored, and where? The largest first: what nobody needs goes quicker than disks grow."""
    sizes = sorted(stored_gb(world).items(), key=lambda one: -one[1])
    used = fullest_gb(world)
    largest = ", ".join(f"{index} {gigabytes:.2f} GB" for index, gigabytes in sizes[:3])
    return Finding(
        what=f"the fullest node uses {used:.0f} GB; the largest indices: {largest or 'none'}",
        evidence={"GB a node": used},
        cause=False,
    )


@calling(*READ)
def blocked(world: World) -> Finding:
    """Which indices take no writes?"""
    kept = search.read(world, "/_all/_settings") or {}
    closed = tuple(
        sorted(
            name for name, found in kept.items() if flat(found["settings"]).get(f"index.{BLOCK}") == "true"
        )
    )
    what = f"no writes to {', '.join(closed)}" if closed else "every index may be written to"
    return Finding(what=what, cause=bool(closed), subjects=closed)


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="new documents are not found; at 95 % nothing is written at all",
        budget_min=60,
        escalate="search on-call, with the three largest indices from the evidence of `stored`",
    ),
    diagnose={
        "free": FREE,
        "writes": BLOCKED,
        "stored": stored,
        "blocked": blocked,
        "red": RED,
        "cluster": health,
        "alarms": Alarmed(ID),
    },
    decide=Blame("free", unless={"red": "opensearch-red"}),
    mitigate=(
        larger_volumes(this("search")),
        index_setting("let it be written to", BLOCK, None, found("blocked"), "ingest goes on"),
    ),
    verify=FREE.well(within_s=3600),
)
