"""A plan of Pulumi in the form Terraform would give it: types, names, blocks, references, no secrets."""

import json
import re
from pathlib import Path
from typing import Any

import pulumi
import pytest

from plan import Plan, Secret
from policies.checkov import names, registry, sdk, tfplan
from policies.checkov.names import UnnamedTypeError
from policies.checkov.sdk import UnknownTypeError
from tests.policies.planted_helpers import added, changed


@pytest.fixture(scope="module")
def values(prod: Plan) -> dict[str, dict[str, Any]]:
    """Address -> values."""
    resources = tfplan.render(prod).document["planned_values"]["root_module"]["resources"]
    return {resource["address"]: resource["values"] for resource in resources}


def test_every_resource_of_a_plan_is_shown_once_and_traced_back(either: Plan):
    rendered = tfplan.render(either)
    resources = rendered.document["planned_values"]["root_module"]["resources"]
    assert len({resource["address"] for resource in resources}) == len(either.cloud)
    assert {rendered.urns[resource["address"]] for resource in resources} == {r.urn for r in either.cloud}
    assert (
        either.by_urn[rendered.urns["aws_dynamodb_table.primary-tables-carts"]].name == "primary-tables-carts"
    )


def test_an_input_is_called_as_terraform_calls_it(values: dict[str, dict[str, Any]]):
    assert values["aws_lambda_function.primary-stream-scan"]["function_name"] == "concierge-prod-pii-scan"
    assert values["aws_api_gateway_vpc_link.primary-websocket-link"].keys() >= {"target_arns"}
    assert "alarm_name" in next(v for a, v in values.items() if a.startswith("aws_cloudwatch_metric_alarm."))


def test_a_block_is_a_list_and_several_of_them_have_one_name(values: dict[str, dict[str, Any]]):
    table = values["aws_dynamodb_table.primary-tables-carts"]
    assert table["server_side_encryption"][0]["enabled"] is True
    assert {index["name"] for index in table["global_secondary_index"]} == {"user", "status"}
    recorder = values["aws_config_configuration_recorder.primary-rules-recorder"]
    assert recorder["recording_group"][0]["exclusion_by_resource_types"][0]["resource_types"]


def test_a_plain_map_stays_one(values: dict[str, dict[str, Any]]):
    assert values["aws_network_acl.primary-network-public-acl"]["tags"] == {"Name": "primary-network-public"}


def test_what_another_resource_answers_is_its_address(values: dict[str, dict[str, Any]]):
    table = values["aws_dynamodb_table.primary-tables-carts"]
    assert table["server_side_encryption"][0]["kms_key_arn"] == "aws_kms_key.primary-keys-tables.arn"
    settings = values["aws_api_gateway_method_settings.primary-rest-every-settings"]
    assert settings["stage_name"] == "aws_api_gateway_stage.primary-rest-stage.stage_name"
    network = values["aws_lb.primary-entry-network"]["subnets"]
    assert len(network) == 3
    assert all(re.fullmatch(r"aws_subnet\.primary-network-private-\S+\.id", subnet) for subnet in network)


def test_an_answer_within_a_text_is_written_into_it(values: dict[str, dict[str, Any]]):
    trail = values["aws_cloudtrail.primary-audit-trail"]
    assert trail["cloud_watch_logs_group_arn"] == "${aws_cloudwatch_log_group.primary-audit-log.arn}:*"


def test_a_policy_document_stays_readable(values: dict[str, dict[str, Any]]):
    policy = json.loads(values["aws_s3_bucket_policy.primary-buckets-archive-policy"]["policy"])
    assert {"TlsOnly", "OwnKeyOnly"} <= {statement["Sid"] for statement in policy["Statement"]}


def test_no_secret_leaves_the_plan(prod: Plan):
    secrets = {value for resource in prod.cloud for value in _secrets(resource.inputs)}
    assert secrets
    text = json.dumps(tfplan.render(prod).document)
    assert [value for value in secrets if value in text] == []


def _secrets(value: Any) -> set[str]:
    if isinstance(value, Secret):
        return {value.value} if isinstance(value.value, str) else _secrets(value.value)
    if isinstance(value, dict):
        return {found for each in value.values() for found in _secrets(each)}
    if isinstance(value, list | tuple):
        return {found for each in value for found in _secrets(each)}
    return set()


def test_a_type_that_nobody_has_named_is_refused(dev: Plan):
    strange = added(dev, "primary-tables-carts", ("aws:quantum/entangler:Entangler", "odd", {}))
    with pytest.raises(UnnamedTypeError, match=r"quantum/entangler.* add .* policies/checkov/types.toml"):
        tfplan.render(strange)


def test_a_type_of_another_provider_is_refused():
    with pytest.raises(UnknownTypeError, match="random:index/password"):
        sdk.shape("random:index/password:Password")


def test_every_type_our_components_can_make_has_a_name(root: Path):
    import pulumi_aws

    made = set()
    for file in sorted((root / "components").glob("*.py")):
        for module, name in re.findall(r"\baws\.(\w+)\.([A-Z]\w+)\(", file.read_text()):
            found = getattr(getattr(pulumi_aws, module), name)
            if isinstance(found, type) and issubclass(found, pulumi.CustomResource):
                made.add(vars(found)["pulumi_type"])
    assert len(made) > 100
    assert all(names.terraform_type(token).startswith("aws_") for token in made)


def test_the_table_keeps_apart_what_checkov_knows_and_what_it_does_not():
    known = set(names.REGISTRY.read_text().splitlines())
    table = names._table()
    assert set(table["types"].values()) <= known
    assert not set(table["unknown_to_checkov"].values()) & known


@pytest.mark.prove
def test_the_registry_is_what_the_installed_checkov_says():
    assert registry.written() == names.REGISTRY.read_text(), "run: python -m policies.checkov.registry"


def test_names_that_two_parents_use_are_told_apart(dev: Plan):
    twin = added(dev, "primary-audit-trail", ("aws:dynamodb/table:Table", "primary-tables-carts", {}))
    assert tfplan.render(twin).urns.keys() >= {
        "aws_dynamodb_table.primary-tables-carts",
        "aws_dynamodb_table.primary-tables-carts_2",
    }


def test_an_archive_is_shown_as_the_path_of_one(dev: Plan):
    planted = changed(dev, {})
    resources = tfplan.render(planted).document["planned_values"]["root_module"]["resources"]
    (scan,) = [each for each in resources if each["address"] == "aws_lambda_function.primary-stream-scan"]
    assert scan["values"]["filename"] == tfplan.ARCHIVE
