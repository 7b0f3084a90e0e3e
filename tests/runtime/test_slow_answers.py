"""RUN-6 with answers that take their time: a refusal comes at once, an answer's first text much later.

A rung that refuses three calls in a hundred must look neither dead when it starts nor bad when it is probed.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from contract.tiers import Tier
from runtime.port import Opened, Stop, Text
from runtime.testing.desk import Desk
from runtime.testing.models import Script, Wait, cut_after, hangs, refusal, says

REFUSED: Script = [Wait(0.05), refusal("ThrottlingException", 429)]
ANSWERED: Script = [Opened(), Wait(0.6), Text("Well, "), Wait(3.0), Text("yes."), Stop()]
LONG = "Which of the two lamps that I looked at yesterday would you put beside a bed?"
RATES = [15, 60, pytest.param(300, marks=pytest.mark.prove)]


def one_in(number: int, first: int) -> Callable[[int], Script]:
    return lambda call: REFUSED if call % number == first else ANSWERED


async def traffic(desk: Desk, rate: int, seconds: float) -> list[Tier | None]:
    """The tier of every answer, in the order of the questions."""
    asked = []
    for number in range(int(rate * seconds)):
        asked.append(asyncio.create_task(desk.tier(LONG, f"r{number}")))
        await asyncio.sleep(1 / rate)
    return await asyncio.gather(*asked)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("first", [0, 1, 32])
def test_a_cold_start_with_three_refusals_in_a_hundred_stays_on_the_best_rung(at_desk, rate, first):
    """Only what was refused is answered below; nothing else ever leaves the rung."""

    async def scene(desk: Desk) -> Any:
        return await traffic(desk, rate, 12), len(desk.models.on("sonnet"))

    scripts = {"sonnet": one_in(33, first), "haiku": says("Hi", first_s=0.2)}
    tiers, calls = at_desk(scene, scripts)
    refused = [number for number in range(len(tiers)) if number % 33 == first]
    assert calls == len(tiers)
    assert [number for number, tier in enumerate(tiers) if tier is not Tier.T0] == refused


@pytest.mark.parametrize("rate", RATES)
def test_after_an_outage_traffic_comes_back_although_three_in_a_hundred_are_refused(at_desk, rate):
    """Probes that are refused before another has spoken do not send everybody away again."""
    fine = one_in(33, 20)

    async def scene(desk: Desk) -> Any:
        await traffic(desk, rate, 20)
        return await traffic(desk, rate, 5)

    def sonnet(call: int) -> Script:
        return REFUSED if asyncio.get_running_loop().time() < 3 else fine(call)

    tiers = at_desk(scene, {"sonnet": sonnet, "haiku": says("Hi", first_s=0.2)})
    assert tiers.count(Tier.T0) / len(tiers) > 0.95


@pytest.mark.parametrize("trouble", [REFUSED, hangs(), cut_after("Well, ")], ids=["refuses", "hangs", "cuts"])
@pytest.mark.parametrize("rate", RATES)
def test_a_rung_that_always_fails_is_still_given_up(at_desk, trouble, rate):
    async def scene(desk: Desk) -> Any:
        tiers = await traffic(desk, rate, 14)
        return tiers, desk.models.on("sonnet")

    tiers, calls = at_desk(scene, {"sonnet": trouble, "haiku": says("Hi", first_s=0.2)})
    late = [call for call in calls if call.started > 11]
    assert set(tiers) == {Tier.T1}
    assert len(late) < rate * 3 / 5
