"""The tools service (NET-4): MCP over streamable HTTP at `/mcp`, with OAuth, and how it says that it is well.

Stateless, so that any task may get the next request. A customer's token acts for the customer; a program's
(client credentials) for the customer it names in `X-Concierge-Customer`, as far as its scopes go. Where no
issuer is set, as on a person's own machine, `X-User` is believed.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from socket import socket
from typing import Any

import uvicorn
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from contract.people import Person, guest
from runtime.connections import CUSTOMER
from runtime.surfaces.identity import LONGEST_ID, DeniedError, Identity, Issuer, of_gateway
from runtime.tools.protocol import server
from runtime.tools.tool import READ, WRITE, Caller
from runtime.tools.toolbox import Toolbox

PATH = "/mcp"
WELL = ("/ping", "/health/live", "/health/ready")
SESSION = "x-concierge-session"
BODY_BYTES = 256 * 1024
BOTH = frozenset({READ, WRITE})


class Verifier:
    """The SDK's question whether a token is good, asked of our own identity."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            claims = await self._identity.claims(token)
        except DeniedError:
            return None
        client = str(claims.get("client_id") or claims.get("aud") or "")
        scopes = [scope.rpartition("/")[2] for scope in str(claims.get("scope", "")).split()]
        return AccessToken(
            token=token,
            client_id=client,
            scopes=scopes,
            expires_at=int(claims["exp"]),
            subject=str(claims["sub"]),
            claims={"iss": claims["iss"]},
        )


async def caller(headers: Mapping[str, str]) -> Caller:
    """Who calls over HTTP; the SDK has let nobody in whose token is not good."""
    token = get_access_token()
    if token is None:
        person = of_gateway(headers) or guest("mcp")
        return Caller(person, headers.get(SESSION) or person.owner, BOTH, via="mcp")
    if token.subject == token.client_id:
        person, scopes = _for_whom(token, headers), BOTH & frozenset(token.scopes)
    else:  # a customer's own: nobody needs leave for what is theirs
        person, scopes = Person("user", str(token.subject)[:LONGEST_ID]), BOTH
    return Caller(person, headers.get(SESSION) or person.owner, scopes, via="mcp")


def _for_whom(token: AccessToken, headers: Mapping[str, str]) -> Person:
    """A program that names nobody is nobody."""
    named = headers.get(CUSTOMER, "").strip()
    return Person("user", named) if named and len(named) <= LONGEST_ID else guest(token.client_id)


def app(toolbox: Toolbox, identity: Identity, issuer: Issuer | None, host: str, url: str) -> Starlette:
    """What to serve. `url`: where clients reach it, for what it says about its tokens."""

    async def well(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ready", "tools": len(toolbox.tools)})

    auth: dict[str, Any] = {}
    if issuer is not None:
        settings = AuthSettings(issuer_url=AnyHttpUrl(issuer.issuer), resource_server_url=AnyHttpUrl(url))
        auth = {"auth": settings, "token_verifier": Verifier(identity)}
    return server(toolbox, caller).streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=BODY_BYTES,
        host=host,
        custom_starlette_routes=[Route(path, well) for path in WELL],
        **auth,
    )


async def serve(
    app: Starlette, bound: socket, stop: asyncio.Event, ready: Callable[[], None], drain_s: float
) -> None:
    """Until `stop`; what runs then may finish for so long."""
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=int(drain_s))
    service = _Service(config, ready)
    serving = asyncio.create_task(service.serve([bound]))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    service.should_exit = True
    stopped.cancel()
    await serving


class _Service(uvicorn.Server):
    """Uvicorn that leaves the signals to us, and says when it serves."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
