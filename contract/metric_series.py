"""Series of points at equal distances, and what is made of them point by point. No syntax: `metric_math`."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Series:
    """The oldest point first; None where there is no value."""

    values: tuple[float | None, ...]


Value = float | Series | tuple[Series, ...]


class NoNumberError(ValueError):
    """Two numbers of which no number can be made."""


def mapped(how: Callable[[float], float], value: Value) -> Value:
    """`how` of every point there is."""
    if isinstance(value, tuple):
        return tuple(_of_points(how, one) for one in value)
    return _of_points(how, value) if isinstance(value, Series) else float(how(value))


def paired(how: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """`how` of two values; an array goes with a number or one series."""
    if isinstance(left, tuple):
        if isinstance(right, tuple):
            raise NoNumberError("an array of series goes with a number or one series, not with another array")
        return tuple(_one(how, one, right) for one in left)
    if isinstance(right, tuple):
        return tuple(_one(how, left, one) for one in right)
    if isinstance(left, Series) or isinstance(right, Series):
        return _one(how, left, right)
    found = _sound(lambda: how(left, right))
    if found is None:
        raise NoNumberError(f"{left:g} and {right:g} give no number")
    return found


def across(how: Callable[[list[float]], float], several: Iterable[Series], *, missing_is_0: bool) -> Series:
    """Several series as one, moment by moment; no point where none has one."""
    made: list[float | None] = []
    for moment in zip(*(series.values for series in several), strict=True):
        there = [point for point in moment if point is not None]
        taken = [point or 0.0 for point in moment] if missing_is_0 else there
        made.append(_sound(lambda taken=taken: how(taken)) if there else None)  # type: ignore[misc]
    return Series(tuple(made))


def chosen(condition: Series, yes: Series | float, no: Series | float | None) -> Series:
    """IF of the guide's tables: where the condition has no point there is none, unless `no` is a number."""
    made: list[float | None] = []
    for at, state in enumerate(condition.values):
        if state is None:
            there = isinstance(yes, Series) and yes.values[at] is not None
            made.append(no if there and isinstance(no, float) else None)
        elif state:
            made.append(yes.values[at] or 0.0 if isinstance(yes, Series) else yes)
        else:
            made.append(no.values[at] if isinstance(no, Series) else no)
    return Series(tuple(made))


def filled(series: Series, others: Series | float) -> Series:
    """Missing points from a number or from another series."""
    other = others.values if isinstance(others, Series) else (others,) * len(series.values)
    pairs = zip(series.values, other, strict=True)
    return Series(tuple(instead if own is None else own for own, instead in pairs))


def repeated(series: Series) -> Series:
    """Missing points are the last one before them."""
    made: list[float | None] = []
    for value in series.values:
        made.append(value if value is not None else (made[-1] if made else None))
    return Series(tuple(made))


def joined(series: Series) -> Series:
    """A straight line over each gap; nothing before the first point and after the last."""
    made = list(series.values)
    known = [(at, value) for at, value in enumerate(series.values) if value is not None]
    for (before, low), (after, high) in pairwise(known):
        for at in range(before + 1, after):
            made[at] = low + (high - low) * (at - before) / (after - before)
    return Series(tuple(made))


def rate(series: Series, period_s: float) -> Series:
    """Change a second, from the point before."""
    made: list[float | None] = [None] * len(series.values)
    known = [(at, value) for at, value in enumerate(series.values) if value is not None]
    for (before, low), (after, high) in pairwise(known):
        made[after] = (high - low) / ((after - before) * period_s)
    return Series(tuple(made))


def _one(how: Callable[[float, float], float], left: Series | float, right: Series | float) -> Series:
    """Of a series with a number or another series."""
    if isinstance(left, Series) and isinstance(right, Series):
        return _both(how, left, right)
    if isinstance(left, Series):
        return _of_points(lambda point: how(point, _number(right)), left)
    return _of_points(lambda point: how(left, point), right if isinstance(right, Series) else Series(()))


def _number(value: Series | float) -> float:
    return value if isinstance(value, float) else 0.0


def _of_points(how: Callable[[float], float], series: Series) -> Series:
    return Series(
        tuple(
            None if point is None else _sound(lambda point=point: how(point))  # type: ignore[misc]
            for point in series.values
        )
    )


def _both(how: Callable[[float, float], float], left: Series, right: Series) -> Series:
    """Where one of two series has a point, the other's missing one is 0."""
    made: list[float | None] = []
    for a, b in zip(left.values, right.values, strict=True):
        nothing = a is None and b is None
        made.append(None if nothing else _sound(lambda a=a, b=b: how(a or 0.0, b or 0.0)))  # type: ignore[misc]
    return Series(tuple(made))


def _sound(how: Callable[[], float]) -> float | None:
    """A point that cannot be computed is dropped: divided by zero, too large, no real number."""
    try:
        found = how()
    except (ArithmeticError, ValueError):
        return None
    if isinstance(found, complex) or not math.isfinite(found):
        return None
    return float(found)
