"""How users and programs prove who they are, and what bounds every role (RUN-17)."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.problems import rule
from stacks.section import Section

# As components/identity.py declares them; a test holds the two together.
Scope = Literal["chat", "tools.read", "tools.write", "ingest"]
Urls = Annotated[tuple[str, ...], Field(strict=False)]
Scopes = Annotated[tuple[Scope, ...], Field(strict=False, min_length=1)]

_BOUNDARY = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+")
_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_RESERVED = ("aws", "amazon", "cognito")


class Identity(Section):
    """Sign-in, tokens and machine clients."""

    mfa: Literal["optional", "required"] = Field(
        "optional", description="a second factor: each customer decides, or everybody has one"
    )
    threat_protection: Literal["off", "audit", "enforced"] = Field(
        "enforced", description="Cognito's risk checks at sign-in; all but `off` need its dearest plan"
    )
    callback_urls: Urls = Field((), description="HTTPS addresses that sign-in may return to")
    logout_urls: Urls = Field((), description="HTTPS addresses that sign-out may return to")
    machine_clients: Mapping[str, Scopes] = Field(
        {"services": ("tools.read", "tools.write", "ingest")},
        description="programs with client credentials, and the scopes each may ask for",
    )
    token_minutes: int = Field(15, ge=5, le=60, description="life of access and id tokens")
    refresh_hours: int = Field(24, ge=1, le=720, description="life of refresh tokens")
    domain_prefix: str | None = Field(
        None, description="name of the sign-in page; none: made of the environment and the account"
    )
    sender_arn: str | None = Field(
        None, description="SES identity that mails come from; none: Cognito's own, a few a day"
    )
    permission_boundary_arn: str | None = Field(
        None, description="policy that bounds every role of the agent; none: no boundary"
    )

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        for key in ("callback_urls", "logout_urls"):
            for url in getattr(self, key):
                if not url.startswith(("https://", "http://localhost")):
                    raise rule(key, f"{url}: use https://, or http://localhost for a page under development")
        return self

    @model_validator(mode="after")
    def _domain(self) -> Self:
        prefix = self.domain_prefix
        if prefix is None:
            return self
        if not _PREFIX.fullmatch(prefix):
            raise rule("domain_prefix", "takes lower-case letters, digits and inner hyphens, at most 63")
        if word := next((word for word in _RESERVED if word in prefix), None):
            raise rule("domain_prefix", f"contains {word}, which Cognito keeps for itself: choose another")
        return self

    @model_validator(mode="after")
    def _boundary(self) -> Self:
        arn = self.permission_boundary_arn
        if arn is not None and not _BOUNDARY.fullmatch(arn):
            raise rule("permission_boundary_arn", "must be the ARN of a policy: arn:aws:iam::...:policy/...")
        return self

    def warnings(self, *, protect: bool) -> list[str]:
        """What is allowed but should be known."""
        found = []
        if not self.callback_urls:
            found.append("identity.callback_urls is empty: nobody can sign in, everybody is a guest")
        if not protect:
            return found
        if self.threat_protection != "enforced":
            found.append(
                f"identity.threat_protection is {self.threat_protection} in a protected environment: "
                "stolen passwords are not stopped"
            )
        if self.sender_arn is None:
            found.append(
                "identity.sender_arn is not set in a protected environment: Cognito's own sender stops at "
                "50 mails a day, and confirmations with it"
            )
        return found
