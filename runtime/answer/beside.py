"""What stands beside an answer's text: cards of products, and buttons for what a person may do next."""

from collections.abc import Iterable, Mapping
from typing import Any

from contract.frames import Action, Card, Proposal
from contract.intents import Intent
from runtime.answer.facts import Facts
from runtime.answer.plain import money
from runtime.answer.texts import Wording

MOST_CARDS = 4
_SHOWN = {Intent.PRODUCT_INFO, Intent.COMPARISON, Intent.RECOMMENDATION, Intent.CART}
_HUMAN = {Intent.COMPLAINT, Intent.REFUND, Intent.ESCALATION}


def cards(intent: Intent, facts: Facts) -> list[Card]:
    """Products, with a price only where pricing gave one."""
    if intent not in _SHOWN:
        return []
    made = []
    for product in facts.products[:MOST_CARDS]:
        price = facts.price(product)
        made.append(
            Card(
                asin=product.asin,
                title=product.title,
                price_cents=price.cents if price else None,
                list_price_cents=price.list_cents if price else None,
                currency=price.currency if price else product.currency,
                in_stock=product.in_stock,
                rating=product.rating,
            )
        )
    return made


def actions(intent: Intent, facts: Facts, words: Wording) -> list[Action]:
    """What is likely to come next."""
    made = [
        Action(kind="show_order", label=words.see_order.format(id=order.id), value=order.id)
        for order in facts.orders[:1]
    ]
    if intent in _SHOWN and facts.products:
        first = facts.products[0]
        made.append(
            Action(kind="show_product", label=words.see_product.format(title=first.title), value=first.asin)
        )
        if first.in_stock and intent is not Intent.COMPARISON:
            made.append(Action(kind="add_to_cart", label=words.add_to_cart, value=first.asin))
    if intent in _HUMAN or not made:
        made.append(human(words))
    return made


def confirm(proposal: Proposal, words: Wording) -> Action:
    """The customer's own yes, apart from any model (RUN-14)."""
    label = words.confirm_pay if proposal.deed == "pay" else words.confirm_refund
    amount = money(proposal.cents, proposal.currency)
    return Action(kind="confirm", label=label.format(amount=amount), proposal=proposal)


def found(results: Iterable[Mapping[str, Any]]) -> list[Card]:
    """Products that tools gave, those of the last that gave any."""
    lists = [data["products"] for data in results if data.get("products")]
    return [
        Card(
            asin=one["asin"],
            title=one["title"],
            price_cents=one["price_cents"],
            list_price_cents=one["list_price_cents"],
            currency=one["currency"],
            in_stock=one["in_stock"],
            rating=one["rating"],
        )
        for one in (lists[-1] if lists else ())[:MOST_CARDS]
    ]


def human(words: Wording) -> Action:
    return Action(kind="human", label=words.talk_to_human)


def meanings(options: tuple[Intent, ...], words: Wording) -> list[Action]:
    """A button for each thing a message may mean."""
    return [Action(kind="ask", label=words.meanings[one], value=words.meanings[one]) for one in options]
