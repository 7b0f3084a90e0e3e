"""Tools that find and explain products: search, details, comparison, relations, stock, offers, help pages."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from contract.base import Shape
from runtime.retrieval import Filters, Retrieval
from runtime.safety.watch import harmless
from runtime.shop.answers import Product
from runtime.shop.catalogue import Relation
from runtime.shop.opening import Shop
from runtime.shop.services import Wanted
from runtime.tools.goods import Goods
from runtime.tools.shapes import Asin, Limit, OfProduct, Products, ProductView, view
from runtime.tools.tool import Caller, Code, Tool, ToolError, there

MOST_OFFERS = 10


class Search(Shape):
    query: str = Field(min_length=1, max_length=300, description="what is looked for, in a few words")
    max_price: float | None = Field(None, gt=0, description="in dollars: nothing that costs more")
    category: str = Field("", max_length=40)
    limit: Limit = 5


class Compare(Shape):
    asins: tuple[Asin, ...] = Field(min_length=2, max_length=4, description="the products' numbers")


class Related(Shape):
    asin: Asin
    limit: Limit = 5


class Help(Shape):
    question: str = Field(min_length=1, max_length=600)
    language: str = Field("", pattern=r"^([a-z]{2})?$", description="en, ja; empty: any")


class Comparison(Shape):
    """`differences`: feature -> each product's, in the order of the products."""

    products: tuple[ProductView, ...]
    differences: dict[str, tuple[str, ...]]
    note: str


class StockView(Shape):
    asin: str
    available: int
    note: str


class Cited(Shape):
    """A passage and where it stands."""

    title: str
    section: str
    source: str
    text: str


class Passages(Shape):
    documents: tuple[Cited, ...]


class Offer(Shape):
    asin: str
    price_cents: int
    list_price_cents: int
    percent: int


class Offers(Shape):
    promotions: tuple[Offer, ...]


class OfferOf(Shape):
    asin: Annotated[str, Field(pattern=r"^(B0[A-Z0-9]{8})?$", description="empty: all of them")] = ""


class Shopping:
    """Parts that are None are not there, nor are their tools."""

    def __init__(self, shop: Shop, goods: Goods, retrieval: Retrieval | None) -> None:
        self._shop = shop
        self._goods = goods
        self._retrieval = retrieval

    def tools(self) -> list[Tool]:
        shop = self._shop
        found = "Finds products on sale for a few words, the best first."
        several = "Compares two to four products: prices, ratings, and the features in which they differ."
        like, fits = "Products like this one.", "Accessories and other products that fit this one."
        well, left = "What goes well with a product.", "How many of a product are left in the inventory."
        cheaper, help_ = (
            "Products that are on sale now.",
            "Passages of manuals, FAQs and policies, with source.",
        )
        offered: list[tuple[object, Tool]] = [
            (shop.search, Tool("search_products", found, Search, Products, self._search)),
            (
                shop.catalogue,
                Tool("get_product", "Details of one product.", OfProduct, ProductView, self._details),
            ),
            (shop.catalogue, Tool("compare_products", several, Compare, Comparison, self._compare)),
            (shop.catalogue, Tool("similar_products", like, Related, Products, self._similar)),
            (shop.catalogue, Tool("compatible_products", fits, Related, Products, self._compatible)),
            (shop.catalogue, Tool("check_stock", left, OfProduct, StockView, self._stock)),
            (shop.recommendations, Tool("recommend_products", well, Related, Products, self._recommend)),
            (shop.offers, Tool("list_promotions", cheaper, OfferOf, Offers, self._promotions)),
            (self._retrieval, Tool("search_help", help_, Help, Passages, self._help)),
        ]
        return [tool for part, tool in offered if part is not None]

    async def _search(self, asked: Search, _: Caller) -> Products:
        most = round(asked.max_price * 100) if asked.max_price is not None else None
        wanted = Wanted(category=asked.category, max_cents=most)
        found = await there(self._shop.search).find(asked.query, wanted, asked.limit)
        shown = await self._goods.shown(found.products)
        note = f"{found.total} fit, the best {len(shown)} are here" if shown else "nothing fits"
        return Products(products=shown, note=note)

    async def _details(self, asked: OfProduct, _: Caller) -> ProductView:
        product = await self._goods.one(asked.asin)
        return view(product, (await self._goods.prices([asked.asin])).get(asked.asin))

    async def _compare(self, asked: Compare, _: Caller) -> Comparison:
        found = await self._goods.several(list(dict.fromkeys(asked.asins)))
        if len(found) < 2:
            raise ToolError(Code.NOT_FOUND, "fewer than two of these products exist")
        return Comparison(products=found, differences=_differences(found), note=_best(found))

    async def _similar(self, asked: Related, _: Caller) -> Products:
        return await self._related(asked, "similar")

    async def _compatible(self, asked: Related, _: Caller) -> Products:
        return await self._related(asked, "compatible")

    async def _related(self, asked: Related, relation: Relation) -> Products:
        await self._goods.one(asked.asin)
        found = await there(self._shop.catalogue).related(asked.asin, relation, asked.limit)
        return await self._products(found)

    async def _recommend(self, asked: Related, caller: Caller) -> Products:
        customer = caller.person.id if caller.person.signed_in else ""
        if (recommended := self._shop.recommendations) is None:
            raise ToolError(Code.UNAVAILABLE, "there are no recommendations here")
        found = await recommended.recommend(asin=asked.asin, customer=customer, limit=asked.limit)
        return await self._products(found)

    async def _products(self, found: Sequence[Product]) -> Products:
        return Products(products=await self._goods.shown(found), note="" if found else "there are none")

    async def _stock(self, asked: OfProduct, _: Caller) -> StockView:
        found = await there(self._shop.catalogue).stock(asked.asin)
        if found is None:
            raise ToolError(Code.NOT_FOUND, f"there is no product {asked.asin}")
        note = f"{found.available} can be bought now" if found.available else "sold out at the moment"
        return StockView(asin=asked.asin, available=found.available, note=note)

    async def _promotions(self, asked: OfferOf, _: Caller) -> Offers:
        found = await there(self._shop.offers).promotions(asked.asin or None)
        kept = [(one.asin, one.cents, one.list_cents, one.percent) for one in found[:MOST_OFFERS]]
        return Offers(
            promotions=tuple(
                Offer(asin=asin, price_cents=cents, list_price_cents=listed, percent=percent)
                for asin, cents, listed, percent in kept
            )
        )

    async def _help(self, asked: Help, _: Caller) -> Passages:
        found = await there(self._retrieval).find(asked.question, Filters(language=asked.language))
        return Passages(
            documents=tuple(
                Cited(title=one.title, section=one.section, source=one.source, text=one.text)
                for one in found.passages
                if harmless(one)
            )
        )


def _differences(products: Sequence[ProductView]) -> dict[str, tuple[str, ...]]:
    """Features in which they are not all alike."""
    names = dict.fromkeys(name for product in products for name in product.features)
    rows = {name: tuple(product.features.get(name, "") for product in products) for name in names}
    return {name: row for name, row in rows.items() if len(set(row)) > 1}


def _best(products: Sequence[ProductView]) -> str:
    rated = max(products, key=lambda product: product.rating)
    said = f"{rated.title} is rated best"
    priced = [product for product in products if product.price_cents is not None]
    if len(priced) == len(products):
        cheapest = min(priced, key=lambda product: product.price_cents or 0)
        said += f", {cheapest.title} costs least"
    return said
