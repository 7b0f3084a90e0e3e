"""How one service is asked, in virtual time: deadline, one repetition, breaker, and what is told of it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.runtime_settings import BreakerSettings, BudgetSettings, DownstreamSettings
from runtime.downstream import Downstream, ProviderError, Why
from runtime.testing import loop

OFF = BreakerSettings(enabled=False)
Work = Callable[[], Any]


def after(seconds: float, *outcomes: Any) -> tuple[list[float], Work]:
    """(when it was called, a service that takes so long and then says or raises these in turn)."""
    calls: list[float] = []

    async def work() -> Any:
        calls.append(asyncio.get_running_loop().time())
        await asyncio.sleep(seconds)
        said = outcomes[min(len(calls), len(outcomes)) - 1]
        if isinstance(said, Exception):
            raise said
        return said

    return calls, work


def lost(why: Why = Why.UNAVAILABLE, *, passing: bool = True) -> ProviderError:
    return ProviderError("it", why, passing=passing)


def play(scene: Callable[[Downstream], Any], **settings: Any) -> tuple[Any, list[tuple[str, float, str]]]:
    """(what came of it, what was told)."""
    told: list[tuple[str, float, str]] = []

    async def main() -> Any:
        asking = DownstreamSettings(**{"breaker": OFF, **settings})
        return await scene(Downstream("it", 1.0, asking, lambda *what: told.append(what)))

    return loop.run(main()), told


async def why(asked: Any) -> str:
    with pytest.raises(ProviderError) as refused:
        await asked
    return str(refused.value.why)


def test_an_answer_in_time():
    calls, work = after(0.9, "answer")
    assert play(lambda it: it.ask(work)) == ("answer", [("it", 0.9, "ok")])
    assert calls == [0]


def test_no_answer_in_time():
    _, work = after(5.0, "answer")
    assert play(lambda it: why(it.ask(work))) == ("timeout", [("it", 1.0, "timeout")])
    assert play(lambda it: why(it.ask(work, within_s=0.2))) == ("timeout", [("it", 0.2, "timeout")])


def test_a_call_that_was_lost_is_made_again_within_the_same_deadline():
    calls, work = after(0.4, lost(), "answer")
    assert play(lambda it: it.ask(work)) == ("answer", [("it", 0.8, "ok")])
    calls, work = after(0.6, lost(), "answer")
    assert play(lambda it: why(it.ask(work)))[0] == "timeout"
    assert calls == [0, 0.6]


@pytest.mark.parametrize("error", [lost(passing=False), lost(Why.REFUSED, passing=False)])
def test_what_does_not_pass_is_not_repeated(error):
    calls, work = after(0.1, error, "answer")
    play(lambda it: why(it.ask(work)))
    assert len(calls) == 1


def test_what_must_not_be_repeated_is_not():
    calls, work = after(0.1, lost(), "answer")
    assert play(lambda it: why(it.ask(work, again=False)))[0] == "unavailable"
    assert len(calls) == 1


def test_a_surprise_is_the_providers_error_and_not_a_crash():
    _, work = after(0.1, KeyError("price"))
    assert play(lambda it: why(it.ask(work))) == ("broken", [("it", 0.1, "broken")])


def test_refusals_never_open_the_breaker():
    calls, work = after(0.0, lost(Why.REFUSED, passing=False))

    async def scene(it: Downstream) -> None:
        for _ in range(100):
            await why(it.ask(work))

    play(scene, breaker=BreakerSettings())
    assert len(calls) == 100


WHYS = st.sampled_from(list(Why))
CALLS = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 15), st.none() | WHYS, st.booleans()), max_size=40
)


@given(CALLS, st.integers(0, 3))
def test_nobody_waits_past_the_deadline_and_retries_stay_within_budget(calls, savings):
    """Calls begin at any time, take any time, and end in any way; some are given up by whoever asked."""
    made: list[float] = []

    async def one(it: Downstream, at: int, takes: int, error: Why | None, leaves: bool) -> float:
        await asyncio.sleep(at / 10)
        began = asyncio.get_running_loop().time()

        async def work() -> str:
            made.append(began)
            await asyncio.sleep(takes / 10)
            if error:
                raise lost(error)
            return "answer"

        try:
            async with asyncio.timeout(0.35 if leaves else None):
                await it.ask(work)
        except (ProviderError, TimeoutError):
            pass
        return asyncio.get_running_loop().time() - began

    async def scene(it: Downstream) -> Any:
        return await asyncio.gather(*(one(it, *call) for call in calls))

    waits, told = play(scene, retry=BudgetSettings(share=0.1, most=savings), breaker=BreakerSettings())

    assert all(wait <= 1.0 + 1e-9 for wait in waits)
    assert len(told) == len(calls)
    skipped = sum(outcome == "skipped" for _, _, outcome in told)
    assert len(made) <= len(calls) - skipped + savings + 0.1 * len(calls)
