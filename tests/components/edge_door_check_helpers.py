"""What stands before the gateways must be, as checks on a plan (NET-6, NET-7). Each raises AssertionError."""

from typing import Any

from plan import Plan, Resource, Secret
from tests.components.edge_check_helpers import check
from tests.components.edge_helpers import DOMAIN, REGIONS, kind, opened, text

MANAGED = {
    "AWSManagedRulesSQLiRuleSet",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
}


def acls(plan: Plan, scope: str) -> list[Resource]:
    found = [r for r in kind(plan, "wafv2.WebAcl") if r.inputs.get("scope") == scope]
    assert found, f"no web ACL of {scope}"
    return found


def rules(acl: Resource) -> dict[str, Any]:
    return {rule["name"]: rule for rule in opened(acl.inputs.get("rules", []))}


def groups(acl: Resource) -> set[str]:
    statements = [rule["statement"].get("managedRuleGroupStatement") for rule in rules(acl).values()]
    return {statement["name"] for statement in statements if statement}


@check
def a_rule_that_matches_blocks(plan: Plan) -> None:
    for acl in kind(plan, "wafv2.WebAcl"):
        for rule in rules(acl).values():
            managed = "managedRuleGroupStatement" in rule["statement"]
            assert rule.get("overrideAction" if managed else "action") == (
                {"none": {}} if managed else {"block": {}}
            )
            assert rule["visibilityConfig"]["cloudwatchMetricsEnabled"] is True
        priorities = [rule["priority"] for rule in rules(acl).values()]
        assert sorted(set(priorities)) == priorities


@check
def the_public_web_acl_judges_addresses_and_content(plan: Plan) -> None:
    for acl in acls(plan, "CLOUDFRONT"):
        assert acl.region == "us-east-1"
        found = rules(acl)
        assert groups(acl) >= {*MANAGED, "AWSManagedRulesAmazonIpReputationList"}
        rates = {
            name: r["statement"]["rateBasedStatement"]
            for name, r in found.items()
            if name.startswith("rate-")
        }
        assert {name: rate["limit"] for name, rate in rates.items()} == {
            "rate-tickets": 100,
            "rate-rest": 100,
            "rate-chat": 600,
        }
        for rate in rates.values():
            assert rate["evaluationWindowSec"] == 300
            assert rate["aggregateKeyType"] == "IP"
            assert rate["scopeDownStatement"]["byteMatchStatement"]["searchString"]
        assert found["countries"]["statement"]["geoMatchStatement"]["countryCodes"] == ["KP"]
        assert "sqlmap" in found["bad-user-agents"]["statement"]["regexMatchStatement"]["regexString"]


@check
def bodies_have_a_limit_even_where_they_are_too_long_to_read(plan: Plan) -> None:
    for acl in kind(plan, "wafv2.WebAcl"):
        size = rules(acl)["body-size"]["statement"]["sizeConstraintStatement"]
        assert (size["comparisonOperator"], size["size"]) == ("GT", 8 * 1024)
        assert size["fieldToMatch"]["body"]["oversizeHandling"] == "MATCH"


@check
def a_rest_stage_is_closed_to_all_but_our_distribution(plan: Plan) -> None:
    stages = {r.outputs["arn"] for r in kind(plan, "apigateway.Stage")}
    attached = {
        r.inputs.get("resourceArn"): r.inputs.get("webAclArn") for r in kind(plan, "wafv2.WebAclAssociation")
    }
    assert set(attached) == stages
    by_arn = {acl.outputs["arn"]: acl for acl in acls(plan, "REGIONAL")}
    (secret, *_) = [opened(o["value"]) for o in custom_headers(plan)]
    for arn in attached.values():
        first = next(iter(rules(by_arn[arn]).values()))
        assert first["priority"] == 0
        let_in = first["statement"]["notStatement"]["statement"]["orStatement"]["statements"]
        matches = [way["byteMatchStatement"] for way in let_in]
        assert all(match["positionalConstraint"] == "EXACTLY" for match in matches)
        assert {match["searchString"] for match in matches} == {secret, "/v1/ping"}
        assert groups(by_arn[arn]) == MANAGED


@check
def web_acls_log_without_tokens(plan: Plan) -> None:
    logged = {r.inputs.get("resourceArn"): r for r in kind(plan, "wafv2.WebAclLoggingConfiguration")}
    for acl in kind(plan, "wafv2.WebAcl"):
        logging = logged[acl.outputs["arn"]]
        (group,) = [plan_group(plan, arn) for arn in logging.inputs["logDestinationConfigs"]]
        assert group.inputs["name"].startswith("aws-waf-logs-")
        fields = logging.inputs.get("redactedFields", [])
        headers = {field["singleHeader"]["name"] for field in fields if "singleHeader" in field}
        assert {"authorization", "sec-websocket-protocol", "x-concierge-origin", "x-api-key"} <= headers
        assert {"queryString": {}} in fields
        assert acl.inputs["visibilityConfig"]["sampledRequestsEnabled"] is False


def plan_group(plan: Plan, arn: str) -> Resource:
    return next(r for r in kind(plan, "cloudwatch.LogGroup") if r.outputs["arn"] == arn)


@check
def every_log_is_forgotten_some_day(plan: Plan) -> None:
    for group in kind(plan, "cloudwatch.LogGroup"):
        assert group.inputs.get("retentionInDays"), group.name


def distribution(plan: Plan) -> dict[str, Any]:
    (found,) = kind(plan, "cloudfront.Distribution")
    assert found.region == "us-east-1"
    assert found.options.protect
    return dict(found.inputs)


def custom_headers(plan: Plan) -> list[dict[str, Any]]:
    headers = [h for origin in distribution(plan)["origins"] for h in origin.get("customHeaders", [])]
    assert headers, "no origin is sent a header"
    return headers


@check
def the_distribution_speaks_tls_12_at_least_and_http_3(plan: Plan) -> None:
    given = distribution(plan)
    certificate = given["viewerCertificate"]
    assert certificate["minimumProtocolVersion"] == "TLSv1.2_2021"
    assert certificate["sslSupportMethod"] == "sni-only"
    assert certificate["acmCertificateArn"].startswith("arn:aws:acm:us-east-1:")
    assert given["aliases"] == [DOMAIN]
    assert given["httpVersion"] == "http2and3"
    for behavior in (given["defaultCacheBehavior"], *given["orderedCacheBehaviors"]):
        assert behavior["viewerProtocolPolicy"] in {"https-only", "redirect-to-https"}


@check
def the_distribution_stands_behind_its_web_acl(plan: Plan) -> None:
    (acl,) = acls(plan, "CLOUDFRONT")
    assert distribution(plan).get("webAclId") == acl.outputs["arn"]


@check
def gateways_are_reached_by_tls_with_the_secret_header(plan: Plan) -> None:
    origins = {origin["originId"]: origin for origin in distribution(plan)["origins"]}
    assert set(origins) == {"assets", "ws", "rest"}
    for name in ("ws", "rest"):
        assert origins[name]["customOriginConfig"]["originProtocolPolicy"] == "https-only"
        assert origins[name]["customOriginConfig"]["originSslProtocols"] == ["TLSv1.2"]
        (header,) = origins[name]["customHeaders"]
        assert header["name"] == "X-Concierge-Origin"
        assert isinstance(header["value"], Secret), "the header stands openly in the plan"


@check
def gateways_are_never_cached_and_get_their_own_host_name(plan: Plan) -> None:
    behaviors = {b["pathPattern"]: b for b in distribution(plan)["orderedCacheBehaviors"]}
    assert {path: b["targetOriginId"] for path, b in behaviors.items()} == {"/ws": "ws", "/v1/*": "rest"}
    for behavior in behaviors.values():
        assert behavior["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert behavior.get("originRequestPolicyId") == "b689b0a8-53d0-40ab-baf2-68738e2966ac"


@check
def pages_carry_security_headers(plan: Plan) -> None:
    (headers,) = kind(plan, "cloudfront.ResponseHeadersPolicy")
    assert distribution(plan)["defaultCacheBehavior"].get("responseHeadersPolicyId") == headers.id
    given = headers.inputs.get("securityHeadersConfig", {})
    assert given["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31_536_000
    assert given["frameOptions"]["frameOption"] == "DENY"
    assert given["contentTypeOptions"]["override"] is True
    assert "default-src 'self'" in given["contentSecurityPolicy"]["contentSecurityPolicy"]


@check
def assets_are_private_and_read_by_the_distribution_only(plan: Plan) -> None:
    (bucket,) = kind(plan, "s3.Bucket")
    assert bucket.options.protect
    (block,) = kind(plan, "s3.BucketPublicAccessBlock")
    keys = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    assert all(block.inputs.get(key) is True for key in keys)
    (policy,) = kind(plan, "s3.BucketPolicy")
    said = {statement["Sid"]: statement for statement in text(policy, "policy")["Statement"]}
    assert set(said) == {"OurDistribution", "TlsOnly"}
    read, tls = said["OurDistribution"], said["TlsOnly"]
    (front,) = kind(plan, "cloudfront.Distribution")
    assert read["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert read.get("Condition") == {"StringEquals": {"aws:SourceArn": front.outputs["arn"]}}
    assert tls["Effect"] == "Deny"
    assert tls.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    (access,) = kind(plan, "cloudfront.OriginAccessControl")
    assert access.inputs.get("signingBehavior") == "always"
    assets = next(o for o in distribution(plan)["origins"] if o["originId"] == "assets")
    assert assets.get("originAccessControlId") == access.id


@check
def the_access_log_has_no_query_string_and_no_cookie(plan: Plan) -> None:
    (delivery,) = kind(plan, "cloudwatch.LogDelivery")
    fields = delivery.inputs.get("recordFields", [])
    assert "sc-status" in fields
    assert not {"cs-uri-query", "cs(Cookie)", "cs(Referer)"} & set(fields)
    (source,) = kind(plan, "cloudwatch.LogDeliverySource")
    (front,) = kind(plan, "cloudfront.Distribution")
    assert source.inputs.get("resourceArn") == front.outputs["arn"]


@check
def secrets_are_generated_once_and_readable_in_the_standby(plan: Plan) -> None:
    for secret in kind(plan, "secretsmanager.Secret"):
        (copy,) = secret.inputs.get("replicas", [{}])
        assert copy.get("region") == REGIONS["standby"], secret.name
        assert f":{REGIONS['standby']}:" in copy.get("kmsKeyId", ""), secret.name
        assert f":{REGIONS['primary']}:" in secret.inputs.get("kmsKeyId", ""), secret.name
    for version in kind(plan, "secretsmanager.SecretVersion"):
        assert isinstance(version.inputs.get("secretString"), Secret)
        assert version.options.ignore_changes == ("secretString",)


@check
def origin_names_fail_over_on_health_checks(plan: Plan) -> None:
    records = [r for r in kind(plan, "route53.Record") if "-origin." in r.inputs["name"]]
    assert len(records) == 4
    for record in records:
        role = str(record.inputs.get("setIdentifier"))
        (policy,) = record.inputs.get("failoverRoutingPolicies", [])
        assert policy["type"] == {"primary": "PRIMARY", "standby": "SECONDARY"}[role]
        whole = plan.owner_of(record.inputs.get("healthCheckId", ""))
        assert whole is not None, f"{record.name} has no health check"
        assert whole.name == f"global-dns-{role}-healthy"
        (alias,) = record.inputs["aliases"]
        assert f".{REGIONS[role]}." in alias["name"]


@check
def a_region_is_healthy_when_it_answers_and_converses(plan: Plan) -> None:
    checks = {r.name.removeprefix("global-dns-"): r for r in kind(plan, "route53.HealthCheck")}
    for role, region in REGIONS.items():
        whole, answers, converses = (checks[f"{role}-{part}"] for part in ("healthy", "answers", "converses"))
        assert set(whole.inputs.get("childHealthchecks", ())) == {answers.id, converses.id}
        assert whole.inputs.get("childHealthThreshold") == 2
        assert answers.inputs.get("type") == "HTTPS"
        assert answers.inputs.get("resourcePath") == "/v1/ping"
        assert f".{region}." in answers.inputs.get("fqdn", "")
        assert converses.inputs.get("type") == "CLOUDWATCH_METRIC"
        assert converses.inputs.get("cloudwatchAlarmRegion") == region
        assert converses.inputs.get("cloudwatchAlarmName") == "concierge-test-canary-region"
        assert converses.inputs.get("insufficientDataHealthStatus") == "LastKnownStatus"


@check
def route_53_understands_the_alarm_it_follows(plan: Plan) -> None:
    """Neither percentiles, nor M of N, nor periods below a minute."""
    alarms = [r for r in kind(plan, "cloudwatch.MetricAlarm") if r.name.endswith("-canary-region")]
    assert {alarm.region for alarm in alarms} == set(REGIONS.values())
    for alarm in alarms:
        assert alarm.inputs.get("statistic") in {"Average", "Minimum", "Maximum", "Sum", "SampleCount"}
        assert alarm.inputs.get("datapointsToAlarm") == alarm.inputs.get("evaluationPeriods")
        assert alarm.inputs.get("period", 0) >= 60


@check
def the_canary_talks_every_minute_and_may_read_its_two_secrets(plan: Plan) -> None:
    for schedule in kind(plan, "scheduler.Schedule"):
        assert schedule.inputs.get("scheduleExpression") == "rate(1 minute)"
        assert schedule.inputs["target"]["retryPolicy"]["maximumRetryAttempts"] == 0
    for policy in [r for r in kind(plan, "iam.RolePolicy") if r.name.endswith("-talk-may")]:
        _, read, key, opened_by = text(policy, "policy")["Statement"]
        assert read["Action"] == ["secretsmanager:GetSecretValue"]
        assert read["Resource"].endswith(":secret:concierge-test-origin-1-??????")
        assert key["Action"] == ["ssm:GetParameter"]
        assert key["Resource"].endswith(":parameter/concierge/test/canary-api-key")
        assert opened_by["Action"] == ["kms:Decrypt"]
        assert opened_by["Resource"].endswith(":key/secrets")
    for parameter in kind(plan, "ssm.Parameter"):
        assert parameter.inputs["type"] == "SecureString"
        assert isinstance(parameter.inputs["value"], Secret)


@check
def certificates_are_proven_in_the_zone_and_waited_for(plan: Plan) -> None:
    for certificate in kind(plan, "acm.Certificate"):
        assert certificate.inputs["subjectAlternativeNames"] == [f"*.{DOMAIN}"]
        assert certificate.inputs["validationMethod"] == "DNS"
    issued = {r.inputs["certificateArn"] for r in kind(plan, "acm.CertificateValidation")}
    assert issued == {r.id for r in kind(plan, "acm.Certificate")}
    for name in kind(plan, "apigateway.DomainName"):
        assert name.inputs.get("securityPolicy") == "TLS_1_2"
        assert name.inputs.get("regionalCertificateArn") in issued


ALARMS = {
    "AWS/ApplicationELB": {"HTTPCode_ELB_5XX_Count", "TargetConnectionErrorCount"},
    "AWS/NetworkELB": {"UnHealthyHostCount"},
    "AWS/ApiGateway": {
        "ConnectCount",
        "ClientError",
        "IntegrationError",
        "IntegrationLatency",
        "4XXError",
        "5XXError",
    },
    "AWS/Lambda": {"Errors"},
    "AWS/WAFV2": {"BlockedRequests"},
    "AWS/CloudFront": {"5xxErrorRate", "4xxErrorRate"},
    "Concierge/Canary": {"Answered", "FirstToken"},
}


@check
def what_people_would_notice_has_an_alarm(plan: Plan) -> None:
    found: dict[str, set[str]] = {}
    for alarm in kind(plan, "cloudwatch.MetricAlarm"):
        found.setdefault(alarm.inputs["namespace"], set()).add(alarm.inputs["metricName"])
    assert found == ALARMS


@check
def new_connections_are_alarmed_at_80_percent_of_the_quota(plan: Plan) -> None:
    alarms = [a for a in kind(plan, "cloudwatch.MetricAlarm") if a.inputs["metricName"] == "ConnectCount"]
    assert alarms
    for alarm in alarms:
        # 500 a second for a minute.
        assert alarm.inputs.get("threshold") == 0.8 * 500 * 60
        assert (alarm.inputs.get("statistic"), alarm.inputs.get("period")) == ("Sum", 60)
        assert "websocket-limit" in alarm.inputs["alarmDescription"]


@check
def global_metrics_are_watched_where_they_exist(plan: Plan) -> None:
    for alarm in kind(plan, "cloudwatch.MetricAlarm"):
        namespace, dimensions = alarm.inputs["namespace"], alarm.inputs["dimensions"]
        if namespace == "AWS/CloudFront" or (namespace == "AWS/WAFV2" and "Region" not in dimensions):
            assert alarm.region == "us-east-1"
        if namespace == "AWS/WAFV2" and "Region" in dimensions:
            assert alarm.region == dimensions["Region"]
