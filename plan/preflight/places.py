"""Whether the zones a plan stands in exist for this account and offer what is put there (NET-1)."""

from collections.abc import Iterator, Mapping

from contract import regions
from plan.preflight.facts import Facts
from plan.preflight.model import Check, Verdict, ok, problem, unknown
from plan.preflight.refusals import code

_AGENTCORE = "bedrock.AgentcoreAgentRuntime"


def _used(facts: Facts, region: str) -> list[str]:
    return sorted({r.inputs["availabilityZoneId"] for r in facts.declared("ec2.Subnet", region)})


def _offered(facts: Facts, region: str) -> Mapping[str, str]:
    """Zone name -> id, of the zones that are open to this account."""
    found = facts.client("ec2", region).describe_availability_zones()["AvailabilityZones"]
    return {zone["ZoneName"]: zone["ZoneId"] for zone in found if zone["State"] == "available"}


def _zones(facts: Facts, region: str) -> Iterator[Verdict]:
    used = _used(facts, region)
    missing = sorted({*used} - {*_offered(facts, region).values()})
    if missing:
        yield problem(f"{', '.join(missing)} is not open to this account")
    elif facts.declared(_AGENTCORE, region) and (
        unfit := sorted({*used} - {*regions.region(region).agentcore_zones})
    ):
        yield problem(f"AgentCore has no VPC mode in {', '.join(unfit)}")
    else:
        yield ok(", ".join(used))


def _endpoints(facts: Facts, region: str) -> Iterator[Verdict]:
    """An interface endpoint in a zone that does not offer its service fails the whole `up`."""
    placed = {r.id: r.inputs["availabilityZoneId"] for r in facts.declared("ec2.Subnet", region)}
    wanted = {
        r.inputs["serviceName"]: {
            placed[subnet] for subnet in r.inputs.get("subnetIds", ()) if subnet in placed
        }
        for r in facts.declared("ec2.VpcEndpoint", region)
        if r.inputs.get("vpcEndpointType") == "Interface"
    }
    if not wanted:
        yield ok("the plan has no interface endpoints")
        return
    client, names = facts.client("ec2", region), _offered(facts, region)
    try:
        found = client.describe_vpc_endpoint_services(ServiceNames=sorted(wanted))["ServiceDetails"]
    except client.exceptions.ClientError as error:
        if code(error) != "InvalidServiceName":
            raise
        said = f"not offered in {region}: {error.response['Error']['Message']}"
        yield unknown(f"a stand-in says: {said}") if facts.stands_in else problem(said)
        return
    offered = {
        service["ServiceName"]: {names.get(zone, zone) for zone in service["AvailabilityZones"]}
        for service in found
    }
    missing: dict[str, list[str]] = {}
    for name, zones in sorted(wanted.items()):
        for zone in sorted(zones - offered.get(name, set())):
            missing.setdefault(zone, []).append(name.removeprefix(f"com.amazonaws.{region}."))
    bad = [f"{zone} does not offer {', '.join(services)}" for zone, services in missing.items()]
    yield problem("; ".join(bad)) if bad else ok(f"{len(wanted)} services are offered in every zone used")


CHECKS = (
    Check(
        id="zones",
        title="Availability zones",
        why="Not every account has every zone, and AgentCore is not in every zone.",
        fix="Choose other zone ids in regions.<role>.zones before the first `up`: later it replaces subnets.",
        lead_time="minutes",
        look=_zones,
        actions=("ec2:DescribeAvailabilityZones",),
        types=("ec2.Subnet",),
    ),
    Check(
        id="endpoint-zones",
        title="Interface endpoints",
        why="A service may have no endpoint in one zone of a region.",
        fix="Choose zones that offer all of them, or set network.endpoint_zones: one.",
        lead_time="minutes",
        look=_endpoints,
        actions=("ec2:DescribeVpcEndpointServices", "ec2:DescribeAvailabilityZones"),
        types=("ec2.VpcEndpoint",),
    ),
)
