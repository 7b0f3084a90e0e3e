"""A metric whose course is known: so many samples of this value a minute until a moment, then others.

Answers as the metric store does, without holding samples: what three days of traffic would be is a product.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from contract.errors import WrongUseError
from rehearsal.metrics import MetricStore, Series

# value, and how many of it a minute
Mix = tuple[tuple[float, float], ...]
_PART = re.compile(r"(?P<value>-?[\d.]+)\*(?P<count>[\d.]+)(?P<share>%?)")
# Less than this much of a sample is none: rounding.
_NOTHING = 1e-6


class CourseError(WrongUseError):
    """A mix nobody can read."""


@dataclass(frozen=True)
class Course:
    """`well` until `turns`, then `ill`; epoch seconds."""

    well: Mix
    ill: Mix
    turns: float

    def between(self, start: float, end: float) -> dict[float, float]:
        """Value -> how many samples."""
        found: dict[float, float] = {}
        for mix, seconds in (
            (self.well, min(end, self.turns) - start),
            (self.ill, end - max(start, self.turns)),
        ):
            for value, count in mix:
                if seconds > 0 and count > 0:
                    found[value] = found.get(value, 0.0) + count * seconds / 60
        # What comes less than once in a stretch is not there: no alarm may count on it.
        return {value: whole for value, count in found.items() if (whole := int(count + _NOTHING))}


@dataclass
class Courses(MetricStore):
    """A store that makes its points up as it is asked."""

    of: Mapping[Series, Course] = field(default_factory=dict)

    def datapoint(self, series: Series, name: str, start: float, end: float) -> float | None:
        course = self.of.get(series)
        return weighted(name, course.between(start, end)) if course else None


def mix(text: str, messages: float) -> Mix:
    """What "0*95% 1*5%" is at so many messages a minute; "-" is silence."""
    return tuple(_parts(text, messages)) if text.strip() != "-" else ()


def by_messages(text: str) -> bool:
    """Whether it depends on the traffic."""
    return "%" in text


def _parts(text: str, messages: float) -> Iterator[tuple[float, float]]:
    for word in text.split():
        found = _PART.fullmatch(word)
        if found is None:
            raise CourseError(f"{text!r}: {word} is not value*count, value*share% or -")
        count = float(found["count"])
        yield float(found["value"]), count * messages / 100 if found["share"] else count


def weighted(name: str, samples: Mapping[float, float]) -> float | None:
    """A statistic of values that come so often; those of `rehearsal.metrics.statistic`."""
    total = sum(samples.values())
    if not samples:
        return None
    if name in _SIMPLE:
        return _SIMPLE[name](samples, total)
    if name.startswith("PR(:"):
        limit = float(name[4:-1])
        return 100 * sum(count for value, count in samples.items() if value <= limit) / total
    return _percentile(float(name[1:]) / 100 * total, samples)


def _summed(samples: Mapping[float, float]) -> float:
    return sum(value * count for value, count in samples.items())


def _percentile(wanted: float, samples: Mapping[float, float]) -> float:
    """The value at which so many samples have passed."""
    passed = 0.0
    for value in sorted(samples):
        passed += samples[value]
        if passed >= wanted - _NOTHING:
            return value
    return max(samples)


_SIMPLE: Mapping[str, Callable[[Mapping[float, float], float], float]] = {
    "SampleCount": lambda _, total: round(total, 6),
    "Sum": lambda samples, _: _summed(samples),
    "Average": lambda samples, total: _summed(samples) / total,
    "Minimum": lambda samples, _: min(samples),
    "Maximum": lambda samples, _: max(samples),
}
