"""No check of the network is one that cannot fail: each security-relevant input is loosened, and found."""

import re
from dataclasses import replace

import pytest

from plan import Options, Plan
from tests.stacks.checks import CHECKS, Check, endpoints, groups, routes, upkeep
from tests.stacks.checks.place_helpers import ANYWHERE, places
from tests.stacks.loosening_helpers import Change, gone, having, label, loosened, policy, rule, without

NET = "primary-network"
FAR = "standby-network"
ACL_WORLD = {"cidrBlock": ANYWHERE, "fromPort": 22, "toPort": 22}

# check -> (what is loosened, the resource of prod, how)
LOOSER: dict[Check, list[tuple[str, str, Change]]] = {
    routes.one_vpc_that_answers_names: [
        ("no VPC", f"Vpc {NET}-vpc", gone),
        ("no host names", f"Vpc {NET}-vpc", without("enableDnsHostnames")),
        ("no resolver", f"Vpc {FAR}-vpc", having(enableDnsSupport=False)),
        ("public block", f"Vpc {NET}-vpc", having(cidrBlock="52.0.0.0/16")),
    ],
    routes.every_tier_stands_in_every_zone: [
        ("subnet missing", f"Subnet {NET}-isolated-use1-az4", gone),
        (
            "zone by name",
            f"Subnet {NET}-private-use1-az2",
            lambda r: having(availabilityZone="us-east-1b")(without("availabilityZoneId")(r)),
        ),
    ],
    routes.subnets_lie_apart_and_inside_the_vpc: [
        ("subnet on another's addresses", f"Subnet {NET}-public-use1-az1", having(cidrBlock="10.0.0.0/22")),
        ("subnet outside the VPC", f"Subnet {FAR}-public-usw2-az1", having(cidrBlock="10.0.0.0/22")),
    ],
    routes.nothing_is_given_a_public_address: [
        ("public addresses by default", f"Subnet {NET}-public-use1-az1", without("mapPublicIpOnLaunch")),
        ("public addresses in private", f"Subnet {FAR}-private-usw2-az3", having(mapPublicIpOnLaunch=True)),
    ],
    routes.every_subnet_has_one_table_and_one_acl: [
        (
            "subnet left to the main route table",
            f"RouteTableAssociation {NET}-isolated-use1-az1-routes",
            gone,
        ),
        (
            "subnet left to the default access list",
            f"NetworkAcl {NET}-private-acl",
            lambda r: having(subnetIds=r.inputs["subnetIds"][1:])(r),
        ),
    ],
    routes.only_public_subnets_lead_to_the_internet_gateway: [
        (
            "private route to the internet gateway",
            f"Route {NET}-private-use1-az1-nat",
            lambda r: having(gatewayId=f"<InternetGateway {NET}-internet>")(without("natGatewayId")(r)),
        ),
        ("public without a gateway", f"Route {FAR}-public-internet", gone),
    ],
    routes.private_subnets_leave_through_the_nat_of_their_zone: [
        ("private without NAT", f"Route {NET}-private-use1-az4-nat", gone),
        (
            "NAT in a private subnet",
            f"NatGateway {NET}-nat-use1-az2",
            having(subnetId=f"<Subnet {NET}-private-use1-az2>"),
        ),
        (
            "NAT of another zone",
            f"Route {FAR}-private-usw2-az1-nat",
            having(natGatewayId=f"<NatGateway {FAR}-nat-usw2-az2>"),
        ),
    ],
    routes.each_nat_keeps_an_address_of_its_own: [
        ("NAT without address", f"NatGateway {NET}-nat-use1-az2", without("allocationId")),
        ("address nobody holds", f"NatGateway {FAR}-nat-usw2-az1", gone),
    ],
    routes.isolated_subnets_have_no_way_out: [
        (
            "isolated on a table with a NAT",
            f"RouteTableAssociation {NET}-isolated-use1-az1-routes",
            having(routeTableId=f"<RouteTable {NET}-private-use1-az1-table>"),
        ),
        (
            "route for the isolated",
            f"Route {NET}-private-use1-az1-nat",
            having(routeTableId=f"<RouteTable {NET}-isolated-table>"),
        ),
    ],
    routes.private_tables_serve_one_zone_each: [
        (
            "two zones on one table",
            f"RouteTableAssociation {NET}-private-use1-az2-routes",
            having(routeTableId=f"<RouteTable {NET}-private-use1-az1-table>"),
        ),
    ],
    routes.access_lists_keep_the_world_out: [
        ("the world on port 22", f"NetworkAcl {NET}-private-acl", rule("ingress", **ACL_WORLD)),
        ("no list at all", f"NetworkAcl {NET}-public-acl", gone),
        (
            "isolated may answer out",
            f"NetworkAcl {FAR}-isolated-acl",
            rule("egress", cidrBlock=ANYWHERE, protocol="-1"),
        ),
        (
            "isolated hears replies",
            f"NetworkAcl {NET}-isolated-acl",
            rule("ingress", cidrBlock=ANYWHERE, fromPort=1024, toPort=65535),
        ),
    ],
    endpoints.every_endpoint_has_a_known_kind: [
        (
            "endpoint of a kind nobody checks",
            "VpcEndpoint primary-endpoints-kms",
            having(vpcEndpointType="GatewayLoadBalancer"),
        ),
    ],
    endpoints.gateway_endpoints_serve_every_private_table: [
        ("no S3 endpoint", "VpcEndpoint primary-endpoints-s3", gone),
        (
            "zone without DynamoDB endpoint",
            "VpcEndpoint standby-endpoints-dynamodb",
            lambda r: having(routeTableIds=r.inputs["routeTableIds"][1:])(r),
        ),
    ],
    endpoints.interface_endpoints_answer_under_the_usual_names: [
        ("no STS endpoint", "VpcEndpoint primary-endpoints-sts", gone),
        ("no private DNS", "VpcEndpoint standby-endpoints-bedrock-runtime", without("privateDnsEnabled")),
    ],
    endpoints.interface_endpoints_stand_in_private_subnets: [
        (
            "endpoint in one zone only",
            "VpcEndpoint primary-endpoints-logs",
            lambda r: having(subnetIds=r.inputs["subnetIds"][1:])(r),
        ),
        ("endpoint in the default group", "VpcEndpoint primary-endpoints-kms", without("securityGroupIds")),
    ],
    endpoints.endpoints_serve_only_this_account: [
        ("endpoint without policy", "VpcEndpoint primary-endpoints-kms", without("policy")),
        (
            "endpoint for every account",
            "VpcEndpoint standby-endpoints-secretsmanager",
            policy("policy", lambda s: s.pop("Condition")),
        ),
        (
            "endpoint for another account",
            "VpcEndpoint primary-endpoints-s3",
            policy(
                "policy",
                lambda s: s.update(Condition={"StringEquals": {"aws:PrincipalAccount": "999999999999"}}),
            ),
        ),
        (
            "condition that also matches nothing",
            "VpcEndpoint primary-endpoints-ssm",
            policy(
                "policy",
                lambda s: s.update(Condition={"StringEqualsIfExists": s["Condition"]["StringEquals"]}),
            ),
        ),
    ],
    endpoints.all_flows_are_logged_and_kept_for_a_while: [
        ("no flow log", f"FlowLog {NET}-flow-log", gone),
        ("rejected flows only", f"FlowLog {FAR}-flow-log", having(trafficType="REJECT")),
        ("flows kept for ever", f"LogGroup {NET}-flows", without("retentionInDays")),
        ("group shared by stacks", f"LogGroup {NET}-flows", having(name="/concierge/flows")),
    ],
    endpoints.only_the_flow_log_service_of_this_account_may_write: [
        (
            "role for any account's logs",
            f"Role {NET}-flows-role",
            policy("assumeRolePolicy", lambda s: s.pop("Condition")),
        ),
        (
            "role for any service",
            f"Role {NET}-flows-role",
            policy("assumeRolePolicy", lambda s: s.update(Principal={"AWS": "*"})),
        ),
        (
            "writes any log group",
            f"RolePolicy {FAR}-flows-write",
            policy("policy", lambda s: s.update(Resource="*")),
        ),
        (
            "does anything to logs",
            f"RolePolicy {NET}-flows-write",
            policy("policy", lambda s: s.update(Action="logs:*")),
        ),
    ],
    endpoints.what_aws_makes_by_itself_is_locked: [
        ("default group as AWS made it", f"DefaultSecurityGroup {NET}-default-group", gone),
        (
            "default group lets in",
            f"DefaultSecurityGroup {FAR}-default-group",
            having(ingress=[{"protocol": "-1", "self": True}]),
        ),
        ("default group's rules not adopted", f"DefaultSecurityGroup {NET}-default-group", without("egress")),
        ("default list's rules not adopted", f"DefaultNetworkAcl {NET}-default-acl", without("ingress")),
    ],
    groups.connections_are_exactly_those_listed: [
        (
            "connection nobody listed",
            "SecurityGroupEgressRule primary-groups-edge-to-agent-8080-out",
            having(fromPort=22, toPort=22),
        ),
        (
            "range of ports",
            "SecurityGroupEgressRule primary-groups-agent-to-cache-6379-out",
            having(fromPort=0),
        ),
        (
            "any protocol",
            "SecurityGroupEgressRule standby-groups-agent-to-search-443-out",
            having(ipProtocol="-1"),
        ),
    ],
    groups.every_way_out_has_its_way_in: [
        ("way out without way in", "SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", gone),
        (
            "way in without way out",
            "SecurityGroupEgressRule standby-groups-models-to-endpoints-443-out",
            gone,
        ),
    ],
    groups.search_answers_only_the_agent_and_the_models: [
        (
            "search for the edge too",
            "SecurityGroupIngressRule primary-groups-models-to-search-443-in",
            having(referencedSecurityGroupId="<SecurityGroup primary-groups-edge>"),
        ),
    ],
    groups.nothing_is_open_to_addresses: [
        (
            "open to the world",
            "SecurityGroupIngressRule primary-groups-edge-to-agent-8080-in",
            lambda r: having(cidrIpv4=ANYWHERE)(without("referencedSecurityGroupId")(r)),
        ),
        (
            "open to the world by IPv6",
            "SecurityGroupIngressRule standby-groups-link-to-edge-443-in",
            lambda r: having(cidrIpv6="::/0")(without("referencedSecurityGroupId")(r)),
        ),
        (
            "models may call the internet",
            "SecurityGroupEgressRule primary-groups-models-to-s3-443-out",
            lambda r: having(cidrIpv4=ANYWHERE)(without("prefixListId")(r)),
        ),
        (
            "rules inside a group",
            "SecurityGroup primary-groups-edge",
            having(ingress=[{"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": [ANYWHERE]}]),
        ),
    ],
    groups.nobody_else_opens_anything: [
        (
            "rule that another component makes",
            "SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in",
            lambda r: replace(r, parent="urn:pulumi:prod::concierge::concierge:estate:Region::primary"),
        ),
    ],
    upkeep.protection_follows_the_stack: [
        ("VPC not protected", f"Vpc {NET}-vpc", lambda r: replace(r, options=Options(protect=False))),
        (
            "address not protected",
            f"Eip {FAR}-nat-usw2-az2-ip",
            lambda r: replace(r, options=Options(protect=False)),
        ),
    ],
    upkeep.everything_stands_in_the_region_of_its_component: [
        ("provider of the shell", f"Eip {NET}-nat-use1-az1-ip", lambda r: replace(r, provider=None)),
        (
            "provider of the other region",
            f"FlowLog {NET}-flow-log",
            lambda r: replace(r, provider="urn:pulumi:prod::concierge::pulumi:providers:aws::aws-standby"),
        ),
        ("region of its own", f"Eip {NET}-nat-use1-az1-ip", having(region="us-west-2")),
    ],
    upkeep.everything_belongs_to_a_component: [
        (
            "child of the stack",
            f"LogGroup {NET}-flows",
            lambda r: replace(r, parent="urn:pulumi:prod::concierge::pulumi:pulumi:Stack::concierge-prod"),
        ),
        ("provider left to chance", f"Eip {NET}-nat-use1-az1-ip", lambda r: replace(r, provider=None)),
    ],
    upkeep.no_region_is_written_out: [
        (
            "endpoint of the other region",
            "VpcEndpoint standby-endpoints-sts",
            having(serviceName="com.amazonaws.us-east-1.sts"),
        ),
    ],
    upkeep.tags_say_only_name_and_role: [
        ("tag set twice", f"Vpc {NET}-vpc", having(tags={"Stack": "prod"})),
        ("untagged region", "aws aws-standby", without("defaultTags")),
    ],
}


@pytest.mark.parametrize(
    ("check", "resource", "change"),
    [
        pytest.param(check, resource, change, id=what)
        for check, rows in LOOSER.items()
        for what, resource, change in rows
    ],
)
def test_what_is_loosened_is_found(prod: Plan, check: Check, resource: str, change: Change):
    check(prod)
    with pytest.raises(AssertionError):
        check(loosened(prod, resource, change))


def test_every_check_has_been_seen_to_fail():
    assert [check.__name__ for check in CHECKS if check not in LOOSER] == []


# What may be missing without harm to the network: words for people, and how often flows are written.
# What a role may be called is a policy: iam-role-name.
HARMLESS = {"description", "tags", "maxAggregationInterval", "namePrefix"}


def found_by_any(plan: Plan) -> bool:
    """A check that cannot even read the plan has noticed as well."""
    for check in CHECKS:
        try:
            check(plan)
        except (AssertionError, KeyError):
            return True
    return False


def test_no_input_of_the_network_can_go_missing_unseen(dev: Plan):
    """One resource of each kind and tier, one input after another."""
    (place,) = places(dev)
    kinds = {re.sub(r"use1-az\d", "zone", label(r)): r for r in place.resources}
    unseen = [
        f"{label(resource)}: {key}"
        for resource in kinds.values()
        for key in sorted(set(resource.inputs) - HARMLESS)
        if not found_by_any(loosened(dev, label(resource), without(key)))
    ]
    assert unseen == []


def test_no_part_of_the_network_can_go_missing_unseen(dev: Plan):
    (place,) = places(dev)
    missing = (loosened(dev, label(resource), gone) for resource in place.resources)
    unseen = [label(r) for r, plan in zip(place.resources, missing, strict=True) if not found_by_any(plan)]
    assert unseen == []
