"""Alarms and widgets as small data (design: a component knows how it fails and how it looks).

A component declares these beside its resources; `components.alarms` turns them into CloudWatch, the rehearsal
judges the same data. An alarm without a runbook of the catalogue does not construct.
"""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from contract.base import Shape
from contract.metrics import NAMESPACE, known
from contract.runbooks import catalogue

Severity = Literal["page", "ticket"]
Statistic = Literal["Average", "Sum", "Maximum", "Minimum", "SampleCount", "p50", "p90", "p95", "p99"]


_WHERE = "contract/metrics.toml, contract/aws_metrics/"


class Alarm(Shape):
    """When to wake whom, and what they should do."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    namespace: str = NAMESPACE
    metric: str
    dimensions: Mapping[str, str] = {}
    computed: tuple[str, ...] = Field(
        (), description="further dimensions, whose values only AWS knows: the component supplies them"
    )
    statistic: Statistic
    comparison: Literal["GreaterThanThreshold", "LessThanThreshold"] = "GreaterThanThreshold"
    threshold: float
    period_s: int = 60
    datapoints: int = Field(gt=0, description="M: breaching periods ...")
    of: int = Field(gt=0, description="... of N")
    missing: Literal["notBreaching", "breaching", "ignore", "missing"]
    severity: Severity
    impact: str = Field(min_length=10, description="what people notice, in words")
    runbook: str

    @model_validator(mode="after")
    def _sound(self) -> Self:
        metric = known(self.namespace).get(self.metric)
        if metric is None:
            raise ValueError(f"alarm {self.id}: nothing emits {self.metric!r} in {self.namespace} ({_WHERE})")
        names = {*self.dimensions, *self.computed}
        if names not in [set(published) for published in metric.dimensions]:
            raise ValueError(
                f"alarm {self.id}: {self.metric} is not published under {sorted(names)}, "
                f"only under {[list(published) for published in metric.dimensions]}"
            )
        if self.runbook not in catalogue():
            raise ValueError(f"alarm {self.id}: no runbook {self.runbook!r} (contract/runbooks.toml)")
        if self.datapoints > self.of:
            raise ValueError(f"alarm {self.id}: {self.datapoints} of {self.of} can never be reached")
        # CloudWatch: 10, 20, 30 or multiples of 60; at most a day in view below an hour, else a week.
        if self.period_s not in {10, 20, 30} and self.period_s % 60:
            raise ValueError(f"alarm {self.id}: period_s must be 10, 20, 30 or a multiple of 60")
        if self.period_s * self.of > (86_400 if self.period_s < 3_600 else 604_800):
            raise ValueError(f"alarm {self.id}: looks further back than CloudWatch allows")
        return self


class Widget(Shape):
    """One graph: the same metric under one or several dimension sets.

    `across`: further dimensions whose values only AWS knows, such as an id: one line for each there is.
    """

    title: str
    namespace: str = NAMESPACE
    metric: str
    statistic: Statistic
    dimensions: tuple[Mapping[str, str], ...] = ({},)
    across: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _emitted(self) -> Self:
        metric = known(self.namespace).get(self.metric)
        if metric is None:
            raise ValueError(
                f"widget {self.title}: nothing emits {self.metric!r} in {self.namespace} ({_WHERE})"
            )
        published = [set(names) for names in metric.dimensions]
        for dimensions in self.dimensions:
            if {*dimensions, *self.across} not in published:
                offered = [list(names) for names in metric.dimensions]
                raise ValueError(
                    f"widget {self.title}: {self.metric} is not published under "
                    f"{sorted({*dimensions, *self.across})}, only under {offered}"
                )
        return self


def graphs(
    namespace: str,
    shown: Mapping[str, tuple[str, Statistic]],
    *dimensions: Mapping[str, str],
    across: tuple[str, ...] = (),
) -> list[Widget]:
    """A widget for each title, all of the same resources: title -> (metric, statistic)."""
    return [
        Widget(
            title=title,
            namespace=namespace,
            metric=metric,
            statistic=statistic,
            dimensions=dimensions or ({},),
            across=across,
        )
        for title, (metric, statistic) in shown.items()
    ]
