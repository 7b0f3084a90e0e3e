"""Service levels and the alarms on how fast their error budget burns (OPS-1). Data in `slos.toml`.

The windows are those of the SRE workbook, "Alerting on SLOs": two per cent of a month's budget in an hour,
five in six, ten in one day and in three. The short window ends the alarm soon after the trouble.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from contract.alarms import Alarm, Composite, Severity, published
from contract.base import Shape
from contract.metrics import NAMESPACE

# Below, a fast burn would be more than everything; above, a month has minutes of budget and noise decides.
LOWEST, HIGHEST = 95.0, 99.99
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
MAINTENANCE, REGION_LOST = "maintenance", "canary-region"


class Window(NamedTuple):
    """A burn rate is too high when both its windows say so."""

    name: str
    burn: float
    long_s: int
    short_s: int
    severity: Severity


WINDOWS = (
    Window("14x", 14.4, _HOUR, 5 * _MINUTE, "page"),
    Window("6x", 6.0, 6 * _HOUR, 30 * _MINUTE, "page"),
    Window("3x", 3.0, _DAY, 2 * _HOUR, "ticket"),
    Window("1x", 1.0, 3 * _DAY, 6 * _HOUR, "ticket"),
)


class Slo(Shape):
    """One promise. Its metric is 1 for a bad message and 0 for a good one, or how long it took."""

    id: str
    metric: str
    dimensions: Mapping[str, str] = {}
    limit_ms: float | None = Field(None, gt=0)
    target: float
    least_bad: int = Field(gt=0)
    impact: str
    runbook: str

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if not LOWEST <= self.target <= HIGHEST:
            raise ValueError(
                f"slo {self.id}: target {self.target:g} is not between {LOWEST:g} and {HIGHEST:g}"
            )
        metric = published(f"slo {self.id}", NAMESPACE, self.metric, set(self.dimensions))
        if self.limit_ms is not None and metric.unit != "Milliseconds":
            raise ValueError(f"slo {self.id}: limit_ms, but {self.metric} is in {metric.unit}")
        return self

    @property
    def budget(self) -> float:
        """Share of messages that may be bad."""
        return round(1 - self.target / 100, 6)

    def alarms(self) -> list[Alarm]:
        """Both windows of each burn rate; they tell nobody themselves."""
        return [
            self._window(window, seconds) for window in WINDOWS for seconds in (window.long_s, window.short_s)
        ]

    def composites(self) -> list[Composite]:
        """What is told: by severity, either of its burn rates in both of its windows."""
        return [self._told(severity) for severity in ("page", "ticket")]

    def _told(self, severity: Severity) -> Composite:
        mine = [window for window in WINDOWS if window.severity == severity]
        return Composite(
            id=f"slo-{self.id}-{severity}",
            any_of=tuple((self._name(w, w.long_s), self._name(w, w.short_s)) for w in mine),
            # Whoever has lost the region knows already that nobody is answered.
            unless=(REGION_LOST,),
            muted_by=MAINTENANCE,
            severity=severity,
            impact=self.impact,
            runbook=self.runbook,
            slo=self.id,
        )

    def _name(self, window: Window, seconds: int) -> str:
        return f"slo-{self.id}-{window.name}-{_words(seconds)}"

    def _window(self, window: Window, seconds: int) -> Alarm:
        bad = window.burn * self.budget
        rank = self.limit_ms is not None
        return Alarm(
            id=self._name(window, seconds),
            metric=self.metric,
            dimensions=self.dimensions,
            statistic=f"PR(:{self.limit_ms:g})" if rank else "Average",
            comparison="LessThanThreshold" if rank else "GreaterThanThreshold",
            threshold=round(100 * (1 - bad), 6) if rank else round(bad, 6),
            # The short window only says that it goes on.
            minimum_samples=math.ceil(self.least_bad / bad) if seconds == window.long_s else 0,
            period_s=seconds,
            datapoints=1,
            of=1,
            missing="notBreaching",
            severity=window.severity,
            part=True,
            impact=self.impact,
            runbook=self.runbook,
            slo=self.id,
        )


@cache
def slos() -> Sequence[Slo]:
    """Every promise."""
    rows = tomllib.loads(Path(__file__).with_name("slos.toml").read_text(encoding="utf-8"))
    return [Slo.model_validate({"id": key, **row}) for key, row in rows.items()]


def _words(seconds: int) -> str:
    for size, word in ((_DAY, "d"), (_HOUR, "h")):
        if seconds >= size:
            return f"{seconds // size}{word}"
    return f"{seconds // _MINUTE}m"
