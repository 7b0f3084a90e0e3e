"""Money moves by a person's own yes, once, for exactly what was shown (RUN-14)."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from runtime.safety.confirmation import LIVES, Confirmations, Line, No, UsedHere, Wish, cart_hash

NOON = datetime(2030, 7, 15, 12, tzinfo=UTC)
KEY = b"a key of sixteen bytes or more"
CART = cart_hash([Line("B0LAMP0001", 2, 4_999)])
WISH = Wish(deed="pay", customer="c-1", session="s-1", cents=9_998, cart=CART)


class Desk:
    """Confirmations with a clock one can turn."""

    def __init__(self) -> None:
        self.now = NOON
        self.used = UsedHere(lambda: self.now)
        self.confirmations = Confirmations(KEY, lambda: self.now, self.used)

    def take(self, word: str, wish: Wish = WISH) -> No | None:
        return asyncio.run(self.confirmations.take(word, wish))


def test_it_holds_once():
    desk = Desk()
    word = desk.confirmations.give(WISH)
    assert desk.take(word) is None
    assert desk.take(word) is No.USED


def test_it_holds_for_minutes():
    desk = Desk()
    word = desk.confirmations.give(WISH)
    desk.now += LIVES
    assert desk.take(word) is No.EXPIRED
    assert desk.used.kept == {}


@pytest.mark.parametrize(
    "change",
    [
        {"deed": "refund"},
        {"customer": "c-2"},
        {"session": "s-2"},
        {"cents": 9_999},
        {"currency": "EUR"},
        {"cart": cart_hash([Line("B0LAMP0001", 3, 4_999)])},
    ],
)
def test_it_holds_for_nothing_else_and_is_not_used_up_by_trying(change):
    desk = Desk()
    word = desk.confirmations.give(WISH)
    assert desk.take(word, WISH.model_copy(update=change)) is No.OTHER
    assert desk.take(word) is None


@settings(max_examples=60)
@given(st.data())
def test_whatever_is_changed_in_it_makes_it_nobodys(data):
    desk = Desk()
    word = desk.confirmations.give(WISH)
    place = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.characters(max_codepoint=0x2FF).filter(lambda one: one != word[place]))
    assert desk.take(word[:place] + letter + word[place + 1 :]) is No.FORGED
    assert desk.take(word) is None


@settings(max_examples=60)
@given(st.text(max_size=80))
def test_what_a_model_makes_up_is_nobodys(text):
    assert Desk().take(text) is No.FORGED


def test_keys_change_without_anybody_confirming_twice():
    desk = Desk()
    word = desk.confirmations.give(WISH)
    new = Confirmations(b"another key of sixteen", lambda: desk.now, desk.used, older=[KEY])
    assert asyncio.run(new.take(word, WISH)) is None
    forgotten = Confirmations(b"another key of sixteen", lambda: desk.now, desk.used)
    assert asyncio.run(forgotten.take(word, WISH)) is No.FORGED


def test_of_many_at_the_same_time_one_gets_through():
    desk = Desk()
    word = desk.confirmations.give(WISH)

    async def crowd():
        return await asyncio.gather(*(desk.confirmations.take(word, WISH) for _ in range(50)))

    assert asyncio.run(crowd()).count(None) == 1


def test_a_short_key_is_none():
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Confirmations(b"short", lambda: NOON, UsedHere(lambda: NOON))


LINES = st.lists(st.builds(Line, st.sampled_from("ABC"), st.integers(1, 3), st.integers(1, 3)), max_size=4)


@settings(max_examples=60)
@given(LINES, LINES, st.randoms())
def test_a_cart_is_what_is_in_it(lines, others, random):
    mixed = list(lines)
    random.shuffle(mixed)
    assert cart_hash(mixed) == cart_hash(lines)
    assert (cart_hash(lines) == cart_hash(others)) == (_whole(lines) == _whole(others))


def _whole(lines):
    units = [(line.asin, line.cents) for line in lines for _ in range(line.quantity)]
    return sorted(units)


class Till(RuleBasedStateMachine):
    """Whatever is tried in whatever order: each yes moves its own money once, in its time."""

    words = Bundle("words")

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk()
        self.given: dict[str, tuple[Wish, datetime]] = {}
        self.moved: set[str] = set()

    @rule(target=words, cents=st.integers(1, 3), customer=st.sampled_from(["c-1", "c-2"]))
    def confirm(self, cents, customer):
        wish = WISH.model_copy(update={"cents": cents, "customer": customer})
        word = self.desk.confirmations.give(wish)
        self.given[word] = (wish, self.desk.now + LIVES)
        return word

    @rule(seconds=st.integers(1, 200))
    def wait(self, seconds):
        self.desk.now += timedelta(seconds=seconds)

    @rule(word=words, cents=st.integers(1, 3), customer=st.sampled_from(["c-1", "c-2"]))
    def pay(self, word, cents, customer):
        wish, until = self.given[word]
        asked = WISH.model_copy(update={"cents": cents, "customer": customer})
        may = asked == wish and self.desk.now < until and word not in self.moved
        assert (self.desk.take(word, asked) is None) == may
        if may:
            self.moved.add(word)


TestTill = Till.TestCase
TestTill.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
