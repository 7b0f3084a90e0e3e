"""One thing broken at a time, for the rules of `policies/rules/exposure.py`."""

from tests.policies.breaking_helpers import (
    DOCUMENTS,
    RUNTIME,
    SEARCH,
    SERVICE,
    Case,
    adding,
    case,
    dropping,
    nat_of_another_zone,
    open_route,
    removing,
    setting,
)

CASES: list[Case] = [
    # Exposure.
    case(
        "a bucket that may be public",
        "bucket-private",
        setting(f"s3.BucketPublicAccessBlock {DOCUMENTS}-private", "blockPublicPolicy", False),
    ),
    case(
        "a bucket without the block",
        "bucket-private",
        removing(f"s3.BucketPublicAccessBlock {DOCUMENTS}-private"),
    ),
    case(
        "access lists that count",
        "bucket-no-acl",
        setting(f"s3.BucketOwnershipControls {DOCUMENTS}-owner", "rule.objectOwnership", "ObjectWriter"),
    ),
    case(
        "a public access list",
        "bucket-no-acl",
        adding("aws:s3/bucketAcl:BucketAcl", {"acl": "public-read"}, f"s3.Bucket {DOCUMENTS}-bucket"),
    ),
    case(
        "the world into the agent",
        "no-open-ingress",
        setting(
            "vpc.SecurityGroupIngressRule primary-groups-agent-to-agent-8080-in", "cidrIpv4", "0.0.0.0/0"
        ),
    ),
    case(
        "the world into a group, in IPv6",
        "no-open-ingress",
        setting(
            "ec2.SecurityGroup primary-groups-cache",
            "ingress",
            [{"ipv6CidrBlocks": ["::/0"], "fromPort": 6379}],
        ),
    ),
    case(
        "the world by the older kind of rule",
        "no-open-ingress",
        adding(
            "aws:ec2/securityGroupRule:SecurityGroupRule",
            {"type": "ingress", "cidrBlocks": ["0.0.0.0/0"], "fromPort": 22},
            "ec2.SecurityGroup primary-groups-cache",
        ),
    ),
    case(
        "a default group that opens",
        "default-locked",
        setting("ec2.DefaultSecurityGroup primary-network-default-group", "ingress", [{"self": True}]),
    ),
    case(
        "a default group as AWS made it",
        "default-locked",
        removing("ec2.DefaultSecurityGroup primary-network-default-group"),
    ),
    case("no flow log", "flow-logs", removing("ec2.FlowLog primary-network-flow-log")),
    case(
        "rejected flows only",
        "flow-logs",
        setting("ec2.FlowLog primary-network-flow-log", "trafficType", "REJECT"),
    ),
    # The zone then has no NAT gateway either; who has a route to the internet stands in public.
    case("private subnets with a way to the internet", "workload-private", open_route),
    case(
        "tasks with public addresses",
        "workload-private",
        setting(SERVICE, "networkConfiguration.assignPublicIp", True),
    ),
    case("search outside the network", "workload-private", dropping(SEARCH, "vpcOptions")),
    case(
        "addresses given out",
        "no-public-address",
        setting("ec2.Subnet primary-network-private-use1-az1", "mapPublicIpOnLaunch", True),
    ),
    case(
        "a balancer in public",
        "private-balancer waf-before-door",
        setting("lb.LoadBalancer primary-balancers-application", "internal", False),
    ),
    case("a zone that leaves through another", "nat-per-zone", nat_of_another_zone),
    case(
        "no endpoint of Bedrock",
        "endpoints-complete",
        removing("ec2.VpcEndpoint primary-endpoints-bedrock-runtime"),
    ),
    case(
        "an endpoint nobody is led to",
        "endpoints-complete",
        setting("ec2.VpcEndpoint primary-endpoints-bedrock-runtime", "privateDnsEnabled", False),
    ),
    case(
        "the office into search",
        "ingress-by-group",
        setting(
            "vpc.SecurityGroupIngressRule primary-groups-agent-to-search-443-in", "cidrIpv4", "10.0.0.0/8"
        ),
    ),
    case(
        "a range of ports",
        "ingress-by-group",
        setting("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", "toPort", 65535),
    ),
    case(
        "every protocol",
        "ingress-by-group",
        setting("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", "ipProtocol", "-1"),
    ),
    case(
        "a runtime outside the network",
        "workload-private",
        setting(RUNTIME, "networkConfiguration", {"networkMode": "PUBLIC"}),
        "full",
    ),
]
