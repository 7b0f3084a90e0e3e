"""An engineer who read only the requirements slips something unsafe into a sound plan; the rules must say so.

Written from what the system must do, not from the rules: so a row may be caught by any rule, as long as
what it says is mandatory and points at what was changed, or at what the change left bare: the bucket of a
loosened block, the services in a subnet that got a way out. Which rule catches what, and that nothing else
fires, is `test_mutations`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from plan import Plan
from tests.policies.mutation_helpers import Draft, found

Change = Callable[[Draft], None]
FOREIGN = "arn:aws:iam::210987654321:root"


@dataclass(frozen=True, kw_only=True)
class Unsafe:
    """`at`: labels one of which a finding must be about. `full`: in the plan that has every option on."""

    id: str
    requirement: str
    what: str
    at: tuple[str, ...]
    do: Change
    full: bool = False


def put(label: str, path: str, value: Any) -> Change:
    return lambda draft: draft.set(label, path, value)


def dropped(label: str, path: str) -> Change:
    return lambda draft: draft.drop(label, path)


def gone(*labels: str) -> Change:
    return lambda draft: draft.remove(*labels)


def unprotected(label: str) -> Change:
    return lambda draft: draft.unprotect(label)


def edited(label: str, path: str, change: Callable[[Any], Any]) -> Change:
    return lambda draft: draft.edit(label, path, change)


def rewritten(label: str, path: str, change: Callable[[Any], Any]) -> Change:
    return lambda draft: draft.rewrite(label, path, change)


def allowed(label: str, path: str = "policy", **statement: Any) -> Change:
    return lambda draft: draft.allow(label, path, **statement)


def stated(label: str, sid: str, change: Callable[[dict[str, Any]], Any], path: str = "policy") -> Change:
    """Changes one statement of a policy, found by its Sid."""

    def changed(document: dict[str, Any]) -> None:
        change(next(s for s in document["Statement"] if s.get("Sid") == sid))

    return rewritten(label, path, changed)


def named(items: list[dict[str, Any]], name: str, key: str = "name") -> dict[str, Any]:
    return next(item for item in items if item.get(key) == name)


def ruled(label: str, name: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    """Changes one rule of a web ACL or a lifecycle, found by its name."""

    def changed(rules: list[dict[str, Any]]) -> None:
        change(next(rule for rule in rules if name in {rule.get("name"), rule.get("id")}))

    return edited(label, "rules", changed)


def added(token: str, name: str, inputs: dict[str, Any], beside: str) -> Change:
    return lambda draft: draft.add(token, name, inputs, beside=beside)


def several(*changes: Change) -> Change:
    def all_of_them(draft: Draft) -> None:
        for change in changes:
            change(draft)

    return all_of_them


def _search_open_to_a_network(draft: Draft) -> None:
    group = draft.inputs("vpc.SecurityGroupIngressRule primary-groups-agent-to-search-443-in")
    opened = {
        "cidrIpv4": "10.0.0.0/8",
        "description": "from the office",
        "fromPort": 443,
        "ipProtocol": "tcp",
        "securityGroupId": group["securityGroupId"],
        "toPort": 443,
    }
    draft.add(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "primary-groups-office-in",
        opened,
        beside="vpc.SecurityGroupIngressRule primary-groups-agent-to-search-443-in",
    )


def _plaintext_listener(draft: Draft) -> None:
    safe = draft.inputs("lb.Listener primary-balancers-listener")
    rule = draft.inputs("lb.ListenerRule primary-balancers-rest-rule")
    plain = {
        "loadBalancerArn": safe["loadBalancerArn"],
        "port": 80,
        "protocol": "HTTP",
        "defaultActions": rule["actions"],
    }
    draft.add(
        "aws:lb/listener:Listener",
        "primary-balancers-plain",
        plain,
        beside="lb.Listener primary-balancers-listener",
    )


def _private_subnet_on_the_internet(draft: Draft) -> None:
    gateway = draft.inputs("ec2.Route primary-network-public-internet")["gatewayId"]
    draft.set("ec2.Route primary-network-private-use1-az1-nat", "gatewayId", gateway)
    draft.drop("ec2.Route primary-network-private-use1-az1-nat", "natGatewayId")


def _vault_on_the_shared_key(draft: Draft) -> None:
    shared = draft.inputs("dynamodb.Table primary-tables-orders")["serverSideEncryption"]["kmsKeyArn"]
    draft.set("dynamodb.Table primary-tables-pii-vault", "serverSideEncryption.kmsKeyArn", shared)


def _without_the_vault(selectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [selector for selector in selectors if selector["name"] != "tables"]


def _key_in_sight(containers: list[dict[str, Any]]) -> None:
    containers[0]["environment"].append({"name": "PRICING_API_KEY", "value": "0123456789-not-a-real-one"})


def _by_a_tag(containers: list[dict[str, Any]]) -> None:
    containers[0]["image"] = containers[0]["image"].split("@")[0] + ":latest"


def _no_way_back(template: dict[str, Any]) -> None:
    del template["Resources"]["Live"]["Properties"]["DeploymentConfig"]["AutoRollbackConfiguration"]


def _unvalidated(document: dict[str, Any]) -> None:
    """Takes every mention of a request validator out of the API's document."""
    document.pop("x-amazon-apigateway-request-validator", None)
    for methods in document["paths"].values():
        for method in methods.values():
            if isinstance(method, dict):
                method.pop("x-amazon-apigateway-request-validator", None)


def _units(draft: Draft) -> None:
    draft.add(
        "aws:bedrock/provisionedModelThroughput:ProvisionedModelThroughput",
        "primary-units-sonnet",
        {
            "provisionedModelName": "concierge-prod-sonnet",
            "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0:300k",
            "modelUnits": 4,
            "commitmentDuration": "SixMonths",
        },
        beside="bedrock.Guardrail primary-guardrail-guardrail",
    )


def _lower_prompt_attack(filters: list[dict[str, Any]]) -> None:
    named(filters, "PROMPT_ATTACK", "type")["inputStrength"] = "LOW"


def _audit_log_off(options: list[dict[str, Any]]) -> None:
    named(options, "AUDIT_LOGS", "logType")["enabled"] = False


_DISTRIBUTION = "cloudfront.Distribution world-edge-distribution"
_DOMAIN = "opensearch.Domain primary-search-domain"
_CHAT_GRANTS = "iam.RolePolicy primary-agent-chat-task-grants"
_CHAT_TASK = "ecs.TaskDefinition primary-agent-chat-definition"
_GUARDRAIL = "bedrock.Guardrail primary-guardrail-guardrail"
_RED = "cloudwatch.MetricAlarm primary-alarms-search-red"
_KILL = "fis.ExperimentTemplate primary-faults-task-kill"

UNSAFE = [
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
    # Network
    Unsafe(
        id="search-for-the-office",
        requirement="NET-3",
        what="a rule lets 10.0.0.0/8 reach OpenSearch",
        at=("vpc.SecurityGroupIngressRule primary-groups-office-in",),
        do=_search_open_to_a_network,
    ),
    Unsafe(
        id="cache-on-every-port",
        requirement="NET-3",
        what="the agent reaches every port of the cache",
        at=("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in",),
        do=several(
            put("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", "fromPort", 0),
            put("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", "toPort", 65535),
        ),
    ),
    Unsafe(
        id="default-group-unlocked",
        requirement="NET-2",
        what="what has no group of its own may talk to its like",
        at=("ec2.Vpc standby-network-vpc",),
        do=put(
            "ec2.DefaultSecurityGroup standby-network-default-group",
            "ingress",
            [{"fromPort": 0, "toPort": 0, "protocol": "-1", "self": True}],
        ),
    ),
    Unsafe(
        id="private-subnet-on-the-internet",
        requirement="NET-1",
        what="a private route leads to the internet gateway",
        at=("ecs.Service primary-agent-chat-service",),
        do=_private_subnet_on_the_internet,
    ),
    Unsafe(
        id="no-flow-log",
        requirement="NET-2",
        what="nobody sees the standby network's traffic",
        at=("ec2.Vpc standby-network-vpc",),
        do=gone("ec2.FlowLog standby-network-flow-log"),
    ),
    Unsafe(
        id="no-kms-endpoint",
        requirement="NET-2",
        what="calls of KMS leave the standby's VPC",
        at=("ec2.Vpc standby-network-vpc",),
        do=gone("ec2.VpcEndpoint standby-endpoints-kms"),
    ),
    # Edge
    Unsafe(
        id="second-listener-in-plaintext",
        requirement="NET-7",
        what="a listener on port 80 forwards beside the one with TLS",
        at=("lb.Listener primary-balancers-plain",),
        do=_plaintext_listener,
    ),
    Unsafe(
        id="old-tls-at-the-balancer",
        requirement="NET-7",
        what="the load balancer accepts TLS 1.0",
        at=("lb.Listener primary-balancers-listener",),
        do=put("lb.Listener primary-balancers-listener", "sslPolicy", "ELBSecurityPolicy-2016-08"),
    ),
    Unsafe(
        id="balancer-on-the-internet",
        requirement="NET-6",
        what="the load balancer is public: no WAF before it",
        at=("lb.LoadBalancer primary-balancers-application",),
        do=put("lb.LoadBalancer primary-balancers-application", "internal", False),
    ),
    Unsafe(
        id="distribution-without-waf",
        requirement="NET-7",
        what="CloudFront has no web ACL, so the WebSocket API has none",
        at=(_DISTRIBUTION,),
        do=dropped(_DISTRIBUTION, "webAclId"),
    ),
    Unsafe(
        id="origin-in-plaintext",
        requirement="NET-7",
        what="CloudFront talks plain HTTP to the WebSocket API",
        at=(_DISTRIBUTION,),
        do=edited(
            _DISTRIBUTION,
            "origins",
            lambda origins: named(origins, "ws", "originId")["customOriginConfig"].update(
                originProtocolPolicy="http-only"
            ),
        ),
    ),
    Unsafe(
        id="round-the-edge",
        requirement="NET-7",
        what="the REST API answers whoever goes round CloudFront",
        at=(
            "wafv2.WebAcl standby-waf-acl",
            "apigateway.Stage standby-rest-stage",
        ),
        do=edited(
            "wafv2.WebAcl standby-waf-acl",
            "rules",
            lambda rules: [rule for rule in rules if rule["name"] != "only-our-distribution"],
        ),
    ),
    Unsafe(
        id="waf-counts-only",
        requirement="NET-6",
        what="known bad inputs are counted, not refused",
        at=("wafv2.WebAcl primary-waf-acl",),
        do=ruled(
            "wafv2.WebAcl primary-waf-acl",
            "known-bad-inputs",
            lambda rule: rule.update(overrideAction={"count": {}}),
        ),
    ),
    Unsafe(
        id="rate-limit-lifted",
        requirement="NET-6",
        what="one address may ask for 20,000 tickets in 5 minutes",
        at=("wafv2.WebAcl world-waf-acl",),
        do=ruled(
            "wafv2.WebAcl world-waf-acl",
            "rate-tickets",
            lambda rule: rule["statement"]["rateBasedStatement"].update(limit=20_000),
        ),
    ),
    Unsafe(
        id="tokens-in-the-waf-log",
        requirement="NET-5",
        what="the WAF's log keeps authorization headers and tickets",
        at=("wafv2.WebAcl world-waf-acl",),
        do=put("wafv2.WebAclLoggingConfiguration world-waf-logging", "redactedFields", []),
    ),
    Unsafe(
        id="connect-without-ticket",
        requirement="NET-5",
        what="a socket opens without a ticket",
        at=("apigatewayv2.Route primary-websocket-connect-route",),
        do=several(
            put("apigatewayv2.Route primary-websocket-connect-route", "authorizationType", "NONE"),
            dropped("apigatewayv2.Route primary-websocket-connect-route", "authorizerId"),
        ),
    ),
    Unsafe(
        id="stage-unthrottled",
        requirement="NET-8",
        what="-1 is no limit: the stage takes whatever comes",
        at=("apigateway.Stage primary-rest-stage",),
        do=put("apigateway.MethodSettings primary-rest-every-settings", "settings.throttlingRateLimit", -1),
    ),
    Unsafe(
        id="requests-unvalidated",
        requirement="NET-8",
        what="the API's document names no request validator",
        at=("apigateway.RestApi primary-rest-api",),
        do=rewritten("apigateway.RestApi primary-rest-api", "body", _unvalidated),
    ),
    Unsafe(
        id="failover-blind",
        requirement="NET-7",
        what="DNS keeps sending chats to a dead region: the record has no health check",
        at=("route53.Record world-dns-ws-primary",),
        do=dropped("route53.Record world-dns-ws-primary", "healthCheckId"),
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
    # Cache and sign-in
    Unsafe(
        id="cache-takes-plaintext",
        requirement="DATA-3",
        what="clients of the cache may leave TLS out",
        at=("elasticache.ReplicationGroup primary-cache-group",),
        do=put("elasticache.ReplicationGroup primary-cache-group", "transitEncryptionMode", "preferred"),
    ),
    Unsafe(
        id="cache-default-user-on",
        requirement="DATA-3",
        what="the cache's default user needs no password and may do everything",
        at=("elasticache.User primary-cache-nobody",),
        do=put("elasticache.User primary-cache-nobody", "accessString", "on ~* &* +@all"),
    ),
    Unsafe(
        id="tokens-in-the-address",
        requirement="RUN-17",
        what="the services' client uses the implicit flow, which puts the token into the URL",
        at=("cognito.UserPoolClient primary-identity-client-services",),
        do=put("cognito.UserPoolClient primary-identity-client-services", "allowedOauthFlows", ["implicit"]),
    ),
    # Search
    Unsafe(
        id="search-unlogged",
        requirement="VEC-1",
        what="OpenSearch's audit log is off",
        at=(_DOMAIN,),
        do=edited(_DOMAIN, "logPublishingOptions", _audit_log_off),
    ),
    Unsafe(
        id="search-without-memory",
        requirement="VEC-1",
        what="data nodes are of a family without memory for the graphs",
        at=(_DOMAIN,),
        do=put(_DOMAIN, "clusterConfig.instanceType", "m7g.large.search"),
    ),
    Unsafe(
        id="two-masters",
        requirement="VEC-1",
        what="two masters split rather than elect",
        at=(_DOMAIN,),
        do=put(_DOMAIN, "clusterConfig.dedicatedMasterCount", 2),
    ),
    Unsafe(
        id="search-for-everybody",
        requirement="VEC-1",
        what="whoever reaches the domain may read the index",
        at=(_DOMAIN,),
        do=stated(
            _DOMAIN,
            "ReadIndex",
            lambda s: (s.pop("Condition"), s.update(Principal="*")),
            path="accessPolicies",
        ),
    ),
    # Models
    Unsafe(
        id="guardrail-low",
        requirement="MOD-4",
        what="only the plainest prompt attacks are stopped",
        at=(_GUARDRAIL,),
        do=edited(_GUARDRAIL, "contentPolicyConfig.filtersConfigs", _lower_prompt_attack),
    ),
    Unsafe(
        id="financial-advice",
        requirement="MOD-4",
        what="one denied topic of two is gone",
        at=(_GUARDRAIL,),
        do=edited(_GUARDRAIL, "topicPolicyConfig.topicsConfigs", lambda topics: topics[:1]),
    ),
    Unsafe(
        id="call-without-guardrail",
        requirement="MOD-4",
        what="the chat service may call Sonnet without the guardrail: the condition is gone",
        at=(_CHAT_GRANTS,),
        do=stated(_CHAT_GRANTS, "CallSonnet", lambda s: s.pop("Condition")),
    ),
    Unsafe(
        id="committed-units-unguarded",
        requirement="MOD-2",
        what="units bought for six months that a plan may drop",
        at=("bedrock.ProvisionedModelThroughput primary-units-sonnet",),
        do=_units,
    ),
    Unsafe(
        id="no-rollback-of-a-model",
        requirement="MOD-5",
        what="a bad model stays: the endpoint's updates have no automatic rollback",
        at=("cloudformation.Stack primary-inference-intent-rollout",),
        do=rewritten("cloudformation.Stack primary-inference-intent-rollout", "templateBody", _no_way_back),
        full=True,
    ),
    Unsafe(
        id="single-model-instance",
        requirement="MOD-5",
        what="the endpoint may shrink to one instance",
        at=("appautoscaling.Target primary-inference-intent-scaling-bounds",),
        do=put("appautoscaling.Target primary-inference-intent-scaling-bounds", "minCapacity", 1),
        full=True,
    ),
    Unsafe(
        id="nothing-captured",
        requirement="MOD-5",
        what="the model's data capture is off, so drift goes unseen",
        at=("sagemaker.EndpointConfiguration primary-inference-intent-serves-configuration",),
        do=put(
            "sagemaker.EndpointConfiguration primary-inference-intent-serves-configuration",
            "dataCaptureConfig.enableCapture",
            False,
        ),
        full=True,
    ),
    # Services
    Unsafe(
        id="platform-forgotten",
        requirement="RUN-19",
        what="no runtime platform: ECS takes X86_64 without a word",
        at=(_CHAT_TASK,),
        do=dropped(_CHAT_TASK, "runtimePlatform"),
    ),
    Unsafe(
        id="image-by-tag",
        requirement="RUN-19",
        what="the image is whatever is called latest",
        at=(_CHAT_TASK,),
        do=rewritten(_CHAT_TASK, "containerDefinitions", _by_a_tag),
    ),
    Unsafe(
        id="tags-move",
        requirement="RUN-19",
        what="a pushed image may take the place of another",
        at=("ecr.Repository primary-registry-images",),
        do=put("ecr.Repository primary-registry-images", "imageTagMutability", "MUTABLE"),
    ),
    Unsafe(
        id="rollout-never-turned-back",
        requirement="RUN-20",
        what="alarms no longer turn a rollout back",
        at=("ecs.Service primary-agent-chat-service",),
        do=put("ecs.Service primary-agent-chat-service", "alarms.rollback", False),
    ),
    Unsafe(
        id="task-with-public-address",
        requirement="NET-1",
        what="the chat tasks get public addresses",
        at=("ecs.Service primary-agent-chat-service",),
        do=put("ecs.Service primary-agent-chat-service", "networkConfiguration.assignPublicIp", True),
    ),
    Unsafe(
        id="agent-outside-the-network",
        requirement="RUN-19",
        what="AgentCore runs the agent outside our VPC",
        at=("bedrock.AgentcoreAgentRuntime primary-agent-core-chat",),
        do=put(
            "bedrock.AgentcoreAgentRuntime primary-agent-core-chat",
            "networkConfiguration",
            {"networkMode": "PUBLIC"},
        ),
        full=True,
    ),
    # Alarms and faults
    Unsafe(
        id="alarm-muted",
        requirement="OPS-2",
        what="a red cluster changes a colour and calls nobody",
        at=(_RED,),
        do=put(_RED, "actionsEnabled", False),
    ),
    Unsafe(
        id="alarm-to-nobody",
        requirement="OPS-2",
        what="the alarm has no action",
        at=(_RED,),
        do=put(_RED, "alarmActions", []),
    ),
    Unsafe(
        id="runbook-that-is-not",
        requirement="OPS-2",
        what="the alarm names a runbook that nobody wrote",
        at=(_RED,),
        do=put(_RED, "tags.Runbook", "opensearch-crimson"),
    ),
    Unsafe(
        id="no-alarm-of-dead-letters",
        requirement="OPS-2",
        what="documents that failed for good pile up unseen",
        at=("sqs.Queue primary-ingest-dead",),
        do=gone("cloudwatch.MetricAlarm primary-alarms-ingest-dead"),
    ),
    Unsafe(
        id="no-alarm-of-blocks",
        requirement="NET-6",
        what="nobody hears that the WAF refuses requests",
        at=("wafv2.WebAcl primary-waf-acl",),
        do=gone("cloudwatch.MetricAlarm primary-alarms-waf-blocks-regional"),
    ),
    Unsafe(
        id="no-alarm-of-connections",
        requirement="NET-5",
        what="the limit of new connections is reached without a word",
        at=("apigatewayv2.Api primary-websocket-api", "apigatewayv2.Stage primary-websocket-stage"),
        do=gone("cloudwatch.MetricAlarm primary-alarms-ws-new-connections"),
    ),
    Unsafe(
        id="fault-without-end",
        requirement="CHAOS-1",
        what="no alarm stops the experiment",
        at=(_KILL,),
        do=put(_KILL, "stopConditions", [{"source": "none"}]),
        full=True,
    ),
    Unsafe(
        id="fault-without-target",
        requirement="CHAOS-1",
        what="an experiment that found nothing to hurt counts as passed",
        at=(_KILL,),
        do=put(_KILL, "experimentOptions.emptyTargetResolutionMode", "skip"),
        full=True,
    ),
]


@pytest.mark.parametrize("unsafe", UNSAFE, ids=lambda unsafe: unsafe.id)
def test_the_rules_notice(prod: Plan, request: pytest.FixtureRequest, unsafe: Unsafe):
    whole: Plan = request.getfixturevalue("full") if unsafe.full else prod
    draft = Draft(whole)
    unsafe.do(draft)
    labels = {resource.urn: resource.label for resource in draft.plan.resources}

    about = {labels[f.urn]: f.rule for f in found(whole, draft) if f.severity == "mandatory"}

    assert about.keys() & set(unsafe.at), f"{unsafe.requirement}: {unsafe.what}; found only {about}"


def test_no_two_rows_have_one_name():
    assert len({unsafe.id for unsafe in UNSAFE}) == len(UNSAFE)
