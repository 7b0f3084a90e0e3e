"""Customers and what they did: orders, their deliveries, refunds and complaints, drawn from a seed.

Times are days before the day the shop was opened, so that one seed gives the same shop whenever it opens.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from rehearsal.shop.goods import Catalogue, Product, words

OPENED = date(2026, 11, 27)
FIRST_ORDER, FIRST_DELIVERY = 20_000, 50_000


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who buys. Mail addresses are in a domain that is nobody's."""

    id: str
    name: str
    email: str
    language: str
    member: bool


@dataclass(slots=True)
class Order:
    """One order; its delivery, refunds and complaints belong to it."""

    id: str
    customer: str
    lines: tuple[tuple[str, int, int], ...]  # ASIN, how many, cents each
    placed: date
    status: str
    delivery: Mapping[str, Any]
    refunds: list[dict[str, Any]] = field(default_factory=list)
    complaints: list[dict[str, Any]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(count * cents for _, count, cents in self.lines)


class Trade:
    """All customers and orders of one seed."""

    def __init__(self, catalogue: Catalogue, seed: int = 7) -> None:
        random = Random(f"{seed}/trade")  # noqa: S311 - repeatable, not secret
        known = words()["people"]
        self.customers = {c.id: c for c in (_customer(random, n) for n in range(known["customers"]))}
        goods, people = list(catalogue.bought.values()), list(self.customers)
        made = [_order(random, number, random.choice(people), goods) for number in range(known["orders"])]
        self.orders = {order.id: order for order in made}
        self._sold: Counter[str] = Counter()

    def left(self, product: Product) -> int:
        """What nobody has bought since the shop opened."""
        return product.stock - self._sold[product.asin]

    def place(self, customer: str, lines: Sequence[tuple[str, int, int]]) -> Order:
        """A new order; what is in it is sold."""
        number = len(self.orders)
        order = Order(
            id=f"ORD-{FIRST_ORDER + number}",
            customer=customer,
            lines=tuple(lines),
            placed=OPENED,
            status="PLACED",
            delivery={
                "deliveryId": f"DLV-{FIRST_DELIVERY + number}",
                "carrier": words()["people"]["carriers"][number % len(words()["people"]["carriers"])],
                "status": "PLACED",
                "estimatedDelivery": (OPENED + timedelta(days=3)).isoformat(),
            },
        )
        self._sold.update({asin: count for asin, count, _ in lines})
        self.orders[order.id] = order
        return order

    def of(self, customer: str) -> list[Order]:
        """A customer's orders, the newest first."""
        mine = [order for order in self.orders.values() if order.customer == customer]
        return sorted(mine, key=lambda order: order.placed, reverse=True)

    def bought_with(self, asin: str) -> list[str]:
        """ASINs of the same orders."""
        orders = ([line[0] for line in order.lines] for order in self.orders.values())
        return [other for line in orders if asin in line for other in line if other != asin]


def _customer(random: Random, number: int) -> Customer:
    known = words()["people"]
    given, family = random.choice(known["given"]), random.choice(known["family"])
    return Customer(
        id=f"c-{number:05d}",
        name=f"{given} {family}",
        email=f"{given}.{family}.{number}@example.com".lower(),
        language=random.choice(("en", "en", "ja")),
        member=random.random() < 0.4,
    )


def _order(random: Random, number: int, customer: str, goods: list[Product]) -> Order:
    known = words()["people"]
    bought = random.sample(goods, random.choice((1, 1, 2, 3)))
    status = random.choice(known["order_status"])
    placed = OPENED - timedelta(days=random.randint(0, 60))
    order = Order(
        id=f"ORD-{FIRST_ORDER + number}",
        customer=customer,
        lines=tuple((product.asin, random.choice((1, 1, 2)), product.price) for product in bought),
        placed=placed,
        status=status,
        delivery={
            "deliveryId": f"DLV-{FIRST_DELIVERY + number}",
            "carrier": random.choice(known["carriers"]),
            "status": status,
            "estimatedDelivery": (placed + timedelta(days=random.randint(2, 7))).isoformat(),
        },
    )
    if status == "RETURNED":
        order.refunds.append({"refundId": f"RFD-{70_000 + number}", "status": "PAID", "cents": order.total})
    if status == "DELIVERED" and random.random() < 0.2:
        why = random.choice(known["complaints"])
        order.complaints.append({"complaintId": f"CMP-{80_000 + number}", "status": "OPEN", "why": why})
    return order
