"""What the shop's services say, read once at the edge: frozen, typed, money in cents.

Exactly the fields that are read stand here, under the names they have on the wire where those differ, and
`contract/consumers` promises each of them (RUN-23). More fields in an answer are no error; a missing or wrong
one is, and then nothing of the answer is used.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

T = TypeVar("T")
_READ = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)
_TINY = 1e-6  # of a cent: what a decimal fraction loses in binary
_MOST = 1e12


def read(kind: type[T], body: bytes) -> T:
    """An answer of this kind; ValueError names the first field that is wrong, and never its value."""
    try:
        return cast("T", _reader(cast("Hashable", kind)).validate_json(body))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "answer"
        raise ValueError(f"{place}: {first['msg']}") from None


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _cents(amount: Any) -> int:
    """Whole cents of an amount in dollars; nothing is rounded away."""
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 <= amount < _MOST:
        raise ValueError("an amount is a number, and not negative")
    cents = round(amount * 100)
    if abs(amount * 100 - cents) > _TINY * max(1, cents):
        raise ValueError("an amount is in whole cents")
    return cents


def _day(text: Any) -> date:
    if not isinstance(text, str):
        raise ValueError("a day is a text")
    return date.fromisoformat(text)


Cents = Annotated[int, BeforeValidator(_cents)]
Paid = Annotated[Cents, Field(gt=0)]  # nothing on sale is free: a 0 is a field that was not filled
Whole = Annotated[int, Field(ge=0)]
Day = Annotated[date, BeforeValidator(_day)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Name = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Product:
    """Something on sale."""

    __pydantic_config__ = _READ
    asin: Name
    title: str
    title_ja: str
    category: str
    kind: str
    maker: str
    language: str
    cents: Annotated[Paid, Field(validation_alias="price")]
    list_cents: Annotated[Paid, Field(validation_alias="list_price")]
    currency: Currency
    in_stock: bool
    rating: Annotated[float, Field(ge=0, le=5)]
    features: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Listed(Product):
    """A product as the catalogue has it."""

    stock: Whole
    description: str


@dataclass(frozen=True, slots=True)
class Stock:
    asin: str
    available: int


@dataclass(frozen=True, slots=True)
class Found:
    """Products of a search, the best first; `total` is how many fit."""

    __pydantic_config__ = _READ
    total: Whole
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Price:
    """What a product costs now, and what its list price is."""

    __pydantic_config__ = _READ
    asin: Name
    currency: Currency
    cents: Annotated[Paid, Field(validation_alias="price")]
    list_cents: Annotated[Paid, Field(validation_alias="list_price")]


@dataclass(frozen=True, slots=True)
class Prices:
    """Of several products; `missing` are nobody's."""

    __pydantic_config__ = _READ
    prices: tuple[Price, ...]
    missing: tuple[str, ...]

    def of(self, asin: str) -> Price | None:
        return next((price for price in self.prices if price.asin == asin), None)


@dataclass(frozen=True, slots=True)
class Recommended:
    """Products that go with one, the best first."""

    __pydantic_config__ = _READ
    items: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long and for how much a product would come."""

    __pydantic_config__ = _READ
    asin: Name
    working_days: Annotated[Whole, Field(validation_alias="workingDays")]
    cents: Annotated[Cents, Field(validation_alias="cost")]
    currency: Currency


@dataclass(frozen=True, slots=True)
class Delivery:
    """A parcel and where it is."""

    __pydantic_config__ = _READ
    id: Annotated[Name, Field(validation_alias="deliveryId")]
    carrier: str
    status: Name
    expected: Annotated[Day, Field(validation_alias="estimatedDelivery")]


@dataclass(frozen=True, slots=True)
class Parcel(Delivery):
    """A delivery found by its own number: whose order it belongs to must be asked."""

    __pydantic_config__ = _READ
    order: Annotated[Name, Field(validation_alias="orderId")]


@dataclass(frozen=True, slots=True)
class Promotion:
    """A product that costs less than its list price."""

    __pydantic_config__ = _READ
    asin: Name
    currency: Currency
    cents: Annotated[Paid, Field(validation_alias="price")]
    list_cents: Annotated[Paid, Field(validation_alias="list_price")]
    percent: Annotated[int, Field(ge=0, le=100)]


@dataclass(frozen=True, slots=True)
class Promotions:
    __pydantic_config__ = _READ
    promotions: tuple[Promotion, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One product of an order."""

    __pydantic_config__ = _READ
    asin: Name
    title: str
    quantity: Annotated[int, Field(ge=1)]
    cents: Annotated[Paid, Field(validation_alias="unitPrice")]


@dataclass(frozen=True, slots=True)
class Refund:
    __pydantic_config__ = _READ
    id: Annotated[Name, Field(validation_alias="refundId")]
    status: Name
    cents: Whole


@dataclass(frozen=True, slots=True)
class Complaint:
    __pydantic_config__ = _READ
    id: Annotated[Name, Field(validation_alias="complaintId")]
    status: Name
    why: str


@dataclass(frozen=True, slots=True)
class Order:
    """An order with all that belongs to it. Whoever holds one has asked for it as its customer."""

    __pydantic_config__ = _READ
    id: Annotated[Name, Field(validation_alias="orderId")]
    customer: Annotated[Name, Field(validation_alias="customerId")]
    status: Name
    placed: Annotated[Day, Field(validation_alias="placedOn")]
    cents: Annotated[Cents, Field(validation_alias="total")]
    currency: Currency
    lines: Annotated[tuple[Line, ...], Field(validation_alias="items")]
    delivery: Delivery
    refunds: tuple[Refund, ...]
    complaints: tuple[Complaint, ...]


@dataclass(frozen=True, slots=True)
class CardToken:
    """A card as its network knows it."""

    __pydantic_config__ = _READ
    token: Name
    last4: Annotated[str, Field(pattern=r"^\d{4}$")]
    network: Name


@dataclass(frozen=True, slots=True)
class Authorization:
    """Money that is held on a card, and what became of it."""

    __pydantic_config__ = _READ
    id: Annotated[Name, Field(validation_alias="authorizationId")]
    status: Name
    cents: Annotated[Paid, Field(validation_alias="amount")]
    captured: Cents
    refunded: Cents
    currency: Currency


@dataclass(frozen=True, slots=True)
class Orders:
    """Of one customer, the newest first."""

    __pydantic_config__ = _READ
    orders: tuple[Order, ...]
