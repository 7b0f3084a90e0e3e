"""The pack as the engine meets it: a process of its own, asked in Pulumi's own protocol."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2

from plan import Plan
from policies import pack
from policies.rules import RULES
from tests.policies.mutation_helpers import Draft
from tests.policies.pack_helpers import request, rules_of, serving, stack_request

MANDATORY, ADVISORY = analyzer_pb2.MANDATORY, analyzer_pb2.ADVISORY
DEVELOPMENT = {"concierge:environment": json.dumps({"protect": False})}


@pytest.fixture(scope="module")
def strict(root: Path) -> Iterator[Any]:
    """The pack of a protected environment."""
    with serving(root, {}) as stub:
        yield stub


def test_the_pack_is_one_that_pulumi_can_start(root: Path):
    project = yaml.safe_load((root / "policies" / "PulumiPolicy.yaml").read_text(encoding="utf-8"))

    assert project["runtime"]["name"] == "python"
    assert (root / "policies" / project["runtime"]["options"]["virtualenv"]).resolve() == root / ".venv"


def test_the_pack_says_what_it_holds(strict: Any):
    info = strict.GetAnalyzerInfo(empty_pb2.Empty())

    assert info.name == "concierge"
    levels = {policy.name: policy.enforcementLevel for policy in info.policies}
    assert levels == {
        "resource-mandatory": MANDATORY,
        "stack-mandatory": MANDATORY,
        "resource-advisory": ADVISORY,
        "stack-advisory": ADVISORY,
    }


@pytest.mark.parametrize("preview", [False, True])
def test_prod_may_be_deployed(strict: Any, prod: Plan, *, preview: bool):
    """The engine's own messages for the whole stack and one resource of each type, values unknown or not."""
    found = list(strict.AnalyzeStack(stack_request(prod, preview=preview)).diagnostics)
    for resource in {r.type: r for r in prod.resources}.values():
        found += strict.Analyze(request(resource, prod, preview=preview)).diagnostics

    assert [d.message for d in found if d.enforcementLevel == MANDATORY] == []


def test_a_resource_that_breaks_a_rule_is_stopped_before_it_is_touched(strict: Any, prod: Plan):
    label = "dynamodb.Table primary-tables-orders"
    draft = Draft(prod)
    draft.set(label, "pointInTimeRecovery.enabled", False)
    table = next(r for r in draft.plan.resources if r.label == label)

    (found,) = strict.Analyze(request(table, draft.plan)).diagnostics

    assert found.enforcementLevel == MANDATORY
    assert "table-recovery (DATA-1): there is no point-in-time recovery. Fix: " in found.message


def test_a_stack_that_breaks_a_rule_is_stopped_at_its_end(strict: Any, prod: Plan):
    draft = Draft(prod)
    draft.remove("s3.BucketPublicAccessBlock primary-buckets-documents-private")
    draft.remove("cloudwatch.LogGroup primary-agent-chat-log")
    bucket = prod.get("primary-buckets-documents-bucket")

    found = [
        d
        for d in strict.AnalyzeStack(stack_request(draft.plan)).diagnostics
        if d.enforcementLevel == MANDATORY
    ]

    assert rules_of(found) == {"bucket-private", "log-declared"}
    assert bucket.urn in {d.urn for d in found}


def test_what_nobody_can_know_yet_is_not_reported(strict: Any, prod: Plan):
    """A key's ARN is unknown until AWS makes the key: the preview stays silent, the update decides."""
    table = prod.get("primary-tables-orders")
    assert "serverSideEncryption" in table.property_dependencies

    assert list(strict.Analyze(request(table, prod, preview=True)).diagnostics) == []


def test_development_is_advised_where_production_is_stopped(root: Path, prod: Plan):
    service = prod.get("primary-agent-chat-service")
    with_shell = replace(service, inputs={**service.inputs, "enableExecuteCommand": True})
    with serving(root, DEVELOPMENT) as lenient:
        (found,) = lenient.Analyze(request(with_shell, prod)).diagnostics

    assert rules_of([found]) == {"no-shell"}
    assert found.enforcementLevel == ADVISORY


@pytest.mark.parametrize(
    ("config", "strict"),
    [
        ({}, True),
        ({"concierge:environment": "{}"}, True),
        ({"concierge:environment": "not JSON"}, True),
        ({"concierge:environment": "[]"}, True),
        ({"concierge:environment": '{"protect": true}'}, True),
        (DEVELOPMENT, False),
    ],
)
def test_without_a_clear_word_a_stack_is_protected(config: dict[str, str], *, strict: bool):
    assert pack.protected(config) is strict


def test_every_rule_is_in_the_pack_once():
    made = pack.policies(protected=True)

    assert len(made) == len({policy.name for policy in made}) == 4
    assert len(RULES) == sum(
        rule.severity(protected=True) in {"mandatory", "advisory"} for rule in RULES.values()
    )
