"""The user pool in its other settings (RUN-17)."""

from typing import Any, get_args

import pytest

from components.identity import SCOPES, Identity
from plan import Plan, PlanError
from stacks.sections.identity import Scope
from tests.components.agent_estate_helpers import identity, planned, watches


def made(**changes: Any) -> Plan:
    return planned(lambda options: Identity("identity", identity(**changes), options))


def test_without_threat_protection_nothing_of_the_dearer_plan_is_asked_for():
    """Password history and risk actions belong to the plan PLUS."""
    found = made(threat_protection="off")
    pool = found.get("identity-pool").inputs
    assert pool["userPoolTier"] == "ESSENTIALS"
    assert pool["userPoolAddOns"] == {"advancedSecurityMode": "OFF"}
    assert "passwordHistorySize" not in pool["passwordPolicy"]
    assert found.by_name.get("identity-risk") is None


def test_auditing_writes_down_and_stops_nobody():
    found = made(threat_protection="audit")
    assert found.get("identity-pool").inputs["userPoolAddOns"] == {"advancedSecurityMode": "AUDIT"}
    assert found.by_name.get("identity-risk") is None


def test_a_second_factor_for_everybody():
    assert made(mfa="required").get("identity-pool").inputs["mfaConfiguration"] == "ON"


def test_without_an_address_to_return_to_there_is_no_flow():
    web = made(callback_urls=[], logout_urls=[]).get("identity-web").inputs
    assert not {"allowedOauthFlows", "callbackUrls", "allowedOauthScopes"} & set(web)


def test_mails_come_from_an_address_of_ours_where_there_is_one():
    arn = "arn:aws:ses:us-east-1:123456789012:identity/shop.example"
    mails = made(sender_arn=arn).get("identity-pool").inputs["emailConfiguration"]
    assert mails == {"emailSendingAccount": "DEVELOPER", "sourceArn": arn}


def test_the_page_may_have_a_name_of_its_own():
    assert made(domain_prefix="shop-login").get("identity-domain").inputs["domain"] == "shop-login"


def test_unprotected_it_can_be_taken_away():
    pool = made(protect=False).get("identity-pool")
    assert pool.inputs["deletionProtection"] == "INACTIVE"
    assert not pool.options.protect


def test_a_scope_nobody_offers_stops_the_plan():
    with pytest.raises(PlanError, match=r"there is no scope 'admin': use chat, tools.read"):
        made(machine_clients={"services": ["admin"]})


def test_settings_and_pool_know_the_same_scopes():
    assert set(get_args(Scope)) == set(SCOPES)


def test_throttled_sign_ins_page_and_name_the_clients_pool():
    found = watches(lambda options: Identity("identity", identity(), options).alarms())
    assert {watch.alarm.severity for name, watch in found.items() if "sign-up" not in name} == {"page"}
    assert {frozenset(watch.computed) for watch in found.values()} == {
        frozenset({"UserPool", "UserPoolClient"})
    }


def test_what_others_need_to_check_a_token():
    found: dict[str, object] = {}

    def declare(options: Any) -> None:
        made = Identity("identity", identity(), options)
        made.issuer.apply(lambda issuer: found.update(issuer=issuer))
        made.discovery_url.apply(lambda url: found.update(url=url))
        made.pool_id.apply(lambda pool: found.update(pool=pool))

    planned(declare)
    assert found["issuer"] == f"https://cognito-idp.us-east-1.amazonaws.com/{found['pool']}"
    assert found["url"] == f"{found['issuer']}/.well-known/openid-configuration"
