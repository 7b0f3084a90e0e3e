"""Keys: one per class of data, and nobody opens with them but whom the policy names (OPS-9, DATA-9)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.keys import purposes
from plan import Plan
from tests.components.data_helpers import ACCOUNT, REGIONS, Check, each, keys, statements, unnoticed
from tests.components.data_helpers import replaced as swapped

ROOT = f"arn:aws:iam::{ACCOUNT}:root"


def every_class_has_a_key_of_its_own(plan: Plan) -> None:
    names = {f"{role}-keys-{data}" for role in REGIONS for data in purposes()}
    assert {r.name for r in (*plan.of_type("kms.Key"), *plan.of_type("kms.ReplicaKey"))} == names
    for alias in each(plan, "kms.Alias"):
        key = plan.get(alias.name.removesuffix("-alias"))
        assert alias.inputs["targetKeyId"] == key.id
        assert alias.inputs["name"] == f"alias/concierge-shop-{key.name.split('-keys-')[1]}"
    assert len(plan.of_type("kms.Alias")) == len(names)


def keys_rotate_yearly_and_wait_thirty_days_before_they_go(plan: Plan) -> None:
    for key in each(plan, "kms.Key"):
        assert key.inputs.get("enableKeyRotation") is True
        assert key.inputs.get("rotationPeriodInDays") == 365
        assert key.inputs.get("deletionWindowInDays") == 30
        assert key.options.protect
    for key in each(plan, "kms.ReplicaKey"):
        assert key.inputs.get("deletionWindowInDays") == 30
        assert key.options.protect


def the_account_administers_but_opens_nothing(plan: Plan) -> None:
    """`kms:*` for the account would let any IAM policy decrypt past the service that guards the data."""
    for key in (*each(plan, "kms.Key"), *each(plan, "kms.ReplicaKey")):
        said = statements(key)
        admin = said["AccountAdministers"]
        assert admin["Principal"] == {"AWS": ROOT}
        assert "kms:PutKeyPolicy" in admin["Action"], "nobody could mend this policy"
        opening = ("Decrypt", "Encrypt", "Generate", "ReEncrypt", "CreateGrant", "*")
        assert not [a for a in admin["Action"] if any(word in a for word in opening)]
        assert all("Condition" in s for sid, s in said.items() if sid != "AccountAdministers")
        assert all("*" not in a for s in said.values() for a in s["Action"] if isinstance(s["Action"], list))


def callers_come_through_the_service_of_the_data(plan: Plan) -> None:
    for role, region in REGIONS.items():
        for data, purpose in purposes().items():
            if not purpose.through:
                continue
            regions = sorted(REGIONS.values()) if purpose.everywhere else [region]
            via = [f"{service}.{r}.amazonaws.com" for service in purpose.through for r in regions]
            said = statements(plan.get(f"{role}-keys-{data}"))
            for sid in ("UseThroughServices", "GrantToServices"):
                assert said[sid]["Principal"] == {"AWS": ROOT}
                assert said[sid]["Condition"]["StringEquals"] == {
                    "kms:ViaService": via,
                    "kms:CallerAccount": ACCOUNT,
                }
            assert said["GrantToServices"]["Condition"]["Bool"] == {"kms:GrantIsForAWSResource": "true"}
            assert said["GrantToServices"]["Action"] == "kms:CreateGrant"


def services_that_act_by_themselves_say_for_what(plan: Plan) -> None:
    for role, region in REGIONS.items():
        notices = statements(plan.get(f"{role}-keys-notices"))["ServiceByItself1"]
        assert notices["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert {"kms:Decrypt", "kms:GenerateDataKey"} <= set(notices["Action"])
        assert notices["Condition"] == {
            "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:*"}
        }
        logs = statements(plan.get(f"{role}-keys-logs"))["ServiceByItself1"]
        assert logs["Principal"] == {"Service": f"logs.{region}.amazonaws.com"}
        assert logs["Condition"] == {
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{region}:{ACCOUNT}:log-group:*"}
        }
        trail = statements(plan.get(f"{role}-keys-audit"))["ServiceByItself1"]["Condition"]["ArnLike"]
        assert set(trail) == {"aws:SourceArn", "kms:EncryptionContext:aws:cloudtrail:arn"}


def the_customers_key_wraps_only_with_a_customers_name_on_it(plan: Plan) -> None:
    for role in REGIONS:
        wrap = statements(plan.get(f"{role}-keys-customer-keys"))["WrapWithContext"]
        assert wrap["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"]
        assert wrap["Condition"]["Null"] == {"kms:EncryptionContext:customer": "false"}
        assert wrap["Condition"]["StringEquals"] == {"kms:CallerAccount": ACCOUNT}
    others = {r.name for r in each(plan, "kms.Key") if "WrapWithContext" in statements(r)}
    assert others == {"primary-keys-customer-keys"}


def what_is_wrapped_in_one_region_opens_in_the_other(plan: Plan) -> None:
    """After a failover the standby must open what the primary wrapped; no other key leaves its region."""
    (replica,) = each(plan, "kms.ReplicaKey")
    primary = plan.get("primary-keys-customer-keys")
    assert replica.name == "standby-keys-customer-keys"
    assert replica.inputs["primaryKeyArn"] == primary.outputs["arn"]
    assert replica.region == REGIONS["standby"]
    for key in each(plan, "kms.Key"):
        assert key.inputs.get("multiRegion") is (key is primary)


CHECKS: list[Check] = [
    every_class_has_a_key_of_its_own,
    keys_rotate_yearly_and_wait_thirty_days_before_they_go,
    the_account_administers_but_opens_nothing,
    callers_come_through_the_service_of_the_data,
    services_that_act_by_themselves_say_for_what,
    the_customers_key_wraps_only_with_a_customers_name_on_it,
    what_is_wrapped_in_one_region_opens_in_the_other,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_keys(check: Check):
    check(keys())


def test_no_input_and_no_key_can_go_missing_unseen():
    assert unnoticed(keys(), CHECKS) == []


def edit(sid: str, change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def rewritten(policy: str) -> str:
        document = json.loads(policy)
        change(next(s for s in document["Statement"] if s["Sid"] == sid))
        return json.dumps(document)

    return rewritten


@pytest.mark.parametrize(
    ("key", "sid", "change"),
    [
        ("tables", "AccountAdministers", lambda s: s["Action"].append("kms:Decrypt")),
        ("tables", "AccountAdministers", lambda s: s.update(Action=["kms:*"])),
        ("objects", "UseThroughServices", lambda s: s.pop("Condition")),
        ("pii-vault", "UseThroughServices", lambda s: s.update(Principal={"AWS": "*"})),
        ("cache", "GrantToServices", lambda s: s["Condition"].pop("Bool")),
        ("notices", "ServiceByItself1", lambda s: s.pop("Condition")),
        ("logs", "ServiceByItself1", lambda s: s.update(Principal={"Service": "logs.amazonaws.com"})),
        ("audit", "ServiceByItself1", lambda s: s["Condition"]["ArnLike"].pop("aws:SourceArn")),
        ("customer-keys", "WrapWithContext", lambda s: s["Condition"].pop("Null")),
    ],
)
def test_a_loosened_policy_is_found(key: str, sid: str, change: Callable[[dict[str, Any]], Any]):
    made = keys()
    resource = made.get(f"primary-keys-{key}")
    policy = edit(sid, change)(resource.inputs["policy"])
    looser = replace(resource, inputs={**resource.inputs, "policy": policy})
    failed = []
    for check in CHECKS:
        try:
            check(swapped(made, resource, looser))
        except (AssertionError, KeyError):
            failed.append(check.__name__)
    assert failed
