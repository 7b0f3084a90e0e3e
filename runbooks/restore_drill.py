"""The quarterly proof that backups restore in time (DATA-8): RTO 1 h, RPO 15 min, on real tables and indices.

Tables are restored to their latest point beside the real ones, the index from its last snapshot under another
name. RPO is how old that point is; RTO is how long it takes until everything is there, counted. `--undo`
afterwards deletes what the drill made.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from contract.search_setup import setup
from runbooks.engine import (
    About,
    Alarmed,
    Call,
    Decision,
    Finding,
    Runbook,
    Switch,
    Verify,
    World,
    calling,
    search,
)  # fmt: skip
from runbooks.engine.aws import AwsError
from runbooks.engine.steps import Subjects
from runbooks.parts.opensearch import READ, counts, read_now

ID = "restore-drill"
TABLES = ("transactions", "orders", "profiles")
EVERY = timedelta(days=90)
RPO = timedelta(minutes=15)
RTO_S = 3600
PITR, DESCRIBE, LOOKUP = (
    "dynamodb.describe_continuous_backups",
    "dynamodb.describe_table",
    "cloudtrail.lookup_events",
)
REPOSITORY = setup().snapshots.repository
AFTER = "-drill"


@calling(LOOKUP)
def last(world: World) -> Finding:
    """When was the last drill? CloudTrail knows each restore of the last ninety days."""
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "RestoreTableToPointInTime"}]
    start = world.clock.now() - EVERY
    events = world.aws.read("cloudtrail", "lookup_events", LookupAttributes=wanted, StartTime=start)["Events"]
    at = max((event["EventTime"] for event in events), default=None)
    words = f"on {at:%Y-%m-%d}" if at else "not in the last ninety days"
    return Finding(what=f"the last drill was {words}", cause=at is None)


@calling(PITR)
def points(world: World) -> Finding:
    """How old would what we get back be (RPO)?"""
    ages: dict[str, float | str] = {}
    for table in TABLES:
        found = world.aws.read(
            "dynamodb", "describe_continuous_backups", TableName=world.named("tables", table)
        )["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        at = found.get("LatestRestorableDateTime")
        ages[table] = (world.clock.now() - at).total_seconds() if at else "no point in time"
    old = tuple(t for t, age in ages.items() if isinstance(age, str) or age > RPO.total_seconds())
    worst = max((age for age in ages.values() if isinstance(age, float)), default=0.0)
    words = f"too old: {', '.join(old)}" if old else f"RPO {worst / 60:.0f} min, of 15 allowed"
    return Finding(what=words, evidence=ages, cause=bool(old), subjects=old)


@calling(*READ)
def snapshot(world: World) -> Finding:
    """Which snapshot of the index would be restored?"""
    said = search.read(world, f"/_snapshot/{REPOSITORY}/_all") or {"snapshots": []}
    whole = [one for one in said["snapshots"] if one["state"] == "SUCCESS"]
    if not whole:
        return Finding(what=f"there is no whole snapshot in {REPOSITORY}", cause=True)
    newest = max(whole, key=lambda one: int(one["end_time_in_millis"]))
    return Finding(
        what=f"the last one is {newest['snapshot']}", evidence={"name": newest["snapshot"]}, cause=False
    )


def decide(findings: Mapping[str, Finding]) -> Decision:
    """A drill is due when CloudTrail has none; without fresh points the drill has failed already."""
    due, fresh, shot = findings["last"], findings["points"], findings["snapshot"]
    if due.cause is None or fresh.cause is None or shot.cause is None:
        return Decision(course="unclear", why=f"{due.what}; {fresh.what}; {shot.what}")
    if not due.cause:
        return Decision(course="leave", why=due.what)
    if fresh.cause or shot.cause:
        return Decision(course="leave", why=f"the drill fails before it begins: {fresh.what}; {shot.what}")
    return Decision(course="act", why=f"{due.what}; {fresh.what}; {shot.what}")


def copy_of(world: World, table: str) -> str:
    return f"{world.named('tables', table)}{AFTER}"


def _table(world: World, table: str) -> str:
    try:
        found = world.aws.read("dynamodb", "describe_table", TableName=copy_of(world, table))["Table"]
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return "absent"
        raise
    return "absent" if found["TableStatus"] == "DELETING" else "restored"


def _restore(world: World, table: str, state: str) -> Call:
    target = copy_of(world, table)
    if state == "absent":
        return Call(service="dynamodb", operation="delete_table", request={"TableName": target})
    request = {
        "SourceTableName": world.named("tables", table),
        "TargetTableName": target,
        "UseLatestRestorableTime": True,
    }
    return Call(service="dynamodb", operation="restore_table_to_point_in_time", request=request)


def _index(world: World, name: str) -> str:
    return "absent" if search.read(world, f"/{name}{AFTER}/_settings") is None else "restored"


def _restore_index(world: World, name: str, state: str) -> Call:
    if state == "absent":
        return Call(service="search", operation=f"DELETE /{name}{AFTER}", request={})
    shot = world.findings["snapshot"].evidence["name"]
    body = {"indices": name, "rename_pattern": "(.+)", "rename_replacement": f"$1{AFTER}"}
    return Call(service="search", operation=f"POST /_snapshot/{REPOSITORY}/{shot}/_restore", request=body)


def _drilled(name: str, subjects: Subjects, present: object, call: object, *calls: str) -> Switch:
    return Switch(
        name=name,
        effect="a copy beside the real one; nobody reads it",
        subjects=subjects,
        present=present,  # type: ignore[arg-type]
        wanted=lambda _, __, ___: "restored",
        call=call,  # type: ignore[arg-type]
        calls=calls,
    )


@calling(DESCRIBE, *READ)
def missing(world: World, _: datetime | None) -> float | None:
    """Copies that are not there yet, or hold less than they should."""
    short = 0
    for table in TABLES:
        short += not _whole(world, table)
    held = counts(world)
    for name in (one for one in read_now(world) if not one.endswith(AFTER)):
        short += held.get(f"{name}{AFTER}", -1) < held.get(name, 0)
    return float(short)


def _whole(world: World, table: str) -> bool:
    if _table(world, table) == "absent":
        return False
    copy = world.aws.read("dynamodb", "describe_table", TableName=copy_of(world, table))["Table"]
    real = world.aws.read("dynamodb", "describe_table", TableName=world.named("tables", table))["Table"]
    # DynamoDB counts items every six hours: the copy's count is right, the real one's a little old.
    return bool(copy["TableStatus"] == "ACTIVE" and copy["ItemCount"] >= 0.99 * real["ItemCount"])


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="none; without the drill nobody knows whether there is a way back",
        severity="planned",
        budget_min=90,
        escalate="data on-call: an RTO above an hour or an RPO above 15 min is a finding (DATA-8)",
    ),
    diagnose={"last": last, "points": points, "snapshot": snapshot, "alarms": Alarmed(ID)},
    decide=decide,
    mitigate=(
        _drilled(
            "restore the table",
            lambda _: TABLES,
            _table,
            _restore,
            DESCRIBE,
            "dynamodb.restore_table_to_point_in_time",
            "dynamodb.delete_table",
        ),
        _drilled(
            "restore the index",
            lambda world: tuple(n for n in read_now(world) if not n.endswith(AFTER)),
            _index,
            _restore_index,
            *READ,
            search.POST,
            search.DELETE,
        ),
    ),
    verify=Verify(
        what="copies that are missing or short (RTO: seconds until none is)",
        within_s=RTO_S,
        measure=missing,
        better=lambda _, after: after == 0,
    ),
    keep="nothing: --undo deletes the copies once the figures are written down",
)
