"""An AWS account that has all an estate needs, and ways to take something from it.

moto answers what it knows; the rest (service quotas, Bedrock, forecasts) is answered here, before a request
is sent. Every call is written down, so that a test can hold the policy against it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import boto3

from contract.models import models
from plan.model import Plan, Resource
from plan.preflight import Facts, Wishes, quotas, roles

PRIMARY, STANDBY = "us-east-1", "us-west-2"
ACCOUNT = "123456789012"  # moto's own
OURS = {"Project": "concierge", "Stack": "prod"}
MANIFEST = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}
PLENTY = 100_000.0
WISHES = Wishes(account=ACCOUNT, messages_per_second=10, budget_usd=100_000)

# (region, request) -> (status, answer)
Reply = Callable[[str, Mapping[str, Any]], tuple[int, dict[str, Any]]]


MAY_CALL = {
    "agreementAvailability": {"status": "AVAILABLE"},
    "authorizationStatus": "AUTHORIZED",
    "entitlementAvailability": "AVAILABLE",
    "regionAvailability": "AVAILABLE",
}


def tokens(model: str, unit: str = "tokens") -> str:
    """What Service Quotas calls the tokens a minute of a model that is called through its profile."""
    return f"Cross-region model inference {unit} per minute for Anthropic Claude {model} V1"


def always(answer: dict[str, Any], status: int = 200) -> Reply:
    """The same answer, whatever is asked."""
    return lambda *_: (status, answer)


@dataclass
class Account:
    """Ready for the estate of `plan` until something is planted in it."""

    plan: Plan
    session: boto3.Session = field(
        default_factory=lambda: boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=PRIMARY
        )
    )
    wishes: Wishes = WISHES
    calls: set[tuple[str, str]] = field(default_factory=set)
    granted: dict[tuple[str, str], float] = field(default_factory=dict)
    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.session.events.register("before-call", self._before)
        self.replies |= _scripted(self)

    @property
    def facts(self) -> Facts:
        return Facts(self.plan, self.session, self.wishes)

    def client(self, service: str, region: str = PRIMARY) -> Any:
        make: Callable[..., Any] = boto3.client
        return make(service, region_name=region, aws_access_key_id="test", aws_secret_access_key="test")

    def refuse(self, service: str, operation: str, code: str, message: str = "") -> None:
        """From now on AWS refuses this call."""
        self.replies[service, operation] = always({"Error": {"Code": code, "Message": message}}, 400)

    def change(self, name: str, **inputs: Any) -> None:
        """The plan with other inputs of one resource."""
        wanted = self.plan.get(name)
        changed = replace(wanted, inputs={**wanted.inputs, **inputs})
        resources = tuple(changed if r is wanted else r for r in self.plan.resources)
        self.plan = replace(self.plan, resources=resources)

    def declare(self, token: str, name: str, inputs: Mapping[str, Any], region: str = PRIMARY) -> None:
        """The plan with one more resource."""
        urn = f"urn:pulumi:prod::concierge::{token}::{name}"
        added = Resource(urn, token, name, f"{name}-id", True, None, None, region, inputs, {})
        self.plan = replace(self.plan, resources=(*self.plan.resources, added))

    def _before(self, model: Any, params: Mapping[str, Any], context: Mapping[str, Any], **_: Any) -> Any:
        service = model.service_model.service_name
        self.calls.add((service, model.name))
        reply = self.replies.get((service, model.name))
        if reply is None:
            return None
        body = params.get("body")
        request = json.loads(body) if body and isinstance(body, (str, bytes)) else {}
        status, answer = reply(context["client_region"], {**request, "path": params["url_path"]})
        metadata = {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}, "RequestId": "r"}}
        return SimpleNamespace(status_code=status, headers={}), {**answer, **metadata}


def _scripted(account: Account) -> dict[tuple[str, str], Reply]:
    def quota(region: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        return 200, {"Quota": {"Value": account.granted.get((region, request["QuotaCode"]), PLENTY)}}

    def defaults(region: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        names = [row.name for row in quotas.rows().values() if row.name]
        names += [tokens(key) for key in models()] + [tokens(key, "requests") for key in models()]
        values = [{"QuotaName": name, "Value": PLENTY * 1000} for name in names]
        return 200, {"Quotas": values}

    def applied(region: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        found = [(name, value) for (where, name), value in account.granted.items() if where == region]
        return 200, {"Quotas": [{"QuotaName": name, "Value": value} for name, value in found]}

    def foundation_model(region: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        asked = unquote(request["path"]).rpartition("/")[2]
        kind = next(key for key, model in models().items() if model.id == asked)
        return 200, {
            "modelDetails": {
                "modelName": f"Claude {kind}",
                "inferenceTypesSupported": ["INFERENCE_PROFILE"],
                "modelLifecycle": {"status": "ACTIVE", "endOfLifeTime": datetime(2099, 1, 1, tzinfo=UTC)},
            }
        }

    def endpoint_services(region: str, request: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        wanted = {
            r.inputs["serviceName"]
            for r in account.plan.of_type("ec2.VpcEndpoint")
            if r.region == region and r.inputs["vpcEndpointType"] == "Interface"
        }
        zones = [f"{region}{letter}" for letter in "abcdef"]
        return 200, {"ServiceDetails": [{"ServiceName": name, "AvailabilityZones": zones} for name in wanted]}

    return {
        ("service-quotas", "GetServiceQuota"): quota,
        ("service-quotas", "ListAWSDefaultServiceQuotas"): defaults,
        ("service-quotas", "ListServiceQuotas"): applied,
        ("bedrock", "GetFoundationModel"): foundation_model,
        ("bedrock", "GetFoundationModelAvailability"): always(MAY_CALL),
        ("bedrock", "GetInferenceProfile"): always({"status": "ACTIVE"}),
        ("ec2", "DescribeVpcEndpointServices"): endpoint_services,
        ("ce", "GetCostForecast"): always({"Total": {"Amount": "1200.5"}}),
    }


def seeded(plan: Plan) -> Account:
    """An account in which `plan` may be put up: zone, image, roles and budget are there."""
    account = Account(plan)
    zone = account.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    use_zone(account, zone["HostedZone"]["Id"].rpartition("/")[2])
    digest = push(account, PRIMARY)
    push(account, STANDBY)
    use_image(account, digest)
    made = {r.inputs["awsServiceName"] for r in plan.of_type("iam.ServiceLinkedRole")}
    for name, role in roles.rows().items():
        if role.service not in made:
            account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    limit = {"Amount": "100000", "Unit": "USD"}
    account.client("budgets").create_budget(
        AccountId=ACCOUNT,
        Budget={"BudgetName": "all", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit},
    )
    return account


def use_zone(account: Account, zone: str) -> None:
    """Every record of the plan goes into this zone."""
    for record in account.plan.of_type("route53.Record"):
        account.change(record.name, zoneId=zone)


def push(account: Account, region: str, tag: str = "1") -> str:
    """An image in the agent's repository of a region; its digest."""
    client = account.client("ecr", region)
    known = [r["repositoryName"] for r in client.describe_repositories()["repositories"]]
    if "concierge-prod-agent" not in known:
        client.create_repository(repositoryName="concierge-prod-agent")
    manifest = json.dumps({**MANIFEST, "annotations": {"build": tag}})
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    client.put_image(
        repositoryName="concierge-prod-agent", imageTag=tag, imageManifest=manifest, imageDigest=digest
    )
    return digest


def use_image(account: Account, digest: str) -> None:
    """Every task of the plan starts this image."""
    for definition in account.plan.of_type("ecs.TaskDefinition"):
        text = definition.inputs["containerDefinitions"]
        account.change(definition.name, containerDefinitions=text.replace("sha256:" + "0" * 64, digest))
