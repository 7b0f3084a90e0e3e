"""Which alarm tells of which failure, after how long, at how much traffic: each is played to the judge.

The ways to fail are data, `coverage.toml`. Nothing is matched by name: an alarm counts when it goes red and
tells somebody. Times are from the moment the metric is published, for trouble that begins just after a look.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from pydantic import Field

from contract.base import Shape
from contract.metrics import ENVIRONMENT
from contract.runbooks import catalogue
from plan.model import Plan
from rehearsal.alarm_definitions import Composite, Definition, Metric, MetricAlarm, of_plan
from rehearsal.alarms import SETTLE_S, Judge, JudgedAlarm, judged
from rehearsal.courses import Course, Courses, by_messages, mix

# A multiple of every period, and a second after it: the look that has just been missed what follows.
_BEGIN, _JUST_MISSED_S = 1_000_080_000.0, 1.0
# Messages a minute of a usual second: a hundred.
MESSAGES = 6_000.0
_LEAST, _MOST = 1.0, 10_000_000.0
# Slower alarms have their say too: an hour is the window of the fastest error budget.
_MORE_S = 3_600.0


class Sign(Shape):
    """What a metric publishes a minute, while all is well and when not."""

    well: str
    ill: str


class Mode(Shape):
    """One way to fail. `also`: other components that have such alarms, in another region say.

    `stands`: the component whose being there makes it possible, if it is not the one that has the alarms.
    `somewhere`: it is enough if one region tells of it, for the others have no traffic.
    """

    component: str
    also: tuple[str, ...] = ()
    stands: str | None = None
    somewhere: bool = False
    fails: str
    asks: str
    within_s: float = Field(gt=0)
    metrics: Mapping[str, Sign] = {}
    accepted: str | None = None


class Ways(Shape):
    """The whole of `coverage.toml`.

    `unalarmed`: incidents of the catalogue to which no alarm leads, and why. `parts`: component -> incidents.
    """

    modes: tuple[Mode, ...]
    unalarmed: Mapping[str, str]
    parts: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Caught:
    """An alarm that tells of a failure."""

    alarm: str
    severity: str
    runbook: str
    after_s: float


@dataclass(frozen=True)
class Covered:
    """One way to fail in one region, and who tells of it; the quickest first."""

    mode: Mode
    region: str
    caught: tuple[Caught, ...]
    least_messages: float | None
    there: bool

    @property
    def gap(self) -> str | None:
        """What is wrong; None if nothing is, or it is meant so."""
        if not self.there or self.mode.accepted:
            return None
        if not self.caught:
            return "no alarm tells of it"
        if self.caught[0].after_s > self.mode.within_s:
            return f"told after {self.caught[0].after_s:.0f} s, and {self.mode.within_s:.0f} s are allowed"
        return None


@cache
def ways() -> Ways:
    """Every way to fail that is written down."""
    return Ways.model_validate(
        tomllib.loads(Path(__file__).with_name("coverage.toml").read_text(encoding="utf-8"))
    )


def coverage(plan: Plan, messages: float = MESSAGES) -> list[Covered]:
    """Every way to fail, in each region that has such a component's alarms; in the first if none has."""
    kinds = {resource.type.removeprefix("concierge:") for resource in plan.resources}
    regions = list(dict.fromkeys(resource.region for resource in plan.cloud if resource.region))
    known = {region: judged(plan, region, None) for region in regions}
    found: list[Covered] = []
    for mode in ways().modes:
        there = bool(kinds & ({mode.stands} if mode.stands else {mode.component, *mode.also}))
        having = [region for region in regions if any(_owns(mode, alarm) for alarm in known[region])]
        least = _least_messages(mode, _relevant(mode, known[having[0]])) if having else None
        for region in having or regions[:1]:
            caught = play(mode, _relevant(mode, known[region]), messages)
            found.append(Covered(mode, region, tuple(caught), least, there))
    told = {each.mode.fails for each in found if each.caught}
    return [each for each in found if each.caught or not each.mode.somewhere or each.mode.fails not in told]


def _relevant(mode: Mode, alarms: Sequence[Definition]) -> list[Definition]:
    """The component's own alarms in whose metrics the failure shows, and those over them."""
    plain = [each for each in alarms if _owns(mode, each) and _moves(each, mode)]
    names = {each.name for each in plain}
    over = [each for each in alarms if isinstance(each, Composite) and names & set(each.rule.children)]
    return [*plain, *over]


def _owns(mode: Mode, alarm: Definition) -> bool:
    return alarm.component in {mode.component, *mode.also} and isinstance(alarm, MetricAlarm)


def play(mode: Mode, alarms: Sequence[Definition], messages: float, more_s: float = _MORE_S) -> list[Caught]:
    """The failure begins: which of these alarms tell somebody, and when. Only the first if not `more_s`."""
    turns = _BEGIN + _JUST_MISSED_S
    courses = {
        (metric.namespace, metric.name, frozenset(metric.dimensions.items())): Course(
            mix(sign.well, messages), mix(sign.ill, messages), turns
        )
        for alarm in alarms
        if isinstance(alarm, MetricAlarm)
        for metric in alarm.metrics.values()
        if (sign := _sign(mode, metric)) is not None
    }
    judge = Judge([JudgedAlarm(each) for each in alarms], Courses(of=courses))
    judge.judge(_BEGIN + SETTLE_S)
    begun, end = len(judge.notices), turns + mode.within_s + more_s
    while (now := judge.next_look()) <= end:
        judge.judge(now)
        if not more_s and _told(judge, begun, turns):
            break
    return _told(judge, begun, turns)


def _told(judge: Judge, begun: int, turns: float) -> list[Caught]:
    """The first time each alarm told that it is red."""
    found: dict[str, Caught] = {}
    for notice in judge.notices[begun:]:
        if notice.state == "ALARM" and notice.alarm not in found:
            definition = judge.alarm(notice.alarm).definition
            # The judge lets lines settle, as in a rehearsal; here metrics are there at once.
            after = notice.at - SETTLE_S - turns
            found[notice.alarm] = Caught(notice.alarm, definition.severity, definition.runbook, after)
    return sorted(found.values(), key=lambda caught: (caught.after_s, caught.severity, caught.alarm))


def _moves(alarm: Definition, mode: Mode) -> bool:
    """Whether the failure shows in one of its metrics."""
    return isinstance(alarm, MetricAlarm) and any(_sign(mode, metric) for metric in alarm.metrics.values())


def _sign(mode: Mode, metric: Metric) -> Sign | None:
    """What the failure does to a metric: the row that names most of its dimensions."""
    rows = [(key.split(), sign) for key, sign in mode.metrics.items()]
    fits = [
        (words, sign)
        for words, sign in rows
        if words[:2] == [metric.namespace, metric.name] and _narrowed(words[2:], metric)
    ]
    return max(fits, key=lambda fit: len(fit[0]))[1] if fits else None


def _narrowed(words: Sequence[str], metric: Metric) -> bool:
    """Our own metrics are named with all their dimensions; AWS's stand for all their resources."""
    wanted = dict(word.split("=", 1) for word in words)
    ours = metric.namespace == "Concierge" and set(metric.dimensions) - {ENVIRONMENT, "Rung"} != set(wanted)
    return not ours and all(
        fnmatchcase(metric.dimensions.get(name, ""), value) for name, value in wanted.items()
    )


def _least_messages(mode: Mode, alarms: Sequence[Definition]) -> float | None:
    """So few messages a minute suffice for an alarm in time, to a tenth; None if traffic is no matter."""
    low, high = _LEAST, _MOST
    scaled = any(by_messages(sign.ill) for sign in mode.metrics.values())
    if not scaled or not _in_time(mode, alarms, high):
        return None
    while high / low > 1.1:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if _in_time(mode, alarms, middle) else (middle, high)
    return high


def _in_time(mode: Mode, alarms: Sequence[Definition], messages: float) -> bool:
    return any(each.after_s <= mode.within_s for each in play(mode, alarms, messages, more_s=0.0))


def unreached(plan: Plan, found: Sequence[Covered]) -> list[str]:
    """Alarms that tell somebody and that no way to fail reaches: nobody has said what they are for."""
    reached = {caught.alarm for each in found for caught in each.caught}
    regions = dict.fromkeys(resource.region for resource in plan.cloud if resource.region)
    telling = {
        alarm.name
        for region in regions
        for alarm in judged(plan, region, None)
        if alarm.actions.of("ALARM") and alarm.runbook
    }
    return sorted(telling - reached)


def unled(plan: Plan) -> list[str]:
    """Incidents of the catalogue to which no alarm of this stack leads, though it has what could be ill."""
    kinds = {resource.type.removeprefix("concierge:") for resource in plan.resources}
    absent = {incident for part, those in ways().parts.items() if part not in kinds for incident in those}
    led = {alarm.runbook for alarm in of_plan(plan) if alarm.actions.of("ALARM")}
    return sorted(set(catalogue()) - led - absent - set(ways().unalarmed))
