"""Every rule catches what it is for, and nothing else does: one thing broken in a sound plan at a time."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from plan import Plan, Secret
from policies.rules import RULES
from tests.policies.mutation_helpers import Draft, fired

EDGE = "cloudfront.Distribution world-edge-distribution"
TABLE = "dynamodb.Table primary-tables-orders"
SEARCH = "opensearch.Domain primary-search-domain"
CACHE = "elasticache.ReplicationGroup primary-cache-group"
TASK = "ecs.TaskDefinition primary-agent-chat-definition"
SERVICE = "ecs.Service primary-agent-chat-service"
SCAN = "lambda.Function primary-stream-scan"
GUARDRAIL = "bedrock.Guardrail primary-guardrail-guardrail"
TRAIL = "cloudtrail.Trail primary-audit-trail"
GRANTS = "iam.RolePolicy primary-agent-chat-task-grants"
ROLE = "iam.Role primary-agent-chat-task-role"
DOCUMENTS = "primary-buckets-documents"
ALARM = "cloudwatch.MetricAlarm primary-agent-rollback"
RUNTIME = "bedrock.AgentcoreAgentRuntime primary-agent-core-chat"
VARIANT = "sagemaker.EndpointConfiguration primary-inference-intent-serves-configuration"
ROLLOUT = "cloudformation.Stack primary-inference-intent-rollout"
EXPERIMENT = "fis.ExperimentTemplate primary-faults-az-loss"
ARCHIVE_RULES = "s3.BucketLifecycleConfiguration primary-buckets-archive-lifecycle"
STREAM = "kinesis.Stream primary-stream-events"
DELIVERY = "kinesis.FirehoseDeliveryStream primary-stream-delivery"
PROCESSING = "extendedS3Configuration.processingConfiguration"
WORLD_ACL = "wafv2.WebAcl world-waf-acl"


@dataclass(frozen=True)
class Case:
    """`what` is broken by `change`; `rules` notice, and no others. `plan` names the fixture."""

    what: str
    rules: frozenset[str]
    change: Callable[[Draft], object]
    plan: str = "prod"


def case(what: str, rules: str, change: Callable[[Draft], object], plan: str = "prod") -> Case:
    return Case(what, frozenset(rules.split()), change, plan)


def setting(label: str, path: str, value: Any) -> Callable[[Draft], None]:
    return lambda draft: draft.set(label, path, value)


def dropping(label: str, path: str) -> Callable[[Draft], None]:
    return lambda draft: draft.drop(label, path)


def removing(*labels: str) -> Callable[[Draft], None]:
    return lambda draft: draft.remove(*labels)


def both(*changes: Callable[[Draft], None]) -> Callable[[Draft], None]:
    def made(draft: Draft) -> None:
        for change in changes:
            change(draft)

    return made


def allowing(label: str, path: str = "policy", **statement: Any) -> Callable[[Draft], None]:
    return lambda draft: draft.allow(label, path, **statement)


def in_container(**values: Any) -> Callable[[Draft], None]:
    """The agent's container with other values."""
    return lambda draft: draft.rewrite(TASK, "containerDefinitions", lambda found: found[0].update(values))


def with_variable(name: str, value: str) -> Callable[[Draft], None]:
    def changed(found: Any) -> None:
        found[0]["environment"].append({"name": name, "value": value})

    return lambda draft: draft.rewrite(TASK, "containerDefinitions", changed)


def adding(
    token: str, inputs: dict[str, Any], beside: str, *, protect: bool = False
) -> Callable[[Draft], None]:
    return lambda draft: draft.add(token, "added", inputs, beside=beside, protect=protect)


def replacing(label: str, path: str, pattern: str, by: str) -> Callable[[Draft], None]:
    """A text with something in it replaced; it must have been there."""

    def changed(text: str) -> str:
        made, count = re.subn(pattern, by, text)
        assert count, f"{pattern!r} is not in {label} {path}"
        return made

    return lambda draft: draft.edit(label, path, changed)


def without_rule(label: str, name: str) -> Callable[[Draft], None]:
    """A web ACL without one of its rules."""
    return lambda draft: draft.edit(label, "rules", lambda rules: [r for r in rules if r["name"] != name])


def all_alarms_of(dimension: str, value: str) -> Callable[[Draft], None]:
    def looks(alarm: Any) -> bool:
        return bool(alarm.inputs.get("dimensions", {}).get(dimension) == value)

    return lambda draft: draft.remove_where(
        "cloudwatch.MetricAlarm", lambda alarm: alarm.region == "us-east-1" and looks(alarm)
    )


def open_route(draft: Draft) -> None:
    """The private subnets of a zone get a way to the internet."""
    gateway = draft.plan.get("primary-network-internet").id
    label = "ec2.Route primary-network-private-use1-az1-nat"
    draft.set(label, "gatewayId", gateway)
    draft.drop(label, "natGatewayId")


def nat_of_another_zone(draft: Draft) -> None:
    other = draft.plan.get("primary-network-nat-use1-az2").id
    draft.set("ec2.Route primary-network-private-use1-az1-nat", "natGatewayId", other)


def vault_on_the_key_of_orders(draft: Draft) -> None:
    key = draft.plan.get("primary-tables-orders").inputs["serverSideEncryption"]["kmsKeyArn"]
    draft.set("dynamodb.Table primary-tables-pii-vault", "serverSideEncryption.kmsKeyArn", key)


def orders_not_backed_up(draft: Draft) -> None:
    label = "backup.Selection primary-backup-tables-selection"
    draft.edit(label, "resources", lambda arns: [arn for arn in arns if not arn.endswith("-orders")])


def without_guardrail(draft: Draft) -> None:
    def bare(document: Any) -> None:
        for statement in document["Statement"]:
            if statement["Sid"] == "CallSonnet":
                del statement["Condition"]

    draft.rewrite(GRANTS, "policy", bare)


CASES = [
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
    # Transport.
    case(
        "a queue that takes plain HTTP",
        "message-tls-only",
        removing("sqs.QueuePolicy primary-ingest-queue-policy"),
    ),
    case("a bucket without its policy", "bucket-tls-only", removing(f"s3.BucketPolicy {DOCUMENTS}-policy")),
    case(
        "a bucket that denies plain HTTP to one role only",
        "bucket-tls-only",
        replacing(f"s3.BucketPolicy {DOCUMENTS}-policy", "policy", r'"aws:SecureTransport"', '"aws:Nothing"'),
    ),
    case(
        "old TLS at the balancer",
        "listener-tls",
        setting("lb.Listener primary-balancers-listener", "sslPolicy", "ELBSecurityPolicy-2016-08"),
    ),
    case(
        "HTTP at the balancer",
        "listener-tls",
        setting("lb.Listener primary-balancers-listener", "protocol", "HTTP"),
    ),
    case(
        "old TLS for viewers", "edge-tls", setting(EDGE, "viewerCertificate.minimumProtocolVersion", "TLSv1")
    ),
    case(
        "HTTP for viewers",
        "edge-tls",
        setting(EDGE, "defaultCacheBehavior.viewerProtocolPolicy", "allow-all"),
    ),
    case(
        "HTTP to an origin",
        "edge-tls",
        setting(EDGE, "origins.1.customOriginConfig.originProtocolPolicy", "http-only"),
    ),
    case(
        "old TLS at a gateway's name",
        "name-tls",
        setting("apigateway.DomainName primary-gateway-names-ws-name", "securityPolicy", "TLS_1_0"),
    ),
    case("HTTP to search", "search-tls", setting(SEARCH, "domainEndpointOptions.enforceHttps", False)),
    case("search nodes in the clear", "search-tls", setting(SEARCH, "nodeToNodeEncryption.enabled", False)),
    case("the cache in the clear", "cache-tls", setting(CACHE, "transitEncryptionEnabled", False)),
    case("the cache with TLS as a wish", "cache-tls", setting(CACHE, "transitEncryptionMode", "preferred")),
    case("the cache for everybody", "cache-tls", dropping(CACHE, "userGroupIds")),
    # Exposure.
    case(
        "a bucket that may be public",
        "bucket-private",
        setting(f"s3.BucketPublicAccessBlock {DOCUMENTS}-private", "blockPublicPolicy", False),
    ),
    case(
        "a bucket without the block",
        "bucket-private",
        removing(f"s3.BucketPublicAccessBlock {DOCUMENTS}-private"),
    ),
    case(
        "access lists that count",
        "bucket-no-acl",
        setting(f"s3.BucketOwnershipControls {DOCUMENTS}-owner", "rule.objectOwnership", "ObjectWriter"),
    ),
    case(
        "a public access list",
        "bucket-no-acl",
        adding("aws:s3/bucketAcl:BucketAcl", {"acl": "public-read"}, f"s3.Bucket {DOCUMENTS}-bucket"),
    ),
    case(
        "the world into the agent",
        "no-open-ingress",
        setting(
            "vpc.SecurityGroupIngressRule primary-groups-agent-to-agent-8080-in", "cidrIpv4", "0.0.0.0/0"
        ),
    ),
    case(
        "the world into a group, in IPv6",
        "no-open-ingress",
        setting(
            "ec2.SecurityGroup primary-groups-cache",
            "ingress",
            [{"ipv6CidrBlocks": ["::/0"], "fromPort": 6379}],
        ),
    ),
    case(
        "the world by the older kind of rule",
        "no-open-ingress",
        adding(
            "aws:ec2/securityGroupRule:SecurityGroupRule",
            {"type": "ingress", "cidrBlocks": ["0.0.0.0/0"], "fromPort": 22},
            "ec2.SecurityGroup primary-groups-cache",
        ),
    ),
    case(
        "a default group that opens",
        "default-locked",
        setting("ec2.DefaultSecurityGroup primary-network-default-group", "ingress", [{"self": True}]),
    ),
    case(
        "a default group as AWS made it",
        "default-locked",
        removing("ec2.DefaultSecurityGroup primary-network-default-group"),
    ),
    case("no flow log", "flow-logs", removing("ec2.FlowLog primary-network-flow-log")),
    case(
        "rejected flows only",
        "flow-logs",
        setting("ec2.FlowLog primary-network-flow-log", "trafficType", "REJECT"),
    ),
    # The zone then has no NAT gateway either; who has a route to the internet stands in public.
    case("private subnets with a way to the internet", "workload-private", open_route),
    case(
        "tasks with public addresses",
        "workload-private",
        setting(SERVICE, "networkConfiguration.assignPublicIp", True),
    ),
    case("search outside the network", "workload-private", dropping(SEARCH, "vpcOptions")),
    case(
        "addresses given out",
        "no-public-address",
        setting("ec2.Subnet primary-network-private-use1-az1", "mapPublicIpOnLaunch", True),
    ),
    case(
        "a balancer in public",
        "private-balancer waf-before-door",
        setting("lb.LoadBalancer primary-balancers-application", "internal", False),
    ),
    case("a zone that leaves through another", "nat-per-zone", nat_of_another_zone),
    case(
        "no endpoint of Bedrock",
        "endpoints-complete",
        removing("ec2.VpcEndpoint primary-endpoints-bedrock-runtime"),
    ),
    case(
        "an endpoint nobody is led to",
        "endpoints-complete",
        setting("ec2.VpcEndpoint primary-endpoints-bedrock-runtime", "privateDnsEnabled", False),
    ),
    # Compute.
    case("tasks on x86", "arm64", dropping(TASK, "runtimePlatform")),
    case("a function on x86", "arm64", setting(SCAN, "architectures", ["x86_64"])),
    case("a cache on x86", "arm64", setting(CACHE, "nodeType", "cache.r7i.large")),
    case(
        "builds on x86",
        "arm64",
        setting("codebuild.Project primary-delivery-image-project", "environment.type", "LINUX_CONTAINER"),
        "full",
    ),
    case("an image by tag", "image-digest", in_container(image="repository/agent:latest")),
    case(
        "an AgentCore image by tag",
        "image-digest",
        setting(RUNTIME, "agentRuntimeArtifact.containerConfiguration.containerUri", "repository/agent:v1"),
        "full",
    ),
    case(
        "a model's image by tag",
        "image-digest",
        setting(
            "sagemaker.Model primary-inference-intent-serves-model", "primaryContainer.image", "models:1"
        ),
        "full",
    ),
    case(
        "an endpoint that follows the newest",
        "code-pinned",
        dropping("bedrock.AgentcoreAgentRuntimeEndpoint primary-agent-core-chat-live", "agentRuntimeVersion"),
        "full",
    ),
    case("code in S3 without its version", "code-pinned", setting(SCAN, "s3Bucket", "code")),
    case("a container as root", "container-confined", in_container(user="0")),
    case("a container that writes", "container-confined", in_container(readonlyRootFilesystem=False)),
    case("a privileged container", "container-confined", in_container(privileged=True)),
    case("a shell in tasks", "no-shell", setting(SERVICE, "enableExecuteCommand", True)),
    case(
        "tags that move",
        "images-immutable",
        setting("ecr.Repository primary-registry-images", "imageTagMutability", "MUTABLE"),
    ),
    case(
        "images nobody scans",
        "images-immutable",
        setting("ecr.Repository primary-registry-images", "imageScanningConfiguration.scanOnPush", False),
    ),
    case(
        "a rollout that stays broken",
        "rollout-returns",
        setting(SERVICE, "deploymentCircuitBreaker.rollback", False),
    ),
    case("a rollout without its alarm", "rollout-returns", setting(SERVICE, "alarms.enable", False)),
    case(
        "a service in one zone",
        "service-spread",
        lambda draft: draft.edit(SERVICE, "networkConfiguration.subnets", lambda subnets: subnets[:1]),
    ),
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
    # Search.
    case(
        "search on x86", "search-graviton", setting(SEARCH, "clusterConfig.instanceType", "r6i.large.search")
    ),
    case(
        "search on small nodes",
        "search-graviton",
        setting(SEARCH, "clusterConfig.instanceType", "m7g.large.search"),
    ),
    case("search in one zone", "search-zones", setting(SEARCH, "clusterConfig.zoneAwarenessEnabled", False)),
    case("nodes that do not fit zones", "search-zones", setting(SEARCH, "clusterConfig.instanceCount", 4)),
    case("no masters", "search-masters", setting(SEARCH, "clusterConfig.dedicatedMasterEnabled", False)),
    case("two masters", "search-masters", setting(SEARCH, "clusterConfig.dedicatedMasterCount", 2)),
    case("search for everybody", "search-access", setting(SEARCH, "advancedSecurityOptions.enabled", False)),
    case(
        "no audit of search",
        "search-logs",
        lambda draft: draft.edit(
            SEARCH,
            "logPublishingOptions",
            lambda logs: [log for log in logs if log["logType"] != "AUDIT_LOGS"],
        ),
    ),
    case(
        "search that does not tune itself",
        "search-tuned",
        setting(SEARCH, "autoTuneOptions.desiredState", "DISABLED"),
    ),
    # Models.
    case(
        "units committed without protection",
        "commitment-guard alarm-coverage",
        adding(
            "aws:bedrock/provisionedModelThroughput:ProvisionedModelThroughput",
            {"commitmentDuration": "OneMonth", "modelUnits": 1},
            GUARDRAIL,
        ),
    ),
    case(
        "an agent whose models have no guardrail",
        "guardrail-attached",
        lambda draft: draft.rewrite(
            "ssm.Parameter primary-model-calls-document",
            "insecureValue",
            lambda said: {**said, "guardrail": None},
        ),
    ),
    case(
        "a guardrail that changes",
        "guardrail-attached",
        lambda draft: draft.rewrite(
            "ssm.Parameter primary-model-calls-document",
            "insecureValue",
            lambda said: {**said, "guardrail": {**said["guardrail"], "version": "DRAFT"}},
        ),
    ),
    case(
        "a guardrail of the other region",
        "guardrail-attached",
        lambda draft: draft.rewrite(
            "ssm.Parameter primary-model-calls-document",
            "insecureValue",
            lambda said: {
                **said,
                "guardrail": {
                    **said["guardrail"],
                    "id": draft.plan.get("standby-guardrail-guardrail").outputs["guardrailId"],
                },
            },
        ),
    ),
    case(
        "a rung of the other region behind the guardrail of this one",
        "guardrail-attached",
        lambda draft: draft.rewrite(
            "ssm.Parameter primary-model-calls-document",
            "insecureValue",
            lambda said: {**said, "guardrails": {}},
        ),
    ),
    case(
        "a Bedrock agent without a guardrail",
        "guardrail-attached",
        adding("aws:bedrock/agentAgent:AgentAgent", {"agentName": "helper"}, GUARDRAIL),
    ),
    case(
        "hate at half strength",
        "guardrail-strong",
        setting(GUARDRAIL, "contentPolicyConfig.filtersConfigs.0.inputStrength", "MEDIUM"),
    ),
    case("no denied topics", "guardrail-strong", dropping(GUARDRAIL, "topicPolicyConfig")),
    case(
        "personal data through the guardrail",
        "guardrail-strong",
        dropping(GUARDRAIL, "sensitiveInformationPolicyConfig"),
    ),
    case("no grounding", "guardrail-strong", dropping(GUARDRAIL, "contextualGroundingPolicyConfig")),
    case(
        "conversations in Bedrock's log",
        "call-log-without-text",
        setting(
            "bedrockmodel.InvocationLoggingConfiguration primary-call-log-switch",
            "loggingConfig.textDataDeliveryEnabled",
            True,
        ),
    ),
    case(
        "a model that is not turned back",
        "endpoint-rollback",
        setting(ROLLOUT, "parameters.Guarded", "false"),
        "full",
    ),
    case(
        "a model turned back by an alarm that is not there",
        "endpoint-rollback",
        setting(ROLLOUT, "parameters.ErrorsAlarm", "nothing"),
        "full",
    ),
    case(
        "a model that gets all traffic at once",
        "endpoint-rollback",
        replacing(ROLLOUT, "templateBody", '"LINEAR"', '"ALL_AT_ONCE"'),
        "full",
    ),
    case(
        "an endpoint of one instance",
        "endpoint-spread",
        setting(VARIANT, "productionVariants.0.initialInstanceCount", 1),
        "full",
    ),
    case(
        "an endpoint that writes down every call",
        "endpoint-captures",
        setting(VARIANT, "dataCaptureConfig.initialSamplingPercentage", 100),
        "full",
    ),
    # Doors.
    case("the edge without a web ACL", "waf-before-door", dropping(EDGE, "webAclId")),
    # What is not associated asks for no header either.
    case(
        "REST without a web ACL",
        "waf-before-door origin-lock",
        removing("wafv2.WebAclAssociation primary-waf-before-rest"),
    ),
    case("a web ACL without SQL injection", "waf-rules", without_rule(WORLD_ACL, "sqli")),
    case(
        "a web ACL that only counts",
        "waf-rules",
        lambda draft: draft.edit(
            WORLD_ACL,
            "rules",
            lambda rules: [
                {**r, "overrideAction": {"count": {}}} if r["name"] == "core-and-xss" else r for r in rules
            ],
        ),
    ),
    case("bodies of any size", "waf-rules", without_rule(WORLD_ACL, "body-size")),
    case("addresses of any reputation", "waf-rules", without_rule(WORLD_ACL, "reputation")),
    case("tickets at any rate", "waf-rate", without_rule(WORLD_ACL, "rate-tickets")),
    case("REST at any rate", "waf-rate", without_rule(WORLD_ACL, "rate-rest")),
    case(
        "a web ACL without a log",
        "waf-logged",
        removing("wafv2.WebAclLoggingConfiguration world-waf-logging"),
    ),
    case(
        "tokens in the log of a web ACL",
        "waf-logged",
        setting(
            "wafv2.WebAclLoggingConfiguration world-waf-logging", "redactedFields", [{"queryString": {}}]
        ),
    ),
    case(
        "REST past CloudFront",
        "origin-lock",
        without_rule("wafv2.WebAcl primary-waf-acl", "only-our-distribution"),
    ),
    case(
        "sockets past CloudFront",
        "origin-lock",
        setting(
            "apigatewayv2.Authorizer primary-websocket-authorizer",
            "identitySources",
            ["route.request.header.Sec-WebSocket-Protocol"],
        ),
    ),
    case("an origin asked without the header", "origin-lock", dropping(EDGE, "origins.1.customHeaders")),
    case(
        "a bucket read without a signature", "origin-lock", dropping(EDGE, "origins.0.originAccessControlId")
    ),
    # Who need not be authorised is not asked for the header either.
    case(
        "sockets without a ticket",
        "door-asks origin-lock",
        both(
            setting("apigatewayv2.Route primary-websocket-connect-route", "authorizationType", "NONE"),
            dropping("apigatewayv2.Route primary-websocket-connect-route", "authorizerId"),
        ),
    ),
    case(
        "REST without a key",
        "door-asks",
        lambda draft: draft.rewrite(
            "apigateway.RestApi primary-rest-api",
            "body",
            lambda body: body["paths"]["/guest/ticket"]["post"].update(security=[]),
        ),
    ),
    case(
        "sockets at any rate",
        "door-throttled",
        dropping("apigatewayv2.Stage primary-websocket-stage", "defaultRouteSettings.throttlingRateLimit"),
    ),
    case(
        "a client at any rate",
        "door-throttled",
        dropping("apigateway.UsagePlan primary-rest-app-plan", "throttleSettings"),
    ),
    case(
        "REST methods at any rate",
        "door-throttled",
        removing("apigateway.MethodSettings primary-rest-every-settings"),
    ),
    case(
        "REST without an access log",
        "door-logged",
        dropping("apigateway.Stage primary-rest-stage", "accessLogSettings"),
    ),
    case(
        "bodies in the log of REST",
        "door-logged",
        setting("apigateway.MethodSettings primary-rest-every-settings", "settings.dataTraceEnabled", True),
    ),
    case(
        "the edge without a log",
        "door-logged",
        removing("cloudwatch.LogDeliverySource world-edge-log-source"),
    ),
    # Access.
    case(
        "every action",
        "iam-exact-actions iam-pass-role",
        allowing(GRANTS, Action="*", Resource="arn:aws:s3:::a"),
    ),
    case(
        "every action on tables",
        "iam-exact-actions",
        allowing(GRANTS, Action="dynamodb:*", Resource="arn:aws:dynamodb:us-east-1:123456789012:table/a"),
    ),
    case(
        "every way to read secrets",
        "iam-exact-actions",
        allowing(
            GRANTS,
            Action="secretsmanager:Get*",
            Resource="arn:aws:secretsmanager:us-east-1:123456789012:secret:a",
        ),
    ),
    case(
        "everything but one",
        "iam-exact-actions",
        allowing(GRANTS, NotAction="iam:*", Resource="arn:aws:s3:::a"),
    ),
    case("every table", "iam-exact-data", allowing(GRANTS, Action="dynamodb:GetItem", Resource="*")),
    case(
        "every model",
        "iam-exact-data call-guarded",
        allowing(GRANTS, Action="bedrock:InvokeModel", Resource=["*"]),
    ),
    case("any role to any service", "iam-pass-role", allowing(GRANTS, Action="iam:PassRole", Resource="*")),
    case(
        "one role to any service",
        "iam-pass-role",
        allowing(GRANTS, Action="iam:PassRole", Resource="arn:aws:iam::123456789012:role/one"),
    ),
    case(
        "a role for a service of anybody",
        "iam-trust-tied",
        lambda draft: draft.rewrite(
            ROLE, "assumeRolePolicy", lambda said: said["Statement"][0].pop("Condition") and None
        ),
    ),
    case(
        "a role for anybody",
        "iam-trust-tied",
        allowing(ROLE, "assumeRolePolicy", Principal="*", Action="sts:AssumeRole"),
    ),
    case(
        "a bucket for everybody",
        "policy-tied",
        allowing(f"s3.BucketPolicy {DOCUMENTS}-policy", Principal="*", Action="s3:GetObject", Resource="*"),
    ),
    case(
        "a queue for a service of anybody",
        "policy-tied",
        allowing(
            "sqs.QueuePolicy primary-ingest-queue-policy",
            Principal={"Service": "events.amazonaws.com"},
            Action="sqs:SendMessage",
            Resource="*",
        ),
    ),
    case(
        "a key for everybody",
        "policy-tied",
        allowing("kms.Key primary-keys-agent", Principal={"AWS": "*"}, Action="kms:Decrypt", Resource="*"),
    ),
    case(
        "an endpoint for every account",
        "endpoint-tied",
        dropping("ec2.VpcEndpoint primary-endpoints-bedrock-runtime", "policy"),
    ),
    case(
        "a function for a service of anybody",
        "invoke-tied",
        both(
            *(
                dropping("lambda.Permission primary-websocket-may-authorise", key)
                for key in ("sourceArn", "sourceAccount")
            )
        ),
    ),
    case("a user", "iam-no-keys", adding("aws:iam/user:User", {"name": "robot"}, ROLE)),
    case("a long-lived key", "iam-no-keys", adding("aws:iam/accessKey:AccessKey", {"user": "robot"}, ROLE)),
    case(
        "an administrator",
        "iam-no-administrator",
        setting(ROLE, "managedPolicyArns", ["arn:aws:iam::aws:policy/AdministratorAccess"]),
    ),
    # Secrets.
    case(
        "an access key in an input",
        "no-secret-in-clear",
        setting("ssm.Parameter primary-models-settings", "description", "AKIA" + "ABCDEFGHIJKLMNOP"),
    ),
    case(
        "a password in an input",
        "no-secret-in-clear",
        setting("secretsmanager.SecretVersion world-origin-1-value", "secretString", "plain"),
    ),
    case("a password in a task", "no-secret-in-environment", with_variable("DB_PASSWORD", "hunter2")),
    case(
        "a secret in a function",
        "no-secret-in-environment",
        setting(SCAN, "environment", {"variables": {"HARMLESS": Secret("hunter2")}}),
    ),
    case(
        "a token in AgentCore",
        "no-secret-in-environment",
        setting(RUNTIME, "environmentVariables.PAGER_TOKEN", "abcdef"),
        "full",
    ),
    case(
        "a secret in a parameter anybody reads",
        "parameter-sealed",
        setting("ssm.Parameter primary-models-settings", "insecureValue", Secret("{}")),
    ),
    case(
        "a sealed parameter with AWS's key",
        "parameter-sealed",
        dropping("ssm.Parameter primary-canary-key", "keyId"),
    ),
    # Alarms.
    case(
        "an alarm nobody hears",
        "alarm-acts",
        setting("cloudwatch.MetricAlarm primary-alarms-bedrock-throttled", "alarmActions", []),
    ),
    case(
        "an alarm that is switched off",
        "alarm-acts",
        setting("cloudwatch.MetricAlarm primary-alarms-bedrock-throttled", "actionsEnabled", False),
    ),
    case(
        "an alarm into a topic that is not there",
        "alarm-acts",
        setting(
            "cloudwatch.MetricAlarm primary-alarms-bedrock-throttled",
            "alarmActions",
            ["arn:aws:sns:us-east-1:123456789012:nowhere"],
        ),
    ),
    case("an alarm that says nothing of missing data", "alarm-decides", dropping(ALARM, "treatMissingData")),
    case("an alarm that can never fire", "alarm-decides", setting(ALARM, "datapointsToAlarm", 9)),
    case("an alarm without a runbook", "alarm-runbook", dropping(ALARM, "tags")),
    case(
        "an alarm with a runbook that is not there",
        "alarm-runbook",
        setting(ALARM, "tags.Runbook", "call-bob"),
    ),
    case("an alarm that says another runbook", "alarm-runbook", setting(ALARM, "tags.Runbook", "cost-spike")),
    case("a table nobody watches", "alarm-coverage", all_alarms_of("TableName", "concierge-prod-orders")),
    case("search nobody watches", "alarm-coverage", all_alarms_of("DomainName", "concierge-prod-search")),
    case(
        "a service nobody watches",
        "alarm-coverage",
        all_alarms_of("ServiceName", "concierge-prod-rest"),
        "full",
    ),
    case(
        "an endpoint nobody watches",
        "alarm-coverage",
        lambda draft: draft.remove_where(
            "cloudwatch.MetricAlarm",
            lambda alarm: (
                alarm.inputs.get("dimensions", {}).get("EndpointName") == "concierge-prod-intent"
                and "rollback" not in alarm.name
            ),
        ),
        "full",
    ),
    # Operations.
    case(
        "logs for ever",
        "log-retention",
        dropping("cloudwatch.LogGroup primary-agent-chat-log", "retentionInDays"),
    ),
    case(
        "logs for ten years",
        "log-retention",
        setting("cloudwatch.LogGroup primary-agent-chat-log", "retentionInDays", 3653),
    ),
    case("a log nobody declared", "log-declared", removing("cloudwatch.LogGroup primary-agent-chat-log")),
    case("no trail", "audit-trail bucket-own-key", removing(TRAIL)),
    case("a trail of one region", "trail-complete", setting(TRAIL, "isMultiRegionTrail", False)),
    case("a trail that proves nothing", "trail-complete", dropping(TRAIL, "enableLogFileValidation")),
    case("a trail that is off", "trail-complete", setting(TRAIL, "enableLogging", False)),
    case(
        "reads of the vault unseen",
        "vault-reads-recorded",
        lambda draft: draft.edit(
            TRAIL, "advancedEventSelectors", lambda said: [one for one in said if one["name"] != "tables"]
        ),
    ),
    case(
        "a region without recording",
        "config-records",
        setting("cfg.RecorderStatus standby-rules-on", "isEnabled", False),
    ),
    case(
        "a region without a pack of rules",
        "config-records",
        removing("cfg.ConformancePack primary-rules-cis"),
    ),
    case(
        "a region without an analyser",
        "access-analyzer",
        lambda draft: draft.remove_where(
            "accessanalyzer.Analyzer", lambda analyzer: analyzer.region == "us-west-2"
        ),
    ),
    case(
        "resources without an owner",
        "owner-tags",
        replacing("aws aws-primary", "defaultTags", '"Owner"', '"Who"'),
    ),
    case("no budget", "budget-told", removing("budgets.Budget primary-budgets-month")),
    case(
        "a budget nobody hears of at 80 %",
        "budget-told",
        setting("budgets.Budget primary-budgets-month", "notifications.0.subscriberSnsTopicArns", []),
    ),
    case(
        "an experiment nothing stops",
        "experiment-stops",
        setting(EXPERIMENT, "stopConditions", [{"source": "none"}]),
        "full",
    ),
    case(
        "an experiment stopped by an alarm that is not there",
        "experiment-stops",
        setting(EXPERIMENT, "stopConditions.0.value", "arn:aws:cloudwatch:us-east-1:123456789012:alarm:gone"),
        "full",
    ),
    case(
        "an experiment that may hit nothing",
        "experiment-stops",
        setting(EXPERIMENT, "experimentOptions.emptyTargetResolutionMode", "skip"),
        "full",
    ),
    case(
        "a queue without dead letters",
        "queue-redrives",
        dropping("sqs.Queue primary-ingest-queue", "redrivePolicy"),
    ),
    case(
        "dead letters gone in a day",
        "queue-redrives",
        setting("sqs.Queue primary-ingest-dead", "messageRetentionSeconds", 86_400),
    ),
    # What a reader of the requirements found missing.
    case("a stream whose key is not used", "rest-own-key", setting(STREAM, "encryptionType", "NONE")),
    case("the vault on the tables' key", "vault-key-apart", vault_on_the_key_of_orders),
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
    case(
        "a role for another account",
        "iam-trust-tied",
        allowing(
            ROLE,
            "assumeRolePolicy",
            Principal={"AWS": "arn:aws:iam::210987654321:root"},
            Action="sts:AssumeRole",
        ),
    ),
    case(
        "the office into search",
        "ingress-by-group",
        setting(
            "vpc.SecurityGroupIngressRule primary-groups-agent-to-search-443-in", "cidrIpv4", "10.0.0.0/8"
        ),
    ),
    case(
        "a range of ports",
        "ingress-by-group",
        setting("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", "toPort", 65535),
    ),
    case(
        "every protocol",
        "ingress-by-group",
        setting("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", "ipProtocol", "-1"),
    ),
    case(
        "a runtime outside the network",
        "workload-private",
        setting(RUNTIME, "networkConfiguration", {"networkMode": "PUBLIC"}),
        "full",
    ),
    case(
        "bodies of any shape",
        "door-validates",
        replacing(
            "apigateway.RestApi primary-rest-api",
            "body",
            '"validateRequestBody": true',
            '"validateRequestBody": false',
        ),
    ),
    case(
        "tokens in addresses",
        "tokens-not-in-addresses",
        setting("cognito.UserPoolClient primary-identity-client-services", "allowedOauthFlows", ["implicit"]),
    ),
    case(
        "a failover that nothing starts",
        "failover-checked",
        dropping("route53.Record world-dns-rest-primary", "healthCheckId"),
    ),
    case(
        "a cache user without a password",
        "cache-user-asked",
        setting("elasticache.User primary-cache-nobody", "accessString", "on ~* &* +@all"),
    ),
    case("a call that may leave the guardrail out", "call-guarded", without_guardrail),
    case(
        "an endpoint that shrinks to one instance",
        "endpoint-spread",
        setting("appautoscaling.Target primary-inference-intent-scaling-bounds", "minCapacity", 1),
        "full",
    ),
    case(
        "new connections nobody counts",
        "connections-alarmed",
        removing("cloudwatch.MetricAlarm primary-alarms-ws-new-connections"),
    ),
    case(
        "a machine without a log",
        "machine-logged",
        dropping("sfn.StateMachine primary-events-event-up", "loggingConfiguration"),
    ),
]
# Fires in prod as it is, where nobody is named who listens; tests/policies/test_rules.py shows both sides.
KNOWN = {"topic-heard"}


@pytest.mark.parametrize("broken", CASES, ids=lambda broken: broken.what)
def test_what_is_broken_is_found_by_the_rule_it_breaks(broken: Case, request: pytest.FixtureRequest):
    sound: Plan = request.getfixturevalue(broken.plan)
    draft = Draft(sound)

    broken.change(draft)

    assert fired(sound, draft) == broken.rules


def test_every_rule_catches_something():
    caught = {rule for broken in CASES for rule in broken.rules}

    assert set(RULES) - caught == KNOWN


def test_no_two_mutations_are_called_the_same():
    assert len({broken.what for broken in CASES}) == len(CASES)
