"""Answers that are said again (RUN-8): the right ones, to the right people, and one model call for many."""

import asyncio
import math
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.intents import Intent
from contract.people import Person
from contract.traffic_settings import CacheSettings
from runtime.caches import Made, Question, invalidate
from runtime.caches.question import NEVER, PERSONAL
from runtime.caches.vectors import cosine, pack, unpack
from tests.runtime.cache_helpers import Task, played, without_valkey

RULES = CacheSettings(early=False)
MODEL = Made(by_model=True)
ANN, BOB, GUEST = Person("user", "ann"), Person("user", "bob"), Person("guest", "ann")
ECHO = Question(text="Is the Echo loud?", intent=Intent.PRODUCT_INFO, entities=("B1",), catalogue="7")
STATUS = Question(text="Where is my order?", intent=Intent.ORDER_STATUS, person=ANN)


def vector(degrees: float, dims: int = 1024) -> list[float]:
    """A direction so far from that of zero degrees."""
    random_ = random.Random(1)
    one = [random_.gauss(0, 1) for _ in range(dims)]
    other = [random_.gauss(0, 1) for _ in range(dims)]
    along = sum(a * b for a, b in zip(one, other, strict=True)) / sum(a * a for a in one)
    across = [b - along * a for a, b in zip(one, other, strict=True)]
    turn, length = math.radians(degrees), math.dist(one, [0] * dims) / math.dist(across, [0] * dims)
    return [math.cos(turn) * a + math.sin(turn) * length * b for a, b in zip(one, across, strict=True)]


SAME, NEAR, FAR = vector(0), vector(15), vector(60)  # cosines 1, 0.966, 0.5


async def ask(
    task: Task,
    question: Question,
    made: Made = MODEL,
    *,
    seconds: float = 1.0,
    mode: Any = "normal",
    like: Any = None,
) -> tuple[str, str]:
    """(how it was found, the answer); what is not found is generated."""
    async with task.answers.turn(question, mode) as turn:
        if turn.answer is None and like is not None:
            await turn.similar(like)
        if turn.answer is not None:
            return turn.how, turn.answer
        await asyncio.sleep(seconds)
        answer = f"answer to {question.text!r} at {asyncio.get_running_loop().time():.3f}"
        await turn.keep(answer, made, tags=question.entities, vector=like)
        return "", answer


async def how_often(task: Task, *questions: Question, **more: Any) -> list[str]:
    return [(await ask(task, question, **more))[0] for question in questions]


def test_the_same_words_get_the_same_answer_whatever_their_case_and_spacing():
    async def scene(_, task) -> Any:
        typed = ["Is the Echo loud?", "is  the ECHO loud", "Ｉs the Echo loud？"]
        return await how_often(task, *(replace(ECHO, text=text) for text in typed))

    assert played(scene, RULES) == ["", "exact", "exact"]


def test_for_an_hour_and_five_minutes_where_a_provider_had_a_part():
    async def scene(_, task) -> Any:
        said = []
        for derived in (False, True):
            question = replace(ECHO, variant=str(derived))
            made = Made(by_model=True, derived=derived)
            await ask(task, question, made)
            await asyncio.sleep(299 if derived else 3_599)
            said.append((await ask(task, question, made))[0])
            await asyncio.sleep(2)
            said.append((await ask(task, question, made))[0])
        return said

    assert played(scene, RULES) == ["exact", "", "exact", ""]


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Is the Echo quiet?"},
        {"intent": Intent.COMPARISON},
        {"entities": ("B2",)},
        {"locale": "ja-JP"},
        {"catalogue": "8"},
        {"variant": "b"},
        {"context": "after something else"},
        {"person": ANN},
    ],
    ids=lambda other: next(iter(other)),
)
def test_everything_that_an_answer_depends_on_is_in_its_key(other):
    async def scene(_, task) -> Any:
        return await how_often(task, ECHO, replace(ECHO, **other), like=SAME)

    assert played(scene, RULES) == ["", ""]


texts = st.text(st.characters(codec="utf-8"), max_size=12)
people = st.none() | st.builds(Person, st.sampled_from(["user", "guest"]), texts)
questions = st.builds(
    Question,
    text=texts,
    intent=st.sampled_from(list(Intent)),
    entities=st.lists(texts, max_size=3).map(tuple),
    locale=st.sampled_from(["en-US", "ja-JP"]),
    catalogue=texts,
    variant=texts,
    context=texts,
    person=people,
)


@given(one=questions, other=questions)
@settings(max_examples=500)
def test_no_two_people_ever_share_a_key(one, other):
    for mine, yours in [(one, other), (one, replace(one, person=other.person))]:
        if mine.person != yours.person:
            assert mine.key != yours.key
            assert mine.group != yours.group


@given(
    asked=st.lists(st.tuples(people, st.sampled_from(list(Intent)), st.booleans()), min_size=1, max_size=12)
)
@settings(max_examples=40, deadline=None)
def test_nobody_is_ever_told_an_answer_made_for_somebody_else(asked):
    """By words or by meaning: whoever asks the same, what they get was made for them, or for everybody."""

    async def scene(_, task) -> Any:
        for person, intent, same_words in asked:
            text = "Where is it?" if same_words else "Where did it go?"
            question = Question(text=text, intent=intent, person=person)
            async with task.answers.turn(question) as turn:
                answer = turn.answer or await turn.similar(SAME)
                whose = repr(person)
                assert answer in (None, whose)
                assert answer is None or intent not in NEVER
                assert answer is None or person is not None or intent not in PERSONAL
                await turn.keep(whose, MODEL, vector=SAME)

    played(scene, RULES)


@pytest.mark.parametrize(
    ("question", "made"),
    [
        (ECHO, Made(by_model=False)),
        (ECHO, Made(by_model=True, blocked=True)),
        (ECHO, Made(by_model=True, corrected=True)),
        (ECHO, Made(by_model=True, whole=False)),
        (replace(STATUS, person=None), MODEL),
        *((replace(ECHO, intent=intent, person=ANN), MODEL) for intent in sorted(NEVER)),
    ],
    ids=str,
)
def test_what_must_not_be_said_again_is_not(question, made):
    async def scene(_, task) -> Any:
        return await how_often(task, question, question, made=made, like=SAME)

    assert played(scene, RULES) == ["", ""]


def test_ones_own_order_status_is_said_again_to_oneself():
    async def scene(_, task) -> Any:
        return await how_often(
            task, STATUS, STATUS, replace(STATUS, person=BOB), replace(STATUS, person=GUEST)
        )

    assert played(scene, RULES) == ["", "exact", "", ""]


@pytest.mark.parametrize(
    ("mode", "like", "found"),
    [
        ("normal", NEAR, "similar"),
        ("normal", vector(23), ""),
        ("aggressive", vector(23), "similar"),
        ("aggressive", FAR, ""),
        ("off", SAME, ""),
    ],
)
def test_near_enough_is_the_same_by_the_cache_mode(mode, like, found):
    async def scene(_, task) -> Any:
        await ask(task, ECHO, like=SAME)
        return await ask(task, replace(ECHO, text="Does the Echo play loudly?"), mode=mode, like=like)

    assert played(scene, RULES)[0] == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is A better than B?", "Is B better than A?"),
        ("Is the Echo louder than the Nest?", "Is the Nest louder than the Echo?"),
        ("Does case X fit phone Y?", "Does phone Y fit case X?"),
        ("Headphones with a cable", "Headphones without a cable"),
        ("Is it waterproof?", "Is it not waterproof?"),
        ("Laptops under 500 dollars", "Laptops over 500 dollars"),
        ("Laptops under 500 dollars", "Laptops under 800 dollars"),
        ("The cheapest kettle", "The most expensive kettle"),
        ("Shoes for men", "Shoes for women"),
        ("AはBより良い？", "AはBより良くない？"),
        ("500円以上のケトル", "500円以下のケトル"),
        ("A比B好吗", "A不比B好吗"),
        ("방수 되나요", "방수 안 되나요"),
        ("It doesn't fit", "It does fit"),
    ],
)
def test_a_reversed_question_is_another_however_near_it_is(one, other):
    async def scene(_, task) -> Any:
        asked = [replace(ECHO, text=text, entities=()) for text in (one, other)]
        return await how_often(task, *asked, like=SAME)

    assert played(scene, RULES) == ["", ""]


def test_entities_in_another_order_are_another_question():
    async def scene(_, task) -> Any:
        pair = replace(ECHO, text="Which wins?", intent=Intent.COMPARISON, entities=("B1", "B2"))
        return await how_often(task, pair, replace(pair, entities=("B2", "B1")), like=SAME)

    assert played(scene, RULES) == ["", ""]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the battery life of the Echo?", "How long does the Echo's battery last?"),
        ("Is the Echo waterproof?", "Can the Echo get wet?"),
        ("Please tell me about the Echo", "I want to know about the Echo"),
    ],
)
def test_other_words_for_the_same_are_the_same(one, other):
    async def scene(_, task) -> Any:
        return await how_often(task, replace(ECHO, text=one), replace(ECHO, text=other), like=SAME)

    assert played(scene, RULES) == ["", "similar"]


def test_what_one_task_has_learned_another_finds_within_seconds():
    async def scene(_, one, two) -> Any:
        await two.answers.turn(ECHO).__aenter__()
        await ask(one, ECHO, like=SAME)
        await asyncio.sleep(RULES.mirror_s)
        return await ask(two, replace(ECHO, text="Does the Echo play loudly?"), like=NEAR)

    assert played(scene, RULES, tasks=2)[0] == "similar"


def test_a_group_keeps_the_newest_only():
    async def scene(_, one, two) -> Any:
        for number in range(6):
            await ask(one, replace(ECHO, text=f"Question {'x' * number}?"), like=vector(30 * number))
        await asyncio.sleep(RULES.mirror_s)
        first = await ask(two, replace(ECHO, text="First again?"), like=vector(0))
        return first[0], (await ask(two, replace(ECHO, text="Last again?"), like=vector(150)))[0]

    assert played(scene, RULES.model_copy(update={"group": 3}), tasks=2) == ("", "similar")


def test_a_changed_product_ends_what_was_said_of_it_by_words_and_by_meaning():
    async def scene(_, task) -> Any:
        await ask(task, ECHO, like=SAME)
        await invalidate(task.store, "B1", RULES.longest_s)
        return await ask(task, replace(ECHO, text="How loud is it?"), like=SAME), await ask(task, ECHO)

    similar, exact = played(scene, RULES)
    assert (similar[0], exact[0]) == ("", "")


@pytest.mark.parametrize(("coalesce", "generated"), [(True, 1), (False, 200)])
def test_of_all_who_ask_the_same_at_the_same_time_one_generates(coalesce, generated):
    async def scene(_, one, two) -> Any:
        said = await asyncio.gather(*(ask(task, ECHO) for _ in range(100) for task in (one, two)))
        return sum(how == "" for how, _ in said), one.counted("CacheMade") + two.counted("CacheMade")

    assert played(scene, RULES.model_copy(update={"coalesce": coalesce}), tasks=2) == (generated, generated)


def test_when_the_one_who_generates_leaves_another_takes_over():
    async def scene(_, task) -> Any:
        first = asyncio.create_task(ask(task, ECHO))
        await asyncio.sleep(0.5)
        others = asyncio.gather(*(ask(task, ECHO) for _ in range(10)))
        await asyncio.sleep(0.1)
        first.cancel()
        said = await others
        return sum(how == "" for how, _ in said), asyncio.get_running_loop().time() < 2

    assert played(scene, RULES) == (1, True)


def test_what_lacks_something_is_right_for_those_who_wait_and_for_nobody_later():
    """A reranker that is away must not make everybody ask the models."""

    async def scene(_, task) -> Any:
        lacking = replace(MODEL, lacking=True)
        at_once = await asyncio.gather(*(ask(task, ECHO, lacking) for _ in range(20)))
        later = await ask(task, ECHO)
        return sum(how == "" for how, _ in at_once), later[0]

    assert played(scene, RULES) == (1, "")


def test_where_an_answer_is_nobody_elses_nobody_waits_in_a_row_for_the_next():
    async def scene(_, one, two) -> Any:
        told = asyncio.get_running_loop().time
        corrected, began, took = replace(MODEL, corrected=True), told(), []

        async def person(task: Task, comes_s: float) -> None:
            await asyncio.sleep(comes_s)
            came = told()
            assert (await ask(task, ECHO, corrected))[0] == ""
            took.append(told() - came)

        await asyncio.gather(*(person(task, n / 10) for n in range(30) for task in (one, two)))
        return max(took) <= 3.1, told() - began < 6.0

    assert played(scene, RULES, tasks=2) == (True, True)


def test_nobody_waits_longer_for_another_than_the_settings_say():
    async def scene(_, one, two) -> Any:
        asyncio.create_task(ask(one, ECHO, seconds=9))  # noqa: RUF006 - runs as long as the scene
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        waited = []
        for task in (one, two):
            async with task.answers.turn(ECHO) as turn:
                assert turn.answer is None
                waited.append(round(asyncio.get_running_loop().time() - began, 1))
        return waited

    assert played(scene, RULES.model_copy(update={"wait_s": 2.0}), tasks=2) == [2.0, 4.0]


def test_an_answer_that_is_to_be_renewed_is_there_if_no_new_one_can_be_had():
    async def scene(_, task) -> Any:
        await ask(task, ECHO)
        await asyncio.sleep(RULES.answers_s + 1)
        async with task.answers.turn(ECHO) as turn:
            return turn.answer, turn.fallback

    answer, fallback = played(scene, RULES)
    assert answer is None
    assert fallback.startswith("answer to")


def test_without_a_valkey_everybody_is_answered_and_those_at_the_same_time_share():
    async def scene(task) -> Any:
        said = await asyncio.gather(*(ask(task, ECHO, like=SAME) for _ in range(5)))
        return sum(how == "" for how, _ in said), (await ask(task, ECHO))[0]

    assert without_valkey(scene) == (1, "")


def test_a_valkey_that_dies_meanwhile_hurts_nobody():
    async def scene(server, task) -> Any:
        await ask(task, ECHO, like=SAME)
        server.silent = True
        began = asyncio.get_running_loop().time()
        said = [await ask(task, replace(ECHO, text=f"Another {n}?"), like=FAR) for n in "abc"]
        return [how for how, _ in said], asyncio.get_running_loop().time() - began - 3

    how, extra = played(scene, RULES)
    assert how == ["", "", ""]
    assert extra < 0.1


@pytest.mark.parametrize("broken", [[], [0.0] * 8, [math.nan, 1.0], [math.inf, 1.0]])
def test_a_vector_without_a_direction_finds_nothing_and_hurts_nobody(broken):
    async def scene(_, task) -> Any:
        await ask(task, ECHO, like=SAME)
        return (await ask(task, replace(ECHO, text="How loud is it?"), like=broken))[0]

    assert played(scene, RULES) == ""


def test_no_text_of_anybody_is_in_valkey_but_the_answers():
    async def scene(_, task) -> Any:
        await ask(task, STATUS, like=SAME)
        return b" ".join(await task.store.ask("KEYS", "*"))

    keys = played(scene, RULES)
    assert b"order" not in keys
    assert b"ann" not in keys


@given(degrees=st.floats(0, 180), scale=st.floats(1e-6, 1e6))
@settings(max_examples=30, deadline=None)
def test_a_byte_a_dimension_is_enough_for_a_cosine(degrees, scale):
    turned = [part * scale for part in vector(degrees)]
    assert cosine(unpack(pack(SAME)), unpack(pack(turned))) == pytest.approx(
        math.cos(math.radians(degrees)), abs=0.005
    )


def test_vectors_of_different_sizes_have_nothing_in_common():
    assert cosine(unpack(pack([1.0, 2.0])), unpack(pack([1.0, 2.0, 3.0]))) == -1.0
