"""Tools for cards on file. A card comes as its network's token: its number never comes here (RUN-14)."""

from pydantic import Field

from contract.base import Shape
from runtime.accounts.cards import Card
from runtime.accounts.opening import Accounts
from runtime.shop.opening import Shop
from runtime.tools.shapes import Noted, Nothing
from runtime.tools.tool import Caller, Code, Tool, ToolError, there


class Onboard(Shape):
    token: str = Field(
        pattern=r"^tok_[A-Za-z0-9]{8,64}$", description="what the card network gave; never a card's number"
    )


class CardView(Shape):
    last4: str
    network: str


class CardList(Shape):
    cards: tuple[CardView, ...]
    note: str = ""


class Wallet:
    """Without a table of profiles or a card network there are no cards."""

    def __init__(self, accounts: Accounts, shop: Shop) -> None:
        self._accounts = accounts
        self._shop = shop

    def tools(self) -> list[Tool]:
        if self._accounts.cards is None or self._shop.cards is None:
            return []
        keep, see = "Puts a card on file by its token.", "The cards on file: last four digits."
        return [
            Tool("onboard_card", keep, Onboard, Noted, self._onboard, "write", signed_in=True),
            Tool("list_cards", see, Nothing, CardList, self._cards, signed_in=True),
        ]

    async def _onboard(self, asked: Onboard, caller: Caller) -> Noted:
        known = await there(self._shop.cards).token(asked.token)
        if known is None:
            raise ToolError(Code.NOT_FOUND, "the card network does not know this token")
        card = Card(known.token, known.last4, known.network)
        await there(self._accounts.cards).keep(caller.person.id, card)
        return Noted(note=f"the {card.network} card ending in {card.last4} is on file")

    async def _cards(self, _: Nothing, caller: Caller) -> CardList:
        found = await there(self._accounts.cards).of(caller.person.id)
        shown = tuple(CardView(last4=card.last4, network=card.network) for card in found)
        return CardList(cards=shown, note="" if shown else "there is no card on file")

    async def card(self, last4: str, caller: Caller) -> Card:
        """The one that is meant; none, or several, is for the customer to settle."""
        found = await there(self._accounts.cards).of(caller.person.id)
        fitting = [card for card in found if card.last4 == last4 or not last4]
        if not fitting:
            what = f"ending in {last4} " if last4 else ""
            raise ToolError(Code.NOT_FOUND, f"there is no card {what}on file: put one on file first")
        if len({card.last4 for card in fitting}) > 1:
            known = ", ".join(card.last4 for card in fitting)
            raise ToolError(Code.INVALID, f"card: there are several on file, ending in {known}: choose one")
        return fitting[-1]
