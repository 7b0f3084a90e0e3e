"""The shop's HTTP services, one class each: what can be asked of it, and nothing of how.

Reads that do not depend on who asks are coalesced: a flash sale asks for one price, not for ten thousand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from runtime.coalesce import Coalesce
from runtime.safety.confirmation import Line
from runtime.shop.answers import (
    Authorization,
    CardToken,
    Complaint,
    Estimate,
    Found,
    Order,
    Orders,
    Parcel,
    Price,
    Prices,
    Product,
    Promotion,
    Promotions,
    Recommended,
    Refund,
)
from runtime.shop.http import Service

MOST = 50  # products an answer has at most


@dataclass(frozen=True, slots=True)
class Wanted:
    """What narrows a product search. Empty: everything fits."""

    category: str = ""
    language: str = ""
    kind: str = ""
    maker: str = ""
    max_cents: int | None = None


ANYTHING = Wanted()


class ProductSearch:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._asked: Coalesce[Any, Found | None] = Coalesce()

    async def find(self, words: str, wanted: Wanted = ANYTHING, limit: int = 10) -> Found:
        """Products for these words, the best first."""
        key = words, wanted, limit
        query = {"q": words, "limit": str(min(limit, MOST)), **_narrowed(wanted)}
        found = await self._asked.do(key, lambda: self._service.get(Found, "/v1/search", query))
        return found or Found(total=0, products=())


def _narrowed(wanted: Wanted) -> Mapping[str, str]:
    named = {name: getattr(wanted, name) for name in ("category", "language", "kind", "maker")}
    query = {name: value for name, value in named.items() if value}
    if wanted.max_cents is not None:
        query["max_price"] = _dollars(wanted.max_cents)
    return query


class Pricing:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._one: Coalesce[str, Price | None] = Coalesce()
        self._several: Coalesce[frozenset[str], Prices | None] = Coalesce()

    async def price(self, asin: str) -> Price | None:
        """What it costs now; None: no such product."""
        return await self._one.do(asin, lambda: self._service.get(Price, f"/v1/prices/{_part(asin)}"))

    async def prices(self, asins: Sequence[str]) -> Prices:
        """Of all these at once."""
        wanted = list(dict.fromkeys(asins))
        if not wanted:
            return Prices((), ())
        found = await self._several.do(
            frozenset(wanted), lambda: self._service.ask(Prices, "/v1/prices", {"asins": wanted})
        )
        return found or Prices((), tuple(wanted))


class Recommendations:
    """Item to item: bought together, and alike. `personalize` has the other kind (RUN-22)."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asked: Coalesce[Any, Recommended | None] = Coalesce()

    async def recommend(
        self,
        *,
        asin: str,
        customer: str = "",  # noqa: ARG002 - here the product alone decides
        limit: int = 10,
    ) -> Sequence[Product]:
        """Products that go with this one; late, it is ProviderError, and the answer goes without them."""
        query = {"asin": asin, "limit": str(min(limit, MOST))}
        found = await self._asked.do(
            (asin, limit), lambda: self._service.get(Recommended, "/v1/recommendations", query)
        )
        return found.items if found else ()


class Shipping:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._asked: Coalesce[Any, Estimate | None] = Coalesce()

    async def estimate(self, asin: str, postcode: str) -> Estimate | None:
        """When it would come, and for how much; None: no such product."""
        query = {"asin": asin, "postcode": postcode}
        return await self._asked.do(
            (asin, postcode), lambda: self._service.get(Estimate, "/v1/estimates", query)
        )

    async def parcel(self, number: str) -> Parcel | None:
        """By the number of the delivery or of its order. Show it to nobody but the customer of that order."""
        return await self._service.get(Parcel, f"/v1/deliveries/{_part(number)}")


class Offers:
    """What is promoted."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asked: Coalesce[str, Promotions | None] = Coalesce()

    async def promotions(self, asin: str | None = None) -> Sequence[Promotion]:
        """All there are, or those of one product."""
        query = {"asin": asin} if asin else {}
        found = await self._asked.do(
            asin or "", lambda: self._service.get(Promotions, "/v1/promotions", query)
        )
        return found.promotions if found else ()


class OrderDesk:
    """Orders of the customer who asks: somebody else's does not exist (RUN-17)."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def of(self, customer: str) -> Sequence[Order]:
        """Theirs, the newest first."""
        found = await self._service.get(Orders, "/v1/orders", {"customer": customer})
        return [order for order in found.orders if order.customer == customer] if found else ()

    async def place(self, customer: str, lines: Sequence[Line], paid_by: str, key: str) -> Order:
        """Declined where something of it cannot be sold. `paid_by`: the authorization that pays."""
        body = {
            "customer": customer,
            "payment": paid_by,
            "items": [
                {"asin": one.asin, "quantity": one.quantity, "unitPrice": one.cents / 100} for one in lines
            ],
        }
        placed = await self._service.write(Order, "/v1/orders", body, key)
        if placed is None:
            raise self._service.broken("an order that was placed and is not there")
        return placed

    async def one(self, order_id: str, customer: str) -> Order | None:
        found = await self._service.get(Order, f"/v1/orders/{_part(order_id)}")
        return found if found is not None and found.customer == customer else None


class Returns:
    """Refunds and complaints: once for each key. They take an order, which only its customer can get."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def refund(self, order: Order, cents: int, key: str) -> Refund | None:
        """Asks for money back. Confirmed by the customer beforehand, apart from any model (RUN-14)."""
        body = {"amount": cents / 100}
        return await self._service.write(Refund, f"/v1/orders/{_part(order.id)}/refunds", body, key)

    async def complain(self, order: Order, why: str, key: str) -> Complaint | None:
        body = {"why": why}
        return await self._service.write(Complaint, f"/v1/orders/{_part(order.id)}/complaints", body, key)


class CardNetwork:
    """Tokens of cards, and money held, taken and given back: each step once for its key. No card's number."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def token(self, token: str) -> CardToken | None:
        """What card it stands for; None: none of ours."""
        return await self._service.get(CardToken, f"/v1/tokens/{_part(token)}")

    async def authorize(self, token: str, cents: int, currency: str, key: str) -> Authorization | None:
        """Holds the money; declined where the issuer says no. None: no such token."""
        body = {"token": token, "amount": cents / 100, "currency": currency}
        return await self._service.write(Authorization, "/v1/authorizations", body, key)

    async def capture(self, authorization: str, cents: int, key: str) -> Authorization | None:
        return await self._move("captures", authorization, cents, key)

    async def refund(self, authorization: str, cents: int, key: str) -> Authorization | None:
        return await self._move("refunds", authorization, cents, key)

    async def release(self, authorization: str, key: str) -> Authorization | None:
        """Nothing was sold: what was held is theirs again."""
        path = f"/v1/authorizations/{_part(authorization)}/releases"
        return await self._service.write(Authorization, path, {}, key)

    async def _move(self, how: str, authorization: str, cents: int, key: str) -> Authorization | None:
        path = f"/v1/authorizations/{_part(authorization)}/{how}"
        return await self._service.write(Authorization, path, {"amount": cents / 100}, key)


def _part(name: str) -> str:
    """Of a path: what a customer typed stays one part of it."""
    return quote(name, safe="")


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
