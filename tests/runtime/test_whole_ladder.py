"""The whole ladder (RUN-5): units, on demand, priority, Haiku, the other region, canned, closed."""

from datetime import timedelta
from typing import Any

import pytest

from contract.controls import Control, Controls
from contract.frames import Failure, Final
from contract.runtime_settings import RoutingSettings, RuntimeSettings
from contract.tiers import Tier
from runtime.testing.desk import EPOCH, Desk
from runtime.testing.ladders import whole
from runtime.testing.models import cut_after, refusal, says, throttled

LADDER = whole()
MODELS = [rung.name for rung in LADDER if rung.model]
HERE = [rung.name for rung in LADDER if rung.model and rung.region is None]
SETTINGS = RuntimeSettings(ladder=LADDER, routing=RoutingSettings(trickle_share=0))
DEAD = [refusal("ServiceUnavailableException", 503)]


def scripts(failing: Any, names: list[str]) -> dict[str, Any]:
    """These fail so; each of the others says its own name."""
    return {name: failing if name in names else says(name) for name in MODELS}


async def asks(desk: Desk) -> Any:
    return await desk.ask()


@pytest.mark.parametrize("down", range(len(MODELS)))
def test_each_rung_answers_when_all_above_it_fail(at_desk, shown, down):
    """And nobody waits for those that refuse at once."""

    async def scene(desk: Desk) -> Any:
        return await desk.ask(), [(call.rung, call.started) for call in desk.models.calls]

    frames, calls = at_desk(scene, scripts(DEAD, MODELS[:down]), SETTINGS)
    assert calls == [(name, 0.0) for name in MODELS[: down + 1]]
    assert (shown(frames), frames[-1].tier) == (MODELS[down], LADDER[down].tier)


def test_a_region_that_is_lost_is_left_for_the_other_one(at_desk, shown):
    frames = at_desk(asks, scripts(DEAD, HERE), SETTINGS)
    assert (frames[-1].rung, frames[-1].tier) == ("standby-sonnet", Tier.STANDBY)
    assert [frame.type for frame in frames] == ["start", "delta", "final"]


def test_a_region_that_is_lost_in_the_middle_of_an_answer_is_too(at_desk, shown):
    """What was shown is replaced, once, by whoever can speak."""
    lost = scripts(DEAD, HERE) | {"sonnet-units": cut_after("Well, ")}
    frames = at_desk(asks, lost, SETTINGS)
    assert [frame.type for frame in frames] == ["start", "delta", "correction", "final"]
    assert shown(frames) == "standby-sonnet"


def test_below_all_models_the_answer_is_canned_and_marked(at_desk):
    ending = at_desk(asks, scripts(throttled(), MODELS), SETTINGS)[-1]
    assert isinstance(ending, Final)
    assert (ending.rung, ending.tier, ending.from_knowledge_base) == ("canned", Tier.T2, True)


@pytest.mark.parametrize(
    ("tier", "first"), [(Tier.T1, "haiku"), (Tier.STANDBY, "standby-sonnet"), (Tier.T2, "canned")]
)
def test_an_operator_may_begin_at_any_of_its_tiers(at_desk, tier, first):
    frames = at_desk(asks, scripts(DEAD, []), SETTINGS, forced(tier))
    assert frames[-1].rung == first


def test_closed_is_its_last_rung_and_answers_nobody(at_desk):
    async def scene(desk: Desk) -> Any:
        return (await desk.ask())[-1], desk.models.calls

    ending, calls = at_desk(scene, scripts(DEAD, []), SETTINGS, forced(Tier.T3))
    assert isinstance(ending, Failure)
    assert (ending.code, calls) == ("closed", [])


def forced(tier: Tier) -> Controls:
    return Controls(
        forced_tier=Control(value=tier, who="on-call", why="test", expires_at=EPOCH + timedelta(days=1))
    )
