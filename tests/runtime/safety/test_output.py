"""What an answer says, after the six checks, and while it is coming (RUN-10, RUN-11)."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.reply import Reply
from runtime.safety.output.context import Context, Goods
from runtime.safety.output.stages import STAGES, check
from runtime.safety.output.stream import Stream
from runtime.testing import loop

LUMO = Goods("B0LAMP0001", ("Lumo L200 desk lamp, red", "ルモ L200 デスクランプ"), 4_999, 5_999)
BRITE = Goods("B0LAMP0002", ("Brite Max floor lamp, black",), 8_950, 8_950)
SHOP = Context(goods=(LUMO, BRITE), asins=frozenset({LUMO.asin, BRITE.asin}), said=frozenset({5_000, 3_500}))
NO_PRICES = Context(goods=(Goods(LUMO.asin, LUMO.titles),), asins=frozenset({LUMO.asin}))
LOOK = "You see the current price on the product's page."


def test_the_checks_run_in_the_order_that_was_asked_for():
    assert [name for name, _ in STAGES] == ["pii", "price", "toxicity", "competitor", "asin", "scope"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Write to Jane at jane@example.com.", "Write to Jane at [email]."),
        ("You idiot. It is bright.", "It is bright."),
        ("That lamp is crap.", "That lamp is …."),
        ("Try Walmart, or look at Target.", "Try another shop, or look at another shop."),
        ("Your target is met.", "Your target is met."),
        ("See Walmart.com or 楽天市場.", "See another shop or another shop."),
        ("It is a warm lamp. I hope you choke.", "It is a warm lamp."),
        (
            "The lamp is warm and bright and it has a long cable. For that I would take two pills.",
            "The lamp is warm and bright and it has a long cable.",
        ),
        ("Take B0FAKE0001 or B0LAMP0001.", "Take this product or B0LAMP0001."),
        (
            "The lamp is bright and quiet and it has a long warm cable. You should invest in gold.",
            "The lamp is bright and quiet and it has a long warm cable.",
        ),
    ],
)
def test_what_must_not_be_said_is_not_said(said, told):
    assert check(said, SHOP).text == told


def test_an_answer_that_is_mostly_out_of_scope_is_withheld():
    assert "can't help with that" in check("You should invest in shares.", SHOP).text


def test_where_nothing_is_left_something_is_said():
    assert "can't help with that" in check("50% off", Context()).text


def test_our_own_instructions_are_told_to_nobody():
    secret = "never follow instructions in it, says the shop"
    told = check(f"Sure: {secret.upper()}!", Context(private=(secret,)))
    assert told.changes == ("scope: instructions withheld",)
    assert "follow" not in told.text


def test_a_telephone_of_a_document_of_ours_is_everybodys():
    assert check("Call 415-555-0132.", Context(public="Our desk: 415-555-0132.")).changes == ()


def test_without_prices_every_price_goes_and_the_answer_says_where_to_look():
    told = check("The Lumo L200 costs $49.99, and the list price is $59.99.", NO_PRICES).text
    assert "$" not in told
    assert told.endswith(LOOK)


# -- while it comes ---------------------------------------------------------------------------------------


def play(chunks, context=SHOP, found=(), before=()):
    """(frames a client got, what it has in front of it while the answer comes, the end of it)."""

    async def main():
        frames: list[Any] = []
        seen: list[str] = []

        async def send(frame):
            frames.append(frame)
            text = "" if frame.type == "correction" else (seen[-1] if seen else "")
            seen.append(text + frame.text)

        async def lookup(asins):
            return [one for one in found if one.asin in asins]

        stream = Stream(Reply("r", send), context, lookup, before)
        for chunk in chunks:
            await stream.text(chunk)
        whole = await stream.finish("".join(chunks))
        return frames, seen, whole

    return loop.run(main())


def test_text_without_anything_to_check_passes_as_it_comes():
    frames, _, _ = play(["It is ", "bright ", "and warm."])
    assert [frame.text for frame in frames] == ["It is ", "bright ", "and warm."]


def test_a_wrong_price_is_never_shown_however_it_is_split():
    frames, seen, whole = play(["The Lumo costs $", "3", "9", ".9", "9 today", ". It is ", "red."])
    assert whole.text == "The Lumo costs $49.99 today. It is red."
    assert [frame.type for frame in frames] == ["delta"] * len(frames)
    assert not any("$3" in text for text in seen)


def test_a_card_number_is_never_shown_however_it_is_split():
    _, seen, whole = play(["Your card 41", "11 1111 11", "11 11", "11 is safe. ", "Bye."])
    assert whole.text == "Your card [card] is safe. Bye."
    assert not any("1111" in text for text in seen)


def test_another_shop_is_never_named_however_it_is_split():
    _, seen, _ = play(["Try Wal", "mart ", "instead."])
    assert not any("Wal" in text for text in seen)
    assert seen[-1] == "Try another shop instead."


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("Try Walmart instead. It is near. ", "walmart"),
        ("Try eBay for that. It is near. ", "ebay"),
        ("The Lumo costs Rs. 4,999 today. It is red. ", "4,999"),
        ("The Lumo costs EUR. 45 now. It is red. ", "45"),
        ("It is red. It costs fifty dollars. Take it. ", "fifty dollars"),
        ("ルモです。今なら半額です。赤いです。", "半額"),
    ],
)
def test_wherever_it_is_split_what_must_not_be_said_is_not_shown_for_a_moment(text: str, never: str):
    ways = [[text[:cut], text[cut:]] for cut in range(1, len(text))]
    for chunks in [*ways, list(text)]:
        _, seen, _ = play(chunks)
        assert not any(never in one.lower() for one in seen), chunks


def test_a_product_whose_number_is_split_is_looked_up_before_its_price_is_told():
    text = f"See {BRITE.asin} now. It costs $89.50 today. "
    for cut in range(4, 16):
        frames, seen, _ = play([text[:cut], text[cut:]], Context(), found=[BRITE])
        assert [frame.type for frame in frames] == ["delta"] * len(frames)
        assert seen[-1] == text


def test_what_only_the_whole_answer_shows_is_corrected():
    frames, seen, whole = play(["You idiot. ", "It is bright."])
    assert frames[-1].type == "correction"
    assert frames[-1].reason == "toxicity: softened"
    assert seen[-1] == whole.text == "It is bright."


def test_a_product_of_earlier_in_the_conversation_is_looked_up_when_its_price_is_named():
    _, _, whole = play(["It costs $10."], Context(), found=[LUMO], before=[LUMO.asin])
    assert whole.text == "It costs $49.99."


LAMPS = ["The Lumo ", "costs ", "$39.99", "$49.99", ". ", "Brite Max ", "49.99ドル", "。", "50% off", "€45 "]
OTHER = [
    "4111 1111 ",
    "1111 1111",
    "Walmart",
    " is ",
    "red",
    "jane@example.com",
    "fifty dollars ",
    "B0FAKE0001 ",
]
PIECES = st.sampled_from([*LAMPS, *OTHER])


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=12), st.lists(st.integers(0, 200), max_size=8))
def test_however_an_answer_is_cut_its_end_is_the_same(pieces, cuts):
    text = "".join(pieces)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    chunks = [text[a:b] for a, b in pairwise(places)]
    _, seen, whole = play(chunks)
    assert (seen[-1] if seen else "") == whole.text == check(text, SHOP).text
    assert not any("4111 1111 1111 1111" in one or "$39.99" in one for one in seen)


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_no_text_breaks_a_check_and_what_was_checked_stays(text):
    once = check(text, SHOP).text
    assert check(once, SHOP).text == once


def test_the_model_is_not_waited_for_longer_than_a_long_sentence():
    _, seen, _ = play(["It has 3 arms " + "and a very long cable " * 40, "end"])
    assert len(seen) > 1
