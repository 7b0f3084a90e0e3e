"""Encryption at rest with keys of our own."""

import tomllib
from functools import cache
from importlib import resources

from policies.rule import Faults, among, each
from policies.rules.data import bucket_role, shapes, table_role
from policies.view import Node, View, dig, listed


@cache
def _places() -> dict[str, list[str]]:
    """Type -> paths of the keys it must name (`own_keys.toml`); `a[].b` is b of each a."""
    table = tomllib.loads(resources.files(__package__).joinpath("own_keys.toml").read_text(encoding="utf-8"))
    return {short: row["keys"] for short, row in table.items()}


def _own(key: object) -> bool:
    return isinstance(key, str) and bool(key) and "alias/aws/" not in key


def _missing(node: Node, path: str) -> Faults:
    holder, many, below = path.partition("[].")
    if not many:
        if not _own(node.get(path)):
            yield f"{path} names no key of ours"
        return
    for number, part in enumerate(node.list(holder)):
        if not _own(dig(part, below)):
            yield f"{holder}[{number}].{below} names no key of ours"


@each(
    "rest-own-key",
    "DATA-4",
    *_places(),
    why="Only with a key of our own can access to the data be refused, seen in the audit trail and ended.",
    fix="pass the ARN of the key of its kind from components/keys.py (the Keys component)",
)
def rest_own_key(node: Node) -> Faults:
    """What keeps data encrypts it with a customer-managed key; AWS's own keys and none at all are refused."""
    for path in _places()[node.short]:
        yield from _missing(node, path)
    if node.get("encryptionType") == "NONE":
        yield "encryptionType is NONE: the key it names is not used"


@each(
    "log-own-key",
    "DATA-4",
    "cloudwatch.LogGroup",
    why="Logs hold addresses and identifiers of customers: who may read them is decided by the key's policy.",
    fix="set kms_key_id to the logs key (components/keys.py), or name the reason in the suppressions",
    protected="advisory",
    elsewhere="advisory",
)
def log_own_key(group: Node) -> Faults:
    """A log group encrypts with a customer-managed key."""
    if not _own(group.get("kmsKeyId")):
        yield "the log group is encrypted with a key of CloudWatch's"


@among(
    "bucket-own-key",
    "DATA-4",
    "s3.Bucket",
    why="An object without our key can be read by whoever gets hold of the bucket's permissions.",
    fix="declare it with components/private_bucket.py and pass key_arn",
)
def bucket_own_key(bucket: Node, view: View) -> Faults:
    """A bucket encrypts with a key of ours, but where AWS cannot write with one or there is nothing to hide:
    targets of access logs, files that a trail encrypts itself, origins of the public site, the inventory."""
    rules = [
        dig(rule, "applyServerSideEncryptionByDefault")
        for settings in view.naming(bucket, "bucket", "s3.BucketServerSideEncryptionConfiguration")
        for rule in settings.list("rules")
    ]
    if any(dig(rule, "sseAlgorithm") == "aws:kms" and _own(dig(rule, "kmsMasterKeyId")) for rule in rules):
        return
    if not _excused(bucket, view):
        yield "objects are not encrypted with a key of ours by default"


def _excused(bucket: Node, view: View) -> bool:
    if bucket_role(bucket) in shapes()["buckets"]["plain"]:
        return True
    name = bucket.raw("bucket")
    logs = view.naming(bucket, "targetBucket", "s3.BucketLogging")
    trails = [t for t in view.naming(bucket, "s3BucketName", "cloudtrail.Trail") if _own(t.get("kmsKeyId"))]
    origins = [
        origin
        for site in view.of("cloudfront.Distribution")
        for origin in listed(site.raw("origins"))
        if str(dig(origin, "domainName")).startswith(f"{name}.s3.")
    ]
    return bool(logs or trails or origins)


@among(
    "vault-key-apart",
    "DATA-1",
    "dynamodb.Table",
    why="Whoever reads orders may use the key of orders: it must not open the originals of personal data.",
    fix="a key of its own for the table (components/tables.toml, components/keys.toml)",
)
def vault_key_apart(table: Node, view: View) -> Faults:
    """The key of the vault of personal data opens no other table, in any region."""
    if table_role(table) != "pii-vault":
        return
    others = {key for other in view.of("dynamodb.Table") if other is not table for key in _table_keys(other)}
    if others & _table_keys(table):
        yield "its key opens other tables too"


def _table_keys(table: Node) -> set[str]:
    """The keys of a table and of its replicas."""
    found = [table.get("serverSideEncryption.kmsKeyArn")]
    found += [dig(replica, "kmsKeyArn") for replica in table.list("replicas")]
    return {key for key in found if key}


@each(
    "key-rotates",
    "OPS-9",
    "kms.Key",
    why="Yearly rotation bounds what a leaked key opens; the waiting time saves a key deleted by mistake.",
    fix="set enable_key_rotation=True and deletion_window_in_days=30",
)
def key_rotates(key: Node) -> Faults:
    """A key of ours rotates every year, and waits 30 days before it is deleted."""
    symmetric = key.get("customerMasterKeySpec") in {None, "SYMMETRIC_DEFAULT"}
    if symmetric and key.get("enableKeyRotation") is not True:
        yield "the key is never rotated"
    if (key.get("rotationPeriodInDays") or 365) > 365:
        yield "the key rotates less often than once a year"
    if (key.get("deletionWindowInDays") or 30) < 30:
        yield f"the key is gone {key.get('deletionWindowInDays'):g} days after somebody deletes it"


RULES = (rest_own_key, log_own_key, bucket_own_key, vault_key_apart, key_rotates)
