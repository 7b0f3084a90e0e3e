"""No check of the edge is one that cannot fail: each security-relevant input is loosened, and found."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from plan import Options, Resource
from tests.components import edge_check_helpers as gates
from tests.components import edge_door_check_helpers as doors
from tests.components.edge_check_helpers import CHECKS, Check
from tests.components.edge_helpers import opened, planned
from tests.stacks.loosening_helpers import Change, gone, having, loosened, policy, without

MISSING = object()
CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"  # AWS's policy that keeps answers


def at(path: str, value: Any = MISSING) -> Callable[[Resource], Resource]:
    """An input changed deep inside, or taken out: `origins.1.customHeaders`."""

    def change(resource: Resource) -> Resource:
        inputs = deepcopy(opened(dict(resource.inputs)))
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        inner: Any = inputs
        for step in steps:
            inner = inner[step]
        if value is MISSING:
            del inner[last]
        else:
            inner[last] = value
        return replace(resource, inputs=inputs)

    return change


def body(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Resource], Resource]:
    """The REST document rewritten."""

    def change(resource: Resource) -> Resource:
        document = json.loads(resource.inputs["body"])
        edit(document)
        return having(body=json.dumps(document))(resource)

    return change


def way(path: str, verb: str, key: str, value: str) -> Callable[[Resource], Resource]:
    return body(lambda d: d["paths"][path][verb]["x-amazon-apigateway-integration"].update({key: value}))


def unguarded(resource: Resource) -> Resource:
    return replace(resource, options=Options())


ALB = "LoadBalancer primary-balancers-application"
NLB = "LoadBalancer standby-entry-network"
LISTENER = "Listener primary-balancers-listener"
CHAT = "TargetGroup primary-balancers-chat-blue"
GRPC = "TargetGroup standby-entry-catalogue-green"
REST = "RestApi primary-rest-api"
STAGE = "Stage primary-ws-stage"
REST_STAGE = "Stage standby-rest-stage"
DOOR = "Function primary-ws-door-function"
ACL = "WebAcl global-waf-acl"
LOCK = "WebAcl standby-waf-acl"
FRONT = "Distribution global-edge-distribution"
RECORD = "Record global-dns-ws-primary"

LOOSER: dict[Check, list[tuple[str, str, Change]]] = {
    gates.balancers_are_private_and_guarded: [
        ("public", ALB, having(internal=False)),
        ("deletable", NLB, without("enableDeletionProtection")),
        ("no group", NLB, without("securityGroups")),
        ("not protected", ALB, unguarded),
    ],
    gates.the_application_balancer_drops_what_is_no_http_and_writes_it_down: [
        ("bad headers pass", ALB, without("dropInvalidHeaderFields")),
        ("requests smuggled", ALB, having(desyncMitigationMode="monitor")),
        ("no access log", ALB, without("accessLogs")),
    ],
    gates.the_network_balancer_lets_in_what_comes_by_the_link: [
        ("link judged", NLB, without("enforceSecurityGroupInboundRulesOnPrivateLinkTraffic")),
    ],
    gates.http_listeners_speak_tls_13_and_12_only: [
        ("plain HTTP", LISTENER, having(protocol="HTTP")),
        ("AWS's old default policy", LISTENER, without("sslPolicy")),
        ("TLS 1.0", LISTENER, having(sslPolicy="ELBSecurityPolicy-2016-08")),
        ("no certificate", LISTENER, without("certificateArn")),
    ],
    gates.every_public_service_has_a_blue_and_a_green_side: [
        ("no green", "TargetGroup primary-balancers-rest-green", gone),
        (
            "rule undone by an up",
            "ListenerRule primary-balancers-chat-rule",
            lambda r: replace(r, options=Options()),
        ),
        ("test rule for all", "ListenerRule standby-balancers-chat-test-rule", at("conditions.1")),
    ],
    gates.targets_are_tasks_that_answer_ping_and_may_finish: [
        ("cut off", CHAT, having(deregistrationDelay=0)),
        ("default delay", CHAT, without("deregistrationDelay")),
        ("another path", CHAT, at("healthCheck.path", "/")),
        ("no health check", CHAT, without("healthCheck")),
        ("instances", CHAT, having(targetType="instance")),
        ("clients stay", GRPC, without("connectionTermination")),
    ],
    gates.internal_services_have_names_in_the_vpc: [
        ("zone of no VPC", "PrivateDnsNamespace primary-names-namespace", without("vpc")),
    ],
    gates.websocket_links_lead_to_network_balancers_and_rest_links_into_private_subnets: [
        ("to the wrong balancer", "VpcLink primary-ws-link", having(targetArn=f"<{ALB}>")),
        ("no group", "VpcLink standby-rest-link", without("securityGroupIds")),
    ],
    gates.only_connect_is_open_and_asks_for_a_ticket: [
        ("open to all", "Route primary-ws-connect-route", having(authorizationType="NONE")),
        ("no authoriser", "Route standby-ws-connect-route", without("authorizerId")),
        ("round the edge", "Authorizer primary-ws-authorizer", at("identitySources.1")),
        ("one route more", "Route primary-ws-default-route", having(routeKey="admin")),
    ],
    gates.messages_go_through_the_link_and_say_who_sent_them: [
        ("over the internet", "Integration primary-ws-default-integration", without("connectionType")),
        ("unencrypted", "Integration primary-ws-default-integration", having(integrationUri="http://x")),
        (
            "nobody said it",
            "Integration standby-ws-default-integration",
            at("requestParameters", {"integration.request.header.X-Connection-Id": "context.connectionId"}),
        ),
    ],
    gates.the_door_may_take_tickets_and_nothing_else: [
        (
            "any table",
            "RolePolicy primary-ws-door-may",
            lambda r: having(policy=r.inputs["policy"].replace("table/concierge-test-tickets", "table/*"))(r),
        ),
        (
            "reads too",
            "RolePolicy primary-ws-door-may",
            lambda r: having(policy=r.inputs["policy"].replace('"dynamodb:DeleteItem"', '"dynamodb:*"'))(r),
        ),
    ],
    gates.functions_are_arm64_and_hold_no_secret_of_the_origin: [
        ("x86", DOOR, without("architectures")),
        ("the secret itself", DOOR, at("environment.variables.ORIGINS", "made-up-" + "x" * 40)),
        ("an old version only", DOOR, at("environment.variables.SERVED", "1")),
    ],
    gates.functions_are_called_only_by_our_own_gateway: [
        ("anybody's gateway", "Permission primary-ws-may-connect", without("sourceArn")),
        ("any account", "Permission primary-ws-may-authorise", without("sourceAccount")),
    ],
    gates.roles_trust_one_service_of_this_account: [
        (
            "any account",
            "Role primary-ws-door-role",
            policy("assumeRolePolicy", lambda s: s.pop("Condition")),
        ),
        (
            "anybody",
            "Role primary-canary-schedule-role",
            policy("assumeRolePolicy", lambda s: s.update(Principal={"AWS": "*"})),
        ),
        (
            "any account's gateway",
            "Role primary-api-account-role",
            policy("assumeRolePolicy", lambda s: s.pop("Condition")),
        ),
    ],
    gates.the_websocket_stage_throttles_and_keeps_words_out_of_logs: [
        ("no throttle", STAGE, at("defaultRouteSettings.throttlingRateLimit")),
        ("words in logs", STAGE, at("defaultRouteSettings.dataTraceEnabled", True)),
        ("no log", STAGE, without("accessLogSettings")),
        (
            "headers in the log",
            STAGE,
            at("accessLogSettings.format", "$context.requestId $input.params().header.x"),
        ),
    ],
    gates.rest_requests_are_validated_keyed_and_signed_in: [
        ("nothing is validated", REST, body(lambda d: d.pop("x-amazon-apigateway-request-validator"))),
        ("sessions for all", REST, body(lambda d: d["paths"]["/sessions/{id}"]["get"].update(security=[]))),
        ("no key", REST, body(lambda d: d["paths"]["/feedback"]["post"].update(security=[{"users": []}]))),
        ("TLS 1.0", REST, without("securityPolicy")),
        ("hand-made paths stay", REST, without("putRestApiMode")),
    ],
    gates.rest_bodies_are_closed_and_bounded: [
        (
            "more fields",
            REST,
            body(lambda d: d["components"]["schemas"]["Message"].update(additionalProperties=True)),
        ),
        (
            "endless text",
            REST,
            body(lambda d: d["components"]["schemas"]["Message"]["properties"]["text"].pop("maxLength")),
        ),
    ],
    gates.rest_requests_go_privately_to_the_application_balancer: [
        ("over the internet", REST, way("/feedback", "post", "connectionType", "INTERNET")),
        ("another target", REST, way("/feedback", "post", "integrationTarget", "arn:other")),
        ("unencrypted", REST, way("/feedback", "post", "uri", "http://x")),
    ],
    gates.rest_stages_trace_and_log: [
        ("no trace", REST_STAGE, without("xrayTracingEnabled")),
        ("no log", REST_STAGE, without("accessLogSettings")),
    ],
    gates.every_method_and_every_key_is_throttled: [
        ("guests without limit", "MethodSettings primary-rest-guest-ticket-settings", gone),
        ("no limit", "MethodSettings primary-rest-every-settings", at("settings.throttlingRateLimit")),
        (
            "words in logs",
            "MethodSettings primary-rest-every-settings",
            at("settings.dataTraceEnabled", True),
        ),
        ("client without limit", "UsagePlan standby-rest-web-plan", without("throttleSettings")),
    ],
    gates.a_client_has_the_same_key_in_every_region: [
        ("keys of AWS's own", "ApiKey standby-rest-web-key", having(value="another")),
    ],
    doors.a_rule_that_matches_blocks: [
        ("only counts", ACL, at("rules.6.action", {"count": {}})),
        ("group only counts", ACL, at("rules.1.overrideAction", {"count": {}})),
    ],
    doors.the_public_web_acl_judges_addresses_and_content: [
        ("no reputation", ACL, at("rules.1")),
        ("a higher rate", ACL, at("rules.3.statement.rateBasedStatement.limit", 10_000)),
        ("no countries", ACL, at("rules.0.statement.geoMatchStatement.countryCodes", [])),
        ("no SQLi", ACL, at("rules.9")),
        ("elsewhere", ACL, lambda r: replace(r, region="us-west-2")),
    ],
    doors.bodies_have_a_limit_even_where_they_are_too_long_to_read: [
        (
            "cut, then judged",
            ACL,
            at("rules.5.statement.sizeConstraintStatement.fieldToMatch.body.oversizeHandling", "CONTINUE"),
        ),
        ("ten times as long", LOCK, at("rules.1.statement.sizeConstraintStatement.size", 81_920)),
    ],
    doors.a_rest_stage_is_closed_to_all_but_our_distribution: [
        ("no lock", LOCK, at("rules.0")),
        ("not attached", "WebAclAssociation primary-waf-before-rest", gone),
        (
            "another path open",
            LOCK,
            at(
                "rules.0.statement.notStatement.statement.orStatement.statements.1.byteMatchStatement.positionalConstraint",
                "STARTS_WITH",
            ),
        ),
    ],
    doors.web_acls_log_without_tokens: [
        ("tokens in the log", "WebAclLoggingConfiguration global-waf-logging", at("redactedFields.0")),
        ("tickets in the log", "WebAclLoggingConfiguration primary-waf-logging", without("redactedFields")),
        ("a group WAF refuses", "LogGroup global-waf-log", having(name="waf")),
        ("samples in the console", ACL, at("visibilityConfig.sampledRequestsEnabled", True)),
    ],
    doors.every_log_is_forgotten_some_day: [
        ("kept for ever", "LogGroup primary-ws-door-log", without("retentionInDays")),
    ],
    doors.the_distribution_speaks_tls_12_at_least_and_http_3: [
        ("TLS 1.0", FRONT, at("viewerCertificate.minimumProtocolVersion", "TLSv1")),
        ("plain HTTP", FRONT, at("orderedCacheBehaviors.0.viewerProtocolPolicy", "allow-all")),
        ("not protected", FRONT, unguarded),
    ],
    doors.the_distribution_stands_behind_its_web_acl: [("no WAF", FRONT, without("webAclId"))],
    doors.gateways_are_reached_by_tls_with_the_secret_header: [
        (
            "plain HTTP to the origin",
            FRONT,
            at("origins.1.customOriginConfig.originProtocolPolicy", "match-viewer"),
        ),
        ("no header", FRONT, at("origins.2.customHeaders", [])),
        ("the secret openly", FRONT, at("comment", "opened")),
    ],
    doors.gateways_are_never_cached_and_get_their_own_host_name: [
        ("answers cached", FRONT, at("orderedCacheBehaviors.1.cachePolicyId", CACHED)),
        ("viewer's host", FRONT, at("orderedCacheBehaviors.0.originRequestPolicyId")),
    ],
    doors.pages_carry_security_headers: [
        ("none", FRONT, at("defaultCacheBehavior.responseHeadersPolicyId")),
        (
            "framed",
            "ResponseHeadersPolicy global-edge-headers",
            at("securityHeadersConfig.frameOptions.frameOption", "SAMEORIGIN"),
        ),
    ],
    doors.assets_are_private_and_read_by_the_distribution_only: [
        ("public", "BucketPublicAccessBlock global-assets-files-private", without("blockPublicPolicy")),
        (
            "any distribution",
            "BucketPolicy global-assets-files-policy",
            policy("policy", lambda s: s.pop("Condition"), "OurDistribution"),
        ),
        (
            "nobody",
            "BucketPolicy global-assets-files-policy",
            policy("policy", lambda s: s.pop("Condition"), "TlsOnly"),
        ),
        ("unsigned", FRONT, at("origins.0.originAccessControlId")),
    ],
    doors.the_access_log_has_no_query_string_and_no_cookie: [
        (
            "query strings",
            "LogDelivery global-edge-log-delivery",
            lambda r: having(recordFields=[*r.inputs["recordFields"], "cs-uri-query"])(r),
        ),
        ("everything", "LogDelivery global-edge-log-delivery", without("recordFields")),
    ],
    doors.secrets_are_generated_once_and_readable_in_the_standby: [
        ("new at every up", "SecretVersion global-origin-1-value", unguarded),
        ("not in the standby", "Secret global-origin-1", without("replicas")),
        ("with a key of AWS's", "Secret global-origin-1", without("kmsKeyId")),
    ],
    doors.origin_names_fail_over_on_health_checks: [
        ("never fails over", RECORD, without("healthCheckId")),
        ("the wrong way round", RECORD, having(failoverRoutingPolicies=[{"type": "SECONDARY"}])),
    ],
    doors.a_region_is_healthy_when_it_answers_and_converses: [
        ("one is enough", "HealthCheck global-dns-primary-healthy", having(childHealthThreshold=1)),
        (
            "silence fails over",
            "HealthCheck global-dns-primary-converses",
            having(insufficientDataHealthStatus="Unhealthy"),
        ),
        (
            "the other region's alarm",
            "HealthCheck global-dns-standby-converses",
            having(cloudwatchAlarmRegion="us-east-1"),
        ),
    ],
    doors.route_53_understands_the_alarm_it_follows: [
        ("M of N", "MetricAlarm primary-alarms-canary-region", having(datapointsToAlarm=2)),
        ("fast", "MetricAlarm primary-alarms-canary-region", having(period=10)),
        ("percentile", "MetricAlarm standby-alarms-canary-region", without("statistic")),
    ],
    doors.the_canary_talks_every_minute_and_may_read_its_two_secrets: [
        ("rarely", "Schedule primary-canary-schedule", having(scheduleExpression="rate(1 hour)")),
        (
            "every secret",
            "RolePolicy primary-canary-talk-may",
            lambda r: having(policy=r.inputs["policy"].replace("concierge-test-origin-1-??????", "*"))(r),
        ),
    ],
    doors.certificates_are_proven_in_the_zone_and_waited_for: [
        ("by mail", "Certificate primary-certificate-certificate", having(validationMethod="EMAIL")),
        ("TLS 1.0", "DomainName primary-gateway-names-ws-name", having(securityPolicy="TLS_1_0")),
    ],
    doors.what_people_would_notice_has_an_alarm: [
        ("edge not watched", "MetricAlarm global-alarms-edge-5xx", gone),
    ],
    doors.new_connections_are_alarmed_at_80_percent_of_the_quota: [
        ("at the quota", "MetricAlarm primary-alarms-ws-new-connections", having(threshold=30_000)),
        ("longer periods", "MetricAlarm primary-alarms-ws-new-connections", having(period=300)),
    ],
    doors.global_metrics_are_watched_where_they_exist: [
        (
            "where there is no metric",
            "MetricAlarm global-alarms-edge-5xx",
            lambda r: replace(r, region="us-west-2"),
        ),
    ],
}


@pytest.mark.parametrize(
    ("check", "resource", "change"),
    [
        pytest.param(check, resource, change, id=f"{check.__name__}: {what}")
        for check, rows in LOOSER.items()
        for what, resource, change in rows
    ],
)
def test_what_is_loosened_is_found(check: Check, resource: str, change: Change):
    check(planned())
    with pytest.raises(AssertionError):
        check(loosened(planned(), resource, change))


def test_every_check_has_been_seen_to_fail():
    assert [check.__name__ for check in CHECKS if check not in LOOSER] == []
