"""The doors: a web ACL before each, no way round it, nobody in unasked, and a log of all (NET-5 to NET-8)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from policies.rule import Faults, among, each
from policies.view import Node, View, dig, known, listed, walk

# Rule groups of AWS that every web ACL has; those that look at addresses stand where addresses are real.
_GROUPS = (
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesSQLiRuleSet",
)
_AT_THE_EDGE = ("AWSManagedRulesAmazonIpReputationList",)
_REDACTED = ("authorization", "cookie", "x-api-key", "sec-websocket-protocol")
_VALIDATOR = "x-amazon-apigateway-request-validator"
_LEAKING = ("$context.authorizer.claims", "$input", "querystring", "requestoverride", "header.authorization")


def _acl(door: Node, view: View) -> list[Node]:
    """The web ACLs before a door: CloudFront names its own, others are associated."""
    if door.short == "cloudfront.Distribution":
        return view.named_by(door, "webAclId", "wafv2.WebAcl")
    links = view.naming(door, "resourceArn", "wafv2.WebAclAssociation")
    return [acl for link in links for acl in view.named_by(link, "webAclArn", "wafv2.WebAcl")]


def _facing(door: Node) -> bool:
    """A load balancer inside the network is no door."""
    return door.short != "lb.LoadBalancer" or door.get("internal") is not True


@among(
    "waf-before-door",
    "NET-6",
    "cloudfront.Distribution",
    "apigateway.Stage",
    "lb.LoadBalancer",
    "bedrock.AgentcoreGateway",
    why="What has no web ACL before it takes everything the internet sends, at any rate.",
    fix="give it web_acl_arn, or add it to `protects` of components/waf.py",
)
def waf_before_door(door: Node, view: View) -> Faults:
    """Every public door has a web ACL before it; one that asks for IAM signatures needs none."""
    if door.short == "bedrock.AgentcoreGateway" and door.get("authorizerType") == "AWS_IAM":
        return
    if _facing(door) and not _acl(door, view):
        yield "no web ACL stands before it"


@each(
    "waf-rules",
    "NET-6",
    "wafv2.WebAcl",
    why="A web ACL without rules lets everything through and looks as if it did not.",
    fix="components/waf_rules.toml holds the rules of both scopes",
)
def waf_rules(acl: Node) -> Faults:
    """A web ACL refuses bad inputs, injections, scripts, large bodies; at the edge also bad reputations."""
    rules = acl.list("rules")
    edge = acl.get("scope") == "CLOUDFRONT"
    groups = {dig(rule, "statement.managedRuleGroupStatement.name"): rule for rule in rules}
    for name in (*_GROUPS, *(_AT_THE_EDGE if edge else ())):
        if name not in groups:
            yield f"there is no {name}"
        elif dig(groups[name], "overrideAction.count") is not None:
            yield f"{name} only counts"
    said = {key for rule in rules if dig(rule, "action.block") is not None for key in _keys(rule)}
    if "sizeConstraintStatement" not in said:
        yield "bodies may have any size"


def _keys(value: Any) -> Iterator[str]:
    for path, _ in walk(value):
        yield from path


@each(
    "waf-rate",
    "NET-6",
    "wafv2.WebAcl",
    why="Tickets and REST calls are cheap to ask for and dear to answer: no address may ask for thousands.",
    fix="waf.auth_rate and waf.rest_rate: 100",
)
def waf_rate(acl: Node) -> Faults:
    """At the edge, one address may ask for tickets and for REST at most 100 times in five minutes."""
    if acl.get("scope") != "CLOUDFRONT":
        return
    limits = [dig(rule, "statement.rateBasedStatement") for rule in acl.list("rules")]
    for path in ("ticket", "/v1/"):
        found = [limit for limit in limits if limit and path in _search(limit)]
        if not any((dig(limit, "limit") or 0) <= _per_window(limit, 100) for limit in found):
            yield f"{path} may be asked for more than 100 times in five minutes"


def _per_window(limit: Any, in_five_minutes: int) -> float:
    return in_five_minutes * float(dig(limit, "evaluationWindowSec") or 300) / 300


def _search(limit: Any) -> str:
    return " ".join(str(value) for path, value in walk(limit) if path[-1] == "searchString")


@among(
    "waf-logged",
    "NET-6",
    "wafv2.WebAcl",
    why="Whether a block was an attack or a customer can only be seen in the log.",
    fix="components/waf.py declares the logging, and what is blacked out in it",
)
def waf_logged(acl: Node, view: View) -> Faults:
    """A web ACL logs what it refused, without tokens, cookies and keys."""
    logs = view.naming(acl, "resourceArn", "wafv2.WebAclLoggingConfiguration")
    if not logs:
        yield "it logs nothing"
    for log in logs:
        hidden = {str(dig(field, "singleHeader.name")).lower() for field in log.list("redactedFields")}
        yield from (f"{name} stands in its log" for name in _REDACTED if name not in hidden)


@among(
    "origin-lock",
    "NET-7",
    "cloudfront.Distribution",
    "apigateway.Stage",
    "apigatewayv2.Route",
    why="A door that opens without CloudFront has no rates, countries and reputations before it.",
    fix="the header of components/edge.py; gateway_ws.py and waf_rules.toml ask for it",
)
def origin_lock(door: Node, view: View) -> Faults:
    """Origins open only to our distribution: buckets by signature, gateways by a secret header."""
    if door.short == "cloudfront.Distribution":
        yield from _unlocked_origins(door)
    elif door.short == "apigateway.Stage":
        if not any(_asks_for(acl, _headers(view)) for acl in _acl(door, view)):
            yield "its web ACL lets in who comes past CloudFront"
    elif door.get("routeKey") == "$connect":
        asked = {
            str(source).lower().rpartition(".")[2]
            for authorizer in view.named_by(door, "authorizerId", "apigatewayv2.Authorizer")
            for source in authorizer.list("identitySources")
        }
        if not asked & _headers(view):
            yield "its authorizer does not ask for the header of our distribution"


def _unlocked_origins(site: Node) -> Faults:
    for origin in site.list("origins"):
        name = dig(origin, "originId")
        if dig(origin, "customOriginConfig") is None:
            if not dig(origin, "originAccessControlId"):
                yield f"the bucket of origin {name} is read without a signature"
        elif not any(dig(header, "value") for header in listed(dig(origin, "customHeaders"))):
            yield f"origin {name} is asked without the secret header"


def _headers(view: View) -> set[str]:
    """Names of the headers by which gateways know our distribution."""
    return {
        str(dig(header, "name")).lower()
        for site in view.of("cloudfront.Distribution")
        for origin in site.list("origins")
        for header in listed(dig(origin, "customHeaders"))
    }


def _asks_for(acl: Node, headers: set[str]) -> bool:
    """A rule blocks whatever does not carry one of these headers."""
    for rule in acl.list("rules"):
        refused = dig(rule, "statement.notStatement")
        if dig(rule, "action.block") is None or refused is None:
            continue
        asked = {value for path, value in walk(refused) if path[-2:] == ("singleHeader", "name")}
        if asked & headers:
            return True
    return False


@among(
    "door-asks",
    "RUN-17",
    "apigatewayv2.Route",
    "apigateway.RestApi",
    why="A route nobody has to identify for is a free model for everybody.",
    fix="gateway_ws.py: the ticket authorizer on $connect; gateway_rest.py: `security` of the operation",
)
def door_asks(door: Node, view: View) -> Faults:
    """Connections need a ticket, and REST calls a key or a token; only the health check is open."""
    if door.short == "apigatewayv2.Route":
        sockets = any(api.get("protocolType") == "WEBSOCKET" for api in view.named_by(door, "apiId"))
        needed = door.get("routeKey") == "$connect" or not sockets
        if needed and door.get("authorizationType") in {None, "NONE"}:
            yield f"{door.get('routeKey')} asks nobody who they are"
        return
    for path, operations in _operations(door):
        for verb, operation in operations.items():
            if not operation.get("security") and path != "/ping":
                yield f"{verb.upper()} {path} asks nobody who they are"


def _operations(api: Node) -> Iterator[tuple[str, Mapping[str, Any]]]:
    body = api.get("body")
    if isinstance(body, str):
        yield from json.loads(body).get("paths", {}).items()


@each(
    "door-validates",
    "NET-8",
    "apigateway.RestApi",
    why="What is malformed or too large is refused for nothing at the gateway, and costs a task behind it.",
    fix="x-amazon-apigateway-request-validator of the document (components/rest_document.py)",
)
def door_validates(api: Node) -> Faults:
    """Every REST call with a body is held against its schema before it gets in."""
    body = api.get("body")
    document = json.loads(body) if isinstance(body, str) else {}
    validators = document.get(f"{_VALIDATOR}s", {})
    for path, operations in _operations(api):
        for verb, operation in operations.items():
            validator = validators.get(operation.get(_VALIDATOR) or document.get(_VALIDATOR), {})
            if operation.get("requestBody") and validator.get("validateRequestBody") is not True:
                yield f"{verb.upper()} {path} takes any body"


@each(
    "tokens-not-in-addresses",
    "NET-5",
    "cognito.UserPoolClient",
    why="Addresses stand in histories, logs and referrers: a token in one is a token published.",
    fix="allowed_oauth_flows: client_credentials for services, code for people (components/identity.py)",
)
def tokens_not_in_addresses(client: Node) -> Faults:
    """No client gets its tokens in the address of a redirect."""
    if "implicit" in client.list("allowedOauthFlows"):
        yield "the implicit flow puts tokens into addresses"


@each(
    "failover-checked",
    "NET-7",
    "route53.Record",
    why="Without a check a record is taken for healthy for ever: customers stay with a region that is down.",
    fix="health_check_id of its region on each record that fails over (components/dns.py)",
)
def failover_checked(record: Node) -> Faults:
    """A name that fails over does so by a health check."""
    if record.raw("failoverRoutingPolicies") and not record.raw("healthCheckId"):
        yield "nothing tells DNS that its region is down"


@among(
    "door-throttled",
    "NET-8",
    "apigateway.Stage",
    "apigatewayv2.Stage",
    "apigateway.UsagePlan",
    why="One client without a limit uses up the account's, and everybody else's with it.",
    fix="gateway.rest and gateway.websocket: rates and bursts; a usage plan for each client",
)
def door_throttled(door: Node, view: View) -> Faults:
    """Every stage and every client's plan has a rate and a burst."""
    if door.short == "apigateway.UsagePlan":
        limits = [door.get("throttleSettings") or {}]
        keys = ("rateLimit", "burstLimit")
    elif door.short == "apigatewayv2.Stage":
        limits = [door.get("defaultRouteSettings") or {}]
        keys = ("throttlingRateLimit", "throttlingBurstLimit")
    else:
        settings = [s for s in view.of("apigateway.MethodSettings") if _belongs(s, door)]
        limits = [s.get("settings") or {} for s in settings if s.get("methodPath") == "*/*"]
        keys = ("throttlingRateLimit", "throttlingBurstLimit")
    if not any(all((dig(limit, key) or 0) > 0 for key in keys) for limit in limits):
        yield "it has no rate and burst"


def _belongs(settings: Node, stage: Node) -> bool:
    """Both name the same API: by its id, or, while that is unknown, as the same resource."""
    same = settings.raw("restApi") == stage.raw("restApi") or settings.links.get(
        "restApi"
    ) == stage.links.get("restApi")
    return same and settings.region == stage.region and settings.get("stageName") == stage.get("stageName")


@among(
    "door-logged",
    "NET-8",
    "apigateway.Stage",
    "apigatewayv2.Stage",
    "apigateway.MethodSettings",
    "cloudfront.Distribution",
    why="Without an access log nobody knows who came; with bodies in it, too many know what they said.",
    fix="access_log_settings with the fields of components/gateway_*.py, data_trace_enabled=False",
)
def door_logged(door: Node, view: View) -> Faults:
    """Every door logs who came and how it went, and never bodies or tokens."""
    if door.short == "cloudfront.Distribution":
        sources = view.naming(door, "resourceArn", "cloudwatch.LogDeliverySource")
        if not sources and not door.raw("loggingConfig"):
            yield "it logs nothing"
        return
    settings = (
        door.get("settings")
        if door.short == "apigateway.MethodSettings"
        else door.get("defaultRouteSettings")
    )
    if dig(settings or {}, "dataTraceEnabled") is True:
        yield "bodies stand in its log"
    if door.short == "apigateway.MethodSettings":
        return
    log = door.get("accessLogSettings") or {}
    if not log or not known(log.get("format")):
        yield "it has no access log"
    text = str(dig(log, "format")).lower()
    yield from (f"its log holds {word}" for word in _LEAKING if word in text)


RULES = (
    waf_before_door,
    waf_rules,
    waf_rate,
    waf_logged,
    origin_lock,
    door_asks,
    door_validates,
    tokens_not_in_addresses,
    failover_checked,
    door_throttled,
    door_logged,
)
