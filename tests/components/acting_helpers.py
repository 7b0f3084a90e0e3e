"""Ingest, experiments, pipelines and load fleet of a small shop, as plans; and what their checks share."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pulumi

from components.alarms import Watch
from components.delivery import Delivery, DeliveryArgs, Deployer
from components.faults import Faults, FaultsArgs, Ground
from components.grants import Grant
from components.ingest import Ingest, IngestArgs
from components.ingest_bulk import IngestBulk, IngestBulkArgs
from components.load_fleet import LoadFleet, LoadFleetArgs
from contract.alarms import Widget
from plan import Plan, Resource
from tests.components.data_helpers import (
    ACCOUNT,
    HARMLESS,
    Check,
    noticed,
    options,
    place,
    planned,
    replaced,
    statements,
    without,
)

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
KEYS = {
    what: f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{what}" for what in ("ingest", "objects", "logs", "notices")
}
DOCUMENTS, AGENT = "concierge-shop-documents", "concierge-shop-agent"
HERE = {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/concierge-shop-sessions"
REPOSITORY = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/concierge-shop-agent"
DEPLOYERS = {
    stack: f"arn:aws:iam::{number * 12}:role/deployer" for stack, number in (("dev", "1"), ("prod", "2"))
}
Made = tuple[Plan, tuple[Watch, ...], tuple[Widget, ...]]


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"


def watched(build: Callable[[pulumi.ResourceOptions], Any]) -> Made:
    """The plan of one component, its alarms and its widgets."""
    found: list[Any] = []

    def program() -> None:
        made = build(options(["primary"])["primary"])
        found[:] = [made.alarms(), made.widgets()]

    made = planned(program)
    return made, tuple(found[0]), tuple(found[1])


@cache
def ingest() -> Made:
    def build(opts: pulumi.ResourceOptions) -> Ingest:
        args = IngestArgs(
            environment="shop",
            place=place("primary"),
            bucket=DOCUMENTS,
            bucket_arn=f"arn:aws:s3:::{DOCUMENTS}",
            bucket_key_arn=KEYS["objects"],
            key_arn=KEYS["ingest"],
            visible_s=900,
            tries=5,
            keep_days=7,
            late_s=3_600,
            backlog=10_000,
        )
        made = Ingest("ingest", args, opts)
        pulumi.export("take", [grant.statement() for grant in made.grants()])
        pulumi.export("send", [grant.statement() for grant in made.send()])
        pulumi.export("variables", dict(made.variables()))
        return made

    return watched(build)


@cache
def bulk() -> Made:
    def build(opts: pulumi.ResourceOptions) -> IngestBulk:
        args = IngestBulkArgs(
            environment="shop",
            place=place("primary"),
            bucket=DOCUMENTS,
            bucket_arn=f"arn:aws:s3:::{DOCUMENTS}",
            results_bucket=AGENT,
            results_arn=f"arn:aws:s3:::{AGENT}",
            bucket_key_arn=KEYS["objects"],
            queue_url="https://queue.example/ingest",
            send=[Grant("SendMessages", ["sqs:SendMessage"], [arn("sqs", "concierge-shop-ingest")])],
            log_days=30,
            log_key_arn=KEYS["logs"],
            boundary=BOUNDARY,
        )
        return IngestBulk("bulk", args, opts)

    return watched(build)


def fault_args(**changed: Any) -> FaultsArgs:
    args = FaultsArgs(
        environment="shop",
        place=place("primary"),
        ground=Ground(
            zone="use1-az1",
            vpc="vpc-1",
            bedrock_endpoint="primary-endpoints-bedrock-runtime",
            cluster="concierge-shop",
            chat="concierge-shop-chat",
            cache="concierge-shop",
            tables=[TABLE],
        ),
        able=frozenset({"replica", "standby"}),
        stop_alarms=["concierge-shop-canary-region"],
        minutes=10,
        log_days=30,
        log_key_arn=KEYS["logs"],
        boundary=BOUNDARY,
    )
    return replace(args, **changed)


@cache
def faults() -> Made:
    def build(opts: pulumi.ResourceOptions) -> Faults:
        made = Faults("faults", fault_args(), opts)
        pulumi.export("templates", made.templates)
        return made

    return watched(build)


@cache
def delivery() -> Made:
    def build(opts: pulumi.ResourceOptions) -> Delivery:
        args = DeliveryArgs(
            environment="shop",
            place=place("primary"),
            provider="GitHub",
            repository="shop/concierge",
            branch="main",
            first=Deployer(stack="dev", role_arn=DEPLOYERS["dev"]),
            last=Deployer(stack="prod", role_arn=DEPLOYERS["prod"]),
            state_url="s3://state",
            repositories=[REPOSITORY],
            cli_image="pulumi@sha256:0",
            cli_repository_arn=None,
            topic_arn=arn("sns", "concierge-shop-ticket"),
            topic_key_arn=KEYS["notices"],
            bucket_key_arn=KEYS["objects"],
            access_log_bucket="access-logs",
            log_days=30,
            log_key_arn=KEYS["logs"],
            boundary=BOUNDARY,
        )
        return Delivery("delivery", args, opts)

    return watched(build)


@cache
def fleet() -> Made:
    def build(opts: pulumi.ResourceOptions) -> LoadFleet:
        args = LoadFleetArgs(
            environment="shop",
            place=place("primary"),
            image="load@sha256:0",
            repository_arn=REPOSITORY,
            workers=12,
            worker_cpu=1024,
            worker_memory_mb=2048,
            scenario="prime-day",
            target="https://shop.example",
            namespace_id="ns-1",
            domain="shop.concierge.internal",
            subnet_ids=["subnet-a", "subnet-b"],
            security_group_id="sg-load",
            bucket_key_arn=KEYS["objects"],
            access_log_bucket="access-logs",
            log_days=7,
            log_key_arn=KEYS["logs"],
            boundary=BOUNDARY,
        )
        return LoadFleet("fleet", args, opts)

    return watched(build)


def granted(plan: Plan, role: str) -> dict[str, dict[str, Any]]:
    """What a role may do, and that it is this role that may."""
    policy = plan.get(f"{role}-grants")
    assert policy.inputs["role"] == plan.get(f"{role}-role").inputs["name"], policy.name
    return statements(policy)


def allows(plan: Plan, role: str) -> dict[str, Any]:
    """sid -> actions, resources and, where there is one, the condition."""
    return {
        sid: tuple(s[key] for key in ("Action", "Resource", "Condition") if key in s)
        for sid, s in granted(plan, role).items()
    }


def taken_by(plan: Plan, role: str, service: str, *for_arns: str) -> None:
    """The role is bounded, ours by name, and lent to one service for one thing."""
    inputs = plan.get(f"{role}-role").inputs
    assert inputs["name"].startswith("concierge-shop-us-east-1-"), role
    assert inputs["permissionsBoundary"] == BOUNDARY, role
    (trust,) = json.loads(inputs["assumeRolePolicy"])["Statement"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": f"{service}.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": list(for_arns) if service != "ecs-tasks" else for_arns[0]},
        },
    }, role


def logs(plan: Plan, names: Mapping[str, str], days: int) -> None:
    """Logs are encrypted with our key and kept for a while."""
    for resource, name in names.items():
        inputs = plan.get(resource).inputs
        assert (inputs["name"], inputs["retentionInDays"]) == (name, days)
        assert inputs["kmsKeyId"] == KEYS["logs"]


def unnoticed_of_ours(plan: Plan, checks: Sequence[Check], elsewhere: Sequence[str] = ()) -> list[str]:
    """Inputs and resources that can go missing unseen; `elsewhere`: prefixes of what has its own tests."""

    def ours(resource: Resource) -> bool:
        return not any(resource.name.startswith(prefix) for prefix in elsewhere)

    own = [resource for resource in plan.cloud if ours(resource)]
    assert own
    missing = [
        f"{resource.label}: {key}"
        for resource in own
        for key in sorted(set(resource.inputs) - HARMLESS)
        if not noticed(without(plan, resource, key), checks)
    ]
    return [*missing, *(r.label for r in own if not noticed(replaced(plan, r, None), checks))]


def loosened_policy(plan: Plan, name: str, key: str, sid: str, **parts: Any) -> Plan:
    """One statement of a policy changed; a part that is None is taken out."""
    found = plan.get(name)
    document = json.loads(found.inputs[key])
    said = next(s for n, s in enumerate(document["Statement"]) if s.get("Sid", str(n)) == sid)
    said.update(parts)
    for part in [part for part, value in parts.items() if value is None]:
        del said[part]
    return replaced(plan, found, replace(found, inputs={**found.inputs, key: json.dumps(document)}))


def caught(plan: Plan, check: Check) -> bool:
    return noticed(plan, [check])
