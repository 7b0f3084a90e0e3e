"""Small programs for tests: their estimates, without a stack around them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

import plan
from plan import cost
from plan.cost import Estimate, Line

Declare = Callable[[pulumi.ResourceOptions], Any]


def estimate_of(*declarations: Declare, region: str = "us-east-1") -> Estimate:
    """The estimate of a program that declares just these, in one region."""

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws.Provider("aws", region=region))
        for declare in declarations:
            declare(opts)

    return cost.estimate(plan.of_program(program, project="concierge", stack="sample", config={}))


def part(
    name: str, below: Declare, opts: pulumi.ResourceOptions, outputs: Mapping[str, Any] | None = None
) -> None:
    """A component with something in it; `outputs`: what it says of itself."""
    # A component takes its children's provider by package, not as its own.
    provider = opts.provider
    assert provider is not None
    component = pulumi.ComponentResource("sample:index:Part", name)
    below(pulumi.ResourceOptions(parent=component, provider=provider))
    component.register_outputs(dict(outputs or {}))


def prices_of(lines: Sequence[Line]) -> dict[str, str]:
    """price row -> kind"""
    return {line.price.id: line.kind for line in lines if line.price}


def endpoint(name: str, subnets: list[str] | None, opts: pulumi.ResourceOptions) -> None:
    aws.ec2.VpcEndpoint(
        name,
        vpc_id="vpc-1",
        service_name="com.amazonaws.us-east-1.kms",
        vpc_endpoint_type="Interface",
        subnet_ids=subnets,
        opts=opts,
    )
