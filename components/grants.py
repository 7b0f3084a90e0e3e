"""What a role may do, as data: exact actions on exact ARNs (RUN-17).

A grant with a wildcard among its actions does not construct, nor one on every resource without a condition.
Who gets which grant is decided where roles are made; nothing here makes a resource.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pulumi import Input, Output

from components.place import Place
from contract.metrics import NAMESPACE
from contract.models import Model

EVERYTHING = "*"
Conditions = Mapping[str, Mapping[str, Any]]

_TABLE_READS = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
_TABLE_WRITES = (
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)


@dataclass(frozen=True)
class Grant:
    """One statement of a policy."""

    sid: str
    actions: Sequence[str]
    resources: Sequence[Input[str]]
    conditions: Conditions = field(default_factory=dict)

    def __post_init__(self) -> None:
        if wild := [action for action in self.actions if EVERYTHING in action]:
            raise ValueError(f"grant {self.sid}: name the actions instead of {', '.join(wild)}")
        if not self.actions or not self.resources:
            raise ValueError(f"grant {self.sid}: names no action or no resource")
        everything = any(isinstance(r, str) and r == EVERYTHING for r in self.resources)
        if everything and not self.conditions:
            raise ValueError(f"grant {self.sid}: on every resource needs a condition")

    def statement(self) -> dict[str, Any]:
        conditions = {"Condition": self.conditions} if self.conditions else {}
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
            **conditions,
        }


@dataclass(frozen=True)
class TableUse:
    """A table, those of its indexes that are queried, and whether it is written."""

    arn: Input[str]
    indexes: Sequence[str] = ()
    access: Literal["read", "write"] = "read"


def policy(grants: Iterable[Grant]) -> Output[str]:
    """Grants of the same actions under the same conditions become one statement: a policy may not be long."""
    together: list[Grant] = []
    for grant in grants:
        for place, other in enumerate(together):
            if other.actions == grant.actions and other.conditions == grant.conditions:
                together[place] = replace(other, resources=[*other.resources, *grant.resources])
                break
        else:
            together.append(grant)
    return Output.json_dumps({"Version": "2012-10-17", "Statement": [each.statement() for each in together]})


def invoke_models(place: Place, models: Iterable[Model]) -> list[Grant]:
    """Streaming calls of these models: directly, or where there is a profile only through that."""
    grants: list[Grant] = []
    direct: list[Input[str]] = []
    for model in models:
        profile = model.profile.get(place.region)
        if profile is None:
            direct.append(place.ownerless_arn("bedrock", f"foundation-model/{model.id}"))
        else:
            grants += _through_profile(place, model, profile)
    if direct:
        grants.append(Grant("InvokeModels", [INVOKE], direct))
    return grants


INVOKE = "bedrock:InvokeModelWithResponseStream"


def _through_profile(place: Place, model: Model, profile: str) -> list[Grant]:
    """The profile here, and the model wherever the profile may go; the model alone stays closed."""
    arn = place.arn("bedrock", f"inference-profile/{profile}")
    behind = [
        place.ownerless_arn("bedrock", f"foundation-model/{model.id}", region=region)
        for region in spans(profile)
    ]
    word = model.key.title()
    return [
        Grant(f"InvokeProfile{word}", [INVOKE], [arn]),
        Grant(
            f"BehindProfile{word}", [INVOKE], behind, {"StringEquals": {"bedrock:InferenceProfileArn": arn}}
        ),
    ]


def spans(profile: str) -> Sequence[str]:
    """Regions an inference profile may send a call to."""
    if profile not in _profiles():
        raise ValueError(
            f"inference profile {profile}: list its regions in components/inference_profiles.toml"
        )
    regions: Sequence[str] = _profiles()[profile]["regions"]
    return regions


@cache
def _profiles() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("inference_profiles.toml").read_text(encoding="utf-8"))


def read_parameters(arns: Sequence[Input[str]]) -> Grant:
    return Grant("ReadParameters", ["ssm:GetParameter"], arns)


def use_tables(uses: Iterable[TableUse]) -> list[Grant]:
    """Whole items by key, and queries on the indexes that are named."""
    grants = []
    for number, use in enumerate(uses):
        actions = (*_TABLE_READS, *(_TABLE_WRITES if use.access == "write" else ()))
        grants.append(Grant(f"Table{number}", actions, [use.arn]))
        if use.indexes:
            indexes = [Output.concat(use.arn, f"/index/{index}") for index in use.indexes]
            grants.append(Grant(f"Table{number}Indexes", ["dynamodb:Query"], indexes))
    return grants


def use_key(place: Place, key_arn: Input[str], services: Sequence[str]) -> Grant:
    """A key as used by these services on the role's behalf; never by the role itself."""
    via = [f"{service}.{place.region}.amazonaws.com" for service in services]
    actions = ["kms:Decrypt", "kms:GenerateDataKey"]
    return Grant("UseKey", actions, [key_arn], {"StringEquals": {"kms:ViaService": via}})


def tell_metrics(namespace: str = NAMESPACE) -> Grant:
    """Metrics have no ARN; the namespace is the only fence there is."""
    condition = {"StringEquals": {"cloudwatch:namespace": namespace}}
    return Grant("TellMetrics", ["cloudwatch:PutMetricData"], [EVERYTHING], condition)


def trace(place: Place) -> Grant:
    """X-Ray takes no ARN and has no condition key of its own: what is left is the region."""
    actions = [
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ]
    return Grant("Trace", actions, [EVERYTHING], here(place))


def protect_task(place: Place, cluster: str, cluster_arn: Input[str]) -> Grant:
    """A task asks the agent beside it for scale-in protection while it is busy (RUN-20)."""
    tasks = place.arn("ecs", f"task/{cluster}/*")
    condition = {"ArnEquals": {"ecs:cluster": cluster_arn}}
    return Grant("ProtectTask", ["ecs:UpdateTaskProtection"], [tasks], condition)


def exec_channel(place: Place) -> Grant:
    """`aws ecs execute-command` into a task. The channel has no ARN."""
    actions = [
        f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")
    ]
    return Grant("ExecChannel", actions, [EVERYTHING], here(place))


def pull_image(place: Place, repository_arn: Input[str]) -> list[Grant]:
    """Logging in has no ARN; the layers have."""
    layers = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    return [
        Grant("RegistryLogin", ["ecr:GetAuthorizationToken"], [EVERYTHING], here(place)),
        Grant("PullImage", layers, [repository_arn]),
    ]


def write_logs(group_arn: Input[str]) -> Grant:
    streams = Output.concat(group_arn, ":log-stream:*")
    return Grant("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [streams])


def read_secrets(arns: Sequence[Input[str]]) -> Grant:
    return Grant("ReadSecrets", ["secretsmanager:GetSecretValue"], arns)


def here(place: Place) -> Conditions:
    """The one fence around actions that take no ARN and know no condition of their own."""
    return {"StringEquals": {"aws:RequestedRegion": place.region}}
