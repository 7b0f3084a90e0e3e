"""A run beside an earlier one: which percentile moved, by how much, and how sure that is. Pure.

Messages of a moment are slow together, so they are no independent throws: whole stretches of time are drawn
again
(block bootstrap), the same ones of both runs, because both follow the same schedule. What is shown is the
interval in which 95 of 100 such draws lie. A percentile has got worse when all of that interval is beyond the
tolerance.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contract.errors import DONE, FAILED, INCONCLUSIVE
from loadtests.documents import DocumentError
from loadtests.run import Run
from loadtests.tally import Cell
from loadtests.verdict import judge

TOLERANCE = 0.05
_DRAWS = 250
_BLOCKS = 24
_FEWEST = 200  # messages of a group, below which its percentiles say little
_FEWEST_BLOCKS = 8
_MEASURES = ("first_token", "end_to_end", "chunk_gap")
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
Change = Literal["worse", "better", "unsure", "same"]
Pair = tuple[Cell, Cell]
Statistic = Callable[[Cell], float | None]


@dataclass(frozen=True, slots=True)
class Moved:
    """One figure in both runs. `low` and `high`: times what it was, between which it is with 95 %
    confidence."""

    name: str
    before: float
    after: float
    low: float
    high: float
    change: Change

    @property
    def words(self) -> str:
        """`first_token{tier:T0} p95: 812 -> 1,034 (+27 %, between +19 % and +36 %): worse`."""
        parts = (self.after / self.before if self.before else 1.0, self.low, self.high)
        now, low, high = (f"{(part - 1) * 100:+.0f} %" for part in parts)
        figures = f"{_figure(self.before)} -> {_figure(self.after)}"
        return f"{self.name}: {figures} ({now}, between {low} and {high}): {self.change}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All figures, those that got worse first. `doubt`: why nothing can be said."""

    moved: tuple[Moved, ...]
    doubt: str | None = None

    @property
    def exit_code(self) -> int:
        """0 no worse, 1 something is, 3 it could not be told."""
        if self.doubt is not None:
            return INCONCLUSIVE
        return FAILED if any(one.change == "worse" for one in self.moved) else DONE


def compare(before: Run, after: Run, tolerance: float = TOLERANCE) -> Comparison:
    """`after` beside `before`; DocumentError where these two cannot be compared at all."""
    _same_story(before, after)
    for name, run in (("earlier", before), ("new", after)):
        if doubts := judge(run).doubts:
            return Comparison((), f"the {name} run is invalid: {doubts[0]}")
    found = [*_all_moves(before, after, tolerance)]
    if not found:
        return Comparison((), "too few messages to compare: run both longer")
    order: tuple[Change, ...] = ("worse", "unsure", "better", "same")
    return Comparison(tuple(sorted(found, key=lambda one: order.index(one.change))))


def _same_story(before: Run, after: Run) -> None:
    left, right = before.scenario, after.scenario
    if left.segments != right.segments or left.mix != right.mix or left.name != right.name:
        raise DocumentError(
            f"{right.name} cannot be compared with a run of {left.name} of another length, rate or mix: "
            "run it as the baseline was run, or save a new baseline"
        )


def _all_moves(before: Run, after: Run, tolerance: float) -> Iterator[Moved]:
    tiers = sorted({*before.tally.by("tier"), *after.tally.by("tier")})
    for where in ({}, *({"tier": tier} for tier in tiers)):
        blocks = _blocks(before, where), _blocks(after, where)
        if any(sum(cell.messages for cell in side) < _FEWEST for side in blocks):
            continue
        if min(sum(1 for cell in side if cell.messages) for side in blocks) < _FEWEST_BLOCKS:
            continue
        whole = _together(blocks, Counter(range(len(blocks[0]))))
        drawn = [_together(blocks, draw) for draw in _draws(len(blocks[0]), f"{where}")]
        label = "".join(f"{{{name}:{value}}}" for name, value in where.items())
        for measure, name, statistic in _statistics(where):
            moved = _moved(f"{measure}{label} {name}", whole, drawn, statistic, tolerance)
            if moved is not None:
                yield moved


def _blocks(run: Run, where: Mapping[str, str]) -> list[Cell]:
    """The messages of a group, in stretches of equal length."""
    by_bin = run.tally.by("bin", where)
    bins = max(1, math.ceil(run.scenario.length_s / run.tally.bin_s))
    count = min(_BLOCKS, bins)
    made = [Cell() for _ in range(count)]
    for number, cell in by_bin.items():
        made[min(number * count // bins, count - 1)].merge(cell)
    return made


def _draws(count: int, seed: str) -> Iterator[Counter[int]]:
    """Which stretches are taken, and how often; always the same for the same question."""
    chance = random.Random(seed)  # noqa: S311 - must be repeatable, guards nothing
    for _ in range(_DRAWS):
        yield Counter(chance.choices(range(count), k=count))


def _together(blocks: tuple[Sequence[Cell], Sequence[Cell]], draw: Counter[int]) -> Pair:
    left, right = Cell(), Cell()
    for number, times in draw.items():
        left.merge(blocks[0][number], times)
        right.merge(blocks[1][number], times)
    return left, right


def _statistics(where: Mapping[str, str]) -> Iterator[tuple[str, str, Statistic]]:
    for measure in _MEASURES:
        for name, share in _QUANTILES.items():
            yield measure, name, _percentile(measure, share)
    if not where:
        # One more of each, so that no failure beside one failure is no endless change.
        yield "failed", "rate", lambda cell: (cell.failed + 1) / (cell.messages + 1)
        yield "cost", "mean", lambda cell: cell.usd / cell.messages if cell.usd else None


def _percentile(measure: str, share: float) -> Statistic:
    def of(cell: Cell) -> float | None:
        found: float | None = getattr(cell, measure).at(share)
        return found

    return of


def _moved(
    name: str, whole: Pair, drawn: Sequence[Pair], statistic: Statistic, tolerance: float
) -> Moved | None:
    before, after = (statistic(cell) for cell in whole)
    if not before or after is None:
        return None
    pairs = ((statistic(left), statistic(right)) for left, right in drawn)
    ratios = sorted(right / left for left, right in pairs if left and right is not None)
    if len(ratios) < _DRAWS / 2:
        return None
    low, high = ratios[int(0.025 * len(ratios))], ratios[int(0.975 * len(ratios)) - 1]
    return Moved(name, before, after, low, high, _change(after / before, low, high, tolerance))


def _change(ratio: float, low: float, high: float, tolerance: float) -> Change:
    if low > 1 + tolerance:
        return "worse"
    if high < 1 / (1 + tolerance):
        return "better"
    return "unsure" if ratio > 1 + tolerance else "same"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.4g}"
