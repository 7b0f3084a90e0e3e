"""What several tools take and give. Money is in cents; `note` says what happened."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from contract.base import Shape
from runtime.shop.answers import Price, Product

Asin = Annotated[str, Field(pattern=r"^B0[A-Z0-9]{8}$", description="a product's number, like B0ABCDEFGH")]
Quantity = Annotated[int, Field(ge=1, le=99, description="how many")]
Limit = Annotated[int, Field(ge=1, le=10, description="how many at most")]
OrderId = Annotated[str, Field(pattern=r"^[A-Z0-9-]{4,24}$", description="an order's number, like ORD-20001")]


class Nothing(Shape):
    """No input."""


class OfProduct(Shape):
    """One product."""

    asin: Asin


class Noted(Shape):
    """Done."""

    note: str


class ProductView(Shape):
    """A product, with a price only where pricing gave one now (RUN-11)."""

    asin: str
    title: str
    title_ja: str = ""
    category: str = ""
    kind: str = ""
    maker: str = ""
    price_cents: int | None = None
    list_price_cents: int | None = None
    currency: str = "USD"
    in_stock: bool
    rating: float
    features: Mapping[str, str] = {}


class Products(Shape):
    """Products, the best first."""

    products: tuple[ProductView, ...]
    note: str = ""


def view(product: Product, price: Price | None) -> ProductView:
    return ProductView(
        asin=product.asin,
        title=product.title,
        title_ja=product.title_ja,
        category=product.category,
        kind=product.kind,
        maker=product.maker,
        price_cents=price.cents if price else None,
        list_price_cents=price.list_cents if price else None,
        currency=price.currency if price else product.currency,
        in_stock=product.in_stock,
        rating=product.rating,
        features=dict(product.features),
    )


def views(products: Sequence[Product], prices: Mapping[str, Price]) -> tuple[ProductView, ...]:
    return tuple(view(product, prices.get(product.asin)) for product in products)
