"""The test provider itself: what it refuses, so that the engine's silence means something."""

import re

import pytest

from tests.engine import answers_helpers, rules_helpers, sdk_helpers
from tests.engine.wire_helpers import UNKNOWN, Secret

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
SERVICE = "aws:ecs/service:Service"


def problems(token, **inputs):
    return [found for _, found in sdk_helpers.kind(token).problems(inputs)]


class TestCheck:
    def test_right_inputs_pass_and_so_does_what_nobody_knows_yet(self):
        assert problems(SUBNET, vpcId=UNKNOWN, cidrBlock="10.0.0.0/24", tags={"Owner": "shop"}) == []

    def test_a_secret_is_judged_by_what_is_in_it(self):
        assert problems(SUBNET, vpcId=Secret("vpc-1"), cidrBlock="10.0.0.0/24") == []
        assert problems(SUBNET, vpcId=Secret(1)) == ["vpcId must be a text"]

    def test_an_input_that_must_be_there(self):
        assert problems(SUBNET, cidrBlock="10.0.0.0/24") == ["missing required property 'vpcId'"]

    def test_an_input_that_the_type_does_not_have(self):
        assert problems(VPC, cidr="10.0.0.0/16") == [f"{VPC} has no property 'cidr'"]

    @pytest.mark.parametrize(
        ("inputs", "found"),
        [
            ({"desiredCount": "2"}, "desiredCount must be a whole number"),
            ({"enableExecuteCommand": "true"}, "enableExecuteCommand must be true or false"),
            ({"desiredCount": True}, "desiredCount must be a whole number"),
            ({"tags": {"Owner": 1}}, "tags.Owner must be a text"),
            ({"loadBalancers": [{"containerName": "a"}]}, "loadBalancers[0].containerPort is required"),
            ({"networkConfiguration": {"subnets": "a"}}, "networkConfiguration.subnets must be Sequence"),
            (
                {"networkConfiguration": {"subnets": [], "nets": []}},
                "networkConfiguration has no property 'nets'",
            ),
        ],
    )
    def test_an_input_of_another_type(self, inputs, found):
        assert problems(SERVICE, **inputs) == [found]

    def test_a_block_named_like_a_resource_is_not_taken_for_its_arguments(self):
        versioning = {"bucket": "a", "versioningConfiguration": {"status": "Enabled"}}
        assert problems("aws:s3/bucketVersioning:BucketVersioning", **versioning) == []

    def test_a_type_that_the_sdk_does_not_have(self):
        with pytest.raises(LookupError, match="no type"):
            sdk_helpers.kind("aws:ec2/vcp:Vcp")


class TestRules:
    def test_a_change_that_no_row_speaks_of_is_an_error(self):
        with pytest.raises(rules_helpers.NoRuleError, match="what a change of instanceTenancy does"):
            rules_helpers.row(VPC, "instanceTenancy")

    def test_the_row_of_the_nearest_property_decides(self):
        assert rules_helpers.row("aws:lambda/function:Function", "environment.variables.A").effect == "update"
        assert rules_helpers.row(VPC, "tags.Owner").effect == "update"
        assert rules_helpers.row(VPC, "cidrBlock").effect == "replace"

    def test_every_row_has_a_source_and_names_what_the_sdk_has(self):
        seen = set()
        for row in rules_helpers.rows():
            assert row.effect in {"replace", "update"}
            assert ".go" in row.source
            for token in row.types:
                for path in row.properties:
                    assert (token, path) not in seen, "two rows for one property"
                    seen.add((token, path))
                    if token != "*":
                        kind = sdk_helpers.kind(token)
                        assert path.partition(".")[0] in kind.inputs
                        assert set(row.renews) <= kind.computed.keys()

    def test_changes_are_the_innermost_places(self):
        before = {"a": [{"b": 1, "c": 2}], "policy": '{"x": 1, "y": 2}', "d": [1]}
        after = {"a": [{"b": 1, "c": UNKNOWN}], "policy": '{"y": 2, "x": 1}', "d": [1, 2]}
        assert [*rules_helpers.changes(before, after)] == ["a.c", "d"]


def test_a_question_without_an_answer_is_an_error():
    with pytest.raises(answers_helpers.UnansweredError, match="no answer to aws:ec2/getAmi"):
        answers_helpers.answer("aws:ec2/getAmi:getAmi", {}, "us-east-1")


def test_plan_and_provider_share_no_table(root):
    """Their agreement would prove nothing."""
    for name in ("answers", "provider", "rules", "sdk", "wire"):
        text = (root / "tests" / "engine" / f"{name}_helpers.py").read_text()
        assert not re.search(r"^\s*(from|import) (plan|tools)\b", text, re.MULTILINE)
        assert "replacements" not in text
    for file in (root / "plan").rglob("*.py"):
        assert "rules.toml" not in file.read_text()
