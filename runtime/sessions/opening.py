"""Sessions, tickets and feedback on the tables that have a name, with one client for all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from contract.runtime_settings import DownstreamSettings, SessionsSettings
from runtime import aws
from runtime.downstream import Downstream, Hear, Observe, Spoil, unheard, unobserved, unspoilt
from runtime.places import Places
from runtime.sessions.agentcore import AgentCoreMemory
from runtime.sessions.feedback import Feedback
from runtime.sessions.nearby import Nearby
from runtime.sessions.sessions import Clock, Redact, Sessions, Store
from runtime.sessions.table import Table
from runtime.sessions.tickets import Tickets


@dataclass(frozen=True, kw_only=True)
class Stores:
    """`sessions` is always there: without a table it remembers within this process. None: no table."""

    sessions: Sessions
    tickets: Tickets | None
    feedback: Feedback | None


@asynccontextmanager
async def open_sessions(
    places: Places,
    settings: SessionsSettings,
    asking: DownstreamSettings,
    *,
    region: str,
    wall: Clock,
    redact: Redact,
    observe: Observe = unobserved,
    hear: Hear = unheard,
    spoil: Spoil = unspoilt,
) -> AsyncIterator[Stores]:
    """`wall`: the one clock that stamps what is written."""

    def at(name: str, deadline_s: float) -> Downstream:
        return Downstream(name, deadline_s, asking, observe, hear, spoil)

    async with AsyncExitStack() as stack:
        client: Any = await stack.enter_async_context(
            aws.client(
                "dynamodb",
                region,
                read_timeout=settings.write_s + 1,
                max_pool_connections=asking.connections,
                retries={"mode": "standard", "total_max_attempts": 1},
            )
        )
        table: Store | None = None
        reads, writes = at("sessions-read", settings.read_s), at("sessions-write", settings.write_s)
        if places.memory:
            remembering = await stack.enter_async_context(_memory(region, settings.write_s, asking))
            table = AgentCoreMemory(remembering, places.memory, reads, writes)
        elif places.sessions_table:
            table = Table(client, places.sessions_table, reads, writes, settings.longest_wait_s)
        now = asyncio.get_running_loop().time
        nearby = Nearby(settings.cache_s, settings.cache_jitter, settings.cache_sessions, now)
        tickets = feedback = None
        if places.tickets_table:
            writes = at("tickets", settings.write_s)
            tickets = Tickets(client, places.tickets_table, writes, settings.ticket_s, wall)
        if places.feedback_table:
            writes = at("feedback", settings.write_s)
            feedback = Feedback(client, places.feedback_table, writes, wall, redact)
        yield Stores(
            sessions=Sessions(table, nearby, settings, wall, redact), tickets=tickets, feedback=feedback
        )


def _memory(region: str, deadline_s: float, asking: DownstreamSettings) -> AbstractAsyncContextManager[Any]:
    return aws.client(
        "bedrock-agentcore",
        region,
        read_timeout=deadline_s + 1,
        max_pool_connections=asking.connections,
        retries={"mode": "standard", "total_max_attempts": 1},
    )
