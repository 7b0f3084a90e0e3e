"""The counter of the shop: every tool on stand-ins, what a customer has then, and answers that get lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

from contract.frames import Proposal
from contract.people import Person
from runtime.agents.crew import Crew
from runtime.tools.tool import Caller
from runtime.tools.toolbox import Result, Toolbox
from tests.runtime.house_helpers import Agent, House

BOOTS, OTHERS = "B085URPH9L", "B030MLDHRN"  # of seed 7, in stock
SESSION = "s-1"
_numbers = count(1)


def customer() -> str:
    """Somebody new, who has nothing yet."""
    return f"c-test-{next(_numbers)}"


@dataclass
class Counter:
    """`toolbox` of a running agent. Answers to writes pass through `lost`."""

    house: House
    agent: Agent
    http: aiohttp.ClientSession
    lost: "Lost"

    @property
    def toolbox(self) -> Toolbox:
        return self.agent.opened.toolbox

    @property
    def crew(self) -> Crew:
        assert self.agent.opened.parts.crew is not None
        return self.agent.opened.parts.crew

    async def call(self, who: str, tool: str, key: str = "k", word: str = "", **arguments: Any) -> Result:
        return await self.toolbox.call(
            tool, arguments, Caller(Person("user", who), SESSION, key=key, word=word)
        )

    async def done(self, who: str, tool: str, **arguments: Any) -> Mapping[str, Any]:
        """What it gave; it must have been done."""
        result = await self.call(who, tool, **arguments)
        assert result.ok, result.data
        return result.data

    async def yes(self, who: str, tool: str, **arguments: Any) -> str:
        """The word for what a tool wants confirmed."""
        asked = await self.call(who, tool, key="ask", **arguments)
        assert asked.proposal is not None, asked.data
        return self.word(who, asked.proposal)

    def word(self, who: str, proposal: Proposal, session: str = SESSION) -> str:
        return self.crew.confirm(Person("user", who), session, "r", proposal).confirmation

    async def card(self, who: str, number: str = "4242424242424242") -> None:
        """On file."""
        await self.done(who, "onboard_card", token=await self.token(number))

    async def token(self, number: str = "4242424242424242") -> str:
        """As a client gets it from the card network."""
        url = f"{self.house.aws.urls['cards']}/v1/tokens"
        async with self.http.post(url, json={"number": number, "expiry": "12/27"}) as answer:
            return str((await answer.json())["token"])

    async def order(self, who: str, asin: str = BOOTS) -> str:
        """Bought and paid by the usual way; its number."""
        await self.card(who)
        await self.done(who, "add_to_cart", key="for the order", asin=asin)
        word = await self.yes(who, "pay")
        return str((await self.done(who, "pay", key="paid", word=word))["order_id"])

    async def has(self, who: str) -> dict[str, Any]:
        """All that a customer has, as their own tools and the shop's services say."""
        cart = await self.call(who, "view_cart")
        orders = (await self._get("orders", f"/v1/orders?customer={who}"))["orders"]
        return {
            "cart": {item["asin"]: item["quantity"] for item in cart.data["items"]},
            "wishes": [one["asin"] for one in (await self.call(who, "view_wishlist")).data["products"]],
            "alerts": (await self.call(who, "list_price_alerts")).data["alerts"],
            "cards": (await self.call(who, "list_cards")).data["cards"],
            "likes": (await self.call(who, "view_preferences")).data["likes"],
            "orders": [order["total"] for order in orders],
            "refunds": [refund["cents"] for order in orders for refund in order["refunds"]],
            "complaints": [one["why"] for order in orders for one in order["complaints"]],
        }

    async def money(self) -> tuple[float, float]:
        """Taken from cards, and given back, by everybody so far."""
        held = (await self._get("cards", "/v1/authorizations"))["authorizations"]
        return (
            round(sum(one["captured"] for one in held), 2),
            round(sum(one["refunded"] for one in held), 2),
        )

    async def _get(self, service: str, path: str) -> Any:
        async with self.http.get(f"{self.house.aws.urls[service]}{path}") as answer:
            return await answer.json()


@dataclass
class Lost:
    """Stands before the stores and loses the answer to one write, after it was done. `at`: which; 0: none.

    `then` is what happens at that point: nothing more, or the end of whoever asked.
    """

    at: int = 0
    writes: int = 0
    then: Callable[[], object] = lambda: None
    seen: list[str] = field(default_factory=list)

    def arm(self, at: int, then: Callable[[], object] = lambda: None) -> None:
        self.at, self.writes, self.then = at, 0, then

    @property
    def struck(self) -> bool:
        return 0 < self.at <= self.writes

    @asynccontextmanager
    async def before(self, upstream: str) -> AsyncIterator[str]:
        """A place that passes everything on to another."""
        async with aiohttp.ClientSession(auto_decompress=False) as http:

            async def passed(request: web.Request) -> web.StreamResponse:
                body, headers = await request.read(), dict(request.headers)
                async with http.request(
                    request.method, upstream + request.path_qs, data=body, headers=headers
                ) as answer:
                    said = await answer.read()
                    if _writes(request) and self._loses(request):
                        assert request.transport is not None
                        request.transport.abort()
                    kept = {
                        name: value
                        for name, value in answer.headers.items()
                        if name not in {"Transfer-Encoding", "Content-Length", "Date", "Server"}
                    }
                    return web.Response(body=said, status=answer.status, headers=kept)

            app = web.Application()
            app.router.add_route("*", "/{path:.*}", passed)
            async with TestServer(app) as server:
                yield str(server.make_url("")).rstrip("/")

    def _loses(self, request: web.Request) -> bool:
        self.writes += 1
        self.seen.append(request.headers.get("X-Amz-Target", request.path))
        if self.writes != self.at:
            return False
        self.then()
        return True


def _writes(request: web.Request) -> bool:
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    return target in {"PutItem", "UpdateItem", "DeleteItem"} or "Idempotency-Key" in request.headers


def at_counter(house: House, scene: Callable[[Counter], Awaitable[None]], **options: Any) -> None:
    """Plays a scene with every write passing through `Lost`."""
    import os

    async def main(lost: Lost, places: Mapping[str, str]) -> None:
        from tests.runtime.house_helpers import agent

        async with agent(house, elsewhere=places, **options) as one, aiohttp.ClientSession() as http:
            await scene(Counter(house, one, http, lost))

    async def through() -> None:
        lost, urls = Lost(), house.aws.urls
        async with (
            lost.before(urls["aws"]) as tables,
            lost.before(urls["orders"]) as orders,
            lost.before(urls["cards"]) as cards,
        ):
            kept = os.environ.get("AWS_ENDPOINT_URL_DYNAMODB")
            os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = tables
            try:
                await main(lost, {"CONCIERGE_ORDERS_URL": orders, "CONCIERGE_CARDS_URL": cards})
            finally:
                if kept is None:
                    del os.environ["AWS_ENDPOINT_URL_DYNAMODB"]
                else:
                    os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = kept

    asyncio.run(through())
