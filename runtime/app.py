"""The server: every door of the agent on one port, and how it says that it is well.

`/ws` and `/v1/...` for people, `/ws/message` and `/ws/disconnect` for API Gateway, `/invocations` and `/ping`
for AgentCore, `/health/live` and `/health/ready` for whoever starts and stops us.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from runtime.conversation import Conversation
from runtime.surfaces.callbacks import Callbacks, Post
from runtime.surfaces.identity import Identity
from runtime.surfaces.invocations import Invocations
from runtime.surfaces.rest import HandOut, Rate, Rest
from runtime.surfaces.socket import MESSAGE_BYTES, Sockets
from runtime.surfaces.tokens import Tokens
from runtime.telemetry import Clock


@dataclass(frozen=True, kw_only=True)
class Doors:
    """What the doors need beside the conversation. `parts` says which parts of the agent are there."""

    identity: Identity
    tokens: Tokens
    post: Post | None = None
    rate: Rate | None = None
    hand_out: HandOut | None = None
    parts: Callable[[], Mapping[str, str]] = dict


class Server:
    """Every door, and all that is under way behind them."""

    def __init__(self, conversation: Conversation, doors: Doors, wall: Clock) -> None:
        self._conversation = conversation
        self._parts = doors.parts
        self._started = int(wall().timestamp())
        self._draining = False
        self._sockets = Sockets(conversation, doors.identity, doors.tokens)
        self._rest = Rest(conversation, doors.identity, doors.tokens, doors.rate, doors.hand_out)
        self._invocations = Invocations(conversation, doors.identity)
        self._callbacks = Callbacks(conversation, doors.tokens, doors.post) if doors.post else None

    def app(self) -> web.Application:
        """What to serve."""
        app = web.Application(client_max_size=MESSAGE_BYTES)
        app.add_routes(
            [
                web.get("/ws", self._sockets.socket),
                web.post("/invocations", self._invocations.invoke),
                web.get("/ping", self._ping),
                web.get("/health/live", self._live),
                web.get("/health/ready", self._ready),
                *self._rest.routes(),
            ]
        )
        if self._callbacks is not None:
            app.router.add_post("/ws/message", self._callbacks.message)
            app.router.add_post("/ws/disconnect", self._callbacks.disconnect)
        return app

    @property
    def connections(self) -> int:
        return self._sockets.count

    async def settle(self, within_s: float) -> None:
        """Waits for what is still being written down."""
        await self._conversation.settle(within_s)

    async def drain(self, within_s: float) -> None:
        """Lets everything under way finish, by whichever door it came; nothing new is taken."""
        self._draining = True
        doors = (self._sockets, self._rest, self._invocations, self._callbacks)
        await asyncio.gather(*(door.drain(within_s) for door in doors if door is not None))
        await self.settle(within_s)

    async def _ping(self, _: web.Request) -> web.Response:
        """AgentCore's question."""
        status = "HealthyBusy" if self._invocations.busy else "Healthy"
        return web.json_response({"status": status, "time_of_last_update": self._started})

    async def _live(self, _: web.Request) -> web.Response:
        """Whoever gets an answer knows that the loop turns."""
        return web.json_response({"status": "live"})

    async def _ready(self, _: web.Request) -> web.Response:
        """Not while it drains. A part that is away is no reason: it is answered without."""
        status = "draining" if self._draining else "ready"
        said = {"status": status, "parts": dict(self._parts())}
        return web.json_response(said, status=503 if self._draining else 200)
