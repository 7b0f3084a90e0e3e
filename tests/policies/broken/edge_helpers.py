"""One thing broken at a time, for the rules of `policies/rules/edge.py`."""

from tests.policies.breaking_helpers import (
    EDGE,
    WORLD_ACL,
    Case,
    both,
    case,
    dropping,
    removing,
    replacing,
    setting,
    without_rule,
)

CASES: list[Case] = [
    # Doors.
    case("the edge without a web ACL", "waf-before-door", dropping(EDGE, "webAclId")),
    # What is not associated asks for no header either.
    case(
        "REST without a web ACL",
        "waf-before-door origin-lock",
        removing("wafv2.WebAclAssociation primary-waf-before-rest"),
    ),
    case("a web ACL without SQL injection", "waf-rules", without_rule(WORLD_ACL, "sqli")),
    case(
        "a web ACL that only counts",
        "waf-rules",
        lambda draft: draft.edit(
            WORLD_ACL,
            "rules",
            lambda rules: [
                {**r, "overrideAction": {"count": {}}} if r["name"] == "core-and-xss" else r for r in rules
            ],
        ),
    ),
    case("bodies of any size", "waf-rules", without_rule(WORLD_ACL, "body-size")),
    case("addresses of any reputation", "waf-rules", without_rule(WORLD_ACL, "reputation")),
    case("tickets at any rate", "waf-rate", without_rule(WORLD_ACL, "rate-tickets")),
    case("REST at any rate", "waf-rate", without_rule(WORLD_ACL, "rate-rest")),
    case(
        "a web ACL without a log",
        "waf-logged",
        removing("wafv2.WebAclLoggingConfiguration world-waf-logging"),
    ),
    case(
        "tokens in the log of a web ACL",
        "waf-logged",
        setting(
            "wafv2.WebAclLoggingConfiguration world-waf-logging", "redactedFields", [{"queryString": {}}]
        ),
    ),
    case(
        "REST past CloudFront",
        "origin-lock",
        without_rule("wafv2.WebAcl primary-waf-acl", "only-our-distribution"),
    ),
    case(
        "sockets past CloudFront",
        "origin-lock",
        setting(
            "apigatewayv2.Authorizer primary-websocket-authorizer",
            "identitySources",
            ["route.request.header.Sec-WebSocket-Protocol"],
        ),
    ),
    case("an origin asked without the header", "origin-lock", dropping(EDGE, "origins.1.customHeaders")),
    case(
        "a bucket read without a signature", "origin-lock", dropping(EDGE, "origins.0.originAccessControlId")
    ),
    # Who need not be authorised is not asked for the header either.
    case(
        "sockets without a ticket",
        "door-asks origin-lock",
        both(
            setting("apigatewayv2.Route primary-websocket-connect-route", "authorizationType", "NONE"),
            dropping("apigatewayv2.Route primary-websocket-connect-route", "authorizerId"),
        ),
    ),
    case(
        "REST without a key",
        "door-asks",
        lambda draft: draft.rewrite(
            "apigateway.RestApi primary-rest-api",
            "body",
            lambda body: body["paths"]["/guest/ticket"]["post"].update(security=[]),
        ),
    ),
    case(
        "sockets at any rate",
        "door-throttled",
        dropping("apigatewayv2.Stage primary-websocket-stage", "defaultRouteSettings.throttlingRateLimit"),
    ),
    case(
        "a client at any rate",
        "door-throttled",
        dropping("apigateway.UsagePlan primary-rest-app-plan", "throttleSettings"),
    ),
    case(
        "REST methods at any rate",
        "door-throttled",
        removing("apigateway.MethodSettings primary-rest-every-settings"),
    ),
    case(
        "REST without an access log",
        "door-logged",
        dropping("apigateway.Stage primary-rest-stage", "accessLogSettings"),
    ),
    case(
        "bodies in the log of REST",
        "door-logged",
        setting("apigateway.MethodSettings primary-rest-every-settings", "settings.dataTraceEnabled", True),
    ),
    case(
        "the edge without a log",
        "door-logged",
        removing("cloudwatch.LogDeliverySource world-edge-log-source"),
    ),
    case(
        "bodies of any shape",
        "door-validates",
        replacing(
            "apigateway.RestApi primary-rest-api",
            "body",
            '"validateRequestBody": true',
            '"validateRequestBody": false',
        ),
    ),
    case(
        "tokens in addresses",
        "tokens-not-in-addresses",
        setting("cognito.UserPoolClient primary-identity-client-services", "allowedOauthFlows", ["implicit"]),
    ),
    case(
        "a failover that nothing starts",
        "failover-checked",
        dropping("route53.Record world-dns-rest-primary", "healthCheckId"),
    ),
]
