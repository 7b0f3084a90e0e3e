"""One message in the hands of agents: whose tools, with what key, and what the customer has to confirm."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from contract.base import Shape
from contract.frames import Proposal
from contract.intents import Intent
from contract.people import Person
from contract.runtime_settings import ToolsSettings
from runtime.agents.crew import Crew
from runtime.agents.errand import Errand
from runtime.agents.specialists import HAND_OVER, of_intent, specialists
from runtime.answer.texts import wording
from runtime.measures import Measures
from runtime.port import Asked
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.tools.carting import Add
from runtime.tools.paying import Pay, Signing
from runtime.tools.shapes import Noted
from runtime.tools.tool import Caller, Code, Tool, ToolError
from runtime.tools.toolbox import Toolbox

CUSTOMER = Person("user", "c-1")
YES = Proposal(deed="pay", cents=8_999, subject="a cart")


class Desk:
    """Two tools that note how they were called, and a crew over them."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, Caller]] = []
        self.lines: list[dict[str, Any]] = []
        self.learned: list[Mapping[str, Any]] = []
        self.telemetry = Telemetry("test", wall, lambda line: self.lines.append(json.loads(line)))
        measures = Measures(self.telemetry)
        now = asyncio.get_running_loop().time
        settings = ToolsSettings()
        tools = [
            Tool("add_to_cart", "Adds.", Add, Noted, self._add, "write"),
            Tool("pay", "Pays.", Pay, Noted, self._pay, "money", signed_in=True),
        ]
        box = Toolbox(tools, settings, self.telemetry, measures, now)
        signing = Signing(b"a key of sixteen bytes", wall)
        self.crew = Crew(box, signing, settings, self.telemetry, measures, now)

    async def _add(self, asked: Add, caller: Caller) -> Shape:
        self.calls.append((asked, caller))
        return Noted(note=f"{asked.asin} is in the cart")

    async def _pay(self, asked: Pay, caller: Caller) -> Shape:
        self.calls.append((asked, caller))
        raise ToolError(Code.CONFIRM, "the customer has to confirm paying $89.99", YES)

    def errand(self, intent: Intent = Intent.CART, request: str = "r-1", **caller: Any) -> Errand:
        who = Caller(CUSTOMER, "s-1", **caller)
        made = self.crew.errand(intent, who, request, wording("en"), self.learned.append)
        assert made is not None
        return made


def wall() -> datetime:
    return datetime(2026, 11, 27, 12, tzinfo=UTC)


def at_desk(scene: Any) -> None:
    async def main() -> None:
        await scene(Desk())

    loop.run(main())


def add(**more: Any) -> Asked:
    return Asked("add_to_cart", {"asin": "B085URPH9L", **more})


def test_every_intent_has_one_specialist_or_is_answered_from_facts():
    assert {intent: one.name for intent, one in of_intent().items()} == {
        Intent.COMPARISON: "shopping",
        Intent.CART: "cart",
        Intent.PAYMENT: "payment",
        Intent.REFUND: "support",
        Intent.COMPLAINT: "support",
    }
    assert set(specialists()) == {"shopping", "cart", "payment", "support"}


def test_a_message_without_agents_or_without_their_tools_has_no_errand():
    async def scene(desk: Desk) -> None:
        who = Caller(CUSTOMER, "s-1")
        for intent in (Intent.GENERAL, Intent.ORDER_STATUS, Intent.REFUND):
            assert desk.crew.errand(intent, who, "r", wording("en"), desk.learned.append) is None

    at_desk(scene)


def test_the_key_is_of_the_message_and_of_what_is_asked_for():
    """The same message again makes the same key, however the model puts it; another message another."""

    async def scene(desk: Desk) -> None:
        for errand, asked in (
            (desk.errand(), add()),
            (desk.errand(), add(quantity=1)),
            (desk.errand(), add(quantity=2)),
            (desk.errand(request="r-2"), add()),
        ):
            await errand.use(asked, [])
        keys = [caller.key for _, caller in desk.calls]
        assert keys[0] == keys[1]
        assert len(set(keys)) == 3

    at_desk(scene)


def test_a_hand_over_changes_whose_tools_there_are_and_keeps_what_was_done():
    async def scene(desk: Desk) -> None:
        errand = desk.errand()
        added = await errand.use(add(), [])
        over = await errand.use(Asked(HAND_OVER, {"to": "payment"}), [added])
        assert [spec.name for spec in errand.specs([added])] == ["add_to_cart", HAND_OVER]
        assert [spec.name for spec in errand.specs([added, over])] == ["pay", "add_to_cart", HAND_OVER]
        assert "specialist for payments" in errand.told([added, over])
        assert (await errand.use(Asked("pay", {}), [added])).ok is False  # not before
        assert (await errand.use(Asked("pay", {}), [added, over])).ok is True
        nobody = await errand.use(Asked(HAND_OVER, {"to": "nobody"}), [])
        assert (nobody.ok, "shopping, cart, payment, support" in nobody.result) == (False, True)

    at_desk(scene)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Asked("add_to_cart", None), "invalid_input"),
        (Asked("add_to_cart", {"asin": "boots"}), "invalid_input"),
        (Asked("add_to_cart", {"asin": "B085URPH9L", "confirmation": "mine"}), "invalid_input"),
        (Asked("refund_order", {}), "not_allowed"),
        (Asked("rm -rf", {}), "not_allowed"),
    ],
)
def test_what_a_model_gets_wrong_is_told_and_does_nothing(asked: Asked, code: str):
    async def scene(desk: Desk) -> None:
        ran = await desk.errand().use(asked, [])
        assert json.loads(ran.result)["error"]["code"] == code
        assert (ran.ok, ran.changed, desk.calls) == (False, False, [])

    at_desk(scene)


def test_a_tool_that_waits_for_a_yes_is_no_failure_and_makes_a_proposal():
    async def scene(desk: Desk) -> None:
        errand = desk.errand(Intent.PAYMENT)
        ran = await errand.use(Asked("pay", {}), [])
        assert errand.proposal == YES
        assert (ran.ok, ran.changed) == (True, False)
        assert json.loads(ran.result)["proposal"] == {
            "deed": "pay", "cents": 8_999, "currency": "USD", "subject": "a cart"
        }  # fmt: skip

    at_desk(scene)


def test_the_customers_word_reaches_the_tool_and_no_model():
    async def scene(desk: Desk) -> None:
        word = desk.crew.confirm(CUSTOMER, "s-1", "r", YES).confirmation
        errand = desk.errand(Intent.PAYMENT, word=word)
        ran = await errand.use(Asked("pay", {}), [])
        assert desk.calls[0][1].word == word
        told = errand.told([ran]) + str(errand.specs([ran])) + ran.result + str(desk.lines)
        assert word not in told
        assert "confirmed it on their own device" in told

    at_desk(scene)


def test_a_word_says_what_its_message_is_about():
    async def scene(desk: Desk) -> None:
        paying = desk.crew.confirm(CUSTOMER, "s-1", "r", YES).confirmation
        back = replace_subject(YES, deed="refund", subject="ORD-20001")
        refunding = desk.crew.confirm(CUSTOMER, "s-1", "r", back).confirmation
        assert desk.crew.confirmed("forged") is None
        paid, refunded = desk.crew.confirmed(paying), desk.crew.confirmed(refunding)
        assert paid is not None
        assert refunded is not None
        assert (paid.intent, refunded.intent) == (Intent.PAYMENT, Intent.REFUND)
        assert refunded.entities.orders == ("ORD-20001",)

    at_desk(scene)


def replace_subject(proposal: Proposal, **changes: Any) -> Proposal:
    return proposal.model_copy(update=changes)


def test_a_stopped_loop_is_told_to_whoever_watches():
    async def scene(desk: Desk) -> None:
        errand = desk.errand()
        ran = await errand.use(add(), [])
        assert not errand.stopped([ran], 1, [add(quantity=2)])
        assert errand.stopped([ran], 2, [add()])
        desk.telemetry.flush()
        line = next(line for line in desk.lines if line.get("message") == "a tool loop was stopped")
        assert (line["tool"], line["why"]) == ("add_to_cart", "the same call again")
        assert any(line.get("LoopsStopped") == [1] and line["Agent"] == "cart" for line in desk.lines)

    at_desk(scene)


def test_what_a_tool_gave_may_be_spoken_of():
    async def scene(desk: Desk) -> None:
        await desk.errand().use(add(), [])
        assert desk.learned == [{"note": "B085URPH9L is in the cart"}]

    at_desk(scene)
