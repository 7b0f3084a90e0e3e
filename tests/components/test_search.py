"""The search domain: three zones, two locks, its own key, and logs of who did what (VEC-1)."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from components.search import domain_name
from components.search_logs import KINDS
from plan import Plan, PlanError, Resource
from tests.components.data_helpers import ACCOUNT, Check, each, replaced, statements, unnoticed
from tests.components.search_helpers import (
    BOUNDARY,
    DOMAIN,
    KEYS,
    LARGE,
    build,
    large,
    small,
)


def role(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def domain(plan: Plan) -> Resource:
    (found,) = each(plan, "opensearch.Domain")
    return found


def it_stands_in_three_zones_with_masters_of_its_own(plan: Plan) -> None:
    assert domain(plan).inputs["clusterConfig"] == {
        "instanceType": "r7g.2xlarge.search",
        "instanceCount": 3,
        "zoneAwarenessEnabled": True,
        "zoneAwarenessConfig": {"availabilityZoneCount": 3},
        "multiAzWithStandbyEnabled": True,
        "dedicatedMasterEnabled": True,
        "dedicatedMasterCount": 3,
        "dedicatedMasterType": "m7g.large.search",
        "warmEnabled": False,
    }
    assert domain(plan).inputs["domainName"] == "concierge-shop-search"
    assert domain(plan).inputs["engineVersion"] == "OpenSearch_2.19"
    assert domain(plan).inputs["ebsOptions"] == {"ebsEnabled": True, "volumeType": "gp3", "volumeSize": 100}
    assert domain(plan).options.protect


def it_is_encrypted_on_disk_between_nodes_and_on_the_way(plan: Plan) -> None:
    said = domain(plan).inputs
    assert said["encryptAtRest"] == {"enabled": True, "kmsKeyId": KEYS["search"]}
    assert said["nodeToNodeEncryption"] == {"enabled": True}
    assert said["domainEndpointOptions"] == {
        "enforceHttps": True,
        "tlsSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10",
    }


def it_stands_in_the_vpc_behind_its_group(plan: Plan) -> None:
    """As many subnets as zones, neither more nor less."""
    assert domain(plan).inputs["vpcOptions"] == {
        "subnetIds": ["subnet-a", "subnet-b", "subnet-c"],
        "securityGroupIds": ["sg-search"],
    }


def nobody_has_a_password(plan: Plan) -> None:
    """Fine-grained access with IAM roles; the master is one too."""
    assert domain(plan).inputs["advancedSecurityOptions"] == {
        "enabled": True,
        "internalUserDatabaseEnabled": False,
        "masterUserOptions": {"masterUserArn": role("shop-search-master")},
    }


def each_role_may_use_its_methods_on_its_paths(plan: Plan) -> None:
    account = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    said = statements(domain(plan), "accessPolicies")
    assert {sid: (s["Action"], s["Resource"]) for sid, s in said.items()} == {
        "ReadIndex": (["es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost"], [f"{DOMAIN}/documents*"]),
        "WriteIndex": (
            ["es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut"],
            [f"{DOMAIN}/documents*", f"{DOMAIN}/_plugins/_knn/warmup*"],
        ),
        "AdministerSearch": (
            [
                "es:ESHttpGet",
                "es:ESHttpHead",
                "es:ESHttpPost",
                "es:ESHttpPut",
                "es:ESHttpDelete",
                "es:ESHttpPatch",
            ],
            [f"{DOMAIN}/*"],
        ),
    }
    assert {sid: s["Condition"] for sid, s in said.items()} == {
        sid: {"ArnEquals": {"aws:PrincipalArn": [role(name)]}}
        for sid, name in (
            ("ReadIndex", "shop-chat"),
            ("WriteIndex", "shop-ingest"),
            ("AdministerSearch", "shop-search-master"),
        )
    }
    assert all(s["Effect"] == "Allow" and s["Principal"] == account for s in said.values())


def it_logs_slow_requests_its_own_words_and_who_did_what(plan: Plan) -> None:
    logged = {log["logType"]: log for log in domain(plan).inputs["logPublishingOptions"]}
    assert set(logged) == {"SEARCH_SLOW_LOGS", "INDEX_SLOW_LOGS", "ES_APPLICATION_LOGS", "AUDIT_LOGS"}
    for word, kind in KINDS.items():
        group = plan.get(f"primary-search-logs-{word}")
        assert logged[kind]["enabled"] is True
        assert logged[kind]["cloudwatchLogGroupArn"] == group.outputs["arn"]
        assert group.inputs["name"] == f"/concierge/shop/primary-search-logs/{word}"
        assert group.inputs["retentionInDays"] == 30
        assert group.inputs["kmsKeyId"] == KEYS["logs"]


def only_this_domain_may_write_its_logs(plan: Plan) -> None:
    """The service asks for the policy when the domain is made, so the domain waits for it."""
    (writer,) = each(plan, "cloudwatch.LogResourcePolicy")
    assert writer.inputs["policyName"] == "concierge-shop-search"
    (said,) = statements(writer, "policyDocument").values()
    assert (said["Effect"], said["Principal"]) == ("Allow", {"Service": "es.amazonaws.com"})
    assert said["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents", "logs:PutLogEventsBatch"]
    groups = [plan.get(f"primary-search-logs-{word}").outputs["arn"] for word in KINDS]
    assert said["Resource"] == [f"{arn}:*" for arn in groups]
    assert said["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": DOMAIN},
    }
    assert writer.urn in domain(plan).dependencies


def the_accounts_role_is_there_first_and_stays(plan: Plan) -> None:
    """Without it no domain can stand in a VPC; other environments may live on it."""
    (made,) = each(plan, "iam.ServiceLinkedRole")
    assert made.inputs["awsServiceName"] == "opensearchservice.amazonaws.com"
    assert made.options.retain_on_delete
    assert made.urn in domain(plan).dependencies


def aws_patches_and_tunes_in_the_quiet_hours(plan: Plan) -> None:
    said = domain(plan).inputs
    assert said["autoTuneOptions"] == {"desiredState": "ENABLED", "useOffPeakWindow": True}
    assert said["offPeakWindowOptions"] == {
        "enabled": True,
        "offPeakWindow": {"windowStartTime": {"hours": 7, "minutes": 0}},
    }
    assert said["softwareUpdateOptions"] == {"autoSoftwareUpdateEnabled": True}


def snapshots_are_carried_by_a_role_of_this_domain(plan: Plan) -> None:
    carrier = plan.get("primary-snapshots-role")
    assert carrier.inputs["name"] == "concierge-shop-us-east-1-search-snapshots"
    assert carrier.inputs["permissionsBoundary"] == BOUNDARY
    (trust,) = statements(carrier, "assumeRolePolicy").values()
    assert (trust["Effect"], trust["Action"]) == ("Allow", "sts:AssumeRole")
    assert trust["Principal"] == {"Service": "es.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnEquals": {"aws:SourceArn": DOMAIN},
    }


def snapshots_lie_in_one_bucket_and_no_rule_spoils_them(plan: Plan) -> None:
    """They share files: an object that a rule moved to Glacier or expired would break every later one."""
    bucket = f"concierge-shop-search-snapshots-{ACCOUNT}-us-east-1"
    may = plan.get("primary-snapshots-may")
    assert may.inputs["role"] == plan.get("primary-snapshots-role").id
    said = statements(may)
    assert {sid: (s["Action"], s["Resource"]) for sid, s in said.items()} == {
        "ListSnapshots": (["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"]),
        "KeepSnapshots": (
            ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
            [f"arn:aws:s3:::{bucket}/*"],
        ),
        "OpenSnapshots": (["kms:Decrypt", "kms:GenerateDataKey"], [KEYS["objects"]]),
    }
    assert said["OpenSnapshots"]["Condition"] == {
        "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
        "ArnLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}*"},
    }
    (rules,) = (found.inputs["rules"] for found in each(plan, "s3.BucketLifecycleConfiguration"))
    (tidy,) = rules
    assert "expiration" not in tidy and "transitions" not in tidy
    assert tidy["noncurrentVersionExpiration"] == {"noncurrentDays": 7}


CHECKS: list[Check] = [
    it_stands_in_three_zones_with_masters_of_its_own,
    it_is_encrypted_on_disk_between_nodes_and_on_the_way,
    it_stands_in_the_vpc_behind_its_group,
    nobody_has_a_password,
    each_role_may_use_its_methods_on_its_paths,
    it_logs_slow_requests_its_own_words_and_who_did_what,
    only_this_domain_may_write_its_logs,
    the_accounts_role_is_there_first_and_stays,
    aws_patches_and_tunes_in_the_quiet_hours,
    snapshots_are_carried_by_a_role_of_this_domain,
    snapshots_lie_in_one_bucket_and_no_rule_spoils_them,
]
# What makes the bucket private is checked with the component that makes all buckets so.
OF_THE_BUCKET = "primary-snapshots-files-"


@pytest.mark.parametrize("check", CHECKS)
def test_the_domain(check: Check) -> None:
    check(large().plan)


def test_no_input_and_no_part_can_go_missing_unseen() -> None:
    assert [said for said in unnoticed(large().plan, CHECKS) if OF_THE_BUCKET not in said] == []


def test_the_buckets_own_parts_are_those_of_every_bucket() -> None:
    made = {r.name.removeprefix(OF_THE_BUCKET) for r in large().plan.cloud if OF_THE_BUCKET in r.name}
    assert made >= {"bucket", "versions", "private", "owner", "encryption", "policy", "access-log"}


def part(key: str, **changes: Any) -> dict[str, Any]:
    """One nested input with some of it changed."""
    return {key: {**domain(large().plan).inputs[key], **changes}}


def opened(sid: str, **changes: Any) -> Mapping[str, Any]:
    """The access policy with one statement changed."""
    document = json.loads(domain(large().plan).inputs["accessPolicies"])
    for statement in document["Statement"]:
        if statement["Sid"] == sid:
            statement.update(changes)
    return {"accessPolicies": json.dumps(document)}


@pytest.mark.parametrize(
    ("check", "loosened"),
    [
        (it_stands_in_three_zones_with_masters_of_its_own, part("clusterConfig", dedicatedMasterCount=2)),
        (
            it_stands_in_three_zones_with_masters_of_its_own,
            part("clusterConfig", zoneAwarenessEnabled=False),
        ),
        (
            it_is_encrypted_on_disk_between_nodes_and_on_the_way,
            part("domainEndpointOptions", enforceHttps=False),
        ),
        (
            it_is_encrypted_on_disk_between_nodes_and_on_the_way,
            part("domainEndpointOptions", tlsSecurityPolicy="Policy-Min-TLS-1-0-2019-07"),
        ),
        (it_is_encrypted_on_disk_between_nodes_and_on_the_way, {"encryptAtRest": {"enabled": True}}),
        (
            it_is_encrypted_on_disk_between_nodes_and_on_the_way,
            {"nodeToNodeEncryption": {"enabled": False}},
        ),
        (nobody_has_a_password, part("advancedSecurityOptions", internalUserDatabaseEnabled=True)),
        (nobody_has_a_password, part("advancedSecurityOptions", enabled=False)),
        (nobody_has_a_password, part("advancedSecurityOptions", anonymousAuthEnabled=True)),
        (each_role_may_use_its_methods_on_its_paths, opened("ReadIndex", Principal={"AWS": "*"})),
        (each_role_may_use_its_methods_on_its_paths, opened("ReadIndex", Condition={})),
        (each_role_may_use_its_methods_on_its_paths, opened("ReadIndex", Action=["es:*"])),
        (each_role_may_use_its_methods_on_its_paths, opened("WriteIndex", Resource=[f"{DOMAIN}/*"])),
        (it_stands_in_the_vpc_behind_its_group, part("vpcOptions", securityGroupIds=[])),
        (
            it_logs_slow_requests_its_own_words_and_who_did_what,
            {"logPublishingOptions": domain(large().plan).inputs["logPublishingOptions"][:3]},
        ),
    ],
)
def test_a_loosened_domain_is_found(check: Check, loosened: Mapping[str, Any]) -> None:
    made = large().plan
    found = domain(made)
    with pytest.raises(AssertionError):
        check(replaced(made, found, replace(found, inputs={**found.inputs, **loosened})))


@pytest.mark.parametrize(
    ("name", "key", "check"),
    [
        ("primary-snapshots-role", "assumeRolePolicy", snapshots_are_carried_by_a_role_of_this_domain),
        ("primary-snapshots-may", "policy", snapshots_lie_in_one_bucket_and_no_rule_spoils_them),
        ("primary-search-logs-writer", "policyDocument", only_this_domain_may_write_its_logs),
    ],
)
def test_a_document_that_lost_its_conditions_is_found(name: str, key: str, check: Check) -> None:
    """Without them another account's domain could borrow the role through the service."""
    made = large().plan
    found = made.get(name)
    document = json.loads(found.inputs[key])
    for statement in document["Statement"]:
        statement["Condition"] = {}
    bare = replace(found, inputs={**found.inputs, key: json.dumps(document)})
    with pytest.raises(AssertionError):
        check(replaced(made, found, bare))


def test_one_small_node_for_development_has_nothing_aws_would_refuse_on_it() -> None:
    """No zones, masters or warm nodes with a type but no number; Auto-Tune off, and said so."""
    said = domain(small().plan).inputs
    assert said["clusterConfig"] == {
        "instanceType": "t3.small.search",
        "instanceCount": 1,
        "zoneAwarenessEnabled": False,
        "multiAzWithStandbyEnabled": False,
        "dedicatedMasterEnabled": False,
        "warmEnabled": False,
    }
    assert said["autoTuneOptions"] == {"desiredState": "DISABLED", "rollbackOnDisable": "NO_ROLLBACK"}
    assert said["vpcOptions"]["subnetIds"] == ["subnet-a"]
    assert not domain(small().plan).options.protect


@pytest.mark.parametrize("seen", [large, small])
def test_a_small_domain_is_as_closed_as_a_large_one(seen: Any) -> None:
    for check in (
        it_is_encrypted_on_disk_between_nodes_and_on_the_way,
        nobody_has_a_password,
        each_role_may_use_its_methods_on_its_paths,
        it_logs_slow_requests_its_own_words_and_who_did_what,
        only_this_domain_may_write_its_logs,
    ):
        check(seen().plan)


def test_a_role_gets_by_iam_what_the_domain_lets_it_do() -> None:
    """The policy names the account, so both sides have to agree."""
    said = statements(domain(large().plan), "accessPolicies")
    for grant in large().plan.outputs["grants"]:
        assert grant["Action"] == said[grant["Sid"]]["Action"]
        assert grant["Resource"] == said[grant["Sid"]]["Resource"]


def test_without_a_subnet_for_each_zone_it_is_not_built() -> None:
    with pytest.raises(PlanError, match="3 zones need as many subnets, got 2"):
        build(**{**LARGE, "subnet_ids": ["subnet-a", "subnet-b"]})


def test_a_name_aws_would_refuse_is_refused_here() -> None:
    assert len(domain_name("production1")) == 28
    with pytest.raises(ValueError, match="in at most 11 characters, not 'production12'"):
        domain_name("production12")
