"""The clients and their contracts (RUN-23): each reads exactly what is promised, and minds each of it.

An answer of the stand-ins is cut down to the promised fields, and read as before. Then each field is taken
away or made wrong: both the client and the verifier must say so.
"""

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from aiohttp import web

from contract.catalogue.rpc import CALLS, SERVICE
from contract.consumers import Interaction, consumers
from contract.runtime_settings import ProvidersSettings
from rehearsal.contracts import asking, shape
from rehearsal.contracts.verify import BESIDE, NOBODYS
from rehearsal.serving import serving
from runtime.downstream import ProviderError
from runtime.places import Places
from runtime.shop.opening import open_shop
from tests.runtime.shop_helpers import CALM, Market, open_market

# What of the client sends which interaction.
ASKS: dict[tuple[str, str], Any] = {
    ("pricing", "the price of a product"): lambda shop, of: shop.pricing.price(of["asin"]),
    ("pricing", "prices of several products"): lambda shop, of: shop.pricing.prices([of["asin"], NOBODYS]),
    ("product-search", "products for words"): lambda shop, of: shop.search.find(of["words"], limit=5),
    ("product-search", "products nobody has"): lambda shop, of: shop.search.find(of["words"]),
    ("recommendation", "what goes with a product"): lambda shop, of: shop.recommendations.recommend(
        asin=of["asin"], limit=3
    ),
    ("shipping", "when a product would come"): lambda shop, of: shop.shipping.estimate(of["asin"], "98101"),
    ("shipping", "the parcel of an order"): lambda shop, of: shop.shipping.parcel(of["order"]),
    ("promotions", "everything that is promoted"): lambda shop, _: shop.offers.promotions(),
    ("promotions", "promotions of nobody's product"): lambda shop, _: shop.offers.promotions(NOBODYS),
    ("orders", "an order"): lambda shop, of: shop.orders.one(of["order"], of["customer"]),
    ("orders", "orders of a customer"): lambda shop, of: shop.orders.of(of["customer"]),
    ("orders", "orders of nobody"): lambda shop, _: shop.orders.of(NOBODYS),
    ("returns", "a refund"): lambda shop, of: shop.returns.refund(of["as_order"], 1, "key"),
    ("returns", "a complaint"): lambda shop, of: shop.returns.complain(of["as_order"], "scratched", "key"),
    ("catalogue", "a product"): lambda shop, of: shop.catalogue.product(of["asin"]),
    ("catalogue", "several products"): lambda shop, of: shop.catalogue.products([of["asin"], NOBODYS]),
    ("catalogue", "what resembles a product"): lambda shop, of: shop.catalogue.related(
        of["asin"], "similar", 3
    ),
    ("catalogue", "how many there are"): lambda shop, of: shop.catalogue.stock(of["asin"]),
}
# Kind -> values that are none of it.
WRONG: dict[str, list[Any]] = {
    "text": [7, None, []],
    "name": ["", 7, None],
    "flag": ["true", 1, None],
    "whole": [-1, 1.5, "1", None],
    "count": [0, "1", None],
    "percent": [-1, 101, "10"],
    "rating": [-0.1, 5.1, "4"],
    "amount": [-1, 0.001, "1.00", None, True],
    "paid": [0, -1, 0.001, "1.00", None],
    "currency": ["", "usd", "dollars", 1],
    "day": ["tomorrow", 20261127, None],
    "texts": [[], {"a": 1}, None],
}
# The same in protobuf, where a value always has its type.
WRONG_IN_PROTOBUF: dict[str, list[Any]] = {
    "name": [""],
    "cents": [0, -1],
    "currency": [""],
    "whole": [-1],
    "rating": [-0.5, 5.5],
}
HTTP = [name for name, one in consumers().items() if one.protocol == "http"]
PLACES = {"product-search": "product_search", "returns": "orders"}


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with open_market() as market:
        yield market


@pytest.fixture(scope="module")
def of(market: Market) -> dict[str, Any]:
    """Samples: an order with refunds and complaints, and what else the shop knows."""
    orders = market.stand_in.trade.orders.values()
    order = next(order for order in orders if not order.refunds and not order.complaints)

    async def fill(shop):
        mine = await shop.orders.one(order.id, order.customer)
        await shop.returns.refund(mine, 1, "first")
        await shop.returns.complain(mine, "scratched", "first")
        return mine

    return {
        "asin": next(iter(market.stand_in.catalogue.products)),
        "words": "camera",
        "order": order.id,
        "customer": order.customer,
        "nobodys": NOBODYS,
        "as_order": market.visit(fill),
    }


def answers(market: Market, of: dict[str, Any], provider: str) -> list[tuple[Interaction, Any]]:
    """Interactions whose answer is read, and what the stand-in says to each."""
    consumer = consumers()[provider]

    async def ask() -> list[tuple[Interaction, Any]]:
        found = []
        async with asking.provider(consumer, market.urls[BESIDE.get(provider, provider)]) as there:
            for interaction in consumer.interactions:
                if interaction.status in (200, 201, "OK"):
                    samples = {name: value for name, value in of.items() if isinstance(value, str)}
                    found.append((interaction, (await there.ask(interaction.filled(samples)))[1]))
        return found

    return asyncio.run(ask())


def test_every_interaction_is_one_that_a_client_sends():
    read = {
        (name, interaction.name)
        for name, one in consumers().items()
        for interaction in one.interactions
        if interaction.status in (200, 201, "OK")
    }
    assert read == set(ASKS)


class Box:
    """A service that says what is put into it."""

    def __init__(self) -> None:
        self.answer: Any = None
        self.status: int = 200

    def app(self) -> web.Application:
        async def say(_: web.Request) -> web.Response:
            return web.json_response(self.answer, status=self.status)

        app = web.Application()
        app.router.add_route("*", "/{any:.*}", say)
        return app


async def outcome(asked: Any) -> Any:
    try:
        return await asked
    except ProviderError as error:
        return error.why


@pytest.mark.parametrize("provider", HTTP)
def test_a_client_reads_what_its_contract_promises_and_nothing_else(market, of, provider):
    asked = answers(market, of, provider)
    box = Box()

    async def play() -> None:
        async with serving(box.app()) as url:
            places = Places(**{PLACES.get(provider, provider): url})
            async with open_shop(places, ProvidersSettings(), CALM, region="us-east-1") as shop:
                for interaction, full in asked:
                    ask, box.status = ASKS[provider, interaction.name], int(interaction.status)
                    box.answer = full
                    whole = await ask(shop, of)
                    assert whole is not None

                    box.answer = reduced(full, interaction)
                    assert await ask(shop, of) == whole

                    spoilt = list(spoiled(full, interaction))
                    assert len(spoilt) >= len(interaction.answer)
                    for path, wrong in spoilt:
                        box.answer = wrong
                        assert shape.look(wrong, interaction).problems, path
                        assert await outcome(ask(shop, of)) == "broken", (interaction.name, path)

    asyncio.run(play())


def test_the_catalogues_client_reads_what_its_contract_promises_and_nothing_else(market, of):
    asked = answers(market, of, "catalogue")
    box = Box()

    def handler(name: str) -> Any:
        call = CALLS[name]

        async def say(request: Any, context: Any) -> Any:
            return built(call.response(), box.answer)

        return grpc.unary_unary_rpc_method_handler(
            say, call.request.FromString, lambda said: said.SerializeToString()
        )

    async def play() -> None:
        server = grpc.aio.server()
        made = {name: handler(name) for name, call in CALLS.items() if not call.streamed}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, made),))
        place = Places(catalogue=f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
        await server.start()
        async with open_shop(place, ProvidersSettings(), CALM, region="us-east-1") as shop:
            for interaction, full in asked:
                ask = ASKS["catalogue", interaction.name]
                box.answer = full
                whole = await ask(shop, of)
                assert whole

                box.answer = reduced(full, interaction)
                assert await ask(shop, of) == whole

                spoilt = list(spoiled(full, interaction, WRONG_IN_PROTOBUF, missing=False))
                assert spoilt
                for path, wrong in spoilt:
                    box.answer = wrong
                    assert shape.look(wrong, interaction).problems, path
                    said = await outcome(ask(shop, of))
                    # A product of a batch that has no name is nobody's: it is as if it were not there.
                    assert said in ("broken", []), (interaction.name, path)
        await server.stop(None)

    asyncio.run(play())


def built(message: Any, said: Any) -> Any:
    """A message of plain data: what is not there is not sent."""
    for name, value in said.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        if isinstance(value, list):
            for part in value:
                if field.message_type:
                    built(getattr(message, name).add(), part)
                else:
                    getattr(message, name).append(part)
        elif isinstance(value, dict) and field.message_type.GetOptions().map_entry:
            getattr(message, name).update(value)
        elif isinstance(value, dict):
            built(getattr(message, name), value)
        else:
            setattr(message, name, value)
    return message


def reduced(full: Any, interaction: Interaction) -> Any:
    """The answer with nothing but what is promised."""
    promised = [path.replace("[]", "").split(".") for path in (*interaction.answer, *interaction.lists)]

    def within(at: tuple[str, ...]) -> bool:
        """Whether something promised is here, or further in."""
        return any(path[: len(at)] == list(at) for path in promised)

    def cut(value: Any, at: tuple[str, ...]) -> Any:
        if isinstance(value, list):
            return [cut(part, at) for part in value]
        if not isinstance(value, dict) or not any(path[: len(at)] == list(at) != path for path in promised):
            return value  # a promised field itself, a table of texts too
        return {name: cut(part, (*at, name)) for name, part in value.items() if within((*at, name))}

    return cut(full, ())


def spoiled(
    full: Any, interaction: Interaction, wrong: dict[str, list[Any]] = WRONG, *, missing: bool = True
) -> Iterator[tuple[str, Any]]:
    """(path, the answer with that field missing or wrong), one after another."""
    for path in interaction.lists if missing else ():
        yield path, changed(full, path, None)
    for path, kind in interaction.answer.items():
        if missing and not path.endswith("[]"):
            yield path, changed(full, path)
        for value in wrong.get(kind, ()):
            # A list of texts may hold an empty one, but no other thing.
            if not (path.endswith("[]") and value == ""):
                yield path, changed(full, path, value)


GONE = object()


def changed(full: Any, path: str, value: Any = GONE) -> Any:
    """A copy with another value at the first place of this path, or without it."""
    answer = copy.deepcopy(full)
    *way, last = path.split(".")
    at = answer
    for step in way:
        at = at[step.removesuffix("[]")]
        at = at[0] if step.endswith("[]") else at
    if last.endswith("[]"):
        at[last.removesuffix("[]")][0] = value
    elif value is GONE:
        del at[last]
    else:
        at[last] = value
    assert json.dumps(answer, default=str) != json.dumps(full, default=str)
    return answer
