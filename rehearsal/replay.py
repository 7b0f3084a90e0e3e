"""What the alarms of a plan would have done with metrics of the past, and what thresholds would do better."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plan.model import Plan
from rehearsal.alarm_definitions import MetricAlarm
from rehearsal.alarms import SETTLE_S, Judge, Notice, Transition
from rehearsal.history import Measured, Trouble

_MONTH_S = 730 * 3_600.0
# A threshold this much beyond the worst of good times.
_MARGIN = 1.2
_CANDIDATES = 60


@dataclass(frozen=True)
class Replayed:
    """What changed and what was told; `judged` of so many alarms."""

    transitions: tuple[Transition, ...]
    notices: tuple[Notice, ...]
    judged: int


@dataclass(frozen=True)
class Estimate:
    """What a threshold would have done."""

    threshold: float
    false_alarms: int
    false_a_month: float
    detected: int
    delay_s: float | None


@dataclass(frozen=True)
class Tuned:
    """One alarm: as it is, and as the past proposes."""

    alarm: str
    periods: int
    troubles: int
    usual: float | None
    now: Estimate
    proposed: Estimate


def replay(plan: Plan, region: str, past: Measured, speed: float = 1.0) -> Replayed:
    """Every look CloudWatch would have taken, from the first point to the last."""
    judge = Judge.of(plan, region, past.store, namespaces=past.namespaces, speed=speed)
    judge.judge(past.begin + SETTLE_S)
    while (now := judge.next_look()) <= past.end + SETTLE_S:
        judge.judge(now)
    return Replayed(tuple(judge.transitions), tuple(judge.notices), len(judge.alarms))


def tune(plan: Plan, region: str, past: Measured, false_a_month: float = 1.0) -> list[Tuned]:
    """A threshold for every metric alarm that the past says something about."""
    judge = Judge.of(plan, region, past.store, namespaces=past.namespaces)
    found = []
    for alarm in judge.alarms:
        definition = alarm.definition
        if isinstance(definition, MetricAlarm):
            points = list(_course(judge, definition, past))
            if any(value is not None for _, value in points):
                found.append(_tuned(definition, points, past, false_a_month))
    return found


def _course(judge: Judge, alarm: MetricAlarm, past: Measured) -> Iterator[tuple[float, float | None]]:
    """What the alarm would have compared, look by look: when, and the youngest point."""
    every = alarm.every_s
    end = past.begin // every * every + every
    while end <= past.end + every:
        yield end, judge.points(alarm, end)[-1]
        end += every


def _tuned(
    alarm: MetricAlarm, points: Sequence[tuple[float, float | None]], past: Measured, wanted: float
) -> Tuned:
    good = sorted(
        value for at, value in points if value is not None and not _during(at, past.troubles, alarm)
    )
    every = sorted({value for _, value in points if value is not None})
    step = max(1, len(every) // _CANDIDATES)
    up = alarm.comparison.startswith("Greater")
    worst = (good[-1] * _MARGIN if up else good[0] / _MARGIN) if good else alarm.threshold
    candidates = [alarm.threshold, worst, *every[::step]]
    judged = [_estimate(alarm, points, past, threshold) for threshold in dict.fromkeys(candidates)]

    def worth(one: Estimate) -> tuple[bool, int, bool, float, float]:
        """Few false alarms, then what it finds; of equals the one there is, or the furthest from good."""
        return (
            one.false_a_month > wanted,
            -one.detected,
            one is not judged[0],
            one.false_a_month,
            abs(one.threshold - worst),
        )

    return Tuned(
        alarm.name,
        len(points),
        len(past.troubles),
        good[len(good) // 2] if good else None,
        judged[0],
        min(judged, key=worth),
    )


def _estimate(
    alarm: MetricAlarm, points: Sequence[tuple[float, float | None]], past: Measured, threshold: float
) -> Estimate:
    reds = list(_reds(alarm, points, threshold))
    false = [at for at in reds if not _during(at, past.troubles, alarm)]
    found = [
        min(at - trouble.begin for at in reds if trouble.begin <= at <= trouble.end + _grace(alarm))
        for trouble in past.troubles
        if any(trouble.begin <= at <= trouble.end + _grace(alarm) for at in reds)
    ]
    length = max(past.end - past.begin - sum(t.end - t.begin for t in past.troubles), 1.0)
    return Estimate(
        threshold,
        len(false),
        len(false) * _MONTH_S / length,
        len(found),
        sum(found) / len(found) if found else None,
    )


def _reds(
    alarm: MetricAlarm, points: Sequence[tuple[float, float | None]], threshold: float
) -> Iterator[float]:
    """When it would have turned red: M of the last N points there are."""
    up, strict = alarm.comparison.startswith("Greater"), "OrEqual" not in alarm.comparison
    recent: list[bool] = []
    red = False
    for at, value in points:
        if value is None:
            continue
        beyond = value > threshold if up else value < threshold
        recent = [*recent, beyond or (not strict and value == threshold)][-alarm.of :]
        now = sum(recent) >= alarm.datapoints
        if now and not red:
            yield at
        red = now


def _grace(alarm: MetricAlarm) -> float:
    """So long after trouble has ended an alarm may still see it."""
    return alarm.period_s * alarm.of


def _during(at: float, troubles: Sequence[Trouble], alarm: MetricAlarm) -> bool:
    return any(trouble.begin <= at <= trouble.end + _grace(alarm) for trouble in troubles)
