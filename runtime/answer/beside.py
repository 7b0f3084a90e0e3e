"""What stands beside an answer's text: cards of products, and buttons for what a person may do next."""

from contract.frames import Action, Card
from contract.intents import Intent
from runtime.answer.facts import Facts
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


def human(words: Wording) -> Action:
    return Action(kind="human", label=words.talk_to_human)


def meanings(options: tuple[Intent, ...], words: Wording) -> list[Action]:
    """A button for each thing a message may mean."""
    return [Action(kind="ask", label=words.meanings[one], value=words.meanings[one]) for one in options]
