"""Data that can be lost only on purpose: recovery, versions, copies, protection, and what may expire."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from policies.rule import Faults, among, each
from policies.view import STACK, Node, View, dig, listed

_RECOVERY_DAYS = 35
# Types that `pulumi destroy` or a replacement must not take away in a protected environment.
_KEPT = (
    "backup.Vault",
    "cloudtrail.Trail",
    "cognito.UserPool",
    "dynamodb.Table",
    "elasticache.ReplicationGroup",
    "kinesis.Stream",
    "kms.Key",
    "kms.ReplicaKey",
    "neptune.Cluster",
    "opensearch.Domain",
    "s3.Bucket",
)
_SWITCHES = {
    "dynamodb.Table": ("deletionProtectionEnabled", True),
    "cognito.UserPool": ("deletionProtection", "ACTIVE"),
    "lb.LoadBalancer": ("enableDeletionProtection", True),
    "neptune.Cluster": ("deletionProtection", True),
}


@cache
def shapes() -> Mapping[str, Any]:
    """Table, as the end of its name -> what it must offer (`tables.toml`)."""
    return tomllib.loads(resources.files(__package__).joinpath("tables.toml").read_text(encoding="utf-8"))


def table_role(table: Node) -> str | None:
    """Which of our tables it is."""
    name = str(table.get("name"))
    return next((key for key in shapes() if name.endswith(f"-{key}")), None)


def _passing(table: Node) -> bool:
    """What is in it lives for minutes (tickets): nobody would restore it."""
    what = table_role(table)
    return what is not None and bool(shapes()[what].get("passing"))


@each(
    "table-recovery",
    "DATA-1",
    "dynamodb.Table",
    why="A wrong deploy or a wrong script destroys data in seconds and is noticed in weeks.",
    fix="point_in_time_recovery with 35 days on the table and each replica (components/tables.toml)",
)
def table_recovery(table: Node) -> Faults:
    """Every table and replica can be brought back as it was at any second of the last 35 days."""
    if _passing(table):
        return
    if table.get("pointInTimeRecovery.enabled") is not True:
        yield "there is no point-in-time recovery"
    days = table.get("pointInTimeRecovery.recoveryPeriodInDays") or _RECOVERY_DAYS
    least = shapes().get(table_role(table) or "", {}).get("recovery_days", _RECOVERY_DAYS)
    if days < least:
        yield f"it can be brought back for {days:g} days only"
    for replica in table.list("replicas"):
        if dig(replica, "pointInTimeRecovery") is not True and least == _RECOVERY_DAYS:
            yield f"the replica in {dig(replica, 'regionName')} has no point-in-time recovery"


@each(
    "table-shape",
    "DATA-1",
    "dynamodb.Table",
    why="A missing index is a full scan; a missing TTL keeps what must go, a wrong one deletes money.",
    fix="see components/tables.toml, which every table is made from",
)
def table_shape(table: Node) -> Faults:
    """Tables bill on demand, have the indexes the runtime asks, and expire what may expire, nothing else."""
    if table.get("billingMode") != "PAY_PER_REQUEST":
        yield f"billing is {table.get('billingMode') or 'PROVISIONED'}, not on demand"
    shape = shapes().get(table_role(table) or "", {})
    indexes = {dig(index, "name") for index in table.list("globalSecondaryIndexes")}
    for wanted in sorted(set(shape.get("indexes", ())) - indexes):
        yield f"there is no index by {wanted}"
    expires = table.get("ttl.enabled") is True
    if shape.get("ttl") is True and not expires:
        yield "nothing in it ever expires"
    if shape.get("ttl") is False and expires:
        yield "what is in it expires, and must not"


@among(
    "table-global",
    "DATA-1",
    "dynamodb.Table",
    why="Failing over is only possible to where the data already is.",
    fix="replicas in every other region, as components/table_replicas.py makes them",
)
def table_global(table: Node, view: View) -> Faults:
    """Where the estate has two regions, tables are in both."""
    if _passing(table):
        return
    here = {table.region, *(dig(replica, "regionName") for replica in table.list("replicas"))}
    here |= {replica.region for replica in view.naming(table, "globalTableArn", "dynamodb.TableReplica")}
    for region in sorted(view.regions - here):
        yield f"it has no replica in {region}"


@each(
    "delete-protected",
    "DATA-1",
    *_SWITCHES,
    why="AWS itself must refuse to delete it, whoever asks: console, script or another tool.",
    fix="set environment.protect: true, which turns deletion protection on",
    elsewhere="advisory",
)
def delete_protected(node: Node) -> Faults:
    """What cannot be made again has AWS's deletion protection."""
    if node.short == "dynamodb.Table" and _passing(node):
        return
    path, wanted = _SWITCHES[node.short]
    if node.get(path) != wanted:
        yield f"{path} is {node.get(path)}"
    for replica in node.list("replicas") if node.short == "dynamodb.Table" else ():
        if dig(replica, "deletionProtectionEnabled") is not True:
            yield f"the replica in {dig(replica, 'regionName')} can be deleted"


@each(
    "destroy-protected",
    "DATA-8",
    *_KEPT,
    why="A renamed resource is a replacement, and a replacement of a table is an empty table.",
    fix="set environment.protect: true; components pass protect= to their children",
    elsewhere="advisory",
)
def destroy_protected(node: Node) -> Faults:
    """Pulumi refuses to delete or replace what keeps data."""
    if node.short == "dynamodb.Table" and _passing(node):
        return
    if node.short == "s3.Bucket" and bucket_role(node) in shapes()["buckets"]["scratch"]:
        return
    if not node.protect:
        yield "`pulumi up` may delete or replace it"
    if node.get("forceDestroy") is True:
        yield "it may be deleted with everything in it"


@among(
    "bucket-versioned",
    "DATA-4",
    "s3.Bucket",
    why="Without versions an overwritten or deleted object is gone.",
    fix="declare it with components/private_bucket.py",
)
def bucket_versioned(bucket: Node, view: View) -> Faults:
    """Every bucket keeps versions."""
    settings = view.naming(bucket, "bucket", "s3.BucketVersioning")
    if not any(each.get("versioningConfiguration.status") == "Enabled" for each in settings):
        yield "overwritten objects are lost"


@among(
    "bucket-expires",
    "DATA-5",
    "s3.BucketVersioning",
    why="Retention is a promise to customers, and versions nobody ever deletes cost for ever.",
    fix="rules in components/buckets.toml, or lifecycle rules of the bucket",
    protected="advisory",
    elsewhere="advisory",
)
def bucket_expires(settings: Node, view: View) -> Faults:
    """A bucket says how long its objects and their old versions stay."""
    for bucket in view.named_by(settings, "bucket", "s3.Bucket"):
        rules = view.naming(bucket, "bucket", "s3.BucketLifecycleConfiguration")
        if not any(dig(r, "status") == "Enabled" for each in rules for r in each.list("rules")):
            yield "objects and old versions stay for ever"


@each(
    "replication-on",
    "DATA-4",
    "s3.BucketReplicationConfig",
    why="The standby serves from its own copy; one that lags further than the recovery point is no copy.",
    fix="status Enabled with replication time control of 15 minutes (components/bucket_replication.py)",
)
def replication_on(config: Node) -> Faults:
    """Replication is on, encrypted and held to 15 minutes."""
    for rule in config.list("rules"):
        if dig(rule, "status") != "Enabled":
            yield f"rule {dig(rule, 'id')} is off"
        if (dig(rule, "destination.replicationTime.time.minutes") or 0) != 15:
            yield f"rule {dig(rule, 'id')} may lag further than 15 minutes"


@among(
    "bucket-replicated",
    "DATA-4",
    "s3.Bucket",
    why="Failing over is only possible to where the documents and models already are.",
    fix="replicated = true in components/buckets.toml",
)
def bucket_replicated(bucket: Node, view: View) -> Faults:
    """Where the estate has two regions, the buckets it serves from are copied to the standby."""
    twins = [other for other in view.of("s3.Bucket") if _twin(other, bucket)]
    if not twins or bucket_role(bucket) not in shapes()["buckets"]["replicated"]:
        return
    pair = [bucket, *twins]
    if not any(view.naming(each, "bucket", "s3.BucketReplicationConfig") for each in pair):
        yield f"nothing copies it to or from {twins[0].name}"


def bucket_role(bucket: Node) -> str:
    """`documents` of `primary-buckets-documents-bucket`, or of its lifecycle."""
    name = bucket.name.partition("-")[2].removeprefix("buckets-")
    return name.removesuffix("-bucket").removesuffix("-lifecycle")


def _twin(other: Node, bucket: Node) -> bool:
    return other is not bucket and other.region != bucket.region and bucket_role(other) == bucket_role(bucket)


@each(
    "cache-survives",
    "DATA-3",
    "elasticache.ReplicationGroup",
    why="Losing the cache's zone loses rate limits and sends every cached answer to the models at once.",
    fix="data.cache.nodes of two or more: components/cache.py then sets multi_az and automatic failover",
    elsewhere="advisory",
)
def cache_survives(group: Node) -> Faults:
    """The cache survives the loss of a zone."""
    if group.get("multiAzEnabled") is not True or group.get("automaticFailoverEnabled") is not True:
        yield "no other zone takes over"
    if (group.get("numCacheClusters") or 1) < 2 and not group.get("replicasPerNodeGroup"):
        yield "there is one node only"


@among(
    "backup-locked",
    "DATA-8",
    "backup.Vault",
    why="Who takes the account over deletes the backups first.",
    fix="a VaultLockConfiguration with minimum days (components/backup_vault.py)",
)
def backup_locked(vault: Node, view: View) -> Faults:
    """Backups cannot be deleted before their time, by anybody."""
    locks = [lock for lock in view.of("backup.VaultLockConfiguration") if _of(lock, vault)]
    if not any((lock.get("minRetentionDays") or 0) >= 7 for lock in locks):
        yield "recovery points can be deleted at once"


def _of(lock: Node, vault: Node) -> bool:
    return lock.region == vault.region and lock.get("backupVaultName") == vault.get("name")


@among(
    "backup-copied",
    "DATA-8",
    STACK,
    why="A region that is lost takes its backups with it.",
    fix="operations.backups.enabled: true; components/backup.py copies to the standby's vault",
    elsewhere="advisory",
)
def backup_copied(_: Node, view: View) -> Faults:
    """Tables are backed up by AWS Backup, and where there are two regions copied to the other."""
    if not view.of("dynamodb.Table"):
        return
    rules = [rule for plan in view.of("backup.Plan") for rule in plan.list("rules")]
    if not rules:
        yield "nothing is backed up beside what the services keep themselves"
    elif len(view.regions) > 1 and not any(dig(rule, "copyActions") for rule in rules):
        yield "no backup is copied to the other region"


@among(
    "table-backups-copied",
    "DATA-8",
    "backup.Plan",
    why="A plan that copies only some of its backups leaves, after a region is lost, what is months old.",
    fix="copy_actions on every rule of the plan of tables (components/backup.py)",
)
def table_backups_copied(plan: Node, view: View) -> Faults:
    """Where the estate has two regions, every backup of tables is copied to the other."""
    chosen = view.naming(plan, "planId", "backup.Selection")
    if len(view.regions) < 2 or not any(_tables_of(selection, view) for selection in chosen):
        return
    for rule in plan.list("rules"):
        if not dig(rule, "copyActions"):
            yield f"backups of rule {dig(rule, 'ruleName')} stay in this region"


@among(
    "table-backed-up",
    "DATA-8",
    "dynamodb.Table",
    why="Recovery to a point in time ends with the table and after 35 days; a vault does not.",
    fix="the table belongs into the selection of components/backup.py",
)
def table_backed_up(table: Node, view: View) -> Faults:
    """Where tables are backed up, each is that must be restored; keys of customers must not be (DATA-9)."""
    short = shapes().get(table_role(table) or "", {}).get("recovery_days", _RECOVERY_DAYS) < _RECOVERY_DAYS
    selections = view.of("backup.Selection")
    backed_up = [each for selection in selections for each in _tables_of(selection, view)]
    if backed_up and table not in backed_up and not short and not _passing(table):
        yield "no backup holds it"


def _tables_of(selection: Node, view: View) -> list[Node]:
    return view.named_by(selection, "resources", "dynamodb.Table")


@each(
    "kept-long-enough",
    "DATA-5",
    "s3.BucketLifecycleConfiguration",
    why="What the law wants kept for years cannot be made again once a rule has deleted it.",
    fix="components/buckets.toml and components/audit.py say how long; transactions 10 years, audit 7",
    elsewhere="advisory",
)
def kept_long_enough(lifecycle: Node) -> Faults:
    """No rule deletes archived transactions before 10 years, or audit files before 7."""
    for prefix, days in shapes()["buckets"]["kept"].get(bucket_role(lifecycle), {}).items():
        for rule in lifecycle.list("rules"):
            reached = str(dig(rule, "filter.prefix") or dig(rule, "prefix") or "")
            touches = reached.startswith(prefix) or prefix.startswith(reached)
            after = dig(rule, "expiration.days")
            if touches and dig(rule, "status") == "Enabled" and after and after < days:
                yield f"rule {dig(rule, 'id')} deletes {prefix or 'everything'} after {after:g} days"


@each(
    "stream-scanned",
    "DATA-6",
    "kinesis.FirehoseDeliveryStream",
    why="What the runtime's redaction missed would lie in the warehouse for a year, read by analysts.",
    fix="processing_configuration enabled, with the function of components/stream.py",
)
def stream_scanned(delivery: Node) -> Faults:
    """Nothing is delivered to the warehouse without the second look for personal data."""
    for kind in ("extendedS3Configuration", "redshiftConfiguration"):
        processing = delivery.get(f"{kind}.processingConfiguration") or {}
        looks = [p for p in listed(dig(processing, "processors")) if dig(p, "type") == "Lambda"]
        if delivery.get(kind) and not (dig(processing, "enabled") is True and looks):
            yield "events are delivered without a look for personal data"


RULES = (
    table_recovery,
    table_shape,
    table_global,
    delete_protected,
    destroy_protected,
    bucket_versioned,
    bucket_expires,
    replication_on,
    bucket_replicated,
    cache_survives,
    backup_locked,
    backup_copied,
    table_backups_copied,
    table_backed_up,
    kept_long_enough,
    stream_scanned,
)
