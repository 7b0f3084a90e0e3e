"""Whether the steady state held: a pure function over what was measured at the client."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from contract.base import Shape
from contract.faults import Experiment, Probe

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Measure -> value, in each phase. What could not be measured is left out, None or NaN."""

    before: Mapping[str, float | None]
    during: Mapping[str, float | None]
    after: Mapping[str, float | None]


def caught(found: Iterable[T], broken_at: float, over_at: Callable[[T], float]) -> tuple[list[T], list[T]]:
    """Messages that had come to their end by then, and those it met on their way: they tell of what broke."""
    parts: tuple[list[T], list[T]] = ([], [])
    for one in found:
        parts[over_at(one) > broken_at].append(one)
    return parts


class Judgement(Shape):
    """What became of the hypothesis, and why: one line a finding."""

    verdict: Literal["held", "deviated", "inconclusive"]
    findings: tuple[str, ...]


def judge(experiment: Experiment, measures: Measures) -> Judgement:
    """held: every probe within its tolerance in every phase.

    deviated: during or after the fault a probe was not. inconclusive: a measure is missing, or the state was
    not steady before the fault, so that nothing afterwards can be blamed on it.
    """
    unsteady = list(_deviations(experiment, "before", measures.before))
    deviated = [
        *_deviations(experiment, "during", measures.during),
        *_deviations(experiment, "after", measures.after),
    ]
    missing = [
        f"{probe.measure} was not measured {phase} the fault"
        for phase, values in _phases(measures)
        for probe in experiment.steady_state
        if _value(probe, values) is None
    ]
    if unsteady:
        return Judgement(verdict="inconclusive", findings=("not steady to begin with", *unsteady))
    if deviated:
        return Judgement(verdict="deviated", findings=(*deviated, *missing))
    if missing:
        return Judgement(verdict="inconclusive", findings=tuple(missing))
    return Judgement(verdict="held", findings=tuple(_kept(probe) for probe in experiment.steady_state))


def _kept(probe: Probe) -> str:
    meanwhile = f" ({probe.during:g} during)" if probe.during is not None else ""
    return f"{probe.measure} stayed at most {probe.at_most:g}{meanwhile}"


def _phases(measures: Measures) -> tuple[tuple[str, Mapping[str, float | None]], ...]:
    return ("before", measures.before), ("during", measures.during), ("after", measures.after)


def _deviations(experiment: Experiment, phase: str, values: Mapping[str, float | None]) -> Iterator[str]:
    for probe in experiment.steady_state:
        value = _value(probe, values)
        limit = probe.limit(phase)
        if value is not None and value > limit:
            yield f"{probe.measure} was {value:g} {phase} the fault, at most {limit:g} is tolerated"


def _value(probe: Probe, values: Mapping[str, float | None]) -> float | None:
    value = values.get(probe.measure)
    return None if value is None or math.isnan(value) else value
