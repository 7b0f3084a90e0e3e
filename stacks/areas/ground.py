"""The ground a region stands on: network, security groups, endpoints (NET-1, NET-2, NET-3)."""

from dataclasses import dataclass

import pulumi_aws as aws
from pulumi import Output

from components.alarms import Watched
from components.endpoints import Endpoints, EndpointsArgs
from components.network import Network, NetworkArgs
from components.security_groups import GATEWAYS, SecurityGroups, SecurityGroupsArgs
from stacks.site import Site


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where everything else finds its subnets and groups."""

    network: Network
    groups: SecurityGroups
    endpoints: Endpoints

    @property
    def watched(self) -> list[Watched | None]:
        return [self.network, self.endpoints]


def lay(site: Site) -> Ground:
    settings, chosen = site.settings.network, site.chosen
    network = Network(
        site.named("network"),
        NetworkArgs(
            cidr=chosen.cidr,
            zones=chosen.zones,
            account_id=site.account_id,
            offered_zones=aws.get_availability_zones_output(state="available", opts=site.ask).zone_ids,
            nat=settings.nat,
            flow_log_days=settings.flow_log_days,
            protect=site.guarded,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )
    groups = SecurityGroups(
        site.named("groups"),
        SecurityGroupsArgs(
            vpc_id=network.vpc_id,
            prefix_lists={service: _prefix_list(site, service) for service in GATEWAYS},
            internet=settings.nat != "none",
            load=site.settings.fleet.enabled,
        ),
        site.inside,
    )
    subnets = network.private_subnet_ids
    endpoints = Endpoints(
        site.named("endpoints"),
        EndpointsArgs(
            region=chosen.name,
            account_id=site.account_id,
            vpc_id=network.vpc_id,
            preset=settings.endpoints,
            subnet_ids=subnets if settings.endpoint_zones == "all" else subnets[:1],
            route_table_ids=network.private_route_table_ids,
            security_group_id=groups.ids["endpoints"],
        ),
        site.inside,
    )
    return Ground(network=network, groups=groups, endpoints=endpoints)


def _prefix_list(site: Site, service: str) -> Output[str]:
    name = f"com.amazonaws.{site.chosen.name}.{service}"
    return aws.ec2.get_prefix_list_output(name=name, opts=site.ask).id
