"""What providers told us (RUN-8): one asks for all, changes count at once, and trouble costs little."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from contract.traffic_settings import CacheSettings
from runtime.caches import invalidate
from runtime.caches.shelf import Codec
from tests.runtime.cache_helpers import Provider, Task, played, without_valkey

PLAIN = CacheSettings(early=False)


async def all_at_once(task: Task, provider: Provider, askers: int, key: str = "B1") -> list[str]:
    return list(await asyncio.gather(*(task.prices.get(key, provider) for _ in range(askers))))


def test_what_was_told_is_said_again_for_five_minutes():
    async def scene(_, task) -> Any:
        provider = Provider()
        said = []
        for _ in range(4):
            said.append(await task.prices.get("B1", provider))
            await asyncio.sleep(120)
        return said, task.counted("CacheHits"), task.counted("CacheMisses")

    assert played(scene, PLAIN) == (["price 1"] * 3 + ["price 2"], 2, 2)


@pytest.mark.parametrize(("coalesce", "asked"), [(True, 1), (False, 1_000)])
def test_a_thousand_who_want_one_expired_thing(coalesce, asked):
    """The stampede: with coalescing one computation, without it as many as askers."""

    async def scene(_, task) -> Any:
        await task.prices.get("B1", Provider())
        await asyncio.sleep(3_600)
        provider = Provider()
        said = await all_at_once(task, provider, 1_000)
        assert len(said) == 1_000
        return len(provider.asked), task.counted("CacheMade")

    told = played(scene, CacheSettings(early=False, coalesce=coalesce))
    assert told == (asked, asked + 1)


@pytest.mark.parametrize(("coalesce", "asked"), [(True, 1), (False, 20)])
def test_of_many_tasks_one_asks(coalesce, asked):
    async def scene(_, *tasks) -> Any:
        provider = Provider()
        await asyncio.gather(*(task.prices.get("B1", provider) for task in tasks))
        return len(provider.asked)

    assert played(scene, CacheSettings(early=False, coalesce=coalesce), tasks=20) == asked


def test_past_its_time_it_is_served_while_one_asks_anew():
    async def scene(_, one, two) -> Any:
        await one.prices.get("B1", Provider())
        await asyncio.sleep(PLAIN.api_s + 1)
        slow = Provider(2.0)
        asking = asyncio.create_task(one.prices.get("B1", slow))
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        said = await two.prices.get("B1", slow)
        waited = asyncio.get_running_loop().time() - began
        return said, waited < 0.01, await asking, two.counted("CacheStale")

    assert played(scene, PLAIN, tasks=2) == ("price 1", True, "price 1", 1)


def test_a_provider_that_fails_leaves_what_it_said_before_for_a_while_and_then_its_error():
    async def scene(_, task) -> Any:
        provider = Provider()
        await task.prices.get("B1", provider)
        provider.fails = True
        await asyncio.sleep(PLAIN.api_s + 1)
        said = await task.prices.get("B1", provider)
        await asyncio.sleep(PLAIN.stale_s)
        with pytest.raises(ConnectionError):
            await task.prices.get("B1", provider)
        return said

    assert played(scene, PLAIN) == "price 1"


def test_a_failed_computation_frees_the_next_at_once():
    async def scene(_, one, two) -> Any:
        provider = Provider()
        provider.fails = True
        with pytest.raises(ConnectionError):
            await one.prices.get("B1", provider)
        provider.fails = False
        began = asyncio.get_running_loop().time()
        await two.prices.get("B1", provider)
        return asyncio.get_running_loop().time() - began

    assert played(scene, PLAIN, tasks=2) < 0.25


def test_who_leaves_does_not_take_the_answer_from_the_others():
    async def scene(_, task) -> Any:
        provider = Provider()
        first = asyncio.create_task(task.prices.get("B1", provider))
        await asyncio.sleep(0.1)
        others = asyncio.create_task(all_at_once(task, provider, 3))
        await asyncio.sleep(0.05)
        first.cancel()
        return await others, len(provider.asked)

    assert played(scene, PLAIN) == (["price 1"] * 3, 1)


def test_a_change_of_data_ends_every_entry_that_was_begun_before_it():
    async def scene(_, one, two) -> Any:
        provider = Provider()
        await one.prices.get("B1", provider, tags=["B1"])
        await one.prices.get("B2", provider, tags=["B2"])
        assert await invalidate(two.store, "B1", PLAIN.longest_s)
        return await two.prices.get("B1", provider), await two.prices.get("B2", provider)

    assert played(scene, PLAIN, tasks=2) == ("price 3", "price 2")


def test_a_change_while_it_is_being_computed_counts_too():
    async def scene(_, task) -> Any:
        provider = Provider(1.0)
        old = asyncio.create_task(task.prices.get("B1", provider, tags=["B1"]))
        await asyncio.sleep(0.5)
        await invalidate(task.store, "B1", PLAIN.longest_s)
        await old
        return await task.prices.get("B1", provider, tags=["B1"])

    assert played(scene, PLAIN) == "price 2"


def test_an_invalidated_tag_leaves_nothing_behind():
    async def scene(_, task) -> Any:
        await invalidate(task.store, "B1", PLAIN.longest_s)
        await asyncio.sleep(PLAIN.longest_s + 1)
        return await task.store.ask("KEYS", "*")

    assert played(scene, PLAIN) == []


def renewals(early: bool, seed: int, begin_s: float = 280) -> list[float]:
    """When an entry of 300 s is made anew that takes 2 s; from `begin_s` on 10 tasks ask 5 times a second."""

    async def scene(_, *tasks) -> Any:
        provider = Provider(2.0)
        await tasks[0].prices.get("B1", provider)
        began = asyncio.get_running_loop().time()

        async def asks(task: Task, offset: float) -> None:
            await asyncio.sleep(begin_s + offset)
            while asyncio.get_running_loop().time() - began < 303:
                await task.prices.get("B1", provider)
                await asyncio.sleep(0.2)

        await asyncio.gather(*(asks(task, 0.02 * number) for number, task in enumerate(tasks)))
        return [at - began for at in provider.asked[1:]]

    rules = CacheSettings(early=early, coalesce=False, stale_s=0)
    return list(played(scene, rules, tasks=10, seed=seed))


def test_early_renewal_spreads_what_would_be_a_spike_when_all_miss_at_once():
    """XFetch: without it every task computes in the second in which it ends; with it hardly two ever do."""
    spikes = {
        early: [max(Counter(map(int, renewals(early, seed))).values()) for seed in range(3)]
        for early in (False, True)
    }
    assert min(spikes[False]) == 10
    assert max(spikes[True]) <= 4
    assert all(min(renewals(early=True, seed=seed)) < 300 for seed in range(3))


def test_hardly_anything_is_renewed_long_before_its_time():
    assert all(at > 270 for at in renewals(early=True, seed=7, begin_s=200))


@pytest.mark.parametrize("trouble", ["silent", "refuses"])
def test_a_valkey_in_trouble_costs_a_deadline_and_fails_nobody(trouble):
    async def scene(server, task) -> Any:
        setattr(server, trouble, True)
        provider = Provider()
        waited = []
        for number in range(6):
            began = asyncio.get_running_loop().time()
            await task.prices.get(f"B{number}", provider)
            waited.append(asyncio.get_running_loop().time() - began - provider.seconds)
        return max(waited), waited[-1], len(provider.asked)

    worst, last, asked = played(scene, PLAIN)
    assert worst < 0.05  # a look and a put
    assert last < 1e-6
    assert asked == 6


def test_without_any_valkey_those_of_one_task_still_share():
    async def scene(task) -> Any:
        provider = Provider()
        return await all_at_once(task, provider, 100), len(provider.asked)

    assert without_valkey(scene) == (["price 1"] * 100, 1)


def test_a_value_of_another_version_is_a_miss():
    newer = Codec[str](2, str.encode, bytes.decode)

    async def scene(_, task) -> Any:
        provider = Provider()
        await task.prices.get("B1", provider)
        again = Task(task.store, PLAIN, codec=newer)
        return await again.prices.get("B1", provider), await again.prices.get("B1", provider)

    assert played(scene, PLAIN) == ("price 2", "price 2")


def test_a_value_that_cannot_be_read_is_a_miss():
    def refuse(_: bytes) -> str:
        raise ValueError("not mine")

    async def scene(_, task) -> Any:
        provider = Provider()
        await task.prices.get("B1", provider)
        return await Task(task.store, PLAIN, codec=Codec(1, str.encode, refuse)).prices.get("B1", provider)

    assert played(scene, PLAIN) == "price 2"
