"""Tools about what was bought: orders, deliveries, complaints. A customer reaches only their own (RUN-17)."""

from pydantic import Field

from contract.base import Shape
from runtime.shop.answers import Order, Parcel
from runtime.shop.opening import Shop
from runtime.tools.shapes import Asin, Nothing, OrderId
from runtime.tools.tool import Caller, Code, Tool, ToolError, there

MOST_ORDERS = 10


class OfOrder(Shape):
    order_id: OrderId


class Track(Shape):
    number: OrderId = Field(description="of the delivery or of its order: DLV-... or ORD-...")


class Complain(Shape):
    order_id: OrderId
    why: str = Field(min_length=3, max_length=1_000, description="what is wrong, in the customer's words")


class Where(Shape):
    asin: Asin
    postcode: str = Field(pattern=r"^[A-Za-z0-9 -]{3,10}$")


class Bought(Shape):
    asin: str
    title: str
    quantity: int
    unit_price_cents: int


class State(Shape):
    """Of a refund or a complaint."""

    id: str
    status: str


class OrderView(Shape):
    orderId: str  # noqa: N815 - as the shop's own services call it
    status: str
    placed: str
    total_cents: int
    currency: str
    items: tuple[Bought, ...]
    delivery_id: str
    due: str
    refunds: tuple[State, ...] = ()
    complaints: tuple[State, ...] = ()


class Orders(Shape):
    orders: tuple[OrderView, ...]
    note: str = ""


class ParcelView(Shape):
    deliveryId: str  # noqa: N815
    order_id: str
    carrier: str
    status: str
    due: str


class ComplaintView(Shape):
    complaintId: str  # noqa: N815
    order_id: str
    status: str
    note: str


class EstimateView(Shape):
    asin: str
    working_days: int
    shipping_cents: int
    currency: str


class Supporting:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def tools(self) -> list[Tool]:
        shop = self._shop
        made: list[Tool] = []
        if shop.orders is not None:
            every, one = "Orders of the customer, the newest first.", "One order: status, items, delivery."
            made += [
                Tool("list_orders", every, Nothing, Orders, self._orders, signed_in=True),
                Tool("get_order", one, OfOrder, OrderView, self._order, signed_in=True),
            ]
            if shop.shipping is not None:
                where = "Tracks a delivery: where a parcel is and when it should arrive."
                made.append(Tool("track_delivery", where, Track, ParcelView, self._track, signed_in=True))
            if shop.returns is not None:
                wrong = "Files a complaint about an order: damaged, broken, wrong or missing products."
                made.append(
                    Tool(
                        "file_complaint",
                        wrong,
                        Complain,
                        ComplaintView,
                        self._complain,
                        "write",
                        signed_in=True,
                    )
                )
        if shop.shipping is not None:
            days = "How long and for how much a product would be delivered to a postcode."
            made.append(Tool("estimate_delivery", days, Where, EstimateView, self._estimate))
        return made

    async def _orders(self, _: Nothing, caller: Caller) -> Orders:
        found = await there(self._shop.orders).of(caller.person.id)
        shown = tuple(_shown(order) for order in found[:MOST_ORDERS])
        return Orders(orders=shown, note="" if shown else "there are no orders in this account")

    async def _order(self, asked: OfOrder, caller: Caller) -> OrderView:
        return _shown(await self._theirs(asked.order_id, caller))

    async def _track(self, asked: Track, caller: Caller) -> ParcelView:
        parcel = await there(self._shop.shipping).parcel(asked.number)
        if parcel is None:
            raise ToolError(Code.NOT_FOUND, f"there is no delivery {asked.number} in this account")
        await self._theirs(parcel.order, caller)
        return _parcel(parcel)

    async def _complain(self, asked: Complain, caller: Caller) -> ComplaintView:
        order = await self._theirs(asked.order_id, caller)
        made = await there(self._shop.returns).complain(order, asked.why, caller.key)
        if made is None:
            raise ToolError(Code.NOT_FOUND, f"there is no order {asked.order_id} in this account")
        note = f"the complaint {made.id} about order {order.id} is filed"
        return ComplaintView(complaintId=made.id, order_id=order.id, status=made.status, note=note)

    async def _estimate(self, asked: Where, _: Caller) -> EstimateView:
        found = await there(self._shop.shipping).estimate(asked.asin, asked.postcode)
        if found is None:
            raise ToolError(Code.NOT_FOUND, f"there is no product {asked.asin}")
        return EstimateView(
            asin=found.asin,
            working_days=found.working_days,
            shipping_cents=found.cents,
            currency=found.currency,
        )

    async def _theirs(self, order_id: str, caller: Caller) -> Order:
        """Somebody else's is as unknown as nobody's."""
        order = await there(self._shop.orders).one(order_id, caller.person.id)
        if order is None:
            raise ToolError(Code.NOT_FOUND, f"there is no order {order_id} in this account")
        return order


def _shown(order: Order) -> OrderView:
    return OrderView(
        orderId=order.id,
        status=order.status,
        placed=order.placed.isoformat(),
        total_cents=order.cents,
        currency=order.currency,
        items=tuple(
            Bought(asin=one.asin, title=one.title, quantity=one.quantity, unit_price_cents=one.cents)
            for one in order.lines
        ),
        delivery_id=order.delivery.id,
        due=order.delivery.expected.isoformat(),
        refunds=tuple(State(id=one.id, status=one.status) for one in order.refunds),
        complaints=tuple(State(id=one.id, status=one.status) for one in order.complaints),
    )


def _parcel(parcel: Parcel) -> ParcelView:
    return ParcelView(
        deliveryId=parcel.id,
        order_id=parcel.order,
        carrier=parcel.carrier,
        status=parcel.status,
        due=parcel.expected.isoformat(),
    )
