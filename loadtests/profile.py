"""How many messages a second, when: stages, ramps, bursts and the curve of a day, as straight pieces.
Pure."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from contract.base import Shape

HOURS = 24
_FADE_PIECES = 6


class Stage(Shape):
    """A stretch of time with one rate, or with one that climbs or falls evenly."""

    name: str = ""
    for_s: float = Field(gt=0, le=86_400, description="how long it lasts, in seconds")
    rate: float = Field(ge=0, le=100_000, description="messages a second, at its end if it began elsewhere")
    from_rate: float | None = Field(
        None, ge=0, le=100_000, description="messages a second at its beginning; none: `rate` throughout"
    )

    @property
    def first_rate(self) -> float:
        """Messages a second when the stage begins."""
        return self.rate if self.from_rate is None else self.from_rate


class Burst(Shape):
    """A flash sale: on top of everything else so many more come at once, and then fewer and fewer."""

    name: str = "burst"
    at_s: float = Field(ge=0, description="seconds after the beginning")
    for_s: float = Field(gt=0, description="how long all of them keep coming")
    more: float = Field(gt=0, le=100_000, description="messages a second on top")
    fade_s: float = Field(0.0, ge=0, description="seconds in which they become few; halved every fifth of it")


class Day(Shape):
    """The curve of a day, played in `for_s` seconds."""

    for_s: float = Field(gt=0, le=86_400, description="how long the whole day lasts, in seconds")
    peak: float = Field(gt=0, le=100_000, description="messages a second in the busiest hour")
    hours: tuple[float, ...] = Field(description="24 numbers: how busy each hour begins, in any unit")

    @model_validator(mode="after")
    def _is_a_day(self) -> Self:
        if len(self.hours) != HOURS or min(self.hours) < 0 or not max(self.hours) > 0:
            raise ValueError(f"hours: must be {HOURS} numbers of 0 or more, not all 0")
        return self


@dataclass(frozen=True, slots=True)
class Segment:
    """A straight piece of the profile."""

    stage: str
    begin_s: float
    for_s: float
    first: float
    last: float

    @property
    def messages(self) -> float:
        """How many are expected in it."""
        return self.for_s * (self.first + self.last) / 2

    def rate(self, at_s: float) -> float:
        """Messages a second at a moment of the run."""
        return self.first + (self.last - self.first) * (at_s - self.begin_s) / self.for_s


def segments(stages: Sequence[Stage], day: Day | None, bursts: Sequence[Burst]) -> tuple[Segment, ...]:
    """One after the other without a gap: the stages (or the day), cut wherever a burst changes its rate."""
    base = [*_of_day(day)] if day else [*_of_stages(stages)]
    if not base:
        return ()
    end = base[-1].begin_s + base[-1].for_s
    extra = [piece for burst in bursts for piece in _of_burst(burst)]
    cuts = sorted({*_borders(base), *(at for at in _borders(extra) if 0 < at < end)})
    return tuple(
        _piece(base, extra, begin, until) for begin, until in itertools.pairwise(cuts) if until > begin
    )


def expected(pieces: Sequence[Segment], begin_s: float, until_s: float) -> float:
    """How many messages are expected between two moments."""
    total = 0.0
    for piece in pieces:
        low, high = max(begin_s, piece.begin_s), min(until_s, piece.begin_s + piece.for_s)
        if high > low:
            total += (high - low) * (piece.rate(low) + piece.rate(high)) / 2
    return total


def stage_at(pieces: Sequence[Segment], at_s: float) -> str:
    """The stage a moment is in."""
    return next((piece.stage for piece in reversed(pieces) if piece.begin_s <= at_s), "")


def _of_stages(stages: Sequence[Stage]) -> Iterator[Segment]:
    begin = 0.0
    for number, stage in enumerate(stages, 1):
        yield Segment(stage.name or f"stage {number}", begin, stage.for_s, stage.first_rate, stage.rate)
        begin += stage.for_s


def _of_day(day: Day) -> Iterator[Segment]:
    hour_s, scale = day.for_s / HOURS, day.peak / max(day.hours)
    for hour, busy in enumerate(day.hours):
        after = day.hours[(hour + 1) % HOURS]
        yield Segment(f"{hour:02d}:00", hour * hour_s, hour_s, busy * scale, after * scale)


def _of_burst(burst: Burst) -> Iterator[Segment]:
    begin = burst.at_s
    yield Segment(burst.name, begin, burst.for_s, burst.more, burst.more)
    begin += burst.for_s
    step = burst.fade_s / _FADE_PIECES
    for number in range(_FADE_PIECES if step else 0):
        high, low = (burst.more * math.pow(2, -5 * part / _FADE_PIECES) for part in (number, number + 1))
        yield Segment(burst.name, begin, step, high, 0.0 if number == _FADE_PIECES - 1 else low)
        begin += step


def _borders(pieces: Sequence[Segment]) -> Iterator[float]:
    for piece in pieces:
        yield piece.begin_s
        yield piece.begin_s + piece.for_s


def _piece(base: Sequence[Segment], extra: Sequence[Segment], begin: float, until: float) -> Segment:
    """Between two cuts everything is straight, so its two ends say it all."""
    middle = (begin + until) / 2
    here = [p for p in (*base, *extra) if p.begin_s <= middle < p.begin_s + p.for_s]
    name = next((p.stage for p in here if p in extra), here[0].stage)
    first, last = sum(p.rate(begin) for p in here), sum(p.rate(until) for p in here)
    return Segment(name, begin, until - begin, first, last)
