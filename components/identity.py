"""Who a user is, and which program calls (RUN-17): a Cognito user pool, its clients and their scopes.

Users come through the authorization-code flow. The browser's client has no secret, so PKCE is what ties the
code to it (Cognito takes the challenge but cannot demand it: the page must send it); tokens are short-lived,
refresh tokens rotate and can be revoked. Programs use client credentials and get only the scopes they are
given. Nobody can make themselves more than a customer: there is no custom attribute, groups are filled by
administrators, and the client may not write anything a decision depends on.

Guests have no identity here and no AWS credentials: they get a session from the REST API (NET-5), with limits
of their own. A user pool lives in one region: the standby accepts its tokens, but cannot sign anybody in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.alarms import Watch
from components.base import Component
from components.place import Place
from contract.alarms import Alarm, Widget, graphs

SERVER = "concierge"
SCOPES: Mapping[str, str] = {
    "chat": "talk to the agent as oneself",
    "tools.read": "look up products, orders and deliveries",
    "tools.write": "change carts, orders and refunds",
    "ingest": "hand in new products and prices",
}
# Filled by administrators only; what each may see is decided where it is shown (RUN-13).
GROUPS: Mapping[str, str] = {
    "operators": "run the agent and its runbooks",
    "support": "help customers, with masked personal data",
}
_OWN_ATTRIBUTES = ["email", "locale", "name"]
_RETRY_S = 60  # a client that lost the answer may present its old refresh token once more


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    """`machine_clients`: program -> the scopes it may ask for. `sender_arn`: an SES identity."""

    environment: str
    place: Place
    mfa: Literal["optional", "required"]
    threat_protection: Literal["off", "audit", "enforced"]
    callback_urls: Sequence[str]
    logout_urls: Sequence[str]
    machine_clients: Mapping[str, Sequence[str]]
    token_minutes: int
    refresh_hours: int
    domain_prefix: str | None
    sender_arn: str | None
    protect: bool


class Identity(Component):
    """The pool, its sign-in page, and one client a program."""

    kind = "identity:Identity"
    pool_id: Output[str]
    pool_arn: Output[str]
    issuer: Output[str]
    discovery_url: Output[str]
    web_client_id: Output[str]
    machine_client_ids: dict[str, Output[str]]

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        pool = self._pool()
        self.pool_id, self.pool_arn = pool.id, pool.arn
        self._protect_sign_in(pool)
        self._groups(pool)
        server = self._server(pool)
        web = self._web_client(pool, server)
        self._sign_in_page(pool, web)
        self.web_client_id = web.id
        self.machine_client_ids = {
            program: self._machine_client(program, scopes, pool, server).id
            for program, scopes in args.machine_clients.items()
        }
        self.issuer = Output.concat(f"https://cognito-idp.{args.place.region}.amazonaws.com/", pool.id)
        self.discovery_url = Output.concat(self.issuer, "/.well-known/openid-configuration")
        self.register_outputs({"pool": pool.id, "web_client": web.id})

    def alarms(self) -> list[Watch]:
        """The quota is the account's, in requests a second; attacks reach it sooner than customers."""
        kinds = {
            "SignInThrottles": "sign-in",
            "TokenRefreshThrottles": "refresh",
            "SignUpThrottles": "sign-up",
        }
        return [
            Watch(
                Alarm(
                    id=f"identity-{word}-throttled",
                    namespace="AWS/Cognito",
                    metric=metric,
                    computed=("UserPool", "UserPoolClient"),
                    statistic="Sum",
                    threshold=10,
                    datapoints=2,
                    of=3,
                    missing="notBreaching",
                    severity="ticket" if word == "sign-up" else "page",
                    impact="Some customers cannot sign in or stay signed in; guests are not affected.",
                    runbook="waf-blocks",
                ),
                {"UserPool": self.pool_id, "UserPoolClient": self.web_client_id},
            )
            for metric, word in kinds.items()
        ]

    def widgets(self) -> list[Widget]:
        """Of every client, by the ids AWS gave them."""
        return graphs(
            "AWS/Cognito",
            {
                "Sign-ins that worked, share": ("SignInSuccesses", "Average"),
                "Sign-ins": ("SignInSuccesses", "SampleCount"),
                "Sign-ins refused by quota": ("SignInThrottles", "Sum"),
            },
            across=("UserPool", "UserPoolClient"),
        )

    @property
    def _guarded(self) -> bool:
        return self._args.threat_protection != "off"

    def _pool(self) -> aws.cognito.UserPool:
        args = self._args
        return aws.cognito.UserPool(
            f"{self.name}-pool",
            name=f"concierge-{args.environment}",
            username_attributes=["email"],
            username_configuration={"case_sensitive": False},
            auto_verified_attributes=["email"],
            # A new address counts only after it was proved: it is also how a password is recovered.
            user_attribute_update_settings={"attributes_require_verification_before_updates": ["email"]},
            account_recovery_setting={"recovery_mechanisms": [{"name": "verified_email", "priority": 1}]},
            admin_create_user_config={"allow_admin_create_user_only": False},
            mfa_configuration="ON" if args.mfa == "required" else "OPTIONAL",
            software_token_mfa_configuration={"enabled": True},
            password_policy={
                "minimum_length": 12,
                "require_lowercase": True,
                "require_uppercase": True,
                "require_numbers": True,
                "require_symbols": True,
                "temporary_password_validity_days": 3,
                "password_history_size": 5 if self._guarded else None,
            },
            user_pool_tier="PLUS" if self._guarded else "ESSENTIALS",
            user_pool_add_ons={"advanced_security_mode": args.threat_protection.upper()},
            email_configuration=_sender(args.sender_arn),
            deletion_protection="ACTIVE" if args.protect else "INACTIVE",
            opts=self.child(protect=args.protect),
        )

    def _protect_sign_in(self, pool: aws.cognito.UserPool) -> None:
        """What happens to a sign-in that looks wrong. When only auditing, it is written down and no more."""
        if self._args.threat_protection != "enforced":
            return
        aws.cognito.RiskConfiguration(
            f"{self.name}-risk",
            user_pool_id=pool.id,
            compromised_credentials_risk_configuration={"actions": {"event_action": "BLOCK"}},
            account_takeover_risk_configuration={
                "actions": {
                    "medium_action": {"event_action": "MFA_IF_CONFIGURED", "notify": False},
                    "high_action": {"event_action": "BLOCK", "notify": False},
                }
            },
            opts=self.child(),
        )

    def _groups(self, pool: aws.cognito.UserPool) -> None:
        for group, what in GROUPS.items():
            aws.cognito.UserGroup(
                f"{self.name}-{group}",
                name=group,
                description=what,
                user_pool_id=pool.id,
                opts=self.child(),
            )

    def _server(self, pool: aws.cognito.UserPool) -> aws.cognito.ResourceServer:
        return aws.cognito.ResourceServer(
            f"{self.name}-server",
            identifier=SERVER,
            name=SERVER,
            user_pool_id=pool.id,
            scopes=[{"scope_name": name, "scope_description": what} for name, what in SCOPES.items()],
            opts=self.child(),
        )

    def _web_client(
        self, pool: aws.cognito.UserPool, server: aws.cognito.ResourceServer
    ) -> aws.cognito.UserPoolClient:
        args = self._args
        return aws.cognito.UserPoolClient(
            f"{self.name}-web",
            name=f"concierge-{args.environment}-web",
            user_pool_id=pool.id,
            generate_secret=False,
            # Named, because without a list Cognito allows more.
            explicit_auth_flows=["ALLOW_USER_SRP_AUTH"],
            refresh_token_rotation={"feature": "ENABLED", "retry_grace_period_seconds": _RETRY_S},
            refresh_token_validity=args.refresh_hours,
            read_attributes=["email_verified", *_OWN_ATTRIBUTES],
            write_attributes=_OWN_ATTRIBUTES,
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            auth_session_validity=3,
            opts=self.child(),
            **self._lives(),
            **self._code_flow(server),
        )

    def _code_flow(self, server: aws.cognito.ResourceServer) -> dict[str, Any]:
        """Without an address to return to there is no flow: Cognito would refuse it."""
        if not self._args.callback_urls:
            return {}
        return {
            "allowed_oauth_flows_user_pool_client": True,
            "allowed_oauth_flows": ["code"],
            "allowed_oauth_scopes": ["openid", "email", "profile", _scope(server, "chat")],
            "supported_identity_providers": ["COGNITO"],
            "callback_urls": list(self._args.callback_urls),
            "logout_urls": list(self._args.logout_urls),
        }

    def _machine_client(
        self,
        program: str,
        scopes: Sequence[str],
        pool: aws.cognito.UserPool,
        server: aws.cognito.ResourceServer,
    ) -> aws.cognito.UserPoolClient:
        return aws.cognito.UserPoolClient(
            f"{self.name}-client-{program}",
            name=f"concierge-{self._args.environment}-{program}",
            user_pool_id=pool.id,
            generate_secret=True,
            refresh_token_validity=1,
            explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"],
            allowed_oauth_flows_user_pool_client=True,
            allowed_oauth_flows=["client_credentials"],
            allowed_oauth_scopes=[_scope(server, scope) for scope in scopes],
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["clientSecret"]),
            **self._lives(),
        )

    def _lives(self) -> dict[str, Any]:
        return {
            "access_token_validity": self._args.token_minutes,
            "id_token_validity": self._args.token_minutes,
            "token_validity_units": {
                "access_token": "minutes",
                "id_token": "minutes",
                "refresh_token": "hours",
            },
        }

    def _sign_in_page(self, pool: aws.cognito.UserPool, web: aws.cognito.UserPoolClient) -> None:
        """The page Cognito hosts. A client without a style of its own gets an error instead of a page."""
        args = self._args
        aws.cognito.UserPoolDomain(
            f"{self.name}-domain",
            domain=args.domain_prefix
            or Output.concat(f"concierge-{args.environment}-", args.place.account_id),
            user_pool_id=pool.id,
            managed_login_version=2,
            opts=self.child(),
        )
        aws.cognito.ManagedLoginBranding(
            f"{self.name}-style",
            user_pool_id=pool.id,
            client_id=web.id,
            use_cognito_provided_values=True,
            opts=self.child(),
        )


def _scope(server: aws.cognito.ResourceServer, scope: str) -> Output[str]:
    if scope not in SCOPES:
        raise ValueError(f"there is no scope {scope!r}: use {', '.join(SCOPES)}")
    return Output.concat(server.identifier, "/", scope)


def _sender(sender_arn: str | None) -> aws.cognito.UserPoolEmailConfigurationArgsDict:
    if sender_arn is None:
        return {"email_sending_account": "COGNITO_DEFAULT"}
    return {"email_sending_account": "DEVELOPER", "source_arn": sender_arn}
