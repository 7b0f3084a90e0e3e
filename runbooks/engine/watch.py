"""A check on metrics, as a person reads a graph: how many of the last minutes were past the limit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from runbooks.engine.places import Places
from runbooks.engine.shape import Finding, Verify
from runbooks.engine.world import World

METRICS = "cloudwatch.get_metric_data"
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Is it past its limit? Bad when `needed` of the last `minutes` were.

    `over`: the metric it is a share of, both summed. `below`: bad is what is less than the limit. `silent`:
    what it means when nothing was measured (None: nobody can tell; False: a metric that is only there in
    trouble).
    """

    what: str
    namespace: str
    metric: str
    of: Places
    limit: float
    statistic: str = "Maximum"
    over: str | None = None
    unit: str = ""
    below: bool = False
    minutes: int = 5
    needed: int = 2
    silent: bool | None = None
    role: str | None = None
    calls: tuple[str, ...] = (METRICS,)

    def __call__(self, world: World) -> Finding:
        """What the graph shows."""
        there = world.at(self.role) if self.role else world
        end = whole_minute(there)
        seen = self._read(there, end - self.minutes * _MINUTE, end)
        known = {subject: values for subject, values in seen.items() if values}
        if not known:
            none = f"{self.what}: nothing was measured in {self.minutes} minutes"
            return Finding(what=none, cause=self.silent)
        bad = tuple(s for s, values in known.items() if sum(map(self.past, values)) >= self._enough(values))
        evidence: dict[str, float | str] = {"limit": self.limit}
        evidence |= {subject: round(self._worst(values), 4) for subject, values in known.items()}
        begun = tuple(subject for subject, values in known.items() if self.past(values[-1]))
        if begun and not bad:  # whoever is quicker than the minutes must not be told that all is well
            what = f"{self._words(known, begun)}, but for one minute only: look again in another"
            return Finding(what=what, evidence=evidence, cause=None, subjects=begun)
        passing = tuple(subject for subject, values in known.items() if any(map(self.past, values)))
        if passing and not bad:
            what = f"{self._words(known, passing)}, but too short to matter and over"
            return Finding(what=what, evidence=evidence, cause=False)
        return Finding(what=self._words(known, bad), evidence=evidence, cause=bool(bad), subjects=bad)

    def past(self, value: float) -> bool:
        return value < self.limit if self.below else value > self.limit

    def measure(self, world: World, since: datetime | None) -> float | None:
        """The worst subject in the last whole minute; with `since` only of minutes that began after it."""
        there = world.at(self.role) if self.role else world
        end = whole_minute(there)
        start = end - self.minutes * _MINUTE if since is None else max(_next(since), end - 2 * _MINUTE)
        if start >= end:
            return None
        seen = [values for values in self._read(there, start, end).values() if values]
        if not seen:
            return 0.0 if self.silent is False and not self.below else None
        worst = [self._worst(values) if since is None else values[-1] for values in seen]
        return min(worst) if self.below else max(worst)

    def well(self, within_s: float) -> Verify:
        """It must be within its limit again."""
        return Verify(
            what=self.what,
            within_s=within_s,
            measure=Measured(self),
            better=lambda _, after: not self.past(after),
        )

    def falls(self, by: float, within_s: float) -> Verify:
        """It must be less than it was, by a share: where the cause is out of our hands."""
        return Verify(
            what=self.what,
            within_s=within_s,
            measure=Measured(self),
            better=lambda before, after: after <= before * (1 - by) or not self.past(after),
        )

    def over_there(self, role: str = "standby") -> "Watch":
        """The same in the other region."""
        return replace(self, role=role, what=f"{self.what} ({role})")

    def _enough(self, values: Sequence[float]) -> int:
        return min(self.needed, len(values))

    def _worst(self, values: Sequence[float]) -> float:
        return min(values) if self.below else max(values)

    def _words(self, known: Mapping[str, Sequence[float]], bad: Sequence[str]) -> str:
        shown = bad or tuple(known)
        values = ", ".join(f"{subject} {self._said(self._worst(known[subject]))}" for subject in shown[:4])
        more = f" and {len(shown) - 4} more" if len(shown) > 4 else ""
        side = ("below" if self.below else "above") if bad else ("not below" if self.below else "not above")
        return f"{self.what}: {values}{more}, {side} {self._said(self.limit)}"

    def _said(self, value: float) -> str:
        return f"{value:.1%}" if self.over else f"{value:g}{self.unit}"

    def _read(self, world: World, start: datetime, end: datetime) -> dict[str, list[float]]:
        places = self.of(world)
        if not places:
            return {}
        statistic = "Sum" if self.over else self.statistic
        metrics = (self.metric, self.over) if self.over else (self.metric,)
        queries = [
            {"Id": f"q{number}_{part}", "MetricStat": self._stat(metric, dimensions, statistic)}
            for number, dimensions in enumerate(places.values())
            for part, metric in enumerate(metrics)
        ]
        answer = world.aws.read(
            "cloudwatch", "get_metric_data", MetricDataQueries=queries, StartTime=start, EndTime=end,
            ScanBy="TimestampAscending",
        )  # fmt: skip
        points = {
            result["Id"]: dict(zip(result["Timestamps"], result["Values"], strict=True))
            for result in answer["MetricDataResults"]
        }
        return {
            subject: self._values(points.get(f"q{number}_0", {}), points.get(f"q{number}_1", {}))
            for number, subject in enumerate(places)
        }

    def _values(self, own: Mapping[datetime, float], whole: Mapping[datetime, float]) -> list[float]:
        if not self.over:
            return [value for _, value in sorted(own.items())]
        return [own.get(at, 0.0) / total for at, total in sorted(whole.items()) if total]

    def _stat(self, metric: str, dimensions: Mapping[str, str], statistic: str) -> dict[str, Any]:
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        return {
            "Metric": {"Namespace": self.namespace, "MetricName": metric, "Dimensions": named},
            "Period": 60,
            "Stat": statistic,
        }


@dataclass(frozen=True)
class Measured:
    """A watch as the measurement of what must get better."""

    watch: Watch

    @property
    def calls(self) -> tuple[str, ...]:
        return self.watch.calls

    def __call__(self, world: World, since: datetime | None) -> float | None:
        return self.watch.measure(world, since)


def whole_minute(world: World) -> datetime:
    """The end of the last minute whose metrics are complete."""
    now = world.clock.now() - timedelta(seconds=world.pace.metrics_lag_s)
    return now.replace(second=0, microsecond=0)


def _next(at: datetime) -> datetime:
    """The first whole minute after."""
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + _MINUTE
