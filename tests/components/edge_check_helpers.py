"""What gateways and balancers must be, as checks on a plan (NET-4, NET-5, NET-8)."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from contract.frames import SERVED
from plan import Plan, Resource
from tests.components.edge_helpers import ACCOUNT, kind, opened, text

Check = Callable[[Plan], None]
CHECKS: list[Check] = []


def check(function: Check) -> Check:
    """Joins the checks that the edge must pass, and that must each be seen to fail."""
    CHECKS.append(function)
    return function


def balancers(plan: Plan, type_: str) -> list[Resource]:
    found = [r for r in kind(plan, "lb.LoadBalancer") if r.inputs.get("loadBalancerType") == type_]
    assert found, f"no {type_} balancer"
    return found


@check
def balancers_are_private_and_guarded(plan: Plan) -> None:
    for balancer in (*balancers(plan, "application"), *balancers(plan, "network")):
        assert balancer.inputs.get("internal") is True, balancer.name
        assert balancer.inputs.get("enableDeletionProtection") is True, balancer.name
        assert balancer.inputs.get("securityGroups"), balancer.name
        assert balancer.options.protect, balancer.name


@check
def the_application_balancer_drops_what_is_no_http_and_writes_it_down(plan: Plan) -> None:
    for balancer in balancers(plan, "application"):
        assert balancer.inputs.get("dropInvalidHeaderFields") is True
        assert balancer.inputs.get("desyncMitigationMode") == "strictest"
        assert balancer.inputs.get("accessLogs", {}).get("enabled") is True
        assert balancer.inputs["accessLogs"].get("bucket")


@check
def the_network_balancer_lets_in_what_comes_by_the_link(plan: Plan) -> None:
    """API Gateway's end of a link of the first kind has addresses that no group can name."""
    for balancer in balancers(plan, "network"):
        assert balancer.inputs.get("enforceSecurityGroupInboundRulesOnPrivateLinkTraffic") == "off"


@check
def http_listeners_speak_tls_13_and_12_only(plan: Plan) -> None:
    owners = {balancer.inputs["loadBalancerType"]: balancer for balancer in kind(plan, "lb.LoadBalancer")}
    assert set(owners) == {"application", "network"}
    application = {b.id for b in balancers(plan, "application")}
    listeners = [r for r in kind(plan, "lb.Listener") if r.inputs.get("loadBalancerArn") in application]
    assert len(listeners) == len(application)
    for listener in listeners:
        assert listener.inputs.get("protocol") == "HTTPS"
        assert str(listener.inputs.get("sslPolicy")).startswith("ELBSecurityPolicy-TLS13-1-2-")
        assert listener.inputs.get("certificateArn")
        assert listener.inputs["defaultActions"][0]["fixedResponse"]["statusCode"] == "404"


@check
def every_public_service_has_a_blue_and_a_green_side(plan: Plan) -> None:
    names = {r.name.split("-", 2)[2] for r in kind(plan, "lb.TargetGroup") if "balancers" in r.name}
    assert names == {f"{service}-{colour}" for service in ("chat", "rest") for colour in ("blue", "green")}
    for rule in kind(plan, "lb.ListenerRule"):
        if rule.name.endswith("-alive"):
            continue
        # ECS shifts the weights during a rollout: an `up` must not.
        assert rule.options.ignore_changes == ("actions",), rule.name
        (target,) = rule.inputs["actions"][0]["forward"]["targetGroups"]
        group = plan.owner_of(target["arn"])
        assert group is not None
        assert group.name.endswith("-green" if "-test-" in rule.name else "-blue")
        headers = [c["httpHeader"] for c in rule.inputs["conditions"] if "httpHeader" in c]
        assert bool(headers) == ("-test-" in rule.name)


@check
def targets_are_tasks_that_answer_ping_and_may_finish(plan: Plan) -> None:
    for group in kind(plan, "lb.TargetGroup"):
        if group.inputs.get("targetType") == "alb":
            assert group.inputs["healthCheck"]["path"] == "/ping"
            assert group.inputs["healthCheck"]["protocol"] == "HTTPS"
            continue
        assert group.inputs.get("targetType") == "ip", group.name
        assert group.inputs.get("deregistrationDelay") == 120, group.name
        if group.inputs.get("protocol") == "HTTP":
            assert group.inputs.get("healthCheck", {}).get("path") == "/ping", group.name
            assert group.inputs["healthCheck"].get("matcher") == "200"
        else:
            assert group.inputs.get("connectionTermination") is True, group.name


@check
def internal_services_have_names_in_the_vpc(plan: Plan) -> None:
    namespaces = {r.id for r in kind(plan, "servicediscovery.PrivateDnsNamespace") if r.inputs.get("vpc")}
    for service in kind(plan, "servicediscovery.Service"):
        assert service.inputs["dnsConfig"]["namespaceId"] in namespaces


@check
def websocket_links_lead_to_network_balancers_and_rest_links_into_private_subnets(plan: Plan) -> None:
    networks = {r.id for r in balancers(plan, "network")}
    assert all(
        link.inputs.get("targetArn") in networks for link in kind(plan, "aws:apigateway/vpcLink:VpcLink")
    )
    for link in kind(plan, "aws:apigatewayv2/vpcLink:VpcLink"):
        assert link.inputs.get("subnetIds")
        assert link.inputs.get("securityGroupIds") == ["sg-link"]


@check
def only_connect_is_open_and_asks_for_a_ticket(plan: Plan) -> None:
    authorizers = {r.id: r for r in kind(plan, "apigatewayv2.Authorizer")}
    for authorizer in authorizers.values():
        assert authorizer.inputs.get("authorizerType") == "REQUEST"
        assert set(authorizer.inputs.get("identitySources", ())) == {
            "route.request.header.Sec-WebSocket-Protocol",
            "route.request.header.X-Concierge-Origin",
        }
    for api in kind(plan, "apigatewayv2.Api"):
        routes = {
            r.inputs["routeKey"]: r for r in kind(plan, "apigatewayv2.Route") if r.inputs["apiId"] == api.id
        }
        assert set(routes) == {"$connect", "$default", "$disconnect"}
        assert routes["$connect"].inputs.get("authorizationType") == "CUSTOM"
        assert routes["$connect"].inputs.get("authorizerId") in authorizers


@check
def messages_go_through_the_link_and_say_who_sent_them(plan: Plan) -> None:
    links = {r.id for r in kind(plan, "aws:apigateway/vpcLink:VpcLink")}
    forwarding = [
        r for r in kind(plan, "apigatewayv2.Integration") if r.inputs["integrationType"] == "HTTP_PROXY"
    ]
    assert len(forwarding) == 2 * len(kind(plan, "apigatewayv2.Api"))
    for integration in forwarding:
        assert integration.inputs.get("connectionType") == "VPC_LINK"
        assert integration.inputs.get("connectionId") in links
        assert integration.inputs["integrationUri"].startswith("https://")
        assert integration.inputs.get("timeoutMilliseconds", 0) <= 29_000
        told = integration.inputs.get("requestParameters", {})
        assert told.get("integration.request.header.X-Connection-Id") == "context.connectionId"
        assert told.get("integration.request.header.X-User") == "context.authorizer.user"


@check
def the_door_may_take_tickets_and_nothing_else(plan: Plan) -> None:
    for policy in [r for r in kind(plan, "iam.RolePolicy") if r.name.endswith("-door-may")]:
        actions = [action for part in text(policy, "policy")["Statement"] for action in part["Action"]]
        assert actions == ["logs:CreateLogStream", "logs:PutLogEvents", "dynamodb:DeleteItem"]
        assert all(
            "*" not in str(part["Resource"]).removesuffix(":*")
            for part in text(policy, "policy")["Statement"]
        )


@check
def functions_are_arm64_and_hold_no_secret_of_the_origin(plan: Plan) -> None:
    secret = {opened(r.inputs["secretString"]) for r in kind(plan, "secretsmanager.SecretVersion")}
    for function in kind(plan, "lambda.Function"):
        assert function.inputs.get("architectures") == ["arm64"]
        variables = opened(function.inputs.get("environment", {}).get("variables", {}))
        assert not secret & set(variables.values())
    doors = [r for r in kind(plan, "lambda.Function") if r.name.endswith("door-function")]
    assert doors
    for door in doors:
        served = door.inputs["environment"]["variables"]["SERVED"]
        assert served == ",".join(str(version) for version in sorted(SERVED, reverse=True))


@check
def functions_are_called_only_by_our_own_gateway(plan: Plan) -> None:
    apis = {r.outputs["executionArn"] for r in kind(plan, "apigatewayv2.Api")}
    for permission in kind(plan, "lambda.Permission"):
        assert permission.inputs.get("principal") == "apigateway.amazonaws.com"
        assert permission.inputs.get("sourceAccount") == ACCOUNT
        assert any(str(permission.inputs.get("sourceArn")).startswith(f"{api}/") for api in apis)


@check
def roles_trust_one_service_of_this_account(plan: Plan) -> None:
    for role in kind(plan, "iam.Role"):
        (statement,) = text(role, "assumeRolePolicy")["Statement"]
        assert set(statement["Principal"]) == {"Service"}, role.name
        assert statement.get("Condition") == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}, role.name


@check
def the_websocket_stage_throttles_and_keeps_words_out_of_logs(plan: Plan) -> None:
    for stage in kind(plan, "apigatewayv2.Stage"):
        settings = stage.inputs.get("defaultRouteSettings", {})
        assert settings.get("throttlingRateLimit") == 10_000
        assert settings.get("throttlingBurstLimit") == 5_000
        assert settings.get("detailedMetricsEnabled") is True
        assert settings.get("dataTraceEnabled") is False
        no_secrets_logged(stage)


def no_secrets_logged(stage: Resource) -> None:
    settings = stage.inputs.get("accessLogSettings", {})
    assert settings.get("destinationArn"), f"{stage.name} writes no access log"
    written = settings.get("format", "")
    assert "requestId" in written
    for forbidden in ("querystring", "header", "$context.path", "requestOverride", "input.body"):
        assert forbidden.lower() not in written.lower(), f"{stage.name} logs {forbidden}"


@check
def rest_requests_are_validated_keyed_and_signed_in(plan: Plan) -> None:
    for api in kind(plan, "apigateway.RestApi"):
        assert api.inputs.get("endpointConfiguration") == {"types": "REGIONAL"}
        assert api.inputs.get("apiKeySource") == "HEADER"
        assert "TLS13_1_2" in api.inputs.get("securityPolicy", "")
        assert api.inputs.get("putRestApiMode") == "overwrite"
        document = text(api, "body")
        validator = document["x-amazon-apigateway-request-validators"].get(
            document.get("x-amazon-apigateway-request-validator")
        )
        assert validator == {"validateRequestBody": True, "validateRequestParameters": True}
        for path, verbs in document["paths"].items():
            for operation in verbs.values():
                assert operation["security"] == asked(path), path


def asked(path: str) -> list[dict[str, list[str]]]:
    """A guest's ticket and chat need a key; everything else a user too; /ping nothing."""
    if path == "/ping":
        return []
    return [{"key": []}] if path.startswith("/guest/") else [{"key": [], "users": []}]


@check
def rest_bodies_are_closed_and_bounded(plan: Plan) -> None:
    for api in kind(plan, "apigateway.RestApi"):
        schemas = text(api, "body")["components"]["schemas"]
        for schema in schemas.values():
            assert schema["additionalProperties"] is False
            for field in schema.get("properties", {}).values():
                assert field["type"] != "string" or "maxLength" in field or "enum" in field
        assert schemas["Message"]["properties"]["text"]["maxLength"] == 4_000


@check
def rest_requests_go_privately_to_the_application_balancer(plan: Plan) -> None:
    links = {r.id for r in kind(plan, "aws:apigatewayv2/vpcLink:VpcLink")}
    applications = {r.id for r in balancers(plan, "application")}
    for api in kind(plan, "apigateway.RestApi"):
        for path, verbs in text(api, "body")["paths"].items():
            for operation in verbs.values():
                way: dict[str, Any] = operation["x-amazon-apigateway-integration"]
                if path == "/ping":
                    assert way["type"] == "mock"
                    continue
                assert way["connectionType"] == "VPC_LINK"
                assert way["connectionId"] in links
                assert way["integrationTarget"] in applications
                assert way["uri"].startswith("https://")
                assert way["timeoutInMillis"] <= 29_000


@check
def rest_stages_trace_and_log(plan: Plan) -> None:
    for stage in kind(plan, "apigateway.Stage"):
        assert stage.inputs.get("xrayTracingEnabled") is True
        no_secrets_logged(stage)


@check
def every_method_and_every_key_is_throttled(plan: Plan) -> None:
    stages = kind(plan, "apigateway.Stage")
    paths = Counter(r.inputs.get("methodPath") for r in kind(plan, "apigateway.MethodSettings"))
    expected = ("*/*", "guest~1ticket/POST", "guest~1chat~1message/POST")
    assert paths == dict.fromkeys(expected, len(stages))
    for settings in kind(plan, "apigateway.MethodSettings"):
        given = settings.inputs.get("settings", {})
        assert given.get("throttlingRateLimit", -1) > 0
        assert given.get("throttlingBurstLimit", -1) > 0
        assert given.get("dataTraceEnabled") is False
    keys = {r.inputs.get("usagePlanId"): r.inputs.get("keyId") for r in kind(plan, "apigateway.UsagePlanKey")}
    for usage in kind(plan, "apigateway.UsagePlan"):
        assert usage.inputs.get("throttleSettings", {}).get("rateLimit", 0) > 0, usage.name
        assert usage.inputs.get("apiStages"), usage.name
        key = plan.owner_of(str(keys[usage.id]))
        assert key is not None
        assert key.inputs.get("name") == usage.inputs.get("name")


@check
def a_client_has_the_same_key_in_every_region(plan: Plan) -> None:
    values: dict[str, set[str]] = {}
    for key in kind(plan, "apigateway.ApiKey"):
        values.setdefault(key.inputs["name"], set()).add(opened(key.inputs["value"]))
    assert all(len(found) == 1 for found in values.values())
    assert len({value for found in values.values() for value in found}) == len(values)
