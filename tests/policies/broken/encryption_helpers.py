"""One thing broken at a time, for the rules of `policies/rules/encryption.py`."""

from tests.policies.breaking_helpers import (
    DOCUMENTS,
    SEARCH,
    STREAM,
    TABLE,
    Case,
    case,
    dropping,
    removing,
    setting,
    vault_on_the_key_of_orders,
)

CASES: list[Case] = [
    # Encryption at rest.
    case("a table with AWS's key", "rest-own-key", setting(TABLE, "serverSideEncryption", {"enabled": True})),
    case("a replica with AWS's key", "rest-own-key", dropping(TABLE, "replicas.0.kmsKeyArn")),
    case("search with AWS's key", "rest-own-key", setting(SEARCH, "encryptAtRest.kmsKeyId", "alias/aws/es")),
    case(
        "a queue without a key", "rest-own-key", dropping("sqs.Queue primary-ingest-dead", "kmsMasterKeyId")
    ),
    case(
        "a secret without a key", "rest-own-key", dropping("secretsmanager.Secret world-origin-1", "kmsKeyId")
    ),
    case(
        "logs without a key",
        "log-own-key",
        dropping("cloudwatch.LogGroup primary-agent-chat-log", "kmsKeyId"),
    ),
    case(
        "a bucket without a key",
        "bucket-own-key",
        removing(f"s3.BucketServerSideEncryptionConfiguration {DOCUMENTS}-encryption"),
    ),
    case(
        "a bucket with S3's key",
        "bucket-own-key",
        setting(
            f"s3.BucketServerSideEncryptionConfiguration {DOCUMENTS}-encryption",
            "rules",
            [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        ),
    ),
    case(
        "a key never rotated",
        "key-rotates",
        setting("kms.Key primary-keys-agent", "enableKeyRotation", False),
    ),
    case(
        "a key gone in a week",
        "key-rotates",
        setting("kms.Key primary-keys-agent", "deletionWindowInDays", 7),
    ),
    # What a reader of the requirements found missing.
    case("a stream whose key is not used", "rest-own-key", setting(STREAM, "encryptionType", "NONE")),
    case("the vault on the tables' key", "vault-key-apart", vault_on_the_key_of_orders),
]
