"""The data components of a small shop in two regions, as a plan; and how a plan is looked at and loosened."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws

import plan
from components.alarms import Watch
from components.buckets import Buckets, BucketsArgs
from components.cache import Cache, CacheArgs
from components.keys import Keys, KeysArgs
from components.place import Place
from components.stream import Stream, StreamArgs
from components.table_replicas import TableReplicas, TableReplicasArgs
from components.tables import Standby, Tables, TablesArgs
from plan import Plan, Resource

ACCOUNT = "123456789012"
REGIONS = {"primary": "us-east-1", "standby": "us-west-2"}
Check = Callable[[Plan], None]
# Words for people, and settings that trade comfort for money.
HARMLESS = frozenset(
    {
        *("description", "applyImmediately", "memorySize", "snapshotWindow", "maintenanceWindow"),
        *("forceDestroy", "namePrefix"),  # what a role may be called is a policy: iam-role-name
    }
)


def place(role: str) -> Place:
    return Place(partition="aws", region=REGIONS[role], account_id=ACCOUNT)


def options(roles: Sequence[str]) -> dict[str, pulumi.ResourceOptions]:
    return {
        role: pulumi.ResourceOptions(providers=[aws.Provider(f"aws-{role}", region=REGIONS[role])])
        for role in roles
    }


def make_keys(role: str, opts: pulumi.ResourceOptions, shared: Any = None, protect: bool = True) -> Keys:
    args = KeysArgs(
        environment="shop",
        place=place(role),
        regions=list(REGIONS.values()),
        shared_key=shared,
        protect=protect,
    )
    return Keys(f"{role}-keys", args, opts)


def planned(program: Callable[[], None]) -> Plan:
    return plan.of_program(program, project="shop", stack="test", config={})


@cache
def keys() -> Plan:
    """The keys of both regions."""

    def program() -> None:
        opts = options([*REGIONS])
        first = make_keys("primary", opts["primary"])
        make_keys("standby", opts["standby"], first.arns["customer-keys"])

    return planned(program)


@cache
def tables(protect: bool = True) -> tuple[Plan, tuple[Watch, ...], tuple[Watch, ...]]:
    """Global tables, and what each region watches."""
    watched: list[Sequence[Watch]] = []

    def program() -> None:
        opts = options([*REGIONS])
        made = Tables(
            "primary-tables",
            TablesArgs(
                environment="shop",
                protect=protect,
                key_arns=fake_keys("primary"),
                standby=Standby(region=REGIONS["standby"], key_arns=fake_keys("standby")),
            ),
            opts["primary"],
        )
        there = TableReplicas(
            "standby-tables", TableReplicasArgs(environment="shop", place=place("standby")), opts["standby"]
        )
        made.widgets(), there.widgets()
        pulumi.export("archived", made.archived_arns)
        pulumi.export("names", made.names)
        pulumi.export("replicas", there.arns)
        watched[:] = [made.alarms(), there.alarms()]

    made = planned(program)
    return made, tuple(watched[0]), tuple(watched[1])


@cache
def lone_tables() -> Plan:
    """Tables where there is no standby."""

    def program() -> None:
        args = TablesArgs(environment="dev", protect=False, key_arns=fake_keys("primary"))
        Tables("primary-tables", args, options(["primary"])["primary"])

    return planned(program)


def fake_keys(role: str) -> dict[str, str]:
    return {
        data: f"arn:aws:kms:{REGIONS[role]}:{ACCOUNT}:key/{data}"
        for data in ("tables", "pii-vault", "customer-keys", "objects", "analytics", "cache", "logs")
    }


@cache
def buckets(protect: bool = True) -> tuple[Plan, tuple[Watch, ...]]:
    """Buckets of a primary that is copied to its standby."""
    watched: list[Watch] = []

    def program() -> None:
        opts = options([*REGIONS])
        there = Buckets("standby-buckets", _bucket_args("standby", None, protect), opts["standby"])
        here = Buckets("primary-buckets", _bucket_args("primary", there.copies, protect), opts["primary"])
        pulumi.export("primary", here.names)
        watched[:] = [*here.alarms(), *there.alarms()]

    made = planned(program)
    return made, tuple(watched)


def _bucket_args(role: str, copies: Any, protect: bool) -> BucketsArgs:
    return BucketsArgs(
        environment="shop",
        place=place(role),
        key_arn=fake_keys(role)["objects"],
        copies=copies,
        protect=protect,
        boundary_arn=f"arn:aws:iam::{ACCOUNT}:policy/boundary",
    )


@cache
def cached(
    nodes: int = 3, version: str = "8.1", protect: bool = True
) -> tuple[Plan, tuple[Watch, ...], dict[str, Any]]:
    """The cache, what is watched, and what a role needs to use it."""
    watched: list[Watch] = []

    def program() -> None:
        args = CacheArgs(
            environment="shop",
            version=version,
            node_type="cache.t4g.micro",
            nodes=nodes,
            subnet_ids=["subnet-a", "subnet-b"],
            security_group_id="sg-cache",
            key_arn=fake_keys("primary")["cache"],
            log_key_arn=fake_keys("primary")["logs"],
            log_days=30,
            maintenance_window="tue:09:00-tue:10:00",
            snapshot_window="07:00-08:00",
            snapshot_days=1,
            protect=protect,
        )
        made = Cache("primary-cache", args, options(["primary"])["primary"])
        made.widgets()
        watched[:] = made.alarms()
        pulumi.export("grant", made.grant().statement())

    made = planned(program)
    return made, tuple(watched), dict(made.outputs["grant"])


@cache
def stream(shards: int | None = None, protect: bool = True) -> tuple[Plan, tuple[Watch, ...]]:
    """Events, scan and delivery."""
    watched: list[Watch] = []

    def program() -> None:
        args = StreamArgs(
            environment="shop",
            place=place("primary"),
            shards=shards,
            keep_hours=72,
            archive_arn="arn:aws:s3:::archive",
            archive_key_arn=fake_keys("primary")["objects"],
            key_arn=fake_keys("primary")["analytics"],
            log_key_arn=fake_keys("primary")["logs"],
            log_days=30,
            protect=protect,
            boundary_arn=f"arn:aws:iam::{ACCOUNT}:policy/boundary",
        )
        made = Stream("primary-stream", args, options(["primary"])["primary"])
        made.widgets()
        watched[:] = made.alarms()
        pulumi.export("grants", [grant.statement() for grant in made.grants()])

    made = planned(program)
    return made, tuple(watched)


def statements(resource: Resource, key: str = "policy") -> dict[str, dict[str, Any]]:
    """A policy's statements by their sid."""
    assert key in resource.inputs, f"{resource.name} has no {key}"
    found = json.loads(resource.inputs[key])["Statement"]
    return {statement.get("Sid", str(n)): statement for n, statement in enumerate(found)}


def each(plan: Plan, token: str) -> Iterator[Resource]:
    """Every resource of a type, and at least one."""
    found = plan.of_type(token)
    assert found, f"no {token}"
    yield from found


def without(plan: Plan, resource: Resource, key: str) -> Plan:
    """The plan with one input of one resource taken away."""
    bare = replace(resource, inputs={k: v for k, v in resource.inputs.items() if k != key})
    return replaced(plan, resource, bare)


def replaced(plan: Plan, resource: Resource, other: Resource | None) -> Plan:
    kept = (other if r.urn == resource.urn else r for r in plan.resources)
    return replace(plan, resources=tuple(r for r in kept if r is not None))


def noticed(plan: Plan, checks: Sequence[Check]) -> bool:
    """Whether any check finds fault with the plan, or cannot even read it."""
    for check in checks:
        try:
            check(plan)
        except (AssertionError, KeyError):
            return True
    return False


def unnoticed(plan: Plan, checks: Sequence[Check]) -> list[str]:
    """Inputs and whole resources that can go missing without any check finding it."""
    missing = [
        f"{resource.label}: {key}"
        for resource in plan.cloud
        for key in sorted(set(resource.inputs) - HARMLESS)
        if not noticed(without(plan, resource, key), checks)
    ]
    return [*missing, *(r.label for r in plan.cloud if not noticed(replaced(plan, r, None), checks))]
