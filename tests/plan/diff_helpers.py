"""Small programs and hand-made plans to compare, and short ways to read a comparison."""

import io
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_aws as aws
from rich.console import Console

import plan
from plan import Options, Plan, Resource
from plan.diff import Change, Diff, Kind, render

Declare = Callable[[pulumi.ResourceOptions], Any]
Inputs = dict[str, Any]
NO_OPTIONS = Options()


def planned(declare: Declare, *, region: str = "us-east-1") -> Plan:
    """The plan of a program that declares just this, with one provider."""

    def program() -> None:
        declare(pulumi.ResourceOptions(provider=aws.Provider("aws", region=region)))

    return plan.of_program(program, project="shop", stack="test", config={})


def room(
    cidr: str = "10.0.1.0/24",
    *,
    name: str = "room",
    owner: str = "shop",
    aliases: list[str] | None = None,
    protect: bool = False,
    ignore: list[str] | None = None,
    replace_on: list[str] | None = None,
) -> Plan:
    """A network with one subnet, its route table, and an endpoint in it."""

    def declare(opts: pulumi.ResourceOptions) -> None:
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        subnet = aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            cidr_block=cidr,
            tags={"Owner": owner},
            opts=pulumi.ResourceOptions(
                provider=opts.provider,
                aliases=[pulumi.Alias(name=old) for old in aliases or []],
                protect=protect,
                ignore_changes=ignore,
                replace_on_changes=replace_on,
            ),
        )
        table = aws.ec2.RouteTable("table", vpc_id=vpc.id, opts=opts)
        aws.ec2.RouteTableAssociation("routes", subnet_id=subnet.id, route_table_id=table.id, opts=opts)
        aws.ec2.VpcEndpoint(
            "endpoint",
            vpc_id=vpc.id,
            service_name="com.amazonaws.us-east-1.kms",
            subnet_ids=[subnet.id],
            opts=opts,
        )
        pulumi.export("subnet", subnet.id)

    return planned(declare)


def single(kind: Callable[..., object], name: str = "it", **inputs: Any) -> Plan:
    """The plan of one resource."""
    return planned(lambda opts: kind(name, opts=opts, **inputs))


def change_of(found: Diff, name: str, path: str) -> Change:
    return next(change for change in found.get(name).changes if change.path == path)


def kinds(found: Diff) -> dict[str, Kind]:
    return {c.resource.name: c.kind for c in found.resources if c.kind is not Kind.UNCHANGED}


def printed(found: Diff) -> str:
    shown = io.StringIO()
    Console(width=120, file=shown, color_system=None).print(render(found))
    return shown.getvalue()


def circle(cidr: str, *, options: Options = NO_OPTIONS) -> Plan:
    """Two subnets, each of which claims the other's id for its network."""
    one = subnet("one", {"cidrBlock": cidr, "vpcId": "subnet-two"}, needs="two")
    two = subnet("two", {"cidrBlock": "10.0.0.0/24", "vpcId": "subnet-one"}, needs="one", options=options)
    return Plan("test", (one, two), {})


def subnet(
    name: str, inputs: dict[str, Any], *, needs: str | None = None, options: Options = NO_OPTIONS
) -> Resource:
    kind = "aws:ec2/subnet:Subnet"
    urn = f"urn:pulumi:test::shop::{kind}::"
    return Resource(
        urn=urn + name,
        type=kind,
        name=name,
        id=f"subnet-{name}",
        custom=True,
        parent=None,
        provider=None,
        region="us-east-1",
        inputs=inputs,
        outputs={},
        property_dependencies={"vpcId": (urn + needs,)} if needs else {},
        options=options,
    )


def optional(before: Inputs, after: Inputs, options: Options) -> tuple[Plan, Plan]:
    """One subnet with other inputs, under the same options."""
    old, new = (Plan("test", (subnet("one", inputs, options=options),), {}) for inputs in (before, after))
    return old, new
