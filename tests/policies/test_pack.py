"""The pack as the engine meets it: a process of its own, asked in Pulumi's own protocol."""

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
from tests.policies.mutation_helpers import Draft
from tests.policies.pack_helpers import request, rules_of, serving, stack_request

MANDATORY, ADVISORY = analyzer_pb2.MANDATORY, analyzer_pb2.ADVISORY


@pytest.fixture(scope="module")
def serves(root: Path) -> Iterator[Any]:
    """The pack; the stack's name in a resource's URN says how strict it is."""
    with serving(root) as stub:
        yield stub


def test_the_pack_is_one_that_pulumi_can_start(root: Path):
    project = yaml.safe_load((root / "policies" / "PulumiPolicy.yaml").read_text(encoding="utf-8"))

    assert project["runtime"]["name"] == "python"
    assert (root / "policies" / project["runtime"]["options"]["virtualenv"]).resolve() == root / ".venv"


def test_the_pack_says_what_it_holds(serves: Any):
    info = serves.GetAnalyzerInfo(empty_pb2.Empty())

    assert info.name == "concierge"
    levels = {policy.name: policy.enforcementLevel for policy in info.policies}
    assert levels == {
        "resource-mandatory": MANDATORY,
        "stack-mandatory": MANDATORY,
        "resource-advisory": ADVISORY,
        "stack-advisory": ADVISORY,
    }


@pytest.mark.parametrize("preview", [False, True])
def test_prod_may_be_deployed(serves: Any, prod: Plan, *, preview: bool):
    """The engine's own messages for the whole stack and one resource of each type, values unknown or not."""
    found = list(serves.AnalyzeStack(stack_request(prod, preview=preview)).diagnostics)
    for resource in {r.type: r for r in prod.resources}.values():
        found += serves.Analyze(request(resource, prod, preview=preview)).diagnostics

    assert [d.message for d in found if d.enforcementLevel == MANDATORY] == []


def test_a_resource_that_breaks_a_rule_is_stopped_before_it_is_touched(serves: Any, prod: Plan):
    label = "dynamodb.Table primary-tables-orders"
    draft = Draft(prod)
    draft.set(label, "pointInTimeRecovery.enabled", False)
    table = next(r for r in draft.plan.resources if r.label == label)

    (found,) = serves.Analyze(request(table, draft.plan)).diagnostics

    assert found.enforcementLevel == MANDATORY
    assert "table-recovery (DATA-1): there is no point-in-time recovery. Fix: " in found.message


def test_a_stack_that_breaks_a_rule_is_stopped_at_its_end(serves: Any, prod: Plan):
    draft = Draft(prod)
    draft.remove("s3.BucketPublicAccessBlock primary-buckets-documents-private")
    draft.remove("cloudwatch.LogGroup primary-agent-chat-log")
    bucket = prod.get("primary-buckets-documents-bucket")

    found = [
        d
        for d in serves.AnalyzeStack(stack_request(draft.plan)).diagnostics
        if d.enforcementLevel == MANDATORY
    ]

    assert rules_of(found) == {"bucket-private", "log-declared"}
    assert bucket.urn in {d.urn for d in found}


def test_what_nobody_can_know_yet_is_not_reported(serves: Any, prod: Plan):
    """A key's ARN is unknown until AWS makes the key: the preview stays silent, the update decides."""
    table = prod.get("primary-tables-orders")
    assert "serverSideEncryption" in table.property_dependencies

    assert list(serves.Analyze(request(table, prod, preview=True)).diagnostics) == []


def test_development_is_advised_where_production_is_stopped(serves: Any, prod: Plan):
    service = prod.get("primary-agent-chat-service")
    urn = service.urn.replace("urn:pulumi:prod::", "urn:pulumi:dev::")
    with_shell = replace(service, urn=urn, inputs={**service.inputs, "enableExecuteCommand": True})
    (found,) = serves.Analyze(request(with_shell, prod)).diagnostics

    assert rules_of([found]) == {"no-shell"}
    assert found.enforcementLevel == ADVISORY


@pytest.mark.parametrize(("stack", "strict"), [("prod", True), ("dev", False), ("nobody-knows", True)])
def test_a_stack_is_protected_unless_its_settings_say_otherwise(stack: str, *, strict: bool):
    assert pack.protected(stack) is strict


def test_every_policy_has_a_name_of_its_own():
    made = pack.policies()

    assert len(made) == len({policy.name for policy in made}) == 4
