"""What is unsafe with data: where it lies, who may read it, and what is written down of people."""

from typing import Any

from tests.policies.mutation_helpers import Draft
from tests.policies.unsafe_helpers import (
    FOREIGN,
    Unsafe,
    added,
    allowed,
    dropped,
    edited,
    gone,
    put,
    rewritten,
    ruled,
    several,
    stated,
    unprotected,
)

_CHAT_GRANTS = "iam.RolePolicy primary-agent-chat-task-grants"
_CHAT_TASK = "ecs.TaskDefinition primary-agent-chat-definition"


def _vault_on_the_shared_key(draft: Draft) -> None:
    shared = draft.inputs("dynamodb.Table primary-tables-orders")["serverSideEncryption"]["kmsKeyArn"]
    draft.set("dynamodb.Table primary-tables-pii-vault", "serverSideEncryption.kmsKeyArn", shared)


def _without_the_vault(selectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [selector for selector in selectors if selector["name"] != "tables"]


def _key_in_sight(containers: list[dict[str, Any]]) -> None:
    containers[0]["environment"].append({"name": "PRICING_API_KEY", "value": "0123456789-not-a-real-one"})


DATA = [
    # Buckets
    Unsafe(
        id="acls-heeded",
        requirement="DATA-4",
        what="public ACLs on old objects count again",
        at=("s3.Bucket primary-buckets-documents-bucket",),
        do=put("s3.BucketPublicAccessBlock primary-buckets-documents-private", "ignorePublicAcls", False),
    ),
    Unsafe(
        id="plaintext-writes",
        requirement="DATA-4",
        what="the refusal of plain HTTP covers reading only",
        at=(
            "s3.BucketPolicy primary-buckets-archive-policy",
            "s3.Bucket primary-buckets-archive-bucket",
        ),
        do=stated(
            "s3.BucketPolicy primary-buckets-archive-policy",
            "TlsOnly",
            lambda s: s.update(Action="s3:GetObject"),
        ),
    ),
    Unsafe(
        id="public-but-for-a-header",
        requirement="DATA-4",
        what="anybody reads the archive who names a browser: a condition that guards nothing",
        at=("s3.BucketPolicy primary-buckets-archive-policy",),
        do=allowed(
            "s3.BucketPolicy primary-buckets-archive-policy",
            Principal={"AWS": "*"},
            Action="s3:GetObject",
            Resource="arn:aws:s3:::concierge-prod-archive-123456789012-us-east-1/*",
            Condition={"StringLike": {"aws:UserAgent": "Mozilla*"}},
        ),
    ),
    Unsafe(
        id="copies-stopped",
        requirement="DATA-4",
        what="replication of the archive is declared but switched off",
        at=("s3.BucketReplicationConfig primary-buckets-archive-copy-config",),
        do=put(
            "s3.BucketReplicationConfig primary-buckets-archive-copy-config", "rules.0.status", "Disabled"
        ),
    ),
    Unsafe(
        id="copies-removed",
        requirement="DATA-8",
        what="documents are no longer copied to the standby region",
        at=("s3.Bucket primary-buckets-documents-bucket",),
        do=gone("s3.BucketReplicationConfig primary-buckets-documents-copy-config"),
    ),
    Unsafe(
        id="transactions-expire-early",
        requirement="DATA-5",
        what="archived transactions are deleted after 7 years, not 10",
        at=("s3.BucketLifecycleConfiguration primary-buckets-archive-lifecycle",),
        do=ruled(
            "s3.BucketLifecycleConfiguration primary-buckets-archive-lifecycle",
            "keep-transactions",
            lambda rule: rule.update(expiration={"days": 2600}),
        ),
    ),
    Unsafe(
        id="audit-expires-early",
        requirement="OPS-9",
        what="audit files are deleted after a year",
        at=("s3.BucketLifecycleConfiguration primary-audit-files-lifecycle",),
        do=ruled(
            "s3.BucketLifecycleConfiguration primary-audit-files-lifecycle",
            "keep-all",
            lambda rule: rule.update(expiration={"days": 365}),
        ),
    ),
    # Tables and backups
    Unsafe(
        id="turns-kept-for-ever",
        requirement="DATA-1",
        what="session turns no longer expire",
        at=("dynamodb.Table primary-tables-sessions",),
        do=put("dynamodb.Table primary-tables-sessions", "ttl.enabled", False),
    ),
    Unsafe(
        id="transactions-with-ttl",
        requirement="DATA-1",
        what="transactions expire by themselves",
        at=("dynamodb.Table primary-tables-transactions",),
        do=put(
            "dynamodb.Table primary-tables-transactions",
            "ttl",
            {"attributeName": "expires_at", "enabled": True},
        ),
    ),
    Unsafe(
        id="vault-on-the-shared-key",
        requirement="DATA-1",
        what="the vault of personal data has the key of every other table",
        at=("dynamodb.Table primary-tables-pii-vault",),
        do=_vault_on_the_shared_key,
    ),
    Unsafe(
        id="replica-without-recovery",
        requirement="DATA-1",
        what="the standby's copy of orders cannot be restored to a point in time",
        at=("dynamodb.Table primary-tables-orders",),
        do=put("dynamodb.Table primary-tables-orders", "replicas.0.pointInTimeRecovery", False),
    ),
    Unsafe(
        id="replica-dropped",
        requirement="DATA-1",
        what="carts are in one region only",
        at=("dynamodb.Table primary-tables-carts",),
        do=put("dynamodb.Table primary-tables-carts", "replicas", []),
    ),
    Unsafe(
        id="recovery-of-a-week",
        requirement="DATA-1",
        what="transactions can be restored to the last 7 days, not 35",
        at=("dynamodb.Table primary-tables-transactions",),
        do=put("dynamodb.Table primary-tables-transactions", "pointInTimeRecovery.recoveryPeriodInDays", 7),
    ),
    Unsafe(
        id="backups-stay-home",
        requirement="DATA-8",
        what="daily backups are no longer copied to the other region",
        at=("backup.Plan primary-backup-tables",),
        do=put("backup.Plan primary-backup-tables", "rules.0.copyActions", []),
    ),
    Unsafe(
        id="transactions-left-out-of-backups",
        requirement="DATA-8",
        what="the list of what is backed up forgets transactions",
        at=("dynamodb.Table primary-tables-transactions", "backup.Selection primary-backup-tables-selection"),
        do=edited(
            "backup.Selection primary-backup-tables-selection",
            "resources",
            lambda arns: [arn for arn in arns if not arn.endswith("/concierge-prod-transactions")],
        ),
    ),
    Unsafe(
        id="vault-may-be-deleted",
        requirement="DATA-8",
        what="the vault of backups may be destroyed by a plan",
        at=("backup.Vault standby-vault-vault",),
        do=unprotected("backup.Vault standby-vault-vault"),
    ),
    # Keys, secrets, IAM
    Unsafe(
        id="key-for-everybody",
        requirement="DATA-4",
        what="the logs' key decrypts for any principal",
        at=("kms.Key primary-keys-logs",),
        do=allowed("kms.Key primary-keys-logs", Principal="*", Action="kms:Decrypt", Resource="*"),
    ),
    Unsafe(
        id="key-for-any-log-group",
        requirement="OPS-9",
        what="CloudWatch Logs of any account may use the logs' key: the condition is gone",
        at=("kms.Key primary-keys-logs",),
        do=stated("kms.Key primary-keys-logs", "ServiceByItself1", lambda s: s.pop("Condition")),
    ),
    Unsafe(
        id="key-rotates-seldom",
        requirement="OPS-9",
        what="the vault's key rotates every seven years",
        at=("kms.Key primary-keys-pii-vault",),
        do=put("kms.Key primary-keys-pii-vault", "rotationPeriodInDays", 2560),
    ),
    Unsafe(
        id="all-but-iam",
        requirement="OPS-9",
        what="the chat service may do everything except IAM",
        at=(_CHAT_GRANTS,),
        do=allowed(_CHAT_GRANTS, NotAction=["iam:*"], Resource="*"),
    ),
    Unsafe(
        id="passes-any-role",
        requirement="OPS-9",
        what="the chat service may hand any role to any service",
        at=(_CHAT_GRANTS,),
        do=allowed(_CHAT_GRANTS, Action="iam:PassRole", Resource="*"),
    ),
    Unsafe(
        id="foreign-account-trusted",
        requirement="OPS-9",
        what="another account may take the chat service's role",
        at=("iam.Role primary-agent-chat-task-role",),
        do=allowed(
            "iam.Role primary-agent-chat-task-role",
            "assumeRolePolicy",
            Principal={"AWS": FOREIGN},
            Action="sts:AssumeRole",
        ),
    ),
    Unsafe(
        id="long-lived-key",
        requirement="OPS-8",
        what="an access key for the build that never ends",
        at=("iam.AccessKey primary-deploy-key",),
        do=added(
            "aws:iam/accessKey:AccessKey",
            "primary-deploy-key",
            {"user": "deploy"},
            "iam.Role primary-agent-chat-task-role",
        ),
    ),
    Unsafe(
        id="secret-in-the-environment",
        requirement="OPS-9",
        what="a provider's key stands in the task definition, readable by whoever describes it",
        at=(_CHAT_TASK,),
        do=rewritten(_CHAT_TASK, "containerDefinitions", _key_in_sight),
    ),
    Unsafe(
        id="key-as-plain-parameter",
        requirement="OPS-9",
        what="the canary's API key is a plain String parameter",
        at=("ssm.Parameter primary-canary-key",),
        do=several(
            put("ssm.Parameter primary-canary-key", "type", "String"),
            dropped("ssm.Parameter primary-canary-key", "keyId"),
        ),
    ),
    # Logs and personal data
    Unsafe(
        id="log-kept-for-ever",
        requirement="DATA-5",
        what="the chat log has a retention of 0, which is never",
        at=("cloudwatch.LogGroup primary-agent-chat-log",),
        do=put("cloudwatch.LogGroup primary-agent-chat-log", "retentionInDays", 0),
    ),
    Unsafe(
        id="bodies-in-the-api-log",
        requirement="RUN-13",
        what="API Gateway logs whole messages before they are redacted",
        at=("apigateway.MethodSettings primary-rest-every-settings",),
        do=put("apigateway.MethodSettings primary-rest-every-settings", "settings.dataTraceEnabled", True),
    ),
    Unsafe(
        id="prompts-in-the-model-log",
        requirement="RUN-13",
        what="Bedrock stores the text of every call",
        at=("bedrockmodel.InvocationLoggingConfiguration primary-call-log-switch",),
        do=put(
            "bedrockmodel.InvocationLoggingConfiguration primary-call-log-switch",
            "loggingConfig.textDataDeliveryEnabled",
            True,
        ),
    ),
    Unsafe(
        id="vault-reads-unseen",
        requirement="RUN-13",
        what="the trail no longer records who reads the vault",
        at=("cloudtrail.Trail primary-audit-trail", "dynamodb.Table primary-tables-pii-vault"),
        do=edited("cloudtrail.Trail primary-audit-trail", "advancedEventSelectors", _without_the_vault),
    ),
    Unsafe(
        id="recorder-stopped",
        requirement="OPS-9",
        what="Config is declared, and does not record",
        at=("Stack concierge-prod",),
        do=put("cfg.RecorderStatus standby-rules-on", "isEnabled", False),
    ),
    Unsafe(
        id="second-scan-off",
        requirement="DATA-6",
        what="events reach the warehouse without the second look for personal data",
        at=("kinesis.FirehoseDeliveryStream primary-stream-delivery",),
        do=put(
            "kinesis.FirehoseDeliveryStream primary-stream-delivery",
            "extendedS3Configuration.processingConfiguration.enabled",
            False,
        ),
    ),
    Unsafe(
        id="stream-in-the-clear",
        requirement="DATA-6",
        what="the stream of events is not encrypted",
        at=("kinesis.Stream standby-stream-events",),
        do=put("kinesis.Stream standby-stream-events", "encryptionType", "NONE"),
    ),
]
