"""Tools that move money: paying a cart, refunds, and what was paid (RUN-14).

Nothing moves without the customer's own word, which names the amount and the cart. A payment is written down
with everything it takes before the first step, and each step has a key of its own made of the payment's
number: who comes back after any interruption, with the same word and key, goes on where it stopped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from contract.base import Shape
from contract.frames import Proposal
from runtime.accounts.carts import without
from runtime.accounts.ledger import Entry, Ledger, Stage
from runtime.accounts.opening import Accounts
from runtime.answer.plain import money
from runtime.downstream import ProviderError, Why
from runtime.safety.confirmation import Confirmations, Deed, Line, No, Wish, cart_hash
from runtime.shop.answers import Order
from runtime.shop.opening import Shop
from runtime.tools.goods import Goods
from runtime.tools.shapes import Nothing, OrderId
from runtime.tools.tool import Caller, Code, Tool, ToolError, there
from runtime.tools.wallet import Wallet

MOST_PAYMENTS = 20
USD = "USD"


class Pay(Shape):
    card: Annotated[
        str, Field(pattern=r"^(\d{4})?$", description="last four digits; empty: the only card on file")
    ] = ""


class RefundOf(Shape):
    order_id: OrderId
    amount: float | None = Field(None, gt=0, description="in dollars; left out: all that is left of it")


class Receipt(Shape):
    payment_id: str
    order_id: str
    total_cents: int
    currency: str
    card: str
    status: str
    note: str


class RefundView(Shape):
    refund_id: str
    order_id: str
    refund_cents: int
    currency: str
    status: str
    note: str


class Payment(Shape):
    payment_id: str
    kind: str
    order_id: str
    amount_cents: int
    currency: str
    status: str
    created: str


class Payments(Shape):
    payments: tuple[Payment, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Signing:
    """What confirmations are signed with, and the clock they live by. `older`: keys before it."""

    key: bytes
    wall: Callable[[], datetime]
    older: Sequence[bytes] = ()

    def confirmations(self, used: Any = None) -> Confirmations:
        return Confirmations(self.key, self.wall, used, self.older)


class _Begun:
    """A confirmation is used when what it pays for is written down: one conditional write for all tasks."""

    def __init__(self, ledger: Ledger, entry: Entry) -> None:
        self._ledger = ledger
        self._entry = entry

    async def first(self, nonce: str, until: datetime) -> bool:  # noqa: ARG002 - kept for ever
        return await self._ledger.begin(self._entry)


class Paying:
    def __init__(
        self, accounts: Accounts, shop: Shop, goods: Goods, wallet: Wallet, signing: Signing
    ) -> None:
        self._accounts = accounts
        self._shop = shop
        self._wallet = wallet
        self._goods = goods
        self._signing = signing

    def tools(self) -> list[Tool]:
        accounts, shop = self._accounts, self._shop
        made: list[Tool] = []
        if accounts.ledger is not None:
            past = "Payments and refunds of the customer."
            made.append(Tool("payment_history", past, Nothing, Payments, self._history, signed_in=True))
            if shop.returns is not None and shop.orders is not None:
                back = "Refunds an order, or a part of it. The customer confirms first."
                made.append(
                    Tool("refund_order", back, RefundOf, RefundView, self._refund, "money", signed_in=True)
                )
            if (
                accounts.carts is not None
                and accounts.cards is not None
                and None not in (shop.cards, shop.orders)
            ):
                buy = "Pays the shopping cart with a card on file. The customer confirms first."
                made.append(Tool("pay", buy, Pay, Receipt, self._pay, "money", signed_in=True))
        return made

    # -- paying -------------------------------------------------------------------------------------------

    async def _pay(self, asked: Pay, caller: Caller) -> Receipt:
        entry = await self._earlier("pay", caller) or await self._begin_payment(asked, caller)
        return await self._finish_payment(entry)

    async def _begin_payment(self, asked: Pay, caller: Caller) -> Entry:
        lines = await self._lines(caller)
        card = await self._wallet.card(asked.card, caller)
        cents = sum(line.quantity * line.cents for line in lines)
        details = {
            "lines": [line._asdict() for line in lines],
            "token": card.token,
            "card": card.last4,
            "owner": caller.person.owner,
        }
        told = f"paying {money(cents, USD)} with the card ending in {card.last4}"
        return await self._begin("pay", caller, cents, cart_hash(lines), details, told)

    async def _lines(self, caller: Caller) -> list[Line]:
        """The cart at the prices of now; an error where one is missing or cannot be sold."""
        cart = await there(self._accounts.carts).of(caller.person.owner)
        if not cart.lines:
            raise ToolError(Code.NOT_FOUND, "the cart is empty: put something in it first")
        prices = await self._goods.prices_now(list(cart.lines))
        if missing := [asin for asin in cart.lines if asin not in prices]:
            raise ToolError(Code.DECLINED, f"{missing[0]} has no price now: remove it from the cart")
        return [Line(asin, quantity, prices[asin].cents) for asin, quantity in cart.lines.items()]

    async def _finish_payment(self, entry: Entry) -> Receipt:
        """Every step again, where it is not known that it was done: its key makes it happen once."""
        if entry.stage is Stage.BEGUN:
            entry = await self._paid(entry)
        if entry.stage is Stage.DECLINED:
            raise ToolError(
                Code.DECLINED, f"nothing was paid: {entry.details['why']}; confirm again to try again"
            )
        order, card = entry.details["order"], entry.details["card"]
        return Receipt(
            payment_id=entry.number,
            order_id=order,
            total_cents=entry.cents,
            currency=entry.currency,
            card=card,
            status="PAID",
            note=f"paid with the card ending in {card}; the order is {order}",
        )

    async def _paid(self, entry: Entry) -> Entry:
        cards, number, said = there(self._shop.cards), entry.number, entry.details
        lines = [Line(line["asin"], line["quantity"], line["cents"]) for line in said["lines"]]
        try:
            held = await cards.authorize(said["token"], entry.cents, entry.currency, f"{number}-hold")
        except ProviderError as no:
            return await self._declined(entry, no)
        if held is None:
            return await self._ended(entry, Stage.DECLINED, why="the card is not known any more")
        try:
            order = await there(self._shop.orders).place(entry.user, lines, held.id, f"{number}-order")
        except ProviderError as no:
            if no.why is Why.DECLINED:
                await cards.release(held.id, f"{number}-release")
            return await self._declined(entry, no)
        await cards.capture(held.id, entry.cents, f"{number}-take")
        bought = {line.asin: line.quantity for line in lines}
        await there(self._accounts.carts).change(said["owner"], f"{number}-cart", without(bought))
        await there(self._accounts.ledger).order_paid(order.id, held.id)
        return await self._ended(entry, Stage.DONE, order=order.id, authorization=held.id)

    async def _declined(self, entry: Entry, no: ProviderError) -> Entry:
        """A no is the end of it; anything else is for another try."""
        if no.why is not Why.DECLINED:
            raise no
        return await self._ended(entry, Stage.DECLINED, why=no.detail.replace("_", " "))

    # -- refunds ------------------------------------------------------------------------------------------

    async def _refund(self, asked: RefundOf, caller: Caller) -> RefundView:
        entry = await self._earlier("refund", caller) or await self._begin_refund(asked, caller)
        return await self._finish_refund(entry)

    async def _begin_refund(self, asked: RefundOf, caller: Caller) -> Entry:
        order = await self._order(asked.order_id, caller.person.id)
        left = order.cents - sum(refund.cents for refund in order.refunds)
        cents = round(asked.amount * 100) if asked.amount is not None else left
        if not 0 < cents <= left:
            raise ToolError(Code.DECLINED, f"of {order.id} {money(left, order.currency)} can be refunded")
        told = f"a refund of {money(cents, order.currency)} for order {order.id}"
        return await self._begin("refund", caller, cents, order.id, {"order": order.id}, told)

    async def _finish_refund(self, entry: Entry) -> RefundView:
        if entry.stage is Stage.BEGUN:
            entry = await self._refunded(entry)
        order, number = entry.details["order"], entry.details["refund"]
        return RefundView(
            refund_id=number,
            order_id=order,
            refund_cents=entry.cents,
            currency=entry.currency,
            status=entry.details["status"],
            note=f"the refund {number} for order {order} is accepted",
        )

    async def _refunded(self, entry: Entry) -> Entry:
        """Written down with the order, and given back to the card if it was paid here."""
        order = await self._order(entry.details["order"], entry.user)
        made = await there(self._shop.returns).refund(order, entry.cents, f"{entry.number}-refund")
        if made is None:
            raise ToolError(Code.NOT_FOUND, f"there is no order {order.id}")
        held = await there(self._accounts.ledger).paid_by(order.id)
        if held is not None:
            await there(self._shop.cards).refund(held, entry.cents, f"{entry.number}-back")
        return await self._ended(entry, Stage.DONE, refund=made.id, status=made.status)

    async def _order(self, order_id: str, customer: str) -> Order:
        order = await there(self._shop.orders).one(order_id, customer)
        if order is None:
            raise ToolError(Code.NOT_FOUND, f"there is no order {order_id} in this account")
        return order

    # -- what both have -----------------------------------------------------------------------------------

    async def _earlier(self, deed: Deed, caller: Caller) -> Entry | None:
        """What this word began before."""
        number = self._number(deed, caller)
        entry = await there(self._accounts.ledger).find(number) if number else None
        return self._theirs(entry, caller) if entry is not None else None

    def _theirs(self, entry: Entry, caller: Caller) -> Entry:
        if entry.user != caller.person.id or entry.key != caller.key:
            raise ToolError(Code.DECLINED, f"{No.USED}: see payment {entry.number} in the history")
        return entry

    def _number(self, deed: Deed, caller: Caller) -> str:
        """Of the payment or refund that a word is for; empty where it is none of ours."""
        nonce = self._signing.confirmations().nonce(caller.word) if caller.word else None
        return f"{deed}-{nonce}" if nonce else ""

    async def _begin(
        self, deed: Deed, caller: Caller, cents: int, subject: str, details: dict[str, Any], told: str
    ) -> Entry:
        """Written down, if the customer's word is for exactly this."""
        proposal = Proposal(deed=deed, cents=cents, currency=USD, subject=subject)
        if not caller.word:
            raise ToolError(Code.CONFIRM, f"the customer has to confirm {told}", proposal)
        ledger, person = there(self._accounts.ledger), caller.person
        number = self._number(deed, caller)
        entry = Entry(number, person.id, deed, cents, USD, caller.key, ledger.now(), details=details)
        wish = wish_of(proposal, person.id, caller.session)
        no = await self._signing.confirmations(_Begun(ledger, entry)).take(caller.word, wish)
        if no is None:
            return entry
        if no is No.USED and (begun := await ledger.find(number)) is not None:
            return self._theirs(begun, caller)
        raise ToolError(Code.CONFIRM, f"{no}: the customer has to confirm {told}", proposal)

    async def _ended(self, entry: Entry, stage: Stage, **details: str) -> Entry:
        return await there(self._accounts.ledger).end(entry, stage, details)

    async def _history(self, _: Nothing, caller: Caller) -> Payments:
        found = (await there(self._accounts.ledger).of(caller.person.id))[:MOST_PAYMENTS]
        shown = tuple(
            Payment(
                payment_id=entry.number,
                kind=entry.deed,
                order_id=entry.details.get("order", ""),
                amount_cents=entry.cents,
                currency=entry.currency,
                status=entry.stage.value,
                created=entry.created,
            )
            for entry in found
        )
        return Payments(payments=shown, note="" if shown else "there are no payments")


def wish_of(proposal: Proposal, customer: str, session: str) -> Wish:
    """What a customer says yes to, in their session."""
    return Wish(
        deed=proposal.deed,
        customer=customer,
        session=session,
        cents=proposal.cents,
        currency=proposal.currency,
        cart=proposal.subject,
    )
