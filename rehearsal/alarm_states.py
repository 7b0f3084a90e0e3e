"""The state an alarm goes to from its points: M of N, and what missing ones mean. Pure functions.

The rules are in the CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data"; its tables
are held against this in tests/rehearsal/test_alarm_states.py.
"""

import operator
from collections.abc import Callable, Mapping, Sequence

from contract.alarm_rules import State
from rehearsal.alarm_definitions import MetricAlarm

# Where a period has no data CloudWatch looks a little further back. How far, only the tables of its guide
# show: at five periods for an alarm over three.
LOOK_BACK = 2
_BREACHES: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
_WORDS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at least",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at most",
}


def compares(comparison: str) -> bool:
    """Whether this comparison needs nothing but a threshold; bands need a model of AWS's."""
    return comparison in _BREACHES


def decide(alarm: MetricAlarm, present: State, points: Sequence[float | None]) -> tuple[State, str]:
    """The state an alarm goes to from its `present` one, and why; the youngest point comes first."""
    window, needed, missing = alarm.of, alarm.datapoints, alarm.treats_missing
    real = [(age, value) for age, value in enumerate(points, 1) if value is not None][:window]
    if not real and missing == "missing":
        return "INSUFFICIENT_DATA", "no data"
    breaches = _BREACHES[alarm.comparison]
    bad = [age for age, value in real if breaches(value, alarm.threshold)]
    count = len(bad) + (window - len(real) if missing == "breaching" else 0)
    used = points[: max(window, *(age for age, _ in real), 0)]
    shown = ", ".join("-" if value is None else f"{value:.3g}" for value in reversed(used))
    words = f"{_WORDS[alarm.comparison]} {alarm.threshold:g}"
    reason = f"{count} of {window} datapoints [{shown}] {words} ({needed} are needed)"
    if count >= needed:
        return "ALARM", reason
    if missing in {"missing", "ignore"} and len(bad) == len(real) < window:
        # All there is breaches; what is missing could decide it. A first breach M periods ago is enough.
        otherwise: State = "ALARM" if bad and bad[-1] >= needed else "OK"
        return present if missing == "ignore" else otherwise, reason
    return "OK", reason
