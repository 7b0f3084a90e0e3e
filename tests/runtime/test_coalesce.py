"""One call for a crowd, in virtual time: who comes, who leaves, and what each is told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.coalesce import Coalesce
from runtime.shop.batch import Batch
from runtime.testing import loop

MOMENTS = st.integers(0, 40)  # tenths of a second


def test_of_a_crowd_one_asks():
    calls = []

    async def work():
        calls.append(1)
        await asyncio.sleep(1)
        return "answer"

    async def main():
        one: Coalesce[str, str] = Coalesce()
        said = await asyncio.gather(*(one.do("key", work) for _ in range(100)))
        return said, await one.do("key", work), len(one)

    crowd, later, left = loop.run(main())
    assert (set(crowd), later, left) == ({"answer"}, "answer", 0)
    assert len(calls) == 2  # nothing is kept


def test_an_error_is_everybodys_and_the_next_asks_anew():
    async def fails():
        await asyncio.sleep(1)
        raise ValueError("down")

    async def works():
        return "answer"

    async def main():
        one: Coalesce[str, str] = Coalesce()
        crowd = await asyncio.gather(*(one.do("key", fails) for _ in range(3)), return_exceptions=True)
        return [str(said) for said in crowd], await one.do("key", works)

    assert loop.run(main()) == (["down"] * 3, "answer")


def test_the_last_to_leave_ends_the_call():
    ended = []

    async def work():
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            ended.append(asyncio.get_running_loop().time())
            raise

    async def main():
        one: Coalesce[str, None] = Coalesce()
        crowd = [asyncio.create_task(one.do("key", work)) for _ in range(2)]
        for task in crowd:
            await asyncio.sleep(1)
            task.cancel()
        await asyncio.wait(crowd)
        await asyncio.sleep(0)
        return len(one)

    assert loop.run(main()) == 0
    assert ended == [2]


def play(
    comers: list[tuple[int, int, str]], ask: Callable[[str, list[tuple[str, float]]], Awaitable[Any]]
) -> tuple[list[Any], list[tuple[str, float]]]:
    """Each comes at a moment and has so much patience; (what each was told, calls with their moment)."""
    calls: list[tuple[str, float]] = []

    async def comer(at: int, patience: int, key: str) -> Any:
        await asyncio.sleep(at / 10)
        try:
            async with asyncio.timeout((patience + 0.5) / 10):
                return await ask(key, calls)
        except TimeoutError:
            return "left"
        except ValueError as error:
            return str(error)

    async def main() -> list[Any]:
        return list(await asyncio.gather(*(comer(*one) for one in comers)))

    return loop.run(main()), calls


COMERS = st.lists(st.tuples(MOMENTS, MOMENTS, st.sampled_from("abx")), max_size=12)
WORK_S = 1.0


@given(COMERS)
def test_whoever_stays_is_answered_whoever_else_leaves(comers):
    """Key x fails. Nobody waits longer than one call, and no two calls of a key overlap."""
    one: Coalesce[str, str] = Coalesce()

    async def ask(key: str, calls: list[tuple[str, float]]) -> str:
        async def work() -> str:
            calls.append((key, asyncio.get_running_loop().time()))
            await asyncio.sleep(WORK_S)
            if key == "x":
                raise ValueError("down")
            return f"answer {key}"

        return await one.do(key, work)

    told, calls = play(comers, ask)

    for (_, patience, key), said in zip(comers, told, strict=True):
        right = "down" if key == "x" else f"answer {key}"
        assert said in (right, "left")
        assert said == right or patience < WORK_S * 10
    assert len(one) == 0
    for key in "abx":
        mine = [at for asked, at in calls if asked == key]
        assert len(mine) <= sum(1 for comer in comers if comer[2] == key)


@given(COMERS)
def test_a_batch_answers_everybody_who_stays(comers):
    """And a key is never under way twice, however its askers come and go."""
    under_way: list[str] = []

    async def fetch(keys):
        assert not set(keys) & set(under_way)
        under_way.extend(keys)
        await asyncio.sleep(WORK_S)
        for key in keys:
            under_way.remove(key)
        return {key: ValueError("down") if key == "x" else f"answer {key}" for key in keys if key != "b"}

    batch: Batch[str] = Batch(fetch, most=2)

    async def ask(key: str, _: object) -> Any:
        return await batch.get(key)

    told, _ = play(comers, ask)

    right = {"a": "answer a", "b": None, "x": "down"}
    for (_, patience, key), said in zip(comers, told, strict=True):
        assert said in (right[key], "left")
        assert said == right[key] or patience < WORK_S * 10


def test_a_batch_whose_call_fails_tells_all_and_goes_on():
    async def fetch(keys):
        raise ValueError("down")

    async def main():
        batch: Batch[str] = Batch(fetch, most=10)
        crowd = await asyncio.gather(*(batch.get(key) for key in "abc"), return_exceptions=True)
        with pytest.raises(ValueError, match="down"):
            await batch.get_all("abc")
        return [str(said) for said in crowd], await batch.get_all([])

    assert loop.run(main()) == (["down"] * 3, [])
