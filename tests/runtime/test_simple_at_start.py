"""RUN-5 with answers that take their time: refusals end at once, answers seconds later, and both are calls.

A rung that refuses three calls in a hundred is below the five of the threshold from its first second on.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from contract.runtime_settings import BreakerSettings, RoutingSettings, RuntimeSettings
from contract.tiers import Tier
from runtime.port import Opened, Stop, Text
from runtime.testing.desk import Desk
from runtime.testing.models import Script, Wait, hangs, refusal, says

REFUSED: Script = [Wait(0.05), refusal("ThrottlingException", 429)]
ANSWERED: Script = [Opened(), Wait(0.6), Text("Well, "), Wait(3.0), Text("yes."), Stop()]
INVALID: Script = [Wait(0.05), refusal("ValidationException", 400)]
BLOCKED: Script = [Opened(), Wait(0.05), Stop("guardrail_intervened")]
HAIKU = says("Hi", first_s=0.2)
SIMPLE = "Where is my order?"
COMPLEX = "Which of the two lamps that I looked at yesterday would you put beside a bed?"
# Nobody goes to Haiku for practice here, so that whoever goes there was sent.
NO_TRICKLE = RuntimeSettings(routing=RoutingSettings(trickle_share=0))
UNBROKEN = NO_TRICKLE.model_copy(update={"breaker": BreakerSettings(enabled=False)})


def one_in(number: int, first: int, script: Script = REFUSED) -> Callable[[int], Script]:
    return lambda call: script if call % number == first else ANSWERED


async def traffic(desk: Desk, rate: int, seconds: float) -> list[Tier | None]:
    """The tier of every answer to a simple message, in the order of the questions."""
    asked = []
    for number in range(int(rate * seconds)):
        asked.append(asyncio.create_task(desk.tier(SIMPLE, f"r{number}")))
        await asyncio.sleep(1 / rate)
    return await asyncio.gather(*asked)


@pytest.mark.parametrize("rate", [15, 60, pytest.param(300, marks=pytest.mark.prove)])
@pytest.mark.parametrize("first", [0, 1, 32])
def test_a_cold_start_below_the_threshold_sends_nobody_to_haiku(at_desk, rate, first):
    """Only what was refused is answered there."""
    scripts = {"sonnet": one_in(33, first), "haiku": HAIKU}
    tiers = at_desk(lambda desk: traffic(desk, rate, 12), scripts, NO_TRICKLE)
    refused = [number for number in range(len(tiers)) if number % 33 == first]
    assert [number for number, tier in enumerate(tiers) if tier is not Tier.T0] == refused


def test_above_the_threshold_simple_messages_move_though_hardly_an_answer_is_whole(at_desk):
    """One call in ten is refused: fifty calls are enough, whether they have ended or not."""
    tiers = at_desk(lambda desk: traffic(desk, 60, 3), {"sonnet": one_in(10, 0), "haiku": HAIKU}, UNBROKEN)
    assert set(tiers[60:]) == {Tier.T1}


@pytest.mark.parametrize("told", [INVALID, BLOCKED], ids=["invalid", "blocked"])
def test_what_tells_nothing_about_the_rung_is_no_call_of_it(at_desk, told):
    """Three failures, 46 answers, and one call that was our own mistake or a verdict: 49 are no rate."""

    async def scene(desk: Desk) -> Any:
        await traffic(desk, 60, 50 / 60)
        await asyncio.sleep(5.0)
        return await desk.tier(SIMPLE)

    def sonnet(call: int) -> Script:
        scripts: Mapping[int, Script] = {1: REFUSED, 2: REFUSED, 3: REFUSED, 9: told}
        return scripts.get(call, ANSWERED)

    assert at_desk(scene, {"sonnet": sonnet, "haiku": HAIKU}, UNBROKEN) is Tier.T0


def test_people_who_leave_are_no_calls_either(at_desk):
    """Three failures in a hundred calls are few; when half of those were given up, they are too many."""

    async def scene(desk: Desk) -> Any:
        await traffic(desk, 60, 50 / 60)
        leaving = [asyncio.create_task(desk.ask(COMPLEX, f"left-{number}")) for number in range(50)]
        await asyncio.sleep(0.01)
        before = await desk.tier(SIMPLE)
        for one in leaving:
            one.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
        return before, await desk.tier(SIMPLE)

    def sonnet(call: int) -> Script:
        if 50 <= call < 100:
            return hangs()  # until whoever asked leaves
        return REFUSED if call < 3 else ANSWERED

    long_window = UNBROKEN.model_copy(
        update={"routing": RoutingSettings(haiku_threshold=0.055, trickle_share=0)}
    )
    assert at_desk(scene, {"sonnet": sonnet, "haiku": HAIKU}, long_window) == (Tier.T0, Tier.T1)


def test_a_failure_counts_when_it_is_known_however_long_ago_its_call_began(at_desk):
    """Calls that hang for ten seconds leave a window of five as calls, and come back as failures."""

    async def scene(desk: Desk) -> Any:
        hanging = [asyncio.create_task(desk.ask(request_id=f"h{number}")) for number in range(60)]
        await asyncio.sleep(10.3)
        tier = await desk.tier(SIMPLE)
        await asyncio.gather(*hanging)
        return tier

    settings = UNBROKEN.model_copy(
        update={"routing": RoutingSettings(threshold_window_s=5.0, trickle_share=0)}
    )
    assert at_desk(scene, {"sonnet": hangs(), "haiku": HAIKU}, settings) is Tier.T1
