"""Who asks (RUN-17): a Cognito token that is checked here too, or what a gateway has settled, or a guest.

Behind API Gateway's WebSocket a ticket settled it when the connection was opened, and the gateway sets the
headers: no client can. Over REST and on a direct socket the token itself comes along; its signature, issuer,
client and time are checked against the pool's published keys. Where no issuer is set, as on a person's own
machine, the same header is believed from anybody: that is said at start.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from contract.people import GUEST, Person, guest
from runtime.telemetry import Telemetry

USER_HEADER, KIND_HEADER = "X-User", "X-User-Kind"
LONGEST_ID = 64
_FRESH_S = 3_600.0
_AGAIN_S = 60.0  # unknown keys make us ask at most so often
_LEEWAY_S = 30


class DeniedError(Exception):
    """Not who they say they are; the text is for the client."""


@dataclass(frozen=True)
class Issuer:
    """Whose tokens count: a user pool's, for these clients of it."""

    issuer: str
    keys_url: str
    clients: frozenset[str]


class Identity:
    """`fetch` gives the JSON at a URL; it is asked for the issuer's public keys."""

    def __init__(
        self,
        issuer: Issuer | None,
        fetch: Callable[[str], Awaitable[Mapping[str, Any]]],
        telemetry: Telemetry,
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._telemetry = telemetry
        self._keys: dict[str, Any] = {}
        self._asked = float("-inf")
        self._asking = asyncio.Lock()
        if issuer is None:
            telemetry.log("warning", "no issuer of tokens is set: whoever calls may say who they are")

    async def of_bearer(self, headers: Mapping[str, str]) -> Person | None:
        """Who a request says it is from; None for a guest, DeniedError for a token that is not good."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if token and scheme.lower() == "bearer":
            return await self._of_token(token.strip())
        return None if self._issuer is not None else of_gateway(headers)

    async def _of_token(self, token: str) -> Person:
        return Person("user", str((await self.claims(token))["sub"])[:LONGEST_ID])

    async def claims(self, token: str) -> Mapping[str, Any]:
        """What a good token says; DeniedError for any other."""
        if self._issuer is None:
            raise DeniedError("tokens cannot be checked here: no issuer is set")
        try:
            key = await self._key(str(jwt.get_unverified_header(token).get("kid", "")))
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                issuer=self._issuer.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "sub"], "verify_aud": False},
            )
        except jwt.PyJWTError as bad:
            raise DeniedError(f"the token is not good: {bad}") from None
        # An access token names its client in `client_id`, an id token in `aud`.
        client = str(claims.get("client_id") or claims.get("aud") or "")
        if client not in self._issuer.clients:
            raise DeniedError("the token is for another client")
        return claims

    async def _key(self, kid: str) -> Any:
        async with self._asking:
            age = time.monotonic() - self._asked
            if age > _FRESH_S or (kid not in self._keys and age > _AGAIN_S):
                await self._learn()
        if kid not in self._keys:
            raise DeniedError("the token is signed with a key nobody knows")
        return self._keys[kid]

    async def _learn(self) -> None:
        """Asks for the keys; those known stay when nobody answers."""
        assert self._issuer is not None  # noqa: S101 - only tokens of an issuer lead here
        try:
            document = await self._fetch(self._issuer.keys_url)
            self._keys = {key.key_id or "": key for key in jwt.PyJWKSet.from_dict(dict(document)).keys}
            self._asked = time.monotonic()
        except Exception as trouble:  # noqa: BLE001 - whatever it is, tokens of known keys still count
            self._telemetry.log("error", "the issuer's keys cannot be read", error=repr(trouble))
            self._asked = time.monotonic() - _FRESH_S + _AGAIN_S


def of_gateway(headers: Mapping[str, str]) -> Person | None:
    """What a gateway has settled."""
    name = headers.get(USER_HEADER, "").strip()
    if not name or len(name) > LONGEST_ID or name.startswith(GUEST):
        return None
    return guest(name) if headers.get(KIND_HEADER, "user") == "guest" else Person("user", name)
