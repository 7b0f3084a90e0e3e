"""What was looked up for one message, and how a model and a person are told of it.

What stands in the facts is data of others: fenced, so that nothing in it reads as an instruction (RUN-12).
Prices stand in it only where the pricing service gave them (RUN-11).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from contract.frames import Source
from runtime.retrieval import Passage
from runtime.shop.answers import Order, Price, Product

MOST_ORDERS = 5


@dataclass(frozen=True, slots=True)
class Facts:
    """`missing`: what could not be looked up, by name. `sign_in`: a customer's own, and nobody is known."""

    products: tuple[Product, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    passages: tuple[Passage, ...] = ()
    unknown_orders: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    sign_in: bool = False
    likes: Mapping[str, str] = field(default_factory=dict)

    @property
    def personal(self) -> bool:
        """Whether an answer made of these may be shown to nobody else."""
        return bool(self.orders or self.unknown_orders or self.sign_in or self.likes)

    @property
    def settled(self) -> bool:
        """Whether they alone answer a question about orders."""
        return bool(self.orders or self.unknown_orders)

    @property
    def sources(self) -> tuple[Source, ...]:
        """Each document once."""
        found = {
            (one.title, one.section): Source(title=one.title, source=one.source, section=one.section)
            for one in self.passages
        }
        return tuple(found.values())

    def price(self, product: Product) -> Price | None:
        return self.prices.get(product.asin)


def told(facts: Facts, introduction: str) -> str:
    """The facts as a model reads them; nothing where nothing was found."""
    known = _known(facts)
    parts = [f"<facts>{_fenced(json.dumps(known, ensure_ascii=False))}</facts>"] if known else []
    parts += [_document(passage) for passage in facts.passages]
    return "\n".join([introduction, *parts]) if parts else ""


def _known(facts: Facts) -> dict[str, Any]:
    known: dict[str, Any] = {}
    if facts.products:
        known["products"] = [_product(one, facts.price(one)) for one in facts.products]
    if facts.orders:
        known["orders"] = [_order(order) for order in facts.orders[:MOST_ORDERS]]
    if facts.unknown_orders:
        known["not_in_this_account"] = list(facts.unknown_orders)
    if facts.likes:
        known["customer_likes"] = dict(facts.likes)
    if facts.sign_in:
        known["customer"] = "not signed in: orders cannot be seen"
    return known


def _product(product: Product, price: Price | None) -> dict[str, Any]:
    said: dict[str, Any] = {
        "asin": product.asin,
        "title": product.title,
        "category": product.category,
        "kind": product.kind,
        "maker": product.maker,
        "in_stock": product.in_stock,
        "rating": product.rating,
        "features": dict(product.features),
    }
    if price is not None:
        said |= {"price": price.cents / 100, "currency": price.currency}
        if price.list_cents > price.cents:
            said["list_price"] = price.list_cents / 100
    return said


def _order(order: Order) -> dict[str, Any]:
    return {
        "orderId": order.id,
        "status": order.status,
        "placedOn": order.placed.isoformat(),
        "deliveryId": order.delivery.id,
        "estimatedDelivery": order.delivery.expected.isoformat(),
        "carrier": order.delivery.carrier,
        "items": [{"title": line.title, "quantity": line.quantity} for line in order.lines],
        "refunds": [{"refundId": refund.id, "status": refund.status} for refund in order.refunds],
        "complaints": [{"complaintId": one.id, "status": one.status} for one in order.complaints],
    }


def _document(passage: Passage) -> str:
    title = f"{passage.title} / {passage.section}" if passage.section else passage.title
    return f'<document title="{escape(title, quote=True)}">{escape(passage.text, quote=False)}</document>'


def _fenced(text: str) -> str:
    """JSON in which no tag can be opened or closed."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e")
