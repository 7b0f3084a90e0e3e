"""The rules as a set: they say what they are, both stacks keep them, and nothing unknown upsets one."""

import importlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plan import Plan
from policies import sources, view
from policies.finding import Finding
from policies.rules import RULES
from policies.view import STACK, UNKNOWN, Node, View
from tests.policies.mutation_helpers import Draft

REQUIREMENT = re.compile(r"^(NET|DATA|VEC|MOD|RUN|OPS|LOAD|CHAOS)-\d+$")


def mandatory(plan: Plan, *, protected: bool) -> list[Finding]:
    """By our own rules; what others find is asked of `make prove` and of `concierge policy`."""
    found = sources.ask(plan, protected=protected, sources={"ours": sources.ours})
    return [finding for finding in found.findings if finding.severity == "mandatory"]


@pytest.mark.parametrize("stack", ["prod", "dev"])
def test_nothing_mandatory_is_found_in_our_own_stacks(stack: str, request: pytest.FixtureRequest):
    assert mandatory(request.getfixturevalue(stack), protected=stack == "prod") == []


def test_a_stack_with_everything_switched_on_is_clean_too(full: Plan):
    assert mandatory(full, protected=True) == []


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_it_asks_why_and_what_to_do(rule: Any):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+|arm64", rule.id)
    assert REQUIREMENT.match(rule.requirement)
    assert rule.what.endswith((".", ":")), rule.what
    assert rule.why.endswith("."), rule.why
    assert len(rule.fix) > 15, rule.fix


def test_files_that_a_rule_names_are_there(root: Path):
    named = {
        name for rule in RULES.values() for name in re.findall(r"components/[a-z_]+\.(?:py|toml)", rule.fix)
    }

    assert len(named) > 10
    assert [name for name in sorted(named) if not (root / name).exists()] == []


def test_development_is_never_asked_more_than_production():
    assert [r.id for r in RULES.values() if (r.protected, r.elsewhere) == ("advisory", "mandatory")] == []


def test_every_type_that_a_rule_looks_at_exists():
    """A type that is misspelt would never be looked at."""
    types = {short for rule in RULES.values() for short in rule.types} - {"*", STACK}

    for short in sorted(types):
        module, _, name = short.partition(".")
        package = {"lambda": "lambda_"}.get(module, module)
        assert hasattr(importlib.import_module(f"pulumi_aws.{package}"), name), short


def test_every_rule_has_something_that_keeps_it(prod: Plan, full: Plan):
    """What a rule looks at is in our stacks, and most of it is as the rule wants it."""
    seen = [view.of_plan(prod), view.of_plan(full)]
    absent = {rule.id for rule in RULES.values() if not any(v.of(*rule.types) for v in seen)}

    assert absent == {"commitment-guard", "iam-no-keys"}


def test_units_are_committed_where_they_are_protected(prod: Plan):
    units = "aws:bedrock/provisionedModelThroughput:ProvisionedModelThroughput"
    beside = "bedrock.Guardrail primary-guardrail-guardrail"
    kept, hourly = Draft(prod), Draft(prod)
    kept.add(units, "kept", {"commitmentDuration": "SixMonths"}, beside=beside, protect=True)
    hourly.add(units, "hourly", {"modelUnits": 1}, beside=beside)

    for draft in (kept, hourly):
        assert list(RULES["commitment-guard"].faults(view.of_plan(draft.plan))) == []


def test_a_topic_is_heard_when_somebody_subscribes(prod: Plan):
    rule, topic = RULES["topic-heard"], prod.get("primary-notices-page")
    draft = Draft(prod)
    draft.add(
        "aws:sns/topicSubscription:TopicSubscription",
        "listener",
        {"topic": topic.outputs["arn"], "protocol": "https"},
        beside=topic.label,
    )

    before, after = (
        {node.name for node, _ in rule.faults(view.of_plan(plan))} for plan in (prod, draft.plan)
    )

    assert before - after == {"primary-notices-page"}


def test_a_role_for_what_s3_copies_needs_no_condition(prod: Plan):
    """S3 says nothing of who asked when it takes a role (services.toml)."""
    trusting = [r for r in prod.of_type("iam.Role") if "s3.amazonaws.com" in r.inputs["assumeRolePolicy"]]

    assert trusting
    assert not {r.urn for r in trusting} & {
        n.urn for n, _ in RULES["iam-trust-tied"].faults(view.of_plan(prod))
    }


class TestUnknown:
    """At preview, AWS has not yet decided much: what is not known breaks no rule, and stops none."""

    def test_any_input_may_be_unknown(self, prod: Plan):
        """One input of one resource of each type after another; no rule may fall over it."""
        seen = view.of_plan(prod)
        firsts = {node.short: node for node in reversed(seen.nodes)}
        for node in firsts.values():
            rules = [rule for rule in RULES.values() if node.short in rule.types or rule.types == ("*",)]
            for key in node.inputs:
                changed = _with(node, {**node.inputs, key: UNKNOWN})
                around = View([changed if other is node else other for other in seen.nodes])
                for rule in rules:
                    rule.findings(View([changed]) if rule.alone else around, protected=True)

    def test_everything_below_an_input_may_be_unknown(self, prod: Plan):
        """All rules over a stack in which no text is known."""
        seen = view.of_plan(prod)
        hidden = View(
            [_with(node, {key: _hidden(value) for key, value in node.inputs.items()}) for node in seen.nodes]
        )

        for rule in RULES.values():
            rule.findings(hidden, protected=True)

    def test_what_is_unknown_is_no_fault(self, prod: Plan):
        table = next(n for n in view.of_plan(prod).nodes if n.name == "primary-tables-orders")
        unknown = _with(table, {**table.inputs, "serverSideEncryption": UNKNOWN})

        assert RULES["rest-own-key"].findings(View([unknown]), protected=True) == []

    def test_what_is_wrong_beside_something_unknown_is_still_found(self, prod: Plan):
        table = next(n for n in view.of_plan(prod).nodes if n.name == "primary-tables-orders")
        half = _with(
            table,
            {**table.inputs, "serverSideEncryption": {"enabled": True}, "replicas": [{"kmsKeyArn": UNKNOWN}]},
        )

        (finding,) = RULES["rest-own-key"].findings(View([half]), protected=True)
        assert finding.message == "serverSideEncryption.kmsKeyArn names no key of ours"

    def test_a_link_stands_for_a_name_that_is_unknown(self, prod: Plan):
        """The engine knows which resource a value comes from before it knows the value."""
        seen = view.of_plan(prod)
        hidden = View([_without_names(node) for node in seen.nodes])
        bucket = next(n for n in hidden.nodes if n.name == "primary-buckets-documents-bucket")

        assert [n.name for n in hidden.naming(bucket, "bucket", "s3.BucketVersioning")] == [
            "primary-buckets-documents-versions"
        ]


def _with(node: Node, inputs: dict[str, Any]) -> Node:
    return replace(node, read=lambda: inputs)


def _without_names(node: Node) -> Node:
    """As at preview: inputs that come from another resource are unknown, and nothing has an id."""
    inputs = {key: UNKNOWN if key in node.links else value for key, value in node.inputs.items()}
    return replace(node, read=lambda: inputs, identities=frozenset())


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    return UNKNOWN if isinstance(value, str) else value
