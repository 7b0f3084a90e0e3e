"""Each check of an answer, once where it holds and once where it does not."""

from typing import Any

import pytest

from runtime.eval.answers import Answer
from runtime.eval.checks import CHECKS, DIMENSIONS, judge, language_of
from tests.runtime.eval.golden_helpers import CABLE, LAMP, SHOP, answer, card, prompt

HUMAN = [{"kind": "human", "label": "Talk"}]
CALL = {"tool": "add_to_cart", "arguments": {"asin": "B0LAMP0001", "quantity": 2, "note": "x"}}
# dimension, what is expected, an answer that holds, one that does not, and what is said of that
CASES: dict[str, tuple[dict[str, Any], Answer, Answer, str]] = {
    "intent": ({"intent": ["refund"]}, answer(intent="refund"), answer(), "product_info, not refund"),
    "products": (
        {"products": ["B0LAMP0001"]},
        answer("Here.", cards=[card(LAMP)]),
        answer("The cable B0CABLE001."),
        "B0LAMP0001 neither",
    ),
    "first": (
        {"one_of": ["B0LAMP0001"]},
        answer("", cards=[card(LAMP), card(CABLE)]),
        answer("", cards=[card(CABLE), card(LAMP)]),
        "B0CABLE001 first",
    ),
    "genre": (
        {"genre": "lamp"},
        answer(cards=[card(LAMP)]),
        answer(cards=[card(CABLE)]),
        "is cable, not lamp",
    ),
    "range": (
        {"most": 20.0},
        answer("", cards=[card(CABLE)]),
        answer("", cards=[card(LAMP)]),
        "costs $49.99",
    ),
    "nothing shown": ({"least": 20.0}, answer("", cards=[card(LAMP)]), answer("Sorry."), "no product"),
    "told": (
        {"prices": {"B0LAMP0001": 49.99}},
        answer("It is $49.99."),
        answer("Cheap."),
        "$49.99 of B0LAMP0001",
    ),
    "by a card": (
        {"prices": {"B0LAMP0001": 49.99}},
        answer("", cards=[card(LAMP)]),
        answer(""),
        "is not told",
    ),
    "orders": (
        {"orders": ["ORD-1"]},
        answer("ORD-1 is on its way."),
        answer("On its way."),
        "ORD-1 not told",
    ),
    "tools": (
        {"calls": [{"tool": "add_to_cart", "arguments": {"asin": "b0lamp0001", "quantity": 2}}]},
        answer(about={"tools": [CALL]}),
        answer(about={"tools": [{**CALL, "arguments": {"asin": "B0CABLE001", "quantity": 2}}]}),
        "was called with asin='B0CABLE001'",
    ),
    "no tool": (
        {"calls": [{"tool": "pay"}]},
        answer(about={"tools": [{"tool": "pay"}]}),
        answer(),
        "pay was not called",
    ),
    "mention": ({"mention": ["sold out|gone"]}, answer("It is GONE."), answer("Fine."), "is not said"),
    "never": ({"never": ["Walmart"]}, answer("Ours."), answer("Try ｗａｌｍａｒｔ."), "'Walmart' is said"),
    "language": ({"language": "ja"}, answer("こちらのランプです。"), answer("This lamp."), "answered in en"),
    "refusal": (
        {"refused": True},
        answer("No.", rung="template", intent="general", actions=HUMAN),
        answer("Sure!"),
        "not turned down",
    ),
    "no refusal": (
        {"refused": False},
        answer(),
        answer("No.", rung="template", intent="general", actions=HUMAN),
        "turned down",
    ),
    "asks back": ({"asks_back": True}, answer(about={"clarifies": True}), answer(), "did not ask back"),
    "human": ({"human": True}, answer(actions=HUMAN), answer(), "no colleague"),
    "citation": (
        {"cites": "returns|返品"},
        answer(about={"sources": [{"title": "Books: Returns"}]}),
        answer(about={"sources": [{"title": "Payment"}]}),
        "among Payment",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_check_holds_where_it_should_and_says_why_where_not(name):
    expect, good, bad, why = CASES[name]
    wrong = [finding for finding in judge(prompt(**expect), bad, SHOP) if not finding.held]
    assert all(finding.held for finding in judge(prompt(**expect), good, SHOP))
    assert len(wrong) == 1
    assert why in wrong[0].why


@pytest.mark.parametrize(
    "text",
    [
        "The Lumo desk lamp costs $39.99.",
        "B0LAMP0001 is 39.99 dollars.",
        "The Lumo desk lamp is ＄３９．９９.",
        "Lumo desk lampは39.99ドルです。",
        "Both are nice. Save $25 today.",
    ],
)
def test_a_price_that_is_nobodys_is_found_whoever_asked(text):
    found = [
        finding for finding in judge(prompt(), answer(text, cards=[card(LAMP)]), SHOP) if not finding.held
    ]
    assert [finding.dimension for finding in found] == ["price true"]
    assert "nobody's price" in found[0].why


@pytest.mark.parametrize(
    "text",
    [
        "The Lumo desk lamp costs $49.99, down from $59.99: you save $10.00.",
        "Delivery costs $4.99.",
        "Nothing under $40 fits, the Lumo desk lamp is $49.99.",
        "Your order ORD-1 was $77.10.",
        "Lovely.",
    ],
)
def test_a_price_that_is_true_or_was_named_before_is_fine(text):
    asked = prompt(text="A lamp under $40?")
    assert all(finding.held for finding in judge(asked, answer(text, cards=[card(LAMP)]), SHOP))


def test_a_card_with_another_price_is_found():
    wrong = judge(prompt(), answer("", cards=[card(LAMP, 4_500)]), SHOP)
    assert [finding.why for finding in wrong if not finding.held] == [
        "B0LAMP0001 costs $49.99, its card says $45.00"
    ]


def test_a_price_of_one_product_said_of_another_is_wrong():
    found = judge(prompt(), answer("The Lumo desk lamp costs $12.50.", cards=[card(LAMP), card(CABLE)]), SHOP)
    assert [finding.dimension for finding in found if not finding.held] == ["price true"]


def test_what_was_shown_and_taken_back_counts_as_said():
    told = answer("Ours.").model_copy(update={"shown": "Try Walmart\nOurs."})
    assert any(not finding.held for finding in judge(prompt(never=["Walmart"]), told, SHOP))


def test_no_answer_is_one_finding():
    found = judge(prompt(intent=["cart"]), Answer(id="pi-1", error="internal: sorry"), SHOP)
    assert [(one.dimension, one.why) for one in found] == [("answered", "internal: sorry")]


def test_every_dimension_has_a_check_and_a_name_of_its_own():
    assert len(set(DIMENSIONS)) == len(DIMENSIONS)
    assert len(CHECKS) >= 9


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("こちらの商品はKestrel Max power bankです。", "ja"),
        ("Kestrel Max モバイルバッテリー costs $98.99 and is in stock right now.", "en"),
        ("返品できます", "ja"),
        ("B0LAMP0001", "en"),
        ("你好，我可以帮您。", "en"),
    ],
)
def test_a_language_is_told_by_most_of_the_letters(text, language):
    assert language_of(text) == language
