"""What the prompt itself knows: products, orders and documents, wherever in it they stand.

Found in JSON (tool results, or pasted into a text) by the names of fields, and in `<document title="...">`
tags. An answer made of these can be checked against them, as a model's could.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.bedrock.requests import Block

_DOCUMENT = re.compile(r"<(document|passage|source)\b([^>]*)>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_TITLE = re.compile(r"""(?:title|name|source)=["']([^"']+)["']""", re.IGNORECASE)
_LONGEST = 200_000  # of one text; a prompt that long is no shop's
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Product:
    """Something on sale, as the prompt has it."""

    name: str
    id: str = ""
    price: float | None = None
    in_stock: bool | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """An order, a delivery or a refund: something with a number and a state."""

    id: str
    status: str
    due: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of a manual, an FAQ or a policy."""

    title: str
    text: str


@dataclass
class Facts:
    """Everything that was found, in its order."""

    products: list[Product] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.products or self.orders or self.documents or self.notes)


def read(blocks: list[Block]) -> Facts:
    """The facts of a whole prompt."""
    facts = Facts()
    for block in blocks:
        if block.words:
            _from_text(block.words, facts)
        for part in block.tool_result.content if block.tool_result else ():
            if part.text is not None:
                _from_text(part.text, facts)
            _from_value(part.data, facts, 0)
    return facts


def _from_text(text: str, facts: Facts) -> None:
    if "<" in text:
        for match in _DOCUMENT.finditer(text[:_LONGEST]):
            title = _TITLE.search(match[2])
            facts.documents.append(Document(title[1] if title else "our help pages", match[3].strip()))
    if "{" in text:
        for value in _json_in(text[:_LONGEST]):
            _from_value(value, facts, 0)


def _json_in(text: str) -> Iterator[Any]:
    """JSON documents within prose. A brace that opens none is passed over."""
    decoder, place = json.JSONDecoder(), 0
    while (brace := re.compile(r"[\[{]").search(text, place)) is not None:
        try:
            value, place = decoder.raw_decode(text, brace.start())
            yield value
        except ValueError:
            place = brace.start() + 1


def _from_value(value: Any, facts: Facts, depth: int) -> None:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value:
            _from_value(item, facts, depth + 1)
    elif isinstance(value, Mapping):
        _note(value, facts)
        fields = {re.sub(r"[^a-z]", "", str(key).lower()): item for key, item in value.items()}
        if not _take(fields, facts):
            for item in value.values():
                _from_value(item, facts, depth + 1)


def _note(value: Mapping[str, Any], facts: Facts) -> None:
    """What a tool says happened, what a cart comes to, or why nothing did."""
    error = value.get("error")
    said = value.get("note") or (error.get("message") if isinstance(error, Mapping) else None)
    total = value.get("total")
    if isinstance(said, str):
        facts.notes.append(f"{said}; the total is ${total:,.2f}" if isinstance(total, int | float) else said)


def _take(fields: Mapping[str, Any], facts: Facts) -> bool:
    """Whether the fields are those of something known."""
    order = _first(fields, "orderid", "deliveryid", "refundid", "complaintid", "trackingid")
    if order and "status" in fields:
        due = _first(fields, "estimateddelivery", "deliverydate", "dueon", "due", "eta")
        facts.orders.append(Order(order, _words(fields["status"]), due))
        return True
    name, price = _first(fields, "name", "title", "productname"), _price(fields)
    identity = _first(fields, "asin", "productid", "sku", "id")
    if name and (price is not None or {"asin", "productid", "sku"} & fields.keys()):
        facts.products.append(Product(name, identity, price, _stock(fields)))
        return True
    text = _first(fields, "text", "content", "passage", "snippet", "body")
    if text and (title := _first(fields, "title", "name", "document", "source", "section")):
        facts.documents.append(Document(title, text))
        return True
    return False


def _first(fields: Mapping[str, Any], *names: str) -> str:
    return next((str(fields[n]) for n in names if isinstance(fields.get(n), str | int)), "")


def _words(status: Any) -> str:
    return re.sub(r"[_-]+", " ", str(status)).lower()


def _price(fields: Mapping[str, Any]) -> float | None:
    names = ("price", "currentprice", "priceusd", "unitprice")
    found = next((fields[name] for name in names if fields.get(name) is not None), None)
    if isinstance(found, Mapping):
        found = found.get("amount", found.get("value"))
    match = re.fullmatch(r"\$?([\d,]+(?:\.\d+)?)", str(found))
    return float(match[1].replace(",", "")) if match else None


def _stock(fields: Mapping[str, Any]) -> bool | None:
    names = ("instock", "available", "stock", "quantityavailable")
    return next((bool(fields[name]) for name in names if isinstance(fields.get(name), bool | int)), None)
