"""Reading CloudWatch as a person would, but with exact windows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from runbooks.engine.signals import Signal, read, settled
from tests.runbooks.estate_helpers import Estate

THROTTLED = Signal("ModelThrottled", {"Rung": "sonnet"})


@pytest.mark.parametrize(("metric", "dimensions"), [("Mood", {}), ("Failed", {"Rung": "sonnet"})])
def test_a_metric_nobody_emits_is_refused(metric: str, dimensions: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"nothing emits {metric}"):
        Signal(metric, dimensions)


def test_several_signals_are_one_call(estate: Estate) -> None:
    estate.live(20)
    world = estate.world()
    seen = read(world, {"calls": THROTTLED, "messages": Signal("Messages")}, estate.time, 10)
    assert (seen["calls"].samples, seen["messages"].total) == (500, 500)
    assert world.aws.tally.reads == 1


def test_windows_are_exact_to_the_second(estate: Estate) -> None:
    estate.throttled_share = 0.04
    estate.live(13)
    seen = read(estate.world(), {"calls": THROTTLED}, estate.time, 7)["calls"]
    assert (seen.samples, seen.total, seen.share) == (350, 14, 0.04)
    assert seen.last(3, estate.time).samples == 150


def test_the_youngest_seconds_are_left_to_settle(estate: Estate) -> None:
    estate.time += timedelta(microseconds=7)
    assert estate.time - settled(estate.world(metrics_lag_s=2)) == timedelta(seconds=2, microseconds=7)


def test_another_environments_numbers_are_not_ours(estate: Estate) -> None:
    estate.live(5)
    world = estate.world()
    other = world.inventory.model_copy(update={"environment": "prod"})
    seen = read(replace(world, inventory=other), {"calls": THROTTLED}, estate.time, 5)["calls"]
    assert (seen.samples, seen.share) == (0, 0.0)
