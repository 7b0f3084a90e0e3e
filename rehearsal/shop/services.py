"""The shop's own services over HTTP: search, prices, recommendations, shipping, promotions, orders."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from rehearsal.clock import Clock
from rehearsal.embedding import embed
from rehearsal.faults import Faults
from rehearsal.faulty import Handler, Pace, application, faults_of
from rehearsal.shop import views
from rehearsal.shop.cards import Cards
from rehearsal.shop.goods import Catalogue, Product
from rehearsal.shop.once import Once
from rehearsal.shop.trade import Order, Trade

_MOST = 50
_UNSPACED = re.compile(r"[\u30a0-\u30ff]+|[\u4e00-\u9fff]+")
# Medians of what each takes.
PACES_S = {
    "product-search": 0.035,
    "pricing": 0.012,
    "recommendation": 0.060,
    "shipping": 0.025,
    "promotions": 0.015,
    "orders": 0.030,
    "cards": 0.180,
}
Handlers = Mapping[str, tuple[str, str, Handler]]


class Shop:
    """One seed's shop behind its services."""

    def __init__(self, seed: int = 7, speed: float = 1.0) -> None:
        self.catalogue = Catalogue(seed)
        self.trade = Trade(self.catalogue, seed)
        self.clock = Clock(speed)
        self._seed = seed
        self._once = Once()
        self._cards = Cards(seed)
        self._words = {asin: _terms(found.search_text) for asin, found in self.catalogue.products.items()}
        self._rare = Counter(word for words in self._words.values() for word in words)

    def apps(self) -> Mapping[str, web.Application]:
        """name of a service -> what to serve."""
        handlers: Mapping[str, Handlers] = {
            "product-search": {"search": ("GET", "/v1/search", self._search)},
            "pricing": {
                "price": ("GET", "/v1/prices/{asin}", self._price),
                "prices": ("POST", "/v1/prices", self._prices),
            },
            "recommendation": {"recommend": ("GET", "/v1/recommendations", self._recommend)},
            "shipping": {
                "estimate": ("GET", "/v1/estimates", self._estimate),
                "delivery": ("GET", "/v1/deliveries/{id}", self._delivery),
            },
            "promotions": {"promotions": ("GET", "/v1/promotions", self._promotions)},
            "orders": {
                "list": ("GET", "/v1/orders", self._orders),
                "place": ("POST", "/v1/orders", self._place),
                "order": ("GET", "/v1/orders/{id}", self._order),
                "refund": ("POST", "/v1/orders/{id}/refunds", self._refund),
                "complaint": ("POST", "/v1/orders/{id}/complaints", self._complain),
            },
            "cards": self._cards.handlers(),
        }
        return {name: self._app(name, served) for name, served in handlers.items()}

    def _app(self, name: str, handlers: Handlers) -> web.Application:
        faults: Faults = faults_of(name, handlers)
        return application(
            faults, handlers, self.clock, Pace(PACES_S[name], f"{self._seed}/{name}", self.clock)
        )

    async def _search(self, request: web.Request) -> web.Response:
        asked = request.query
        terms = _terms(asked.get("q", ""))
        limit = min(_MOST, _whole(asked.get("limit", "10")))
        dearest = float(asked.get("max_price", "inf"))
        kept = {key: asked[key] for key in ("category", "language", "kind", "maker") if key in asked}
        found = [
            (score, product)
            for product in self.catalogue.products.values()
            if (score := self._fits(terms, product)) > 0
            and product.price <= dearest * 100
            and all(getattr(product, key) == value for key, value in kept.items())
        ]
        found.sort(key=lambda pair: (-pair[0], pair[1].asin))
        shown = [views.product(product) for _, product in found[:limit]]
        return web.json_response({"total": len(found), "products": shown})

    def _fits(self, terms: set[str], product: Product) -> float:
        """Rare words count more; without a query everything fits alike."""
        if not terms:
            return 1.0
        return sum(1 / self._rare[word] for word in terms & self._words[product.asin])

    async def _price(self, request: web.Request) -> web.Response:
        product = self.catalogue.products.get(request.match_info["asin"])
        return _json(views.price(product)) if product else _missing("product", request.match_info["asin"])

    async def _prices(self, request: web.Request) -> web.Response:
        asins = (await request.json()).get("asins", [])
        known = self.catalogue.products
        return _json(
            {
                "prices": [views.price(known[asin]) for asin in asins if asin in known],
                "missing": [asin for asin in asins if asin not in known],
            }
        )

    async def _recommend(self, request: web.Request) -> web.Response:
        """Bought together first, then what is near by its words."""
        product = self.catalogue.products.get(request.query.get("asin", ""))
        if product is None:
            return _missing("product", request.query.get("asin", ""))
        limit = min(_MOST, _whole(request.query.get("limit", "10")))
        together = [asin for asin, _ in Counter(self.trade.bought_with(product.asin)).most_common()]
        near = sorted(self.catalogue.similar(product), key=lambda other: -_alike(product, other))
        chosen = list(dict.fromkeys([*together, *(other.asin for other in near)]))[:limit]
        return _json(
            {"asin": product.asin, "items": [views.product(self.catalogue.products[a]) for a in chosen]}
        )

    async def _estimate(self, request: web.Request) -> web.Response:
        product = self.catalogue.products.get(request.query.get("asin", ""))
        if product is None:
            return _missing("product", request.query.get("asin", ""))
        days = 2 + sum(map(ord, request.query.get("postcode", ""))) % 4 + (0 if product.stock else 10)
        cost = 0.0 if product.price >= 3_500 else 4.99
        return _json({"asin": product.asin, "workingDays": days, "cost": cost, "currency": "USD"})

    async def _delivery(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        for order in self.trade.orders.values():
            if wanted in (order.id, order.delivery["deliveryId"]):
                return _json({**order.delivery, "orderId": order.id})
        return _missing("delivery", wanted)

    async def _promotions(self, request: web.Request) -> web.Response:
        """A product costs less than its list price, or it is not promoted."""
        asin = request.query.get("asin")
        known = self.catalogue.products
        products = list(known.values()) if asin is None else [known[asin]] if asin in known else []
        found = [
            {**views.price(product), "percent": round(100 - 100 * product.price / product.list_price)}
            for product in products
            if product.price < product.list_price
        ]
        return _json({"promotions": found[:_MOST]})

    async def _orders(self, request: web.Request) -> web.Response:
        found = self.trade.of(request.query.get("customer", ""))
        return _json({"orders": [self._shown(order) for order in found]})

    async def _place(self, request: web.Request) -> web.Response:
        """Once for each key. A product that is gone, or costs something else by now, is not sold."""
        asked = await request.json()

        async def make() -> web.Response:
            lines = [(i["asin"], int(i["quantity"]), round(i["unitPrice"] * 100)) for i in asked["items"]]
            known = self.catalogue.products
            if not lines or any(asin not in known for asin, _, _ in lines):
                return _declined("unknown_product")
            if any(self.trade.left(known[asin]) < count for asin, count, _ in lines):
                return _declined("sold_out")
            if any(known[asin].price != cents for asin, _, cents in lines):
                return _declined("price_changed")
            return _json(self._shown(self.trade.place(str(asked["customer"]), lines)), 201)

        return await self._once.do(request, asked, make)

    async def _order(self, request: web.Request) -> web.Response:
        order = self.trade.orders.get(request.match_info["id"])
        return _json(self._shown(order)) if order else _missing("order", request.match_info["id"])

    async def _refund(self, request: web.Request) -> web.Response:
        async def make(order: Order, asked: Mapping[str, Any]) -> web.Response:
            cents = round(100 * float(asked.get("amount", views.dollars(order.total))))
            left = order.total - sum(refund["cents"] for refund in order.refunds)
            if not 0 < cents <= left:
                return _wrong(f"amount must be above 0 and at most {views.dollars(left)}")
            number = f"RFD-{order.id.removeprefix('ORD-')}-{len(order.refunds) + 1}"
            order.refunds.append({"refundId": number, "status": "ACCEPTED", "cents": cents})
            return _json(order.refunds[-1], 201)

        return await self._change(request, make)

    async def _complain(self, request: web.Request) -> web.Response:
        async def make(order: Order, asked: Mapping[str, Any]) -> web.Response:
            if not asked.get("why"):
                return _wrong("why is missing")
            number = f"CMP-{order.id.removeprefix('ORD-')}-{len(order.complaints) + 1}"
            order.complaints.append({"complaintId": number, "status": "OPEN", "why": str(asked["why"])})
            return _json(order.complaints[-1], 201)

        return await self._change(request, make)

    async def _change(
        self, request: web.Request, make: Callable[[Order, Mapping[str, Any]], Any]
    ) -> web.Response:
        """A write: once for each Idempotency-Key, which it must have."""
        order = self.trade.orders.get(request.match_info["id"])
        if order is None:
            return _missing("order", request.match_info["id"])
        asked = await request.json()
        return await self._once.do(request, asked, lambda: make(order, asked))

    def _shown(self, order: Order) -> dict[str, Any]:
        return views.order(order, {asin: p.title for asin, p in self.catalogue.products.items()})


def _terms(text: str) -> set[str]:
    """Words; where they are written without blanks, pairs of letters."""
    found = set(re.findall(r"[^\W\u3040-\u30ff\u4e00-\u9fff]+", text.lower()))
    for run in _UNSPACED.findall(text):
        found |= {run[place : place + 2] for place in range(max(1, len(run) - 1))}
    return found


def _alike(one: Product, other: Product) -> float:
    return float(embed(one.search_text, 256) @ embed(other.search_text, 256))


def _whole(text: str) -> int:
    return int(text) if text.isdigit() else 10


def _json(said: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.json_response(said, status=status)


def _missing(what: str, name: str) -> web.Response:
    return _json({"error": {"code": 404, "message": f"no {what} {name!r}"}}, 404)


def _declined(code: str) -> web.Response:
    return _json({"error": {"code": code, "message": "the order is not taken"}}, 409)


def _wrong(message: str) -> web.Response:
    return _json({"error": {"code": 400, "message": message}}, 400)
