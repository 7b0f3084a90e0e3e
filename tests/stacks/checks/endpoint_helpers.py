"""NET-2: endpoints, flow logs and locked defaults."""

from plan import Plan, Resource
from plan.answers import ACCOUNT
from tests.stacks.checks.place_helpers import Place, check, document, places

# As AWS names these services.
GATEWAYS = {"s3", "dynamodb"}
INTERFACES = {
    "bedrock-runtime", "bedrock-agent-runtime", "bedrock-agentcore", "sagemaker.runtime", "ssm",
    "secretsmanager", "kms", "logs", "monitoring", "ecr.api", "ecr.dkr", "sts", "xray",
}  # fmt: skip


def endpoints(place: Place, kind: str) -> dict[str, Resource]:
    """Service -> endpoint of this kind (Gateway or Interface)."""
    prefix = f"com.amazonaws.{place.region}."
    found = [e for e in place.all("VpcEndpoint") if e.inputs.get("vpcEndpointType") == kind]
    services = {str(e.inputs.get("serviceName")).removeprefix(prefix): e for e in found}
    assert len(services) == len(found), "a service has two endpoints"
    return services


@check
def every_endpoint_has_a_known_kind(plan: Plan) -> None:
    for place in places(plan):
        known = [*endpoints(place, "Gateway").values(), *endpoints(place, "Interface").values()]
        assert len(known) == len(place.all("VpcEndpoint"))
        assert all(place.owner(endpoint, "vpcId") == place.one("Vpc") for endpoint in known)


@check
def gateway_endpoints_serve_every_private_table(plan: Plan) -> None:
    for place in places(plan):
        found = endpoints(place, "Gateway")
        assert set(found) == GATEWAYS
        tables = {place.table_of(subnet).id for subnet in place.subnets("private").values()}
        for endpoint in found.values():
            assert set(endpoint.inputs.get("routeTableIds", ())) == tables, endpoint.name


@check
def interface_endpoints_answer_under_the_usual_names(plan: Plan) -> None:
    """Private DNS: the SDK's own host names lead to them, and no client needs to know."""
    for place in places(plan):
        found = endpoints(place, "Interface")
        assert set(found) == INTERFACES
        for endpoint in found.values():
            assert endpoint.inputs.get("privateDnsEnabled") is True, endpoint.name


@check
def interface_endpoints_stand_in_private_subnets(plan: Plan) -> None:
    """In one zone or in all of them, the same for every service, behind their own group."""
    for place in places(plan):
        private = [subnet.id for subnet in place.subnets("private").values()]
        for endpoint in endpoints(place, "Interface").values():
            stands = endpoint.inputs.get("subnetIds", [])
            assert sorted(stands) == sorted(private) or stands == private[:1], endpoint.name
            groups = endpoint.inputs.get("securityGroupIds", [])
            assert groups == [plan.get(f"{place.role}-groups-endpoints").id], endpoint.name


@check
def endpoints_serve_only_this_account(plan: Plan) -> None:
    """A stolen credential of another account cannot carry data out through them."""
    for place in places(plan):
        layers = f"arn:aws:s3:::prod-{place.region}-starport-layer-bucket/*"
        for endpoint in place.all("VpcEndpoint"):
            ours, *rest = document(endpoint, "policy")
            assert ours.get("Condition") == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}
            # Image layers come from ECR's own bucket, signed by ECR: the one thing others may hand us.
            is_s3 = endpoint.inputs.get("serviceName", "").endswith(".s3")
            assert [(s.get("Action"), s.get("Resource")) for s in rest] == [("s3:GetObject", layers)] * is_s3


@check
def all_flows_are_logged_and_kept_for_a_while(plan: Plan) -> None:
    for place in places(plan):
        log = place.one("FlowLog")
        assert log.inputs.get("trafficType") == "ALL"
        assert log.inputs.get("logDestinationType") == "cloud-watch-logs"
        assert place.owner(log, "vpcId") == place.one("Vpc")
        group = place.owner(log, "logDestination")
        assert group.inputs.get("retentionInDays", 0) > 0
        assert plan.stack in group.inputs.get("name", ""), "two stacks in one account would share the group"


@check
def only_the_flow_log_service_of_this_account_may_write(plan: Plan) -> None:
    for place in places(plan):
        log = place.one("FlowLog")
        role, group = place.owner(log, "iamRoleArn"), place.owner(log, "logDestination")
        (trust,) = document(role, "assumeRolePolicy")
        assert trust.get("Principal") == {"Service": "vpc-flow-logs.amazonaws.com"}
        assert trust.get("Condition") == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
        writes = place.one("RolePolicy")
        assert place.owner(writes, "role") == role
        (grant,) = document(writes, "policy")
        assert grant.get("Resource") == f"{group.outputs['arn']}:*"
        assert grant.get("Action") == ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]


@check
def what_aws_makes_by_itself_is_locked(plan: Plan) -> None:
    """Adopted with no rule at all; a key left out would leave AWS's own open rules."""
    for place in places(plan):
        group, acl, vpc = place.one("DefaultSecurityGroup"), place.one("DefaultNetworkAcl"), place.one("Vpc")
        assert place.owner(group, "vpcId") == vpc
        assert acl.inputs.get("defaultNetworkAclId") == vpc.outputs["defaultNetworkAclId"]
        for locked in (group, acl):
            assert locked.inputs.get("ingress") == [], locked.name
            assert locked.inputs.get("egress") == [], locked.name
