"""What the shop's services say of products, orders and documents: their JSON."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rehearsal.shop.goods import Product
from rehearsal.shop.trade import Order


def dollars(cents: int) -> float:
    return round(cents / 100, 2)


def product(found: Product) -> dict[str, Any]:
    """A product as a search result shows it."""
    return {
        "asin": found.asin,
        "title": found.title,
        "title_ja": found.title_ja,
        "category": found.category,
        "kind": found.kind,
        "maker": found.maker,
        "language": found.language,
        "price": dollars(found.price),
        "list_price": dollars(found.list_price),
        "currency": "USD",
        "in_stock": found.stock > 0,
        "rating": found.rating,
        "features": dict(found.features),
    }


def price(found: Product) -> dict[str, Any]:
    """What the pricing service says."""
    return {
        "asin": found.asin,
        "currency": "USD",
        "price": dollars(found.price),
        "list_price": dollars(found.list_price),
    }


def order(found: Order, titles: Mapping[str, str]) -> dict[str, Any]:
    """An order with all that belongs to it."""
    return {
        "orderId": found.id,
        "customerId": found.customer,
        "status": found.status,
        "placedOn": found.placed.isoformat(),
        "total": dollars(found.total),
        "currency": "USD",
        "items": [
            {"asin": asin, "title": titles[asin], "quantity": count, "unitPrice": dollars(cents)}
            for asin, count, cents in found.lines
        ],
        "delivery": dict(found.delivery),
        "refunds": [dict(refund) for refund in found.refunds],
        "complaints": [dict(complaint) for complaint in found.complaints],
    }


def document(found: Any) -> dict[str, Any]:
    return asdict(found)
