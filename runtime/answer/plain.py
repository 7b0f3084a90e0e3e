"""An answer from facts alone, for when no model speaks (RUN-3, RUN-5): true, short, in our own words.

It never says more than the facts do, and nothing at all where they say nothing.
"""

from contract.intents import Intent
from runtime.answer.facts import Facts
from runtime.answer.texts import Wording
from runtime.shop.answers import Order, Price, Product

MOST = 3
LONGEST_PASSAGE = 400
_ABOUT_ORDERS = {Intent.ORDER_STATUS, Intent.DELIVERY, Intent.REFUND, Intent.COMPLAINT}


def plain(intent: Intent, facts: Facts, words: Wording, language: str) -> str:
    """The answer; empty where the facts hold none."""
    if intent in _ABOUT_ORDERS:
        lines = _orders(intent, facts, words)
        if lines:
            return "\n".join(lines)
    if facts.products:
        return "\n".join(
            _product(product, facts.price(product), words, language) for product in facts.products[:MOST]
        )
    if facts.passages:
        best = facts.passages[0]
        return words.passage.format(title=best.title, text=_cut(best.text))
    return ""


def money(cents: int, currency: str) -> str:
    """As people of the shop's country write it."""
    sign = "$" if currency == "USD" else f"{currency} "
    return f"{sign}{cents // 100:,}.{cents % 100:02d}"


def _orders(intent: Intent, facts: Facts, words: Wording) -> list[str]:
    if facts.sign_in:
        return [words.sign_in]
    lines = [words.no_order.format(id=number) for number in facts.unknown_orders]
    for order in facts.orders[:MOST]:
        lines.append(_parcel(order, words) if intent is Intent.DELIVERY else _order(order, words))
        if intent is Intent.REFUND:
            lines[-1] += "".join(
                words.refunds.format(id=one.id, status=words.status(one.status)) for one in order.refunds
            )
    if not lines and intent is Intent.ORDER_STATUS and "orders" not in facts.missing:
        lines.append(words.no_orders)
    return lines


def _order(order: Order, words: Wording) -> str:
    said = words.order.format(id=order.id, placed=order.placed.isoformat(), status=words.status(order.status))
    arrived = order.status.upper() in {"DELIVERED", "CANCELLED", "RETURNED"}
    return said if arrived else said + words.due.format(due=order.delivery.expected.isoformat())


def _parcel(order: Order, words: Wording) -> str:
    parcel = order.delivery
    return words.parcel.format(
        id=parcel.id,
        carrier=parcel.carrier,
        status=words.status(parcel.status),
        due=parcel.expected.isoformat(),
    )


def _product(product: Product, price: Price | None, words: Wording, language: str) -> str:
    title = product.title_ja if language == "ja" and product.title_ja else product.title
    said = words.product.format(title=title, asin=product.asin)
    said += words.priced.format(price=money(price.cents, price.currency)) if price else words.unpriced
    return said if product.in_stock else said + words.sold_out


def _cut(text: str) -> str:
    """At a sentence's end, if one is near."""
    if len(text) <= LONGEST_PASSAGE:
        return text
    head = text[:LONGEST_PASSAGE]
    end = max(head.rfind(". "), head.rfind("。"))
    return head[: end + 1] if end > LONGEST_PASSAGE // 2 else head.rstrip() + " …"
