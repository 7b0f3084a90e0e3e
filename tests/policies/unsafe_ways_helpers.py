"""What is unsafe on the ways in: networks, the edge, sign-in."""

from typing import Any

from tests.policies.mutation_helpers import Draft
from tests.policies.unsafe_helpers import Unsafe, dropped, edited, gone, named, put, rewritten, ruled, several

_DISTRIBUTION = "cloudfront.Distribution world-edge-distribution"


def _search_open_to_a_network(draft: Draft) -> None:
    group = draft.inputs("vpc.SecurityGroupIngressRule primary-groups-agent-to-search-443-in")
    opened = {
        "cidrIpv4": "10.0.0.0/8",
        "description": "from the office",
        "fromPort": 443,
        "ipProtocol": "tcp",
        "securityGroupId": group["securityGroupId"],
        "toPort": 443,
    }
    draft.add(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        "primary-groups-office-in",
        opened,
        beside="vpc.SecurityGroupIngressRule primary-groups-agent-to-search-443-in",
    )


def _plaintext_listener(draft: Draft) -> None:
    safe = draft.inputs("lb.Listener primary-balancers-listener")
    rule = draft.inputs("lb.ListenerRule primary-balancers-rest-rule")
    plain = {
        "loadBalancerArn": safe["loadBalancerArn"],
        "port": 80,
        "protocol": "HTTP",
        "defaultActions": rule["actions"],
    }
    draft.add(
        "aws:lb/listener:Listener",
        "primary-balancers-plain",
        plain,
        beside="lb.Listener primary-balancers-listener",
    )


def _private_subnet_on_the_internet(draft: Draft) -> None:
    gateway = draft.inputs("ec2.Route primary-network-public-internet")["gatewayId"]
    draft.set("ec2.Route primary-network-private-use1-az1-nat", "gatewayId", gateway)
    draft.drop("ec2.Route primary-network-private-use1-az1-nat", "natGatewayId")


def _unvalidated(document: dict[str, Any]) -> None:
    """Takes every mention of a request validator out of the API's document."""
    document.pop("x-amazon-apigateway-request-validator", None)
    for methods in document["paths"].values():
        for method in methods.values():
            if isinstance(method, dict):
                method.pop("x-amazon-apigateway-request-validator", None)


WAYS = [
    # Network
    Unsafe(
        id="search-for-the-office",
        requirement="NET-3",
        what="a rule lets 10.0.0.0/8 reach OpenSearch",
        at=("vpc.SecurityGroupIngressRule primary-groups-office-in",),
        do=_search_open_to_a_network,
    ),
    Unsafe(
        id="cache-on-every-port",
        requirement="NET-3",
        what="the agent reaches every port of the cache",
        at=("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in",),
        do=several(
            put("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", "fromPort", 0),
            put("vpc.SecurityGroupIngressRule primary-groups-agent-to-cache-6379-in", "toPort", 65535),
        ),
    ),
    Unsafe(
        id="default-group-unlocked",
        requirement="NET-2",
        what="what has no group of its own may talk to its like",
        at=("ec2.Vpc standby-network-vpc",),
        do=put(
            "ec2.DefaultSecurityGroup standby-network-default-group",
            "ingress",
            [{"fromPort": 0, "toPort": 0, "protocol": "-1", "self": True}],
        ),
    ),
    Unsafe(
        id="private-subnet-on-the-internet",
        requirement="NET-1",
        what="a private route leads to the internet gateway",
        at=("ecs.Service primary-agent-chat-service",),
        do=_private_subnet_on_the_internet,
    ),
    Unsafe(
        id="no-flow-log",
        requirement="NET-2",
        what="nobody sees the standby network's traffic",
        at=("ec2.Vpc standby-network-vpc",),
        do=gone("ec2.FlowLog standby-network-flow-log"),
    ),
    Unsafe(
        id="no-kms-endpoint",
        requirement="NET-2",
        what="calls of KMS leave the standby's VPC",
        at=("ec2.Vpc standby-network-vpc",),
        do=gone("ec2.VpcEndpoint standby-endpoints-kms"),
    ),
    # Edge
    Unsafe(
        id="second-listener-in-plaintext",
        requirement="NET-7",
        what="a listener on port 80 forwards beside the one with TLS",
        at=("lb.Listener primary-balancers-plain",),
        do=_plaintext_listener,
    ),
    Unsafe(
        id="old-tls-at-the-balancer",
        requirement="NET-7",
        what="the load balancer accepts TLS 1.0",
        at=("lb.Listener primary-balancers-listener",),
        do=put("lb.Listener primary-balancers-listener", "sslPolicy", "ELBSecurityPolicy-2016-08"),
    ),
    Unsafe(
        id="balancer-on-the-internet",
        requirement="NET-6",
        what="the load balancer is public: no WAF before it",
        at=("lb.LoadBalancer primary-balancers-application",),
        do=put("lb.LoadBalancer primary-balancers-application", "internal", False),
    ),
    Unsafe(
        id="distribution-without-waf",
        requirement="NET-7",
        what="CloudFront has no web ACL, so the WebSocket API has none",
        at=(_DISTRIBUTION,),
        do=dropped(_DISTRIBUTION, "webAclId"),
    ),
    Unsafe(
        id="origin-in-plaintext",
        requirement="NET-7",
        what="CloudFront talks plain HTTP to the WebSocket API",
        at=(_DISTRIBUTION,),
        do=edited(
            _DISTRIBUTION,
            "origins",
            lambda origins: named(origins, "ws", "originId")["customOriginConfig"].update(
                originProtocolPolicy="http-only"
            ),
        ),
    ),
    Unsafe(
        id="round-the-edge",
        requirement="NET-7",
        what="the REST API answers whoever goes round CloudFront",
        at=(
            "wafv2.WebAcl standby-waf-acl",
            "apigateway.Stage standby-rest-stage",
        ),
        do=edited(
            "wafv2.WebAcl standby-waf-acl",
            "rules",
            lambda rules: [rule for rule in rules if rule["name"] != "only-our-distribution"],
        ),
    ),
    Unsafe(
        id="waf-counts-only",
        requirement="NET-6",
        what="known bad inputs are counted, not refused",
        at=("wafv2.WebAcl primary-waf-acl",),
        do=ruled(
            "wafv2.WebAcl primary-waf-acl",
            "known-bad-inputs",
            lambda rule: rule.update(overrideAction={"count": {}}),
        ),
    ),
    Unsafe(
        id="rate-limit-lifted",
        requirement="NET-6",
        what="one address may ask for 20,000 tickets in 5 minutes",
        at=("wafv2.WebAcl world-waf-acl",),
        do=ruled(
            "wafv2.WebAcl world-waf-acl",
            "rate-tickets",
            lambda rule: rule["statement"]["rateBasedStatement"].update(limit=20_000),
        ),
    ),
    Unsafe(
        id="tokens-in-the-waf-log",
        requirement="NET-5",
        what="the WAF's log keeps authorization headers and tickets",
        at=("wafv2.WebAcl world-waf-acl",),
        do=put("wafv2.WebAclLoggingConfiguration world-waf-logging", "redactedFields", []),
    ),
    Unsafe(
        id="connect-without-ticket",
        requirement="NET-5",
        what="a socket opens without a ticket",
        at=("apigatewayv2.Route primary-websocket-connect-route",),
        do=several(
            put("apigatewayv2.Route primary-websocket-connect-route", "authorizationType", "NONE"),
            dropped("apigatewayv2.Route primary-websocket-connect-route", "authorizerId"),
        ),
    ),
    Unsafe(
        id="stage-unthrottled",
        requirement="NET-8",
        what="-1 is no limit: the stage takes whatever comes",
        at=("apigateway.Stage primary-rest-stage",),
        do=put("apigateway.MethodSettings primary-rest-every-settings", "settings.throttlingRateLimit", -1),
    ),
    Unsafe(
        id="requests-unvalidated",
        requirement="NET-8",
        what="the API's document names no request validator",
        at=("apigateway.RestApi primary-rest-api",),
        do=rewritten("apigateway.RestApi primary-rest-api", "body", _unvalidated),
    ),
    Unsafe(
        id="failover-blind",
        requirement="NET-7",
        what="DNS keeps sending chats to a dead region: the record has no health check",
        at=("route53.Record world-dns-ws-primary",),
        do=dropped("route53.Record world-dns-ws-primary", "healthCheckId"),
    ),
    # Cache and sign-in
    Unsafe(
        id="cache-takes-plaintext",
        requirement="DATA-3",
        what="clients of the cache may leave TLS out",
        at=("elasticache.ReplicationGroup primary-cache-group",),
        do=put("elasticache.ReplicationGroup primary-cache-group", "transitEncryptionMode", "preferred"),
    ),
    Unsafe(
        id="cache-default-user-on",
        requirement="DATA-3",
        what="the cache's default user needs no password and may do everything",
        at=("elasticache.User primary-cache-nobody",),
        do=put("elasticache.User primary-cache-nobody", "accessString", "on ~* &* +@all"),
    ),
    Unsafe(
        id="tokens-in-the-address",
        requirement="RUN-17",
        what="the services' client uses the implicit flow, which puts the token into the URL",
        at=("cognito.UserPoolClient primary-identity-client-services",),
        do=put("cognito.UserPoolClient primary-identity-client-services", "allowedOauthFlows", ["implicit"]),
    ),
]
