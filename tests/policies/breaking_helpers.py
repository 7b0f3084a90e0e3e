"""Ways to break one thing in a sound plan, and the names of the things the cases break (`broken/`)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.policies.mutation_helpers import Draft

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
        asked = [query.get("metric", {}) for query in alarm.inputs.get("metricQueries", ())]
        return any(part.get("dimensions", {}).get(dimension) == value for part in (alarm.inputs, *asked))

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
