"""What the user pool and its clients must be, as checks on a plan (RUN-17)."""

from plan import Plan
from plan.answers import ACCOUNT
from tests.components.agent_check_helpers import Check, one

CHECKS: list[Check] = []


def check(function: Check) -> Check:
    CHECKS.append(function)
    return function


PARTS = ("server", "web", "client-services", "domain", "style", "risk", "operators", "support")


@check
def the_pool_cannot_be_lost(plan: Plan) -> None:
    pool = plan.get("identity-pool")
    assert pool.inputs.get("deletionProtection") == "ACTIVE"
    assert pool.options.protect
    assert pool.inputs.get("name") == "concierge-test"
    for part in PARTS:
        assert one(plan, f"identity-{part}").get("userPoolId") == pool.id


@check
def passwords_are_strong_and_a_second_factor_is_offered(plan: Plan) -> None:
    pool = one(plan, "identity-pool")
    policy = pool.get("passwordPolicy", {})
    assert policy.get("minimumLength", 0) >= 12
    needs = ("Lowercase", "Uppercase", "Numbers", "Symbols")
    assert all(policy.get(f"require{what}") is True for what in needs)
    assert policy.get("passwordHistorySize") == 5
    assert pool.get("mfaConfiguration") == "OPTIONAL"
    assert pool.get("softwareTokenMfaConfiguration") == {"enabled": True}


@check
def threats_are_stopped(plan: Plan) -> None:
    """Threat protection is a feature of the plan PLUS: without that AWS refuses it."""
    pool, risk = one(plan, "identity-pool"), one(plan, "identity-risk")
    assert pool.get("userPoolTier") == "PLUS"
    assert pool.get("userPoolAddOns") == {"advancedSecurityMode": "ENFORCED"}
    stolen = risk.get("compromisedCredentialsRiskConfiguration", {}).get("actions", {})
    assert stolen.get("eventAction") == "BLOCK"
    takeover = risk.get("accountTakeoverRiskConfiguration", {}).get("actions", {})
    assert takeover.get("highAction", {}).get("eventAction") == "BLOCK"


@check
def an_account_belongs_to_a_proved_address(plan: Plan) -> None:
    pool = one(plan, "identity-pool")
    assert pool.get("usernameAttributes") == ["email"]
    assert pool.get("usernameConfiguration") == {"caseSensitive": False}
    assert pool.get("autoVerifiedAttributes") == ["email"]
    proved = {"attributesRequireVerificationBeforeUpdates": ["email"]}
    assert pool.get("userAttributeUpdateSettings") == proved
    recovery = pool.get("accountRecoverySetting", {}).get("recoveryMechanisms")
    assert recovery == [{"name": "verified_email", "priority": 1}]
    assert pool.get("adminCreateUserConfig") == {"allowAdminCreateUserOnly": False}
    assert pool.get("emailConfiguration") == {"emailSendingAccount": "COGNITO_DEFAULT"}


@check
def nobody_makes_themselves_an_administrator(plan: Plan) -> None:
    """No attribute that decides anything can be written by its owner; groups are not attributes."""
    assert not one(plan, "identity-pool").get("schemas")
    web = one(plan, "identity-web")
    assert set(web.get("writeAttributes", ["everything"])) == {"email", "name", "locale"}
    assert set(web.get("readAttributes", ["everything"])) == {"email", "email_verified", "name", "locale"}
    assert "aws.cognito.signin.user.admin" not in web.get("allowedOauthScopes", [])
    groups = {one(plan, f"identity-{group}").get("name") for group in ("operators", "support")}
    assert groups == {"operators", "support"}


@check
def browsers_use_the_code_flow_without_a_secret(plan: Plan) -> None:
    web = one(plan, "identity-web")
    assert web.get("generateSecret") is False
    assert web.get("allowedOauthFlows") == ["code"]
    assert web.get("allowedOauthFlowsUserPoolClient") is True
    assert web.get("allowedOauthScopes") == ["openid", "email", "profile", "concierge/chat"]
    assert web.get("explicitAuthFlows") == ["ALLOW_USER_SRP_AUTH"]
    assert web.get("supportedIdentityProviders") == ["COGNITO"]
    assert web.get("callbackUrls") == ["https://shop.example/signed-in"]
    assert web.get("logoutUrls") == ["https://shop.example/"]
    assert web.get("name") == "concierge-test-web"


@check
def tokens_live_shortly_and_can_be_revoked(plan: Plan) -> None:
    for client, hours in (("web", 24), ("client-services", 1)):
        found = one(plan, f"identity-{client}")
        units = found.get("tokenValidityUnits", {})
        assert units == {"accessToken": "minutes", "idToken": "minutes", "refreshToken": "hours"}
        assert (found.get("accessTokenValidity"), found.get("idTokenValidity")) == (15, 15)
        assert found.get("refreshTokenValidity") == hours
        assert found.get("enableTokenRevocation") is True
        assert found.get("preventUserExistenceErrors") == "ENABLED"
    web = one(plan, "identity-web")
    assert web.get("refreshTokenRotation") == {"feature": "ENABLED", "retryGracePeriodSeconds": 60}
    # With rotation Cognito refuses the older way of refreshing.
    assert "ALLOW_REFRESH_TOKEN_AUTH" not in web.get("explicitAuthFlows", [])
    assert web.get("authSessionValidity", 15) <= 3


@check
def programs_get_only_the_scopes_they_are_given(plan: Plan) -> None:
    server = one(plan, "identity-server")
    assert (server.get("identifier"), server.get("name")) == ("concierge", "concierge")
    offered = {scope.get("scopeName") for scope in server.get("scopes", [])}
    assert offered == {"chat", "tools.read", "tools.write", "ingest"}
    program = one(plan, "identity-client-services")
    assert program.get("name") == "concierge-test-services"
    assert program.get("generateSecret") is True
    assert program.get("allowedOauthFlows") == ["client_credentials"]
    assert program.get("allowedOauthFlowsUserPoolClient") is True
    assert program.get("allowedOauthScopes") == ["concierge/tools.read", "concierge/ingest"]
    # Left out, Cognito would let users sign in with it.
    assert program.get("explicitAuthFlows") == ["ALLOW_REFRESH_TOKEN_AUTH"]


@check
def there_is_a_page_to_sign_in(plan: Plan) -> None:
    """With managed login a client without a style gets an error instead of a page."""
    domain, style = one(plan, "identity-domain"), one(plan, "identity-style")
    assert domain.get("domain") == f"concierge-test-{ACCOUNT}"
    assert domain.get("managedLoginVersion") == 2
    assert style.get("clientId") == plan.get("identity-web").id
    assert style.get("useCognitoProvidedValues") is True
