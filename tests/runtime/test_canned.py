"""The answers that need no model (RUN-5): when none answers, and first of all while an operator says so."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from contract.controls import Control, Controls
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
    rows = [{"asks": [ask], "text": f"about {ask}"} for ask in asks]
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
