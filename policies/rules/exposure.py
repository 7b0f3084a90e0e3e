"""What the world can reach: buckets, ports, subnets and routes."""

from policies.rule import Faults, among, each
from policies.view import Node, View, dig, listed

_ANYWHERE = {"0.0.0.0/0", "::/0"}
_BLOCKS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
# Inputs by which a workload says in which subnets it stands.
_PLACED = {
    "ecs.Service": "networkConfiguration.subnets",
    "opensearch.Domain": "vpcOptions.subnetIds",
    "elasticache.SubnetGroup": "subnetIds",
    "dax.SubnetGroup": "subnetIds",
    "neptune.SubnetGroup": "subnetIds",
    "lambda.Function": "vpcConfig.subnetIds",
    "sagemaker.Model": "vpcConfig.subnets",
    "bedrock.AgentcoreAgentRuntime": "networkConfiguration.networkModeConfig.subnets",
    "codebuild.Project": "vpcConfig.subnets",
}
# Services the agent calls: without an endpoint each call leaves through NAT (NET-2).
_INTERFACES = (
    *("bedrock-runtime", "bedrock-agent-runtime", "bedrock-agentcore", "sagemaker.runtime"),
    *("ssm", "secretsmanager", "kms", "logs", "monitoring", "ecr.api", "ecr.dkr", "sts", "xray"),
)
_GATEWAYS = ("s3", "dynamodb")


@among(
    "bucket-private",
    "DATA-4",
    "s3.Bucket",
    why="One wrong policy or ACL must not be enough to publish customers' data.",
    fix="declare it with components/private_bucket.py, or add a BucketPublicAccessBlock with all four set",
)
def bucket_private(bucket: Node, view: View) -> Faults:
    """Public access is blocked in all four ways on every bucket."""
    blocks = view.naming(bucket, "bucket", "s3.BucketPublicAccessBlock")
    open_ways = [way for way in _BLOCKS if not any(block.get(way) is True for block in blocks)]
    if open_ways:
        yield f"{', '.join(open_ways)} not set"


@each(
    "bucket-no-acl",
    "DATA-4",
    "s3.Bucket",
    "s3.BucketAcl",
    "s3.BucketOwnershipControls",
    why="ACLs grant access beside policies, where no review looks.",
    fix='remove the ACL; object_ownership="BucketOwnerEnforced" turns ACLs off',
)
def bucket_no_acl(node: Node) -> Faults:
    """Buckets use no access lists: their owner owns every object."""
    if node.get("acl") not in {None, "", "private"}:
        yield f"the access list is {node.get('acl')}"
    if node.short == "s3.BucketOwnershipControls":
        owner = node.get("rule.objectOwnership")
        if owner != "BucketOwnerEnforced":
            yield f"ownership is {owner}: access lists still count"


@each(
    "no-open-ingress",
    "NET-3",
    "ec2.SecurityGroup",
    "ec2.SecurityGroupRule",
    "vpc.SecurityGroupIngressRule",
    why="Only CloudFront and the gateways face the world; nothing of ours in the network does.",
    fix="name the security group that may connect instead of an address range",
)
def no_open_ingress(group: Node) -> Faults:
    """No security group lets the whole internet in, on any port."""
    if group.short == "ec2.SecurityGroupRule" and group.get("type") != "ingress":
        return
    keys = ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")
    for rule in [group.inputs, *group.list("ingress")]:
        sources = {source for key in keys for source in listed(dig(rule, key))}
        for source in sorted(_ANYWHERE & sources):
            port = dig(rule, "fromPort")
            yield f"{source} may connect to port {'any' if port is None else f'{port:g}'}"


@each(
    "ingress-by-group",
    "NET-3",
    "ec2.SecurityGroup",
    "ec2.SecurityGroupRule",
    "vpc.SecurityGroupIngressRule",
    why="An address range is whoever sits in it, and a range of ports is whatever will listen there.",
    fix="a row of components/security_groups.py: one group, one port, and the group that may connect",
)
def ingress_by_group(group: Node) -> Faults:
    """A security group lets in another group of ours, on one port."""
    if group.short == "ec2.SecurityGroupRule" and group.get("type") != "ingress":
        return
    keys = ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")
    for rule in [group.inputs, *group.list("ingress")]:
        sources = {source for key in keys for source in listed(dig(rule, key))}
        for source in sorted(sources - _ANYWHERE):
            yield f"the addresses {source} may connect, whoever has them"
        first, last = dig(rule, "fromPort"), dig(rule, "toPort")
        every = str(dig(rule, "ipProtocol") or dig(rule, "protocol")) in {"-1", "all"}
        if every or (last is not None and first != last):
            yield "more than one port is open"


@among(
    "default-locked",
    "NET-2",
    "ec2.Vpc",
    why="What names no security group gets the default one: it must open nothing.",
    fix="declare ec2.DefaultSecurityGroup of the VPC with no ingress and no egress (components/network.py)",
)
def default_locked(vpc: Node, view: View) -> Faults:
    """The default security group of every VPC is declared, and empty."""
    groups = view.naming(vpc, "vpcId", "ec2.DefaultSecurityGroup")
    if not groups:
        yield "the default security group is as AWS made it"
    if any(group.list("ingress") or group.list("egress") for group in groups):
        yield "the default security group has rules"


@among(
    "flow-logs",
    "NET-2",
    "ec2.Vpc",
    why="After an intrusion they are the only witness of who talked to whom.",
    fix='declare ec2.FlowLog with traffic_type="ALL" (components/network.py)',
)
def flow_logs(vpc: Node, view: View) -> Faults:
    """Every VPC logs all its flows."""
    logs = view.naming(vpc, "vpcId", "ec2.FlowLog")
    if not any(log.get("trafficType") == "ALL" for log in logs):
        yield "accepted and rejected flows are not both logged"


@among(
    "workload-private",
    "NET-1",
    *_PLACED,
    why="A workload in a public subnet is one security group away from the internet.",
    fix="place it in the private or isolated subnets of its region; assign_public_ip=False",
)
def workload_private(workload: Node, view: View) -> Faults:
    """Workloads stand in subnets without a route to an internet gateway, and have no public address."""
    if workload.get("networkConfiguration.assignPublicIp") is True:
        yield "its tasks get public addresses"
    if workload.get("networkConfiguration.networkMode") == "PUBLIC":
        yield "it runs outside our network"
    if workload.short == "opensearch.Domain" and not workload.raw("vpcOptions"):
        yield "the domain has a public endpoint: it stands in no VPC"
    public = {node.urn: node for node in _public_subnets(view)}
    placed = workload.list(_PLACED[workload.short])
    for subnet in public.values():
        if subnet.identities & set(placed):
            yield f"it stands in {subnet.name}, which has a route to the internet"


def _public_subnets(view: View) -> list[Node]:
    tables = {
        table.urn
        for route in view.of("ec2.Route")
        if view.named_by(route, "gatewayId", "ec2.InternetGateway")
        for table in view.named_by(route, "routeTableId", "ec2.RouteTable")
    }
    return [
        subnet
        for link in view.of("ec2.RouteTableAssociation")
        if any(table.urn in tables for table in view.named_by(link, "routeTableId"))
        for subnet in view.named_by(link, "subnetId", "ec2.Subnet")
    ]


@each(
    "no-public-address",
    "NET-1",
    "ec2.Subnet",
    "ec2.Instance",
    why="An address that comes by itself is one nobody decided on.",
    fix="set map_public_ip_on_launch=False",
)
def no_public_address(node: Node) -> Faults:
    """Nothing gets a public address by being started in a subnet."""
    if node.get("mapPublicIpOnLaunch") is True or node.get("associatePublicIpAddress") is True:
        yield "public addresses are given out by default"


@among(
    "private-balancer",
    "NET-6",
    "lb.LoadBalancer",
    why="The edge is the way in. A balancer with a public name is a way round its web ACL.",
    fix="set internal=True; gateways reach it through their VPC links",
)
def private_balancer(balancer: Node, view: View) -> Faults:
    """Load balancers are internal; a public one needs a web ACL before it."""
    guarded = view.naming(balancer, "resourceArn", "wafv2.WebAclAssociation")
    if balancer.get("internal") is not True and not guarded:
        yield "it is reachable from the internet"


@among(
    "nat-per-zone",
    "NET-1",
    "ec2.Vpc",
    why="With one NAT gateway, losing its zone cuts every zone off from the world.",
    fix="set network.nat: per-az",
    elsewhere="advisory",
)
def nat_per_zone(vpc: Node, view: View) -> Faults:
    """Private subnets reach the world through a NAT gateway in their own zone."""
    routes = {
        table.urn: gateway
        for route in view.of("ec2.Route")
        for table in view.named_by(route, "routeTableId", "ec2.RouteTable")
        for gateway in view.named_by(route, "natGatewayId", "ec2.NatGateway")
    }
    for link in view.of("ec2.RouteTableAssociation"):
        tables = view.named_by(link, "routeTableId", "ec2.RouteTable")
        for subnet in view.named_by(link, "subnetId", "ec2.Subnet"):
            nat = next((routes[table.urn] for table in tables if table.urn in routes), None)
            if nat is None or vpc not in view.named_by(subnet, "vpcId"):
                continue
            zones = {home.get("availabilityZoneId") for home in view.named_by(nat, "subnetId")}
            if subnet.get("availabilityZoneId") not in zones:
                yield f"{subnet.name} leaves through another zone"


@among(
    "endpoints-complete",
    "NET-2",
    "ec2.Vpc",
    why="A call that has no endpoint leaves the network, costs NAT traffic and stops when NAT does.",
    fix="set network.endpoints: agent; the list is in components/endpoints.py",
    elsewhere="advisory",
)
def endpoints_complete(vpc: Node, view: View) -> Faults:
    """Every AWS service the agent calls has an endpoint in the network, with a policy and private names."""
    endpoints = view.naming(vpc, "vpcId", "ec2.VpcEndpoint")
    names = {str(endpoint.get("serviceName")): endpoint for endpoint in endpoints}
    for service in (*_INTERFACES, *_GATEWAYS):
        endpoint = next((e for name, e in names.items() if name.endswith(f".{service}")), None)
        if endpoint is None:
            yield f"there is no endpoint for {service}"
        elif service in _INTERFACES and endpoint.get("privateDnsEnabled") is not True:
            yield f"the name of {service} does not lead to its endpoint"


RULES = (
    bucket_private,
    bucket_no_acl,
    no_open_ingress,
    ingress_by_group,
    default_locked,
    flow_logs,
    workload_private,
    no_public_address,
    private_balancer,
    nat_per_zone,
    endpoints_complete,
)
