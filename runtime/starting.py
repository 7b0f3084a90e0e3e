"""What every program of the agent begins with: where it is, its settings, its secret, its log, its end."""

import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from contract.runtime_settings import RuntimeSettings
from runtime import aws
from runtime.places import Places
from runtime.service import settings_of, wall
from runtime.surfaces.identity import Identity
from runtime.surroundings import Surroundings
from runtime.telemetry import LibraryLog, Telemetry

KEYS_S = 3.0  # how long the issuer's keys may take


@dataclass(frozen=True, kw_only=True)
class Start:
    """`secret`: what resume tokens and confirmations are signed with. `ssm`: where documents are read."""

    around: Surroundings
    places: Places
    telemetry: Telemetry
    settings: RuntimeSettings
    secret: bytes
    ssm: Any
    http: aiohttp.ClientSession

    @property
    def shared(self) -> bytes | None:
        """The secret, where others can know it too."""
        return self.secret if self.around.token_secret is not None else None

    def identity(self) -> Identity:
        async def fetch(url: str) -> Mapping[str, Any]:
            async with self.http.get(url, timeout=aiohttp.ClientTimeout(total=KEYS_S)) as answer:
                answer.raise_for_status()
                found: Mapping[str, Any] = await answer.json(content_type=None)
                return found

        return Identity(self.around.issuer, fetch, self.telemetry)


@asynccontextmanager
async def starting(write: Callable[[str], None]) -> AsyncIterator[Start]:
    """`write` takes the lines of the log. ConciergeError where the program cannot start as it was told to."""
    around, places = Surroundings.read(os.environ), Places.read(os.environ)
    telemetry = Telemetry(around.environment, wall, write)
    logging.basicConfig(handlers=[LibraryLog(telemetry)], level=logging.WARNING)
    async with AsyncExitStack() as stack:
        ssm = await stack.enter_async_context(aws.ssm(around.region))
        yield Start(
            around=around,
            places=places,
            telemetry=telemetry,
            settings=settings_of(around.settings, await aws.read_parameter(ssm, around.settings)),
            secret=await _secret(around, telemetry),
            ssm=ssm,
            http=await stack.enter_async_context(aiohttp.ClientSession()),
        )


async def _secret(around: Surroundings, telemetry: Telemetry) -> bytes:
    if around.token_secret is not None:
        return (await aws.read_secret(around.region, around.token_secret)).encode()
    telemetry.log(
        "warning",
        "no CONCIERGE_TOKEN_SECRET: sessions of guests resume, and payments are confirmed, at this task only",
    )
    return secrets.token_bytes(32)
