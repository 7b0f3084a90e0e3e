"""One thing broken at a time, for the rules of `policies/rules/data.py`."""

from tests.policies.breaking_helpers import (
    ARCHIVE_RULES,
    CACHE,
    DELIVERY,
    DOCUMENTS,
    PROCESSING,
    TABLE,
    Case,
    both,
    case,
    dropping,
    orders_not_backed_up,
    removing,
    setting,
)

CASES: list[Case] = [
    # Data.
    case("a table without recovery", "table-recovery", setting(TABLE, "pointInTimeRecovery.enabled", False)),
    case(
        "a table with a week of recovery",
        "table-recovery",
        setting(TABLE, "pointInTimeRecovery.recoveryPeriodInDays", 7),
    ),
    case(
        "a replica without recovery",
        "table-recovery",
        setting(TABLE, "replicas.0.pointInTimeRecovery", False),
    ),
    case("a table that counts capacity", "table-shape", setting(TABLE, "billingMode", "PROVISIONED")),
    case(
        "a table without its index",
        "table-shape",
        setting("dynamodb.Table primary-tables-profiles", "globalSecondaryIndexes", []),
    ),
    case(
        "transactions that expire",
        "table-shape",
        setting(
            "dynamodb.Table primary-tables-transactions", "ttl", {"enabled": True, "attributeName": "expires"}
        ),
    ),
    case(
        "carts that never expire",
        "table-shape",
        setting("dynamodb.Table primary-tables-carts", "ttl.enabled", False),
    ),
    case("a table in one region", "table-global", setting(TABLE, "replicas", [])),
    case(
        "a table anybody may delete", "delete-protected", setting(TABLE, "deletionProtectionEnabled", False)
    ),
    case(
        "a replica anybody may delete",
        "delete-protected",
        setting(TABLE, "replicas.0.deletionProtectionEnabled", False),
    ),
    case("a table Pulumi may replace", "destroy-protected", lambda draft: draft.unprotect(TABLE)),
    case(
        "a bucket emptied when deleted",
        "destroy-protected",
        setting(f"s3.Bucket {DOCUMENTS}-bucket", "forceDestroy", True),
    ),
    case(
        "a bucket without versions",
        "bucket-versioned",
        setting(f"s3.BucketVersioning {DOCUMENTS}-versions", "versioningConfiguration.status", "Suspended"),
    ),
    case(
        "objects that stay for ever",
        "bucket-expires",
        removing(f"s3.BucketLifecycleConfiguration {DOCUMENTS}-lifecycle"),
    ),
    case(
        "replication that is off",
        "replication-on",
        setting(f"s3.BucketReplicationConfig {DOCUMENTS}-copy-config", "rules.0.status", "Disabled"),
    ),
    case(
        "replication without a limit",
        "replication-on",
        dropping(
            f"s3.BucketReplicationConfig {DOCUMENTS}-copy-config", "rules.0.destination.replicationTime"
        ),
    ),
    # Both regions then say that nothing copies theirs.
    case(
        "documents in one region",
        "bucket-replicated",
        removing(f"s3.BucketReplicationConfig {DOCUMENTS}-copy-config"),
    ),
    case("a cache in one zone", "cache-survives", setting(CACHE, "multiAzEnabled", False)),
    case("a cache of one node", "cache-survives", setting(CACHE, "numCacheClusters", 1)),
    case(
        "backups that can be deleted",
        "backup-locked",
        removing("backup.VaultLockConfiguration primary-vault-lock"),
    ),
    case(
        "backups in one region",
        "backup-copied table-backups-copied",
        both(
            *(
                setting(f"backup.Plan primary-backup-{what}", "rules", [{"ruleName": "daily"}])
                for what in ("tables", "buckets")
            )
        ),
    ),
    case("no backups", "backup-copied", lambda draft: draft.remove_where("backup.Plan")),
    case(
        "daily backups that stay at home",
        "table-backups-copied",
        setting("backup.Plan primary-backup-tables", "rules.0.copyActions", []),
    ),
    case("a table that no backup holds", "table-backed-up", orders_not_backed_up),
    case(
        "transactions deleted after seven years",
        "kept-long-enough",
        setting(ARCHIVE_RULES, "rules.1.expiration.days", 2600),
    ),
    case(
        "everything in the archive deleted after a year",
        "kept-long-enough",
        setting(ARCHIVE_RULES, "rules.0.expiration", {"days": 365}),
    ),
    case(
        "audit files deleted after a year",
        "kept-long-enough",
        setting(
            "s3.BucketLifecycleConfiguration primary-audit-files-lifecycle", "rules.1.expiration.days", 365
        ),
    ),
    case("a scan that is off", "stream-scanned", setting(DELIVERY, f"{PROCESSING}.enabled", False)),
    case(
        "a delivery with no scan in it", "stream-scanned", setting(DELIVERY, f"{PROCESSING}.processors", [])
    ),
]
