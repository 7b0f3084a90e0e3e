"""What a person types in `concierge chat` beside messages: numbers of buttons, and a card."""

import asyncio
from typing import Any

import pytest

from contract.errors import InconclusiveError, WrongUseError
from contract.frames import Action, Final, Proposal
from contract.tiers import Tier
from rehearsal.chat_typed import Typed, carded, shown, typed
from rehearsal.shop.__main__ import serving
from rehearsal.shop.services import Shop

YES = Proposal(deed="pay", cents=8_999, subject="a cart")
ACTIONS = (
    Action(kind="confirm", label="Confirm and pay $89.99", proposal=YES),
    Action(kind="add_to_cart", label="Add to cart", value="B085URPH9L"),
    Action(kind="show_order", label="Show order ORD-20001", value="ORD-20001"),
    Action(kind="ask", label="My cart", value="My cart"),
    Action(kind="human", label="Talk to a colleague"),
)
LAST = Final(request_id="r", sequence_number=1, text="x", tier=Tier.T0, rung="sonnet", actions=ACTIONS)


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("Find boots", Typed("Find boots")),
        ("100 boots", Typed("100 boots")),
        ("1", Typed("Confirm and pay $89.99", YES)),
        ("2", Typed("Add B085URPH9L to my cart")),
        ("3", Typed("Where is order ORD-20001?")),
        ("4", Typed("My cart")),
        ("5", Typed("Talk to a colleague")),
    ],
)
def test_a_line_is_a_message_or_the_button_of_its_number(line: str, sent: Typed):
    assert typed(line, LAST) == sent


@pytest.mark.parametrize(("last", "known"), [(LAST, "1 to 5"), (None, "none yet")])
def test_a_button_that_is_not_there_is_said(last: Final | None, known: str):
    with pytest.raises(WrongUseError, match=f"there is no button 9: {known}"):
        typed("9", last)


def card(line: str, network: str | None = "http://127.0.0.1:9") -> str:
    return asyncio.run(carded(line, network, ask=False))


def test_a_card_becomes_its_token_and_its_number_is_not_shown_again():
    async def main() -> str:
        async with serving(Shop(7, speed=3), 7) as said:
            return await carded("/card 4242 4242 4242 4242 12/27", said["urls"]["cards"], ask=False)

    sent = asyncio.run(main())
    assert sent.startswith("Use this card for payment: tok_")
    assert "4242" not in sent
    assert shown("/card 4242 4242 4242 4242 12/27") == "/card"
    assert shown("my order") == "my order"


@pytest.mark.parametrize(
    ("line", "network", "error", "why"),
    [
        ("/card 4242", "http://127.0.0.1:9", WrongUseError, "write /card NUMBER MM/YY"),
        ("/card", "http://127.0.0.1:9", WrongUseError, "write /card NUMBER MM/YY"),
        ("/card 4242424242424242 12/27", None, WrongUseError, "set CONCIERGE_CARDS_URL"),
        ("/card 4242424242424242 12/27", "http://127.0.0.1:9", InconclusiveError, "does not answer"),
    ],
)
def test_what_keeps_a_card_from_being_taken_is_one_line(line: str, network: Any, error: Any, why: str):
    with pytest.raises(error, match=why) as told:
        card(line, network)
    assert "4242424242424242" not in str(told.value)


def test_a_number_that_is_no_card_is_refused_by_the_network():
    async def main() -> str:
        async with serving(Shop(7, speed=3), 7) as said:
            return await carded("/card 4242424242424241 12/27", said["urls"]["cards"], ask=False)

    with pytest.raises(WrongUseError, match="this is no card number"):
        asyncio.run(main())
