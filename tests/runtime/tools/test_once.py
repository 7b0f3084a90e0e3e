"""Every change happens once, wherever its answer gets lost, and whoever asks for it again (RUN-14)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from tests.runtime.house_helpers import House
from tests.runtime.tools.counter_helpers import BOOTS, OTHERS, Counter, at_counter, customer

POINTS = 12  # more writes than any tool makes
CENTS = 8_999  # of BOOTS
Given = dict[str, Any]


class Case(NamedTuple):
    """`given`: what has to be there, and the arguments. `has`: what the customer has after one change."""

    tool: str
    given: Callable[[Counter, str], Awaitable[Given]]
    has: dict[str, Any]
    points: int = 1
    taken: float = 0.0
    back: float = 0.0


async def _product(counter: Counter, who: str) -> Given:
    return {"asin": BOOTS}


async def _two(counter: Counter, who: str) -> Given:
    return {"asin": BOOTS, "quantity": 2}


async def _in_cart(counter: Counter, who: str) -> Given:
    await counter.done(who, "add_to_cart", key="before", asin=BOOTS, quantity=3)
    await counter.done(who, "add_to_cart", key="before too", asin=OTHERS)
    return {"asin": BOOTS}


async def _more_in_cart(counter: Counter, who: str) -> Given:
    return {**await _in_cart(counter, who), "quantity": 5}


async def _wished(counter: Counter, who: str) -> Given:
    await counter.done(who, "add_to_wishlist", asin=BOOTS)
    return {"asin": BOOTS}


async def _price(counter: Counter, who: str) -> Given:
    return {"asin": BOOTS, "price": 70}


async def _watched(counter: Counter, who: str) -> Given:
    await counter.done(who, "set_price_alert", asin=BOOTS, price=70)
    return {"asin": BOOTS}


async def _card(counter: Counter, who: str) -> Given:
    return {"token": await counter.token()}


async def _cart_to_pay(counter: Counter, who: str) -> Given:
    await counter.card(who)
    await counter.done(who, "add_to_cart", key="before", asin=BOOTS)
    return {"word": await counter.yes(who, "pay")}


async def _to_complain(counter: Counter, who: str) -> Given:
    return {"order_id": await counter.order(who), "why": "a lace is missing"}


async def _to_refund(counter: Counter, who: str) -> Given:
    order = await counter.order(who)
    return {"order_id": order, "word": await counter.yes(who, "refund_order", order_id=order)}


async def _liked(counter: Counter, who: str) -> Given:
    return {"subject": "colour", "words": "brown"}


async def _remembered(counter: Counter, who: str) -> Given:
    await counter.done(who, "remember_preference", subject="colour", words="brown")
    return {"subject": "colour"}


VISA = [{"last4": "4242", "network": "visa"}]
BOUGHT = {"cards": VISA, "orders": [CENTS / 100]}
CASES = (
    Case("add_to_cart", _two, {"cart": {BOOTS: 2}}),
    Case("update_cart", _more_in_cart, {"cart": {BOOTS: 5, OTHERS: 1}}),
    Case("remove_from_cart", _in_cart, {"cart": {OTHERS: 1}}),
    Case("add_to_wishlist", _product, {"wishes": [BOOTS]}),
    Case("remove_from_wishlist", _wished, {}),
    Case("set_price_alert", _price, {"alerts": 1}),
    Case("delete_price_alert", _watched, {}),
    Case("onboard_card", _card, {"cards": VISA}),
    Case("remember_preference", _liked, {"likes": {"colour": "brown"}}),
    Case("forget_preference", _remembered, {}),
    Case("file_complaint", _to_complain, {**BOUGHT, "complaints": ["a lace is missing"]}),
    Case("pay", _cart_to_pay, BOUGHT, points=7, taken=CENTS / 100),
    Case("refund_order", _to_refund, {**BOUGHT, "refunds": [CENTS]}, points=4, back=CENTS / 100),
)
NOTHING = {
    "cart": {},
    "wishes": [],
    "alerts": 0,
    "cards": [],
    "orders": [],
    "refunds": [],
    "complaints": [],
    "likes": {},
}


def counted(has: dict[str, Any]) -> dict[str, Any]:
    return {**has, "alerts": len(has["alerts"])}


def test_there_is_a_case_for_every_tool_that_changes_anything(house: House):
    async def scene(counter: Counter) -> None:
        changing = {tool.name for tool in counter.toolbox.tools.values() if tool.changes}
        assert changing == {case.tool for case in CASES}

    at_counter(house, scene)


@pytest.mark.parametrize("how", [pytest.param("lost", marks=pytest.mark.prove), "killed"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tool)
def test_a_change_whose_answer_is_lost_happens_once_after_a_retry(house: House, case: Case, how: str):
    """At every write on its way, the last one too; then the same key, as from a client that heard nothing."""

    async def scene(counter: Counter) -> None:
        for point in range(1, POINTS):
            who = customer()
            given = await case.given(counter, who)
            taken, back = await counter.money()
            call = asyncio.ensure_future(counter.call(who, case.tool, key="the key", **given))
            counter.lost.arm(point, call.cancel if how == "killed" else lambda: None)
            await asyncio.wait({call})
            struck = counter.lost.struck
            counter.lost.arm(0)
            again = await counter.call(who, case.tool, key="the key", **given)
            assert again.ok, again.data
            assert counted(await counter.has(who)) == {**NOTHING, **case.has}
            after = await counter.money()
            assert after == (round(taken + case.taken, 2), round(back + case.back, 2))
            if not struck:
                assert point == case.points + 1, "the case has another number of writes"
                return
        pytest.fail("it never came to an end")

    at_counter(house, scene)


def test_a_key_of_another_customer_is_another_key(house: House):
    async def scene(counter: Counter) -> None:
        one, other = customer(), customer()
        for who in (one, other):
            done = await counter.call(who, "add_to_cart", key="same", asin=BOOTS)
            assert done.data["items"][0]["quantity"] == 1

    at_counter(house, scene)


def test_two_who_ask_for_the_same_change_at_the_same_time_make_it_once(house: House):
    async def scene(counter: Counter) -> None:
        who = customer()
        await counter.card(who)
        await asyncio.gather(*(counter.call(who, "add_to_cart", asin=BOOTS) for _ in range(5)))
        word = await counter.yes(who, "pay")
        taken, _ = await counter.money()
        paid = await asyncio.gather(*(counter.call(who, "pay", word=word) for _ in range(5)))
        assert {one.data.get("order_id") for one in paid if one.ok} != set()
        has = await counter.has(who)
        assert (has["cart"], has["orders"]) == ({}, [CENTS / 100])
        assert (await counter.money())[0] == round(taken + CENTS / 100, 2)

    at_counter(house, scene)
