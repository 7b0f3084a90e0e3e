"""When each message is due (open model): moments follow from the stages and a seed, never from the answers.

Pure functions. Customers do not wait for one another, so a slow answer must not slow the next question down:
that is what a closed loop does, and why it hides stalls.
"""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtests.scenario import Kind, Prompts, Scenario, Stage


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message: its number in the whole schedule, its moment after the beginning, and its text."""

    number: int
    at_s: float
    kind: Kind
    text: str


def schedule(scenario: Scenario, prompts: Prompts, seed: int) -> tuple[Arrival, ...]:
    """Every message of a run, in order. Equal arguments give equal schedules, on every machine."""
    chance = random.Random(f"texts {seed}")  # noqa: S311 - must be repeatable, guards nothing
    return tuple(
        _arrival(number, at_s, scenario, prompts, chance)
        for number, at_s in enumerate(moments(scenario.stages, scenario.arrivals == "poisson", seed))
    )


def share(arrivals: Sequence[Arrival], index: int, of: int) -> tuple[Arrival, ...]:
    """The part of worker `index` of `of` workers: all parts together are the schedule, none overlaps."""
    return tuple(arrivals[index::of]) if 0 <= index < of else ()


def moments(stages: Sequence[Stage], by_chance: bool, seed: int) -> Iterator[float]:
    """Seconds after the beginning at which a message is due.

    Marks are set on the expected number of messages, one apart or by chance (Poisson), and each mark becomes
    the moment at which so many are expected. So both kinds follow every slope of the stages.
    """
    marks = _poisson_marks(seed) if by_chance else _even_marks()
    mark = next(marks)
    begin = expected = 0.0
    for stage in stages:
        while mark < expected + stage.messages:
            yield begin + _moment(stage, mark - expected)
            mark = next(marks)
        begin, expected = begin + stage.for_s, expected + stage.messages


def _even_marks() -> Iterator[float]:
    return itertools.count(0.5)


def _poisson_marks(seed: int) -> Iterator[float]:
    chance = random.Random(f"moments {seed}")  # noqa: S311 - must be repeatable, guards nothing
    mark = 0.0
    while True:
        mark += chance.expovariate(1.0)
        yield mark


def _moment(stage: Stage, mark: float) -> float:
    """Seconds into a stage at which `mark` messages are expected: rate * t + slope / 2 * t * t = mark."""
    if mark <= 0:
        return 0.0
    first, slope = stage.first_rate, (stage.rate - stage.first_rate) / stage.for_s
    root = math.sqrt(max(0.0, first * first + 2 * slope * mark))
    return min(stage.for_s, 2 * mark / (first + root))


def _arrival(
    number: int, at_s: float, scenario: Scenario, prompts: Prompts, chance: random.Random
) -> Arrival:
    kind: Kind = "simple" if chance.random() < scenario.mix.simple else "complex"
    return Arrival(number, at_s, kind, chance.choice(prompts.of(kind)))
