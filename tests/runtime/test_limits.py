"""Token buckets (RUN-9): never too much, exact about when, one bucket for all tasks, and without Valkey."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.people import Person
from contract.traffic_settings import BucketSettings, RateSettings
from runtime.limits import Limits, Verdict
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.desk import wall
from runtime.valkey import Nowhere, Store
from tests.runtime.valkey_helpers import MemoryValkey, on_the_loops_time

ANN, GUEST = Person("user", "ann"), Person("guest", "g-1")
MICRO = 1e-6
buckets = st.builds(
    BucketSettings,
    most=st.integers(1, 7),
    per_s=st.sampled_from([0.01, 0.7, 1.0, 3.0, 60.0]),
)
waits = st.lists(st.floats(0, 20).map(lambda s: round(s, 6)), min_size=1, max_size=40)


class Tasks:
    """Two runtimes over one Valkey without latency: what is exact shows only then."""

    def __init__(self, rates: RateSettings | None = None) -> None:
        self.server = MemoryValkey()
        self.server.latency_s = 0.0
        self.rates = rates or RateSettings()
        self.lines: list[str] = []

    def limits(self, store: Store) -> Limits:
        now = asyncio.get_running_loop().time
        return Limits(store, self.rates, Telemetry("test", wall, self.lines.append), now)


def played(
    scene: Callable[[Tasks, Limits, Limits], Awaitable[Any]], rates: RateSettings | None = None
) -> Any:
    async def main() -> Any:
        tasks = Tasks(rates)
        async with tasks.server.client() as one, tasks.server.client() as two:
            return await scene(tasks, tasks.limits(one), tasks.limits(two))

    with on_the_loops_time():
        return loop.run(main())


def alone(scene: Callable[[Limits], Awaitable[Any]], rates: RateSettings | None = None) -> Any:
    """The same without any Valkey."""

    async def main() -> Any:
        return await scene(Tasks(rates).limits(Nowhere()))

    return loop.run(main())


async def passed(limits: Limits, person: Person, times: int) -> int:
    return sum([(await limits.admit(person)).allowed for _ in range(times)])


def test_thirty_a_minute_for_customers_and_ten_for_guests():
    async def scene(_, limits, __) -> Any:
        at_once = await passed(limits, ANN, 40), await passed(limits, GUEST, 40)
        await asyncio.sleep(30)
        return at_once, (await passed(limits, ANN, 40), await passed(limits, GUEST, 40))

    assert played(scene) == ((30, 10), (15, 5))


def test_everybody_has_a_bucket_of_their_own():
    async def scene(_, limits, __) -> Any:
        return [await passed(limits, Person("guest", f"g-{n}"), 11) for n in range(3)]

    assert played(scene) == [10, 10, 10]


def test_two_runtimes_count_as_one():
    async def scene(_, one, two) -> Any:
        return sum([(await limits.admit(ANN)).allowed for limits in [one, two] * 40])

    assert played(scene) == 30


def test_a_refused_client_is_told_when_to_come_back():
    async def scene(_, limits, __) -> Any:
        await passed(limits, ANN, 30)
        return await limits.admit(ANN)

    assert played(scene) == Verdict(allowed=False, why="user", retry_after_s=2.0, models=False)


@given(bucket=buckets, spread=waits)
@settings(max_examples=60, deadline=None)
def test_no_window_ever_holds_more_than_a_full_bucket_and_what_flowed_in(bucket, spread):
    """A recount: of all pairs of passed messages, those between them against capacity + rate x time."""

    async def scene(_, one, two) -> Any:
        at = []
        for number, wait in enumerate(spread):
            await asyncio.sleep(wait % (bucket.per_s / 2))
            here = asyncio.get_running_loop().time()
            at += [here] * await passed((one, two)[number % 2], ANN, 3)
        return at

    at = played(scene, RateSettings(user=bucket))
    for first, begins in enumerate(at):
        for last in range(first, len(at)):
            flowed = (at[last] - begins + MICRO) * bucket.most / bucket.per_s
            assert last - first + 1 <= bucket.most + flowed


@given(bucket=buckets, spread=waits, shared=st.booleans())
@settings(max_examples=60, deadline=None)
def test_asking_when_told_succeeds_and_a_moment_earlier_fails(bucket, spread, shared):
    async def tries(limits: Limits) -> None:
        for wait in spread:
            await asyncio.sleep(wait % bucket.per_s)
            verdict = await limits.admit(ANN)
            if not verdict.allowed:
                await asyncio.sleep(verdict.retry_after_s - MICRO)
                assert not (await limits.admit(ANN)).allowed
                await asyncio.sleep(MICRO)
                assert (await limits.admit(ANN)).allowed

    rates = RateSettings(user=bucket)
    if shared:
        played(lambda _, limits, __: tries(limits), rates)
    else:
        alone(tries, rates)


def test_a_full_bucket_leaves_nothing_behind():
    async def scene(tasks, limits, _) -> Any:
        await limits.admit(ANN)
        async with tasks.server.client() as client:
            before = len(await client.ask("KEYS", "*"))
            await asyncio.sleep(2.1)  # one token of thirty a minute is back after two seconds
            return before, await client.ask("KEYS", "*")

    assert played(scene) == (2, [])


def test_past_the_cap_of_model_calls_people_are_let_in_without_a_model():
    rates = RateSettings(model_calls=BucketSettings(most=4, per_s=1.0))

    async def scene(_, limits, __) -> Any:
        verdicts = [await limits.admit(ANN) for _ in range(6)]
        await asyncio.sleep(0.25)
        return [v.models for v in verdicts], all(v.allowed for v in verdicts), await limits.model_call()

    assert played(scene, rates) == ([True] * 4 + [False] * 2, True, Verdict(allowed=True))


def test_a_refused_message_takes_no_model_call_from_others():
    rates = RateSettings(user=BucketSettings(most=1), model_calls=BucketSettings(most=3, per_s=60.0))

    async def scene(_, limits, __) -> Any:
        await passed(limits, ANN, 5)
        return [(await limits.model_call()).allowed for _ in range(3)]

    assert played(scene, rates) == [True, True, False]


def test_without_valkey_customers_pass_within_their_own_rate_and_guests_up_to_a_floor():
    async def scene(limits) -> Any:
        customers = [await passed(limits, Person("user", f"u-{n}"), 31) for n in range(20)]
        guests = sum([await passed(limits, Person("guest", f"g-{n}"), 1) for n in range(20)])
        return customers, guests, await limits.admit(Person("guest", "one more"))

    rates = RateSettings()
    customers, guests, refused = alone(scene, rates)
    assert customers == [30] * 20
    assert guests == rates.guest_floor.most
    assert (refused.allowed, refused.why, refused.retry_after_s) == (False, "guests", 0.2)


def test_without_valkey_a_task_calls_models_up_to_its_share():
    rates = RateSettings(tasks=3, model_calls=BucketSettings(most=30, per_s=1.0))

    async def scene(limits) -> Any:
        return sum([(await limits.model_call()).allowed for _ in range(50)])

    assert alone(scene, rates) == 10


def test_without_valkey_only_so_many_people_are_remembered():
    async def scene(limits) -> Any:
        for number in range(100):
            await limits.admit(Person("user", f"u-{number}"))
        return await passed(limits, Person("user", "u-99"), 40), await passed(
            limits, Person("user", "u-0"), 40
        )

    assert alone(scene, RateSettings(remembered=10)) == (29, 30)


@given(turns=st.lists(st.tuples(st.booleans(), st.floats(0.1, 8).map(lambda s: round(s, 3))), max_size=12))
@settings(max_examples=30, deadline=None)
def test_through_every_outage_somebody_decides_and_nobody_gets_much_more(turns):
    """Each turn: whether Valkey is down, and for how long. Nobody waits longer than a command's deadline."""

    async def scene(tasks, limits, _) -> Any:
        allowed, began = 0, asyncio.get_running_loop().time()
        for down, seconds in turns:
            tasks.server.silent = down
            ends = asyncio.get_running_loop().time() + seconds
            while (before := asyncio.get_running_loop().time()) < ends:
                allowed += (await limits.admit(ANN)).allowed
                assert asyncio.get_running_loop().time() - before <= 0.0201
                await asyncio.sleep(0.1)
        return allowed, asyncio.get_running_loop().time() - began

    allowed, seconds = played(scene)
    # What the shared bucket gives and what the own one gives while that is away: never more than both.
    assert allowed <= 2 * (30 + math.floor(seconds / 2) + 1)


def test_refusals_are_counted_by_kind():
    async def scene(tasks, limits, _) -> Any:
        await passed(limits, GUEST, 12)
        return [line for line in tasks.lines if '"Limited":1' in line]

    lines = played(scene)
    assert len(lines) == 2
    assert all('"Kind":"guest"' in line for line in lines)
    assert "g-1" not in "".join(lines)


@pytest.mark.parametrize("most", [1, 30, 3_000, 50_000])
def test_buckets_of_every_size_are_exact(most):
    bucket = BucketSettings(most=most, per_s=1.0)
    rates = RateSettings(user=bucket)

    async def scene(_, limits, __) -> Any:
        first = await limits.admit(ANN)
        return first.allowed, (await passed(limits, ANN, min(most, 50)))

    allowed, more = played(scene, rates)
    assert allowed
    assert more == min(most - 1, 50)
