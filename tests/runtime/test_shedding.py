"""Shedding under overload (RUN-9): chitchat first, payment and order status last, and only in need."""

import asyncio
import time
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.intents import Intent
from contract.traffic_settings import SheddingSettings
from runtime.limits import Shedding
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.desk import EPOCH

SETTINGS = SheddingSettings(most=100, floor=10)
ROW = [intent for intents in SETTINGS.order for intent in intents]


def desk(rules: SheddingSettings = SETTINGS, lines: list[str] | None = None) -> Shedding:
    told = [] if lines is None else lines
    return Shedding(rules, Telemetry("test", lambda: EPOCH, told.append), lambda: 0.5)


def let_in(shedding: Shedding) -> set[Intent]:
    with shedding.message():
        return {intent for intent in Intent if shedding.admit(intent).allowed}


def busy(shedding: Shedding, messages: int, stack: ExitStack) -> None:
    for _ in range(messages):
        stack.enter_context(shedding.message())


def test_on_an_ordinary_day_everybody_is_let_in():
    with ExitStack() as stack:
        busy(shedding := desk(), 69, stack)
        assert let_in(shedding) == set(Intent)


@pytest.mark.parametrize(
    ("under_way", "shed"),
    [(70, {Intent.GENERAL}), (99, set(Intent) - {Intent.PAYMENT, Intent.ORDER_STATUS}), (100, set(Intent))],
)
def test_the_fuller_the_more_intents_are_sent_away(under_way, shed):
    with ExitStack() as stack:
        busy(shedding := desk(), under_way, stack)
        assert set(Intent) - let_in(shedding) == shed


@given(
    lags=st.lists(st.floats(0, 1), max_size=40),
    under_way=st.lists(st.integers(0, 130), min_size=1, max_size=10),
)
@settings(max_examples=200, deadline=None)
def test_at_no_load_is_one_refused_while_another_that_can_wait_longer_is_let_in(lags, under_way):
    shedding = desk()
    for number, messages in enumerate(under_way):
        for lag in lags[number :: len(under_way)]:
            shedding.learn(lag)
        with ExitStack() as stack:
            busy(shedding, messages, stack)
            allowed = let_in(shedding)
        places = [place for place, intents in enumerate(SETTINGS.order) if allowed & set(intents)]
        assert places == list(range(len(SETTINGS.order) - len(places), len(SETTINGS.order)))
        assert all(not allowed & set(intents) or set(intents) <= allowed for intents in SETTINGS.order)


@given(lags=st.lists(st.floats(0, 10), max_size=100))
def test_few_messages_are_never_too_many(lags):
    shedding = desk()
    for lag in lags:
        shedding.learn(lag)
    with ExitStack() as stack:
        busy(shedding, int(SETTINGS.floor * SETTINGS.begin) - 1, stack)
        assert let_in(shedding) == set(Intent)


def test_a_loop_that_runs_late_holds_less_and_gets_it_back():
    with ExitStack() as stack:
        busy(shedding := desk(), 60, stack)
        for _ in range(3):
            shedding.learn(SETTINGS.lag_s * 2)
        late = shedding.holds
        for _ in range(20):
            shedding.learn(0.0)
        assert late < 60 * 0.8
        assert shedding.holds == SETTINGS.most


def test_one_long_pause_is_no_overload():
    shedding = desk()
    shedding.learn(3.0)
    shedding.learn(0.0)
    assert shedding.holds == SETTINGS.most


def test_who_is_sent_away_is_told_when_to_come_back_and_counted():
    lines: list[str] = []
    with ExitStack() as stack:
        busy(shedding := desk(lines=lines), 101, stack)
        verdict = shedding.admit(Intent.GENERAL)
    assert (verdict.allowed, verdict.why, verdict.retry_after_s) == (False, "load", 7.5)
    assert [('"Shed":1' in line, '"Intent":"general"' in line) for line in lines] == [(True, True)]


def test_messages_that_fail_leave_their_place():
    shedding = desk()
    with pytest.raises(RuntimeError), shedding.message():
        raise RuntimeError
    with shedding.message():
        assert shedding.load == 0


def test_a_loop_that_is_held_up_is_seen_from_within():
    """On the wall clock, as lateness is what virtual time has none of."""

    async def main() -> Any:
        shedding = desk(SheddingSettings(most=100, floor=10, watch_s=0.001, lag_s=0.005))
        watching = asyncio.create_task(shedding.watch())
        for _ in range(10):
            await asyncio.sleep(0.002)
            time.sleep(0.02)  # noqa: ASYNC251 - the very thing that must not happen
        watching.cancel()
        return shedding.holds

    assert asyncio.run(main()) < 100


def test_in_time_nothing_changes():
    async def main() -> Any:
        shedding = desk()
        watching = asyncio.create_task(shedding.watch())
        await asyncio.sleep(60)
        watching.cancel()
        return shedding.holds

    assert loop.run(main()) == SETTINGS.most


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ((tuple(ROW[1:]),), "names no general"),
        ((tuple(ROW), (ROW[0],)), "twice"),
        ((tuple(ROW), ()), "empty"),
    ],
)
def test_an_order_has_every_intent_once(order, says):
    with pytest.raises(ValidationError, match=says):
        SheddingSettings(order=order)


def test_an_order_may_come_from_a_stack_file():
    named = {"order": [[intent.value for intent in intents] for intents in SETTINGS.order]}
    assert SheddingSettings.model_validate(named) == SheddingSettings()
