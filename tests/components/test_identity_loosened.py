"""No check of the user pool is one that cannot fail: each input is loosened, and found (RUN-17)."""

import pytest

from plan import Plan, Resource
from tests.components import identity_check_helpers as people
from tests.components.agent_check_helpers import Check, unprotected
from tests.components.agent_estate_helpers import whole
from tests.components.identity_check_helpers import CHECKS
from tests.stacks.loosening_helpers import Change, gone, having, label, loosened, without

POOL, WEB = "UserPool identity-pool", "UserPoolClient identity-web"
PROGRAM = "UserPoolClient identity-client-services"

LOOSER: dict[Check, list[tuple[str, str, Change]]] = {
    people.the_pool_cannot_be_lost: [
        ("may be deleted", POOL, having(deletionProtection="INACTIVE")),
        ("pool unprotected", POOL, unprotected),
    ],
    people.passwords_are_strong_and_a_second_factor_is_offered: [
        ("short passwords", POOL, having(passwordPolicy={"minimumLength": 6})),
        ("no second factor", POOL, having(mfaConfiguration="OFF")),
    ],
    people.threats_are_stopped: [
        ("only written down", POOL, having(userPoolAddOns={"advancedSecurityMode": "AUDIT"})),
        ("no answer to risk", "RiskConfiguration identity-risk", gone),
    ],
    people.an_account_belongs_to_a_proved_address: [
        ("address not proved", POOL, without("autoVerifiedAttributes")),
        ("new address not proved", POOL, without("userAttributeUpdateSettings")),
    ],
    people.nobody_makes_themselves_an_administrator: [
        ("role as an attribute", POOL, having(schemas=[{"name": "role", "attributeDataType": "String"}])),
        ("writes everything", WEB, without("writeAttributes")),
        ("edits the account", WEB, having(allowedOauthScopes=["aws.cognito.signin.user.admin"])),
    ],
    people.browsers_use_the_code_flow_without_a_secret: [
        ("implicit flow", WEB, having(allowedOauthFlows=["implicit"])),
        ("secret in a browser", WEB, having(generateSecret=True)),
        ("passwords sent", WEB, having(explicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])),
    ],
    people.tokens_live_shortly_and_can_be_revoked: [
        ("tokens of a day", WEB, having(accessTokenValidity=1440)),
        ("not revocable", WEB, having(enableTokenRevocation=False)),
        ("tells who has an account", WEB, without("preventUserExistenceErrors")),
        ("refresh tokens stay", WEB, without("refreshTokenRotation")),
    ],
    people.programs_get_only_the_scopes_they_are_given: [
        ("all scopes", PROGRAM, having(allowedOauthScopes=["concierge/tools.write"])),
        ("users may sign in with it", PROGRAM, without("explicitAuthFlows")),
    ],
    people.there_is_a_page_to_sign_in: [("no style", "ManagedLoginBranding identity-style", gone)],
}


@pytest.mark.parametrize(
    ("check", "resource", "change"),
    [
        pytest.param(check, resource, change, id=what)
        for check, rows in LOOSER.items()
        for what, resource, change in rows
    ],
)
def test_what_is_loosened_is_found(check: Check, resource: str, change: Change):
    with pytest.raises(AssertionError):
        check(loosened(whole(), resource, change))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_identity_is_as_required(check: Check):
    check(whole())


def test_every_check_has_been_seen_to_fail():
    assert [check.__name__ for check in CHECKS if check not in LOOSER] == []


def found_by_any(plan: Plan) -> bool:
    """A check that cannot even read the plan has noticed as well."""
    for check in CHECKS:
        try:
            check(plan)
        except (AssertionError, AttributeError, KeyError):
            return True
    return False


def parts() -> list[Resource]:
    return [resource for resource in whole().cloud if ":cognito/" in resource.type]


@pytest.mark.parametrize("resource", parts(), ids=label)
def test_nothing_of_it_can_go_missing_unseen(resource: Resource):
    plan = whole()
    changes = {"all of it": gone, **{key: without(key) for key in resource.inputs if key != "description"}}
    unseen = [
        key for key, change in changes.items() if not found_by_any(loosened(plan, label(resource), change))
    ]
    assert unseen == []
