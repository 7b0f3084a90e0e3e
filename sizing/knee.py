"""From which rate on an estate no longer holds: the same short story at rising rates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sizing.assumptions import Assumptions
from sizing.capacities import Capacities
from sizing.measured import Measured
from sizing.recording import CACHE, OWN
from sizing.simulate import simulate
from sizing.story import Story
from stacks.settings import Settings

LASTS_S = 180.0  # longer than a quota's minute, which is full at first
FULLY = ("T0", "T1", "standby")  # tiers whose answer a model gave
STEPS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
HOLDS = 0.99
MOST = 15.0  # messages a second that are followed: ten points in seconds


@dataclass(frozen=True)
class Point:
    """One rate: seconds to the first text (p95), and the share that was answered in full."""

    rate: float
    first_p95_s: float
    answered: float


def curve(
    top: Story, settings: Settings, known: Capacities, assumed: Assumptions, measured: Measured, seed: int
) -> Sequence[Point]:
    """Up to three times the story's own rate; everybody is connected from the beginning."""
    rungs = {rung.name for rung in settings.runtime.rungs if rung.tier.value in FULLY} | {OWN, CACHE}
    found = []
    for step in STEPS:
        story = replace(
            top,
            rate=top.rate * step,
            sessions=top.sessions * step,
            hours=LASTS_S / 3600,
            ramp_s=0.0,
            flashes=(),
            losses=(),
        )
        played = simulate(story, settings, known, assumed, measured, seed, MOST)
        fully = sum(share for rung, share in played.answered.items() if rung in rungs)
        found.append(Point(story.rate, played.quantile("first", 0.95) or 0.0, fully))
    return found


def breaks_at(points: Sequence[Point]) -> float | None:
    """The first rate at which not all are answered in full; None: it holds everywhere."""
    return next((point.rate for point in points if point.answered < HOLDS), None)
