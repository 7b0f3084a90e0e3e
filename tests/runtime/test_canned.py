"""The answers that need no model (RUN-5): when none answers, and first of all while an operator says so."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from contract.controls import Control, Controls
from contract.intents import Intent
from contract.tiers import Tier
from runtime.canned import Canned, canned
from runtime.testing.desk import EPOCH, Desk
from runtime.testing.models import says, throttled

ORDER = "Where is my order?"
UNKNOWN = "Which lamp would you put beside a bed?"
MODELS = {"sonnet": says("Sonnet"), "haiku": says("Haiku")}
DOWN = {"sonnet": throttled(), "haiku": throttled()}


def turned(value: Any) -> Control[Any]:
    later = EPOCH + timedelta(days=1)
    return Control(value=value, who="on-call", why="test", expires_at=later)


FIRST = Controls(canned_first=turned(value=True))


def made(*asks: str) -> Canned:
    rows = [{"intent": "general", "asks": [ask], "text": f"about {ask}"} for ask in asks]
    texts = dict.fromkeys(["unavailable", "blocked", "invalid", "closed", "banner"], "no")
    return Canned.model_validate({**texts, "filler": ["is", "the"], "answers": rows})


async def ending(desk: Desk, text: str = ORDER) -> Any:
    return (await desk.ask(text))[-1], desk.models.calls


def test_every_way_of_asking_gets_its_answer():
    for known in canned().answers:
        for ask in known.asks:
            assert canned().knows(ask)
            assert canned().reply(ask) == known.text


@pytest.mark.parametrize(
    "message",
    [
        "where is my order",
        "WHERE IS MY ORDER?!",
        "Hi, my order: where is it, please?",
        "  Where\nis my   order ",
    ],
)
def test_case_order_and_filler_make_no_difference(message):
    assert canned().reply(message) == canned().reply(ORDER) != canned().unavailable


@pytest.mark.parametrize("message", ["What's your payment methods?", "What’s your payment methods?"])
def test_an_apostrophe_is_one_whoever_typed_it(message):
    assert canned().knows(message)


@pytest.mark.parametrize(
    "message",
    [
        "I don't want to cancel my order",
        "Do not cancel my order",
        "Where is my order and why was I charged twice?",
        "Where?",
        "is the",
        "Hi",
        "?!",
    ],
)
def test_who_asks_for_more_or_less_or_the_contrary_is_not_known(message):
    assert not canned().knows(message)
    assert canned().reply(message) == canned().unavailable


def test_there_are_about_two_hundred_answers_over_all_intents():
    answers = canned().answers
    assert len(answers) >= 200
    assert len({known.text for known in answers}) == len(answers)
    assert {known.intent for known in answers} == set(Intent)


@pytest.mark.parametrize(
    ("message", "like"),
    [
        ("Where's... no: where is my package?!", None),
        ("Hello, what are your shipping costs?", "Delivery cost"),
        ("I'd like a refund", None),
        ("Would you please cancel my purchase?", "Cancel my order"),
        ("Update my payment method", "Change payment method"),
        ("Track my package, please", "Track my parcel"),
        ("Where is order 111-2345678-7654321?", "Where is my order?"),
        ("Cancel order #111-2345678-7654321", "Cancel my order"),
    ],
)
def test_other_words_for_the_same_and_things_it_names_make_no_difference(message, like):
    """What is not sure to mean the same is left to a colleague."""
    assert canned().reply(message) == (canned().unavailable if like is None else canned().reply(like))
    assert like is None or canned().knows(like)


NEAR_MISSES = """
    Do not cancel my order
    Did you cancel my other order?
    Cancel my order but not the lamp
    Where is my order of yesterday's lamp?
    Where was my order made?
    Where is my order confirmation code?
    Why is my refund still not here after the third call?
    Never refund my order
    Refund my order and keep the item
    Return my order to the first address
    Can my brother return my order?
    When does my order leave the warehouse?
    My order is not late
    My parcel never arrived at my mother's
    My payment did not fail
    Remove my card and add another card
    Do not remove my card
    Delete my account but keep my orders
    Do not delete my account
    Is delivery free to Alaska?
    Is it free?
    Is delivery cheaper than pickup?
    Delivery costs more than the item
    Does express delivery cost more?
    Deliver the second parcel to another address
    Can I pay with a gift card and two cards?
    Is my gift card stolen?
    My friend's gift card does not work
    Somebody charged my gift card twice
    Was I charged twice for order and delivery?
    Is the blue lamp in stock?
    Is this item in stock in Berlin?
    What size is the blue tent?
    Does the kettle have a warranty?
    Compare the two kettles
    Which of the two items is better?
    What is the difference between the two phones?
    Recommend an item for my mother
    Recommend a gift for a ten year old
    Is Prime Day cancelled?
    Cancel Prime Day
    Is the deal over at noon?
    My cart is empty
    Empty my account
    Is my account safe?
    Is my password safe?
    My password
    Is this chat real?
    Who am I?
    What is my phone number?
    Change my number
    Where is my code?
    Return late
    Human rights
    Call my mother
    What does delivered mean?
    Is a human needed to sign?
    Where is B0ABCDEFGH?
    Where is my order over $50?
    Is B0ABCDEFGH in stock?
    Cancel my subscription and my order
    Stop my parcel
    Send my parcel back to me
""".strip().splitlines()


@pytest.mark.parametrize("message", [line.strip() for line in NEAR_MISSES])
def test_what_only_sounds_like_a_known_question_is_not_answered(message):
    """A wrong answer is worse than an honest word and a human."""
    assert not canned().knows(message)


@pytest.mark.parametrize("word", ["not", "never", "yesterday", "mother", "lamp", "instead"])
def test_one_word_more_is_another_question(word):
    """Of no question with such a word in it is one left that would be answered like the one without."""
    for known in canned().answers:
        for ask in known.asks:
            found = canned().find(f"{ask} {word}")
            assert found is None or found is known or word in " ".join(found.asks).lower()
            if word not in ask.lower().split():
                assert found is not known


@pytest.mark.parametrize("asks", [["Track it", "it, track"], ["is the"], ["?"]])
def test_two_answers_to_one_question_and_questions_of_no_word_are_refused(asks):
    with pytest.raises(ValidationError, match="says nothing, or the same as another"):
        made(*asks)


def test_when_every_model_fails_a_known_question_still_gets_its_answer(at_desk):
    final, calls = at_desk(ending, DOWN)
    assert final.text == canned().reply(ORDER) != canned().unavailable
    assert (final.tier, final.from_knowledge_base) == (Tier.T2, True)
    assert [call.rung for call in calls] == ["sonnet", "haiku"]


def test_canned_first_answers_what_it_knows_and_asks_no_model(at_desk):
    final, calls = at_desk(ending, MODELS, None, FIRST)
    assert final.text == canned().reply(ORDER)
    assert (final.tier, final.from_knowledge_base, final.usage.usd) == (Tier.T2, True, 0.0)
    assert calls == []


def test_canned_first_leaves_everything_else_to_the_models(at_desk):
    async def scene(desk: Desk) -> Any:
        return await desk.tier(UNKNOWN)

    assert at_desk(scene, MODELS, None, FIRST) is Tier.T0


@pytest.mark.parametrize("controls", [Controls(), Controls(canned_first=turned(value=False))])
def test_not_turned_models_answer_what_is_known_too(at_desk, controls):
    final, _ = at_desk(ending, MODELS, None, controls)
    assert final.tier is Tier.T0


def test_shut_is_shut_for_known_questions_too(at_desk):
    shut = FIRST.model_copy(update={"forced_tier": turned(Tier.T3)})
    final, _ = at_desk(ending, MODELS, None, shut)
    assert (final.type, final.code) == ("error", "closed")
