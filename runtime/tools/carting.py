"""Tools for a cart, a wish list and price alerts. A guest has a cart; the rest is a customer's."""

from typing import Annotated

from pydantic import Field

from contract.base import Shape
from runtime.accounts.carts import Cart, Carts, Change, FullError, added, counted
from runtime.accounts.opening import Accounts
from runtime.accounts.wishes import Alert
from runtime.tools.goods import Goods
from runtime.tools.shapes import Asin, Noted, Nothing, OfProduct, Products, ProductView, Quantity
from runtime.tools.tool import Caller, Code, Tool, ToolError, there


class Add(Shape):
    asin: Asin
    quantity: Quantity = 1


class Update(Shape):
    asin: Asin
    quantity: Annotated[int, Field(ge=0, le=99, description="how many there shall be; 0 takes it out")]


class Watch(Shape):
    asin: Asin
    price: float = Field(gt=0, description="in dollars: tell the customer when it costs at most so much")


class CartLine(Shape):
    asin: str
    title: str
    quantity: int
    price_cents: int | None = None
    in_stock: bool = True


class CartView(Shape):
    """`total_cents`: none where a price is missing."""

    items: tuple[CartLine, ...]
    total_cents: int | None
    currency: str = "USD"
    note: str


class AlertView(Shape):
    asin: str
    title: str
    wanted_cents: int
    price_cents: int | None = None


class Alerts(Shape):
    alerts: tuple[AlertView, ...]
    note: str = ""


class Carting:
    def __init__(self, accounts: Accounts, goods: Goods) -> None:
        self._accounts = accounts
        self._goods = goods

    def tools(self) -> list[Tool]:
        return [*self._of_carts(), *self._of_wishes()]

    def _of_carts(self) -> list[Tool]:
        if self._accounts.carts is None:
            return []
        see, put = "What is in the shopping cart, and its total.", "Adds a product to the shopping cart."
        change, out = "Changes how many of a product are in the cart.", "Removes a product from the cart."
        return [
            Tool("view_cart", see, Nothing, CartView, self._view),
            Tool("add_to_cart", put, Add, CartView, self._add, "write"),
            Tool("update_cart", change, Update, CartView, self._update, "write"),
            Tool("remove_from_cart", out, OfProduct, CartView, self._remove, "write"),
        ]

    def _of_wishes(self) -> list[Tool]:
        if self._accounts.wishes is None:
            return []
        theirs, keep, drop = (
            "What is on the wish list.",
            "Adds a product to the wish list.",
            "Removes a product from the wish list.",
        )
        see, watch, unwatch = (
            "The price alerts there are.",
            "Sets a price alert: the customer is told when a product costs at most so much.",
            "Deletes a price alert.",
        )
        return [
            Tool("view_wishlist", theirs, Nothing, Products, self._wishes, signed_in=True),
            Tool("add_to_wishlist", keep, OfProduct, Noted, self._wish, "write", signed_in=True),
            Tool("remove_from_wishlist", drop, OfProduct, Noted, self._unwish, "write", signed_in=True),
            Tool("list_price_alerts", see, Nothing, Alerts, self._alerts, signed_in=True),
            Tool("set_price_alert", watch, Watch, Noted, self._watch, "write", signed_in=True),
            Tool("delete_price_alert", unwatch, OfProduct, Noted, self._unwatch, "write", signed_in=True),
        ]

    # -- the cart -----------------------------------------------------------------------------------------

    async def _view(self, _: Nothing, caller: Caller) -> CartView:
        return await self._shown(await self._carts.of(caller.person.owner))

    async def _add(self, asked: Add, caller: Caller) -> CartView:
        product = await self._goods.one(asked.asin)
        if not product.in_stock:
            raise ToolError(Code.DECLINED, f"{product.title} is sold out: nothing was added")
        return await self._changed(caller, added(asked.asin, asked.quantity))

    async def _update(self, asked: Update, caller: Caller) -> CartView:
        return await self._changed(caller, counted(asked.asin, asked.quantity))

    async def _remove(self, asked: OfProduct, caller: Caller) -> CartView:
        return await self._changed(caller, counted(asked.asin, 0))

    async def _changed(self, caller: Caller, change: Change) -> CartView:
        try:
            return await self._shown(await self._carts.change(caller.person.owner, caller.key, change))
        except FullError as full:
            raise ToolError(Code.DECLINED, str(full)) from None

    async def _shown(self, cart: Cart) -> CartView:
        found = {one.asin: one for one in await self._goods.several(list(cart.lines))}
        items = tuple(_line(asin, quantity, found.get(asin)) for asin, quantity in cart.lines.items())
        prices = [line.price_cents for line in items]
        total = sum(cents * line.quantity for cents, line in zip(prices, items, strict=True) if cents)
        return CartView(
            items=items,
            total_cents=None if None in prices else total,
            note=f"{sum(cart.lines.values())} items in the cart" if items else "the cart is empty",
        )

    @property
    def _carts(self) -> Carts:
        return there(self._accounts.carts)

    # -- wishes and alerts --------------------------------------------------------------------------------

    async def _wishes(self, _: Nothing, caller: Caller) -> Products:
        asins = await there(self._accounts.wishes).of(caller.person.id)
        note = f"{len(asins)} on the wish list" if asins else "the wish list is empty"
        return Products(products=await self._goods.several(asins), note=note)

    async def _wish(self, asked: OfProduct, caller: Caller) -> Noted:
        product = await self._goods.one(asked.asin)
        await there(self._accounts.wishes).add(caller.person.id, asked.asin)
        return Noted(note=f"{product.title} is on the wish list")

    async def _unwish(self, asked: OfProduct, caller: Caller) -> Noted:
        await there(self._accounts.wishes).remove(caller.person.id, asked.asin)
        return Noted(note=f"{asked.asin} is not on the wish list any more")

    async def _alerts(self, _: Nothing, caller: Caller) -> Alerts:
        alerts = await there(self._accounts.wishes).alerts(caller.person.id)
        found = {one.asin: one for one in await self._goods.several([alert.asin for alert in alerts])}
        shown = tuple(
            AlertView(
                asin=alert.asin,
                title=found[alert.asin].title,
                wanted_cents=alert.cents,
                price_cents=found[alert.asin].price_cents,
            )
            for alert in alerts
            if alert.asin in found
        )
        return Alerts(alerts=shown, note="" if shown else "there are no price alerts")

    async def _watch(self, asked: Watch, caller: Caller) -> Noted:
        product = await self._goods.one(asked.asin)
        alert = Alert(asked.asin, round(asked.price * 100))
        await there(self._accounts.wishes).watch(caller.person.id, alert)
        return Noted(note=f"a price alert is set for {product.title}")

    async def _unwatch(self, asked: OfProduct, caller: Caller) -> Noted:
        await there(self._accounts.wishes).unwatch(caller.person.id, asked.asin)
        return Noted(note=f"there is no price alert for {asked.asin} any more")


def _line(asin: str, quantity: int, found: ProductView | None) -> CartLine:
    """A product that is no longer sold is named by its number."""
    if found is None:
        return CartLine(asin=asin, title=asin, quantity=quantity, in_stock=False)
    return CartLine(
        asin=asin,
        title=found.title,
        quantity=quantity,
        price_cents=found.price_cents,
        in_stock=found.in_stock,
    )
