"""Real checkov on prod with faults planted into it: each is found on its resource, and nothing else is.

Checkov runs once for this file; dev, and prod as it is, are run by `make prove`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from plan import Plan
from policies import checkov, suppressions
from policies.checkov import CheckovError, Judgement, run
from tests.policies.planted_helpers import added, changed
from tests.sharing_helpers import folder_of, once

CARTS, DOMAIN, GUARDRAIL = "primary-tables-carts", "standby-search-domain", "primary-guardrail-guardrail"
AGENT = "aws:bedrock/agentcoreAgentRuntime:AgentcoreAgentRuntime"
ENDPOINT = "aws:bedrock/agentcoreAgentRuntimeEndpoint:AgentcoreAgentRuntimeEndpoint"
GATEWAY = "aws:bedrock/agentcoreGateway:AgentcoreGateway"
MEMORY = "aws:bedrock/agentcoreMemory:AgentcoreMemory"
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"


def agent(mode: str, image: str) -> dict[str, Any]:
    return {
        "agentRuntimeArtifact": {"containerConfiguration": {"containerUri": image}},
        "networkConfiguration": {"networkMode": mode},
    }


def weak_domain(inputs: dict[str, Any]) -> None:
    inputs["engineVersion"] = "OpenSearch_2.11"
    inputs["clusterConfig"]["instanceType"] = "t3.medium.search"
    inputs["advancedSecurityOptions"]["internalUserDatabaseEnabled"] = True
    inputs["logPublishingOptions"] = inputs["logPublishingOptions"][:1]


def weak_guardrail(inputs: dict[str, Any]) -> None:
    inputs["contentPolicyConfig"]["filtersConfigs"][0]["inputStrength"] = "LOW"
    del inputs["contextualGroundingPolicyConfig"]


def weak_table(inputs: dict[str, Any]) -> None:
    del inputs["serverSideEncryption"]


def open_to_ssh(inputs: dict[str, Any]) -> None:
    inputs.pop("referencedSecurityGroupId", None)
    inputs.update(cidrIpv4="0.0.0.0/0", fromPort=22, toPort=22, ipProtocol="tcp")


# Resource -> which rules must fire on it.
PLANTED: Mapping[str, set[str]] = {
    # Cross-resource: the bucket is as it was, what made it private is gone.
    "primary-buckets-documents-bucket": {"CKV2_AWS_6"},
    CARTS: {"CKV_AWS_119"},
    GUARDRAIL: {"CKV_CONCIERGE_6", "CKV_CONCIERGE_7"},
    "primary-guardrail-version": {"CKV_CONCIERGE_8"},
    DOMAIN: {"CKV_CONCIERGE_9", "CKV_CONCIERGE_10", "CKV_CONCIERGE_11", "CKV_CONCIERGE_12"},
    "weak-agent": {"CKV_CONCIERGE_1", "CKV_CONCIERGE_2"},
    "weak-endpoint": {"CKV_CONCIERGE_3"},
    "weak-memory": {"CKV_CONCIERGE_4"},
    "weak-gateway": {"CKV_CONCIERGE_5"},
}


def planted(prod: Plan) -> Plan:
    weak = {CARTS: weak_table, GUARDRAIL: weak_guardrail, DOMAIN: weak_domain}
    rule = prod.of_type("vpc.SecurityGroupIngressRule")[0].name
    version = {"primary-guardrail-version": lambda inputs: inputs.update(skipDestroy=False)}
    plan = changed(
        prod, {**weak, **version, rule: open_to_ssh}, without=("primary-buckets-documents-private",)
    )
    digest = "1.dkr.ecr.us-east-1.amazonaws.com/agent@sha256:" + "0" * 64
    return added(
        plan,
        GUARDRAIL,
        (AGENT, "weak-agent", agent("PUBLIC", "1.dkr.ecr.us-east-1.amazonaws.com/agent:latest")),
        (AGENT, "good-agent", agent("VPC", digest)),
        (ENDPOINT, "weak-endpoint", {"name": "live"}),
        (ENDPOINT, "good-endpoint", {"name": "live", "agentRuntimeVersion": "3"}),
        (MEMORY, "weak-memory", {"name": "memory"}),
        (MEMORY, "good-memory", {"name": "memory", "encryptionKeyArn": KEY}),
        (GATEWAY, "weak-gateway", {"authorizerType": "NONE", "kmsKeyArn": KEY}),
        (GATEWAY, "good-gateway", {"authorizerType": "AWS_IAM", "kmsKeyArn": KEY}),
    )


@pytest.fixture(scope="module")
def plan(prod: Plan) -> Plan:
    return planted(prod)


@pytest.fixture(scope="module")
def judgement(plan: Plan, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Judgement:
    """A run of checkov takes a core for a quarter of a minute."""
    return once(folder_of(tmp_path_factory, worker_id), "judgement", lambda: checkov.judge(plan))


def left(plan: Plan, judgement: Judgement) -> dict[str, set[str]]:
    """Resource -> rules that fire on it and that nobody has waived."""
    outcome = suppressions.apply(judgement.findings, plan, protected=True, sources=["checkov"])
    found: dict[str, set[str]] = {}
    for finding in outcome.left:
        found.setdefault(plan.by_urn[finding.urn].name, set()).add(finding.rule)
    return found


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_on_its_resource(plan: Plan, judgement: Judgement, name: str):
    assert left(plan, judgement)[name] >= PLANTED[name]


def test_an_open_port_is_found(plan: Plan, judgement: Judgement):
    rule = plan.of_type("vpc.SecurityGroupIngressRule")[0].name
    assert "CKV_AWS_24" in left(plan, judgement)[rule]


def test_nothing_else_is_found_in_prod(plan: Plan, judgement: Judgement):
    rule = plan.of_type("vpc.SecurityGroupIngressRule")[0].name
    assert left(plan, judgement).keys() == PLANTED.keys() | {rule}


def test_what_is_private_beside_it_is_known_to_be(plan: Plan, judgement: Judgement):
    exposed = {f.urn for f in judgement.findings if f.rule == "CKV2_AWS_6"}
    assert exposed == {plan.get("primary-buckets-documents-bucket").urn}


def test_a_finding_says_which_file_to_mend_and_which_input(plan: Plan, judgement: Judgement):
    (found,) = [f for f in judgement.findings if f.rule == "CKV_AWS_119" and f.urn == plan.get(CARTS).urn]
    assert found.source == "checkov"
    assert found.fix.startswith("mend it in components/tables.py (server_side_encryption)")


def test_the_counts_and_the_version_are_told(judgement: Judgement):
    assert judgement.failed == len(judgement.findings)
    assert judgement.passed > 2_000
    assert judgement.skipped == 0
    assert judgement.version.count(".") == 2


def test_without_checkov_one_line_says_how_to_get_it(tmp_path: Path):
    with pytest.raises(CheckovError, match=r"checkov is not installed in .*: run `make checkov` once"):
        run.checkov({}, tmp_path)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'boom' >&2; exit 2", "checkov could not judge the plan: boom"),
        ("echo '{}'; echo 'Failed to run check CKV_1' >&2; exit 1", "Failed to run check CKV_1"),
        ("exit 3", "ended with code 3"),
        ("echo not json", "printed no report"),
        (
            'echo \'{"passed": 0, "failed": 0, "skipped": 0, "parsing_errors": 1}\'',
            "could not read the document",
        ),
    ],
    ids=["crash", "broken check", "silent", "no report", "unread document"],
)
def test_a_checkov_that_breaks_is_no_pass(tmp_path: Path, script: str, says: str):
    program = tmp_path / "bin" / "checkov"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(CheckovError, match=says):
        run.checkov({}, tmp_path)


@pytest.mark.prove
def test_dev_and_prod_end_clean_or_waived(either: Plan):
    judged = checkov.judge(either)
    outcome = suppressions.apply(
        judged.findings, either, protected=either.stack == "prod", sources=["checkov"]
    )
    assert outcome.left == ()


@pytest.mark.prove
def test_checkov_reads_no_settings_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dev: Plan):
    """A `.checkov.yaml` in the home or the folder would silently skip checks."""
    (tmp_path / ".checkov.yaml").write_text("skip-check:\n  - CKV*\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert checkov.judge(dev).failed > 50
