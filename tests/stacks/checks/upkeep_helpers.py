"""What holds for everything in a network: protection, region, parent, tags."""

import json

from plan import Plan
from tests.stacks.checks.place_helpers import check, places


@check
def protection_follows_the_stack(plan: Plan) -> None:
    """What partners and tables depend on survives a slip in prod; dev can be taken away."""
    for place in places(plan):
        kept = {r.type.rpartition(":")[2] for r in place.resources if r.options.protect}
        assert kept == ({"Vpc", "Eip"} if plan.stack == "prod" else set())
        assert all(
            r.options.protect == (plan.stack == "prod") for r in (*place.all("Vpc"), *place.all("Eip"))
        )


@check
def everything_stands_in_the_region_of_its_component(plan: Plan) -> None:
    for place in places(plan):
        for resource in place.resources:
            assert resource.provider is not None, resource.name
            assert plan.by_urn[resource.provider].inputs["region"] == place.region == resource.region
            assert "region" not in resource.inputs, f"{resource.name} overrides its provider's region"


@check
def everything_belongs_to_a_component(plan: Plan) -> None:
    """The whole plan: what has no component has no owner on the whiteboard, and takes the shell's region."""
    for resource in plan.cloud:
        assert resource.provider is not None, f"{resource.name} has no provider"
        assert plan.component_of(resource) is not None, f"{resource.name} belongs to no component"


@check
def no_region_is_written_out(plan: Plan) -> None:
    """Nothing in one region's network names another one."""
    roles = {place.role: place.region for place in places(plan)}
    known = {"us-east-1", "us-west-2", "eu-west-1", *roles.values()}
    for place in places(plan):
        for resource in place.resources:
            text = json.dumps(resource.inputs, default=repr)
            assert [name for name in known - {place.region} if name in text] == [], resource.name


@check
def tags_say_only_name_and_role(plan: Plan) -> None:
    """The rest comes from the provider, once: a tag set twice is a difference at every `up`."""
    for place in places(plan):
        for resource in place.resources:
            assert set(resource.inputs.get("tags", {"Name": ""})) <= {"Name", "Role"}, resource.name
            assert "tagsAll" not in resource.inputs
    for provider in plan.of_type("pulumi:providers:aws"):
        tags = json.loads(provider.inputs.get("defaultTags", "{}")).get("tags", {})
        assert {"Project", "Stack", "Owner", "ManagedBy", "Region"} <= set(tags), provider.name
