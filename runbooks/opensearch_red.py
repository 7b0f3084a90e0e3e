"""Shards are missing copies (yellow) or data (red).

Yellow: there are more copies than nodes to hold them; fewer replicas until the node is back. Red: data is
lost here; the index is rebuilt from the last hourly snapshot beside the broken one, and the alias moves
there. The broken index stays, for whoever wants to look at it.
"""

import json
from collections.abc import Mapping
from datetime import datetime

from contract.search_setup import setup
from runbooks.engine import (
    About,
    Alarmed,
    Call,
    Decision,
    Finding,
    Once,
    Runbook,
    Verify,
    World,
    calling,
    search,
)  # fmt: skip
from runbooks.engine.steps import found
from runbooks.parts.opensearch import (
    FREE,
    KEY,
    READ,
    RED,
    YELLOW,
    health,
    index_setting,
    point_alias,
    read_now,
)

ID = "opensearch-red"
AFTER = "-restored"
REPOSITORY = setup().snapshots.repository


@calling(*READ)
def broken(world: World) -> Finding:
    """Which indices are red?"""
    return _with_state(world, "red")


@calling(*READ)
def short(world: World) -> Finding:
    """Which indices are yellow?"""
    return _with_state(world, "yellow")


def _with_state(world: World, state: str) -> Finding:
    rows = search.read(world, "/_cat/indices?format=json") or []
    named = tuple(sorted(r["index"] for r in rows if r["health"] == state and not r["index"].startswith(".")))
    what = f"{state}: {', '.join(named)}" if named else f"no index is {state}"
    return Finding(what=what, cause=bool(named), subjects=named)


@calling(*READ)
def snapshot(world: World) -> Finding:
    """Which snapshot is the last whole one?"""
    said = search.read(world, f"/_snapshot/{REPOSITORY}/_all") or {"snapshots": []}
    whole = [one for one in said["snapshots"] if one["state"] == "SUCCESS"]
    if not whole:
        return Finding(what=f"there is no whole snapshot in {REPOSITORY}", cause=True)
    last = max(whole, key=lambda one: int(one["end_time_in_millis"]))
    return Finding(
        what=f"the last whole snapshot is {last['snapshot']}",
        evidence={"name": last["snapshot"]},
        cause=False,
    )


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Key trouble and full disks come first. Red: restore and move the alias. Yellow: fewer copies."""
    if findings["key"].cause:
        return Decision(
            course="leave", why=f"{findings['key'].what}: enable the key at once, nothing else helps"
        )
    if findings["free"].cause:
        return Decision(course="leave", why=findings["free"].what, see="opensearch-disk")
    red, yellow = findings["red"], findings["yellow"]
    if red.cause is None and yellow.cause is None:
        return Decision(course="unclear", why=red.what)
    if red.cause:
        return _lost(red, findings["snapshot"])
    if yellow.cause:
        return Decision(course="act", why=f"{yellow.what}; {findings['cluster'].what}", steps=YELLOW_STEPS)
    return Decision(course="leave", why=red.what)


def _lost(red: Finding, kept: Finding) -> Decision:
    """Data is lost here: from the last snapshot when there is one, else from the documents."""
    if kept.cause is not False:
        return Decision(course="leave", why=f"{red.what}; but {kept.what}", see="reindex")
    return Decision(course="act", why=f"{red.what}; {kept.what}", steps=RED_STEPS)


def fitting(world: World) -> str:
    """As many further copies as other nodes could hold."""
    nodes = int(world.findings["cluster"].evidence.get("data nodes", 1))
    return str(max(0, nodes - 1))


def _restore(world: World, index: str) -> Call:
    last = world.findings["snapshot"].evidence["name"]
    body = {"indices": index, "rename_pattern": "(.+)", "rename_replacement": f"$1{AFTER}"}
    path = f"/_snapshot/{REPOSITORY}/{last}/_restore?wait_for_completion=false"
    return Call(service="search", operation=f"POST {path}", request=body)


def _moved(world: World, _: str) -> str:
    """The restored ones in place of the lost ones."""
    lost = world.subjects("broken")
    return json.dumps(sorted(f"{name}{AFTER}" if name in lost else name for name in read_now(world)))


FEWER = index_setting(
    "keep fewer copies", "number_of_replicas", fitting, found("short"), "shards have a place"
)
RESTORE = Once(
    name="restore from the last snapshot",
    effect="what was indexed until then is found again; ingest replays the rest",
    subjects=found("broken"),
    done=lambda world, index: search.read(world, f"/{index}{AFTER}/_settings") is not None,
    call=_restore,
    calls=(*READ, search.POST),
    after="restored beside it",
    no_undo="delete the restored index once nobody reads it",
)
MOVE = point_alias("read the restored index", "searches find documents again", _moved)
YELLOW_STEPS = (FEWER.name,)
RED_STEPS = (RESTORE.name, MOVE.name)


@calling(*RED.calls)
def worst(world: World, since: datetime | None) -> float | None:
    """Red or yellow, as CloudWatch has it, of what the decision was about."""
    watch = RED if world.subjects("broken") else YELLOW
    return watch.measure(world, since)


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="red: some documents are not found; yellow: the next lost node loses data",
        budget_min=45,
        escalate="search on-call; AWS Support when the key is in trouble",
    ),
    diagnose={
        "red": RED,
        "yellow": YELLOW,
        "key": KEY,
        "free": FREE,
        "cluster": health,
        "broken": broken,
        "short": short,
        "snapshot": snapshot,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(FEWER, RESTORE, MOVE),
    verify=Verify(
        what="indices without all their data or copies",
        within_s=1800,
        measure=worst,
        better=lambda _, after: after < 0.5,
    ),
)
