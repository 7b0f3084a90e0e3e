"""The edge by itself, without the estate around it: every check of it passes."""

import json

import pulumi
import pulumi_aws as aws
import pytest

from components.balancers import Balancers, BalancersArgs
from components.waf_rules import Limits, rules, table
from plan import PlanError
from tests.components.edge_check_helpers import CHECKS, Check
from tests.components.edge_door_check_helpers import custom_headers
from tests.components.edge_helpers import kind, of, opened, planned


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_edge_is_as_it_should_be(check: Check):
    check(planned())


def test_everything_belongs_to_a_component_and_a_provider():
    made = planned()
    for resource in made.cloud:
        assert resource.provider is not None, resource.name
        assert made.component_of(resource) is not None, resource.name


def test_rotating_the_origin_secret_sends_the_new_one_and_still_accepts_the_old_one():
    """CloudFront takes minutes to spread a change: until then requests carry the old value."""
    before, after = planned(2, 1), planned(2, 2)
    assert [r.name for r in kind(before, "secretsmanager.Secret")] == ["global-keys-1", "global-origin-1"]
    assert [r.name for r in kind(after, "secretsmanager.Secret")] == [
        "global-keys-1",
        "global-origin-1",
        "global-origin-2",
    ]
    new = {opened(header["value"]) for header in custom_headers(after)}
    doors = [r for r in kind(after, "lambda.Function") if r.name.endswith("door-function")]
    accepted = [r.inputs["environment"]["variables"]["ORIGINS"].split(",") for r in doors]
    assert len(new) == 1
    assert all(len(digests) == 2 for digests in accepted)
    # The table of resources keeps what stays: a rotation replaces nothing.
    kept = {r.name for r in before.resources} - {r.name for r in after.resources}
    assert kept == set()


def test_with_one_region_nothing_fails_over():
    made = planned(1)
    assert made.of_type("route53.HealthCheck") == ()
    for record in kind(made, "route53.Record"):
        assert "failoverRoutingPolicies" not in record.inputs
        assert "setIdentifier" not in record.inputs


def test_the_rules_of_each_web_acl_fit_into_what_one_may_hold():
    limits = Limits(
        rates={},
        blocked_countries=("KP",),
        body_bytes=8192,
        origin_header="X",
        origin_secrets=(),
        open_path="/",
    )
    for scope in ("CLOUDFRONT", "REGIONAL"):
        assert 0 < sum(rule.wcu for rule in rules(scope, limits)) <= 1_500


def test_rules_that_do_not_fit_do_not_construct(monkeypatch: pytest.MonkeyPatch):
    heavy = table()[-1].model_copy(update={"wcu": 1_400})
    rows = (*table(), heavy)
    monkeypatch.setattr("components.waf_rules.table", lambda: rows)
    limits = Limits(
        rates={}, blocked_countries=(), body_bytes=1, origin_header="X", origin_secrets=(), open_path="/"
    )
    with pytest.raises(ValueError, match=r"rules take \d+ WCU of 1500: remove a rule from waf_rules.toml"):
        rules("CLOUDFRONT", limits)


def balancer(environment: str, certificate: str | None, *, protect: bool) -> None:
    def program() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        Balancers(
            "shop",
            BalancersArgs(
                environment=environment,
                vpc_id="vpc-1",
                subnet_ids=["subnet-1"],
                edge_group_id="sg-1",
                certificate_arn=certificate,
                log_bucket=None,
                drain_s=30,
                protect=protect,
            ),
            pulumi.ResourceOptions(providers=[provider]),
        )

    of(program)


def test_a_name_that_aws_would_refuse_stops_the_plan():
    with pytest.raises(PlanError, match="a balancer's name takes 32: choose a shorter environment name"):
        balancer("a-very-long-environment-name", None, protect=False)


def test_the_rest_document_is_json_that_names_only_schemas_it_has():
    (api, *_) = kind(planned(), "apigateway.RestApi")
    document = json.loads(api.inputs["body"])
    named = {part.split('"')[0] for part in json.dumps(document).split("#/components/schemas/")[1:]}
    assert named == set(document["components"]["schemas"])
