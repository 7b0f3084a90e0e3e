"""Alarms and widgets as small data (design: a component knows how it fails and how it looks).

A component declares these beside its resources; `components.alarms` turns them into CloudWatch, the rehearsal
judges the same data. An alarm without a runbook of the catalogue does not construct, nor one on a metric that
nobody publishes, nor one that CloudWatch would refuse.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contract import alarm_rules, metric_math
from contract.base import Shape
from contract.metrics import NAMESPACE, Metric, known
from contract.runbooks import catalogue

Severity = Literal["page", "ticket"]
Statistic = Literal["Average", "Sum", "Maximum", "Minimum", "SampleCount", "p50", "p90", "p95", "p99"]
# Percentage of values up to a limit: PR(:2500) of milliseconds is the share of calls within 2.5 s.
Rank = Annotated[str, Field(pattern=r"^PR\(:\d+(\.\d+)?\)$")]
Comparison = Literal[
    "GreaterThanThreshold",
    "GreaterThanOrEqualToThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
]
Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]

_WHERE = "contract/metrics.toml, contract/aws_metrics/"
# Ids of an alarm's own metric, of how many samples it had, and of what is compared.
OWN, SAMPLES, RESULT = "m0", "n0", "e0"
# "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing data even if you choose a
# different option for TreatMissingData": API reference of PutMetricAlarm.
IGNORES_MISSING = frozenset({"AWS/DynamoDB"})
_DAY_S, _WEEK_S, _HOUR_S = 86_400, 604_800, 3_600
_WORDS = 1_024 - 100  # of CloudWatch's characters, what to do takes the rest


class Measure(Shape):
    """One metric, under dimensions that somebody publishes it with."""

    namespace: str = NAMESPACE
    metric: str
    dimensions: Mapping[str, str] = {}
    statistic: Statistic | Rank


class Alarm(Shape):
    """When to wake whom, and what they should do."""

    id: Id
    namespace: str = NAMESPACE
    metric: str
    dimensions: Mapping[str, str] = {}
    computed: tuple[str, ...] = Field(
        (), description="further dimensions, whose values only AWS knows: the component supplies them"
    )
    statistic: Statistic | Rank
    others: Mapping[str, Measure] = Field({}, description="further metrics of `expression`, by id")
    expression: str = Field(
        "", description="metric math over m0, which is the alarm's metric, and the others"
    )
    fill: float | None = Field(None, description="value of a period without data: nothing is ever missing")
    minimum_samples: int = Field(0, ge=0, description="with fewer samples in a period it has no data")
    patient: bool = Field(default=False, description="a percentile of few samples changes nothing")
    band: float | None = Field(
        None, gt=0, description="deviations from the usual course; instead of threshold"
    )
    comparison: Comparison = "GreaterThanThreshold"
    threshold: float = 0.0
    period_s: int = 60
    datapoints: int = Field(gt=0, description="M: breaching periods ...")
    of: int = Field(gt=0, description="... of N")
    missing: Literal["notBreaching", "breaching", "ignore", "missing"]
    severity: Severity
    part: bool = Field(default=False, description="tells nobody itself: a composite does")
    impact: str = Field(min_length=10, max_length=_WORDS, description="what people notice, in words")
    runbook: str
    slo: str | None = None

    @property
    def measures(self) -> Mapping[str, Measure]:
        """Every metric CloudWatch has to fetch, by id; computed dimensions are left out."""
        own = Measure.model_construct(
            namespace=self.namespace,
            metric=self.metric,
            dimensions=self.dimensions,
            statistic=self.statistic,
        )
        counted = (
            {SAMPLES: own.model_copy(update={"statistic": "SampleCount"})} if self.minimum_samples else {}
        )
        return {OWN: own, **counted, **self.others}

    @property
    def math(self) -> str:
        """What is compared, where it is not simply the metric."""
        if self.band is not None:
            return f"{metric_math.BAND}({OWN}, {self.band:g})"
        found = self.expression or OWN
        if self.fill is not None:
            found = f"FILL({found}, {self.fill:g})"
        if self.minimum_samples:
            # Without an else the point is dropped, and `missing` decides.
            found = f"IF({SAMPLES} >= {self.minimum_samples}, {found})"
        return "" if found == OWN else found

    @model_validator(mode="after")
    def _sound(self) -> Self:
        published(f"alarm {self.id}", self.namespace, self.metric, {*self.dimensions, *self.computed})
        for name, other in self.others.items():
            published(f"alarm {self.id}: {name}", other.namespace, other.metric, set(other.dimensions))
        if self.runbook not in catalogue():
            raise ValueError(f"alarm {self.id}: no runbook {self.runbook!r} (contract/runbooks.toml)")
        if self.datapoints > self.of:
            raise ValueError(f"alarm {self.id}: {self.datapoints} of {self.of} can never be reached")
        return self

    @model_validator(mode="after")
    def _within_limits(self) -> Self:
        """CloudWatch: 10, 20, 30 or multiples of 60; at most a day in view below an hour, else a week."""
        if self.period_s not in {10, 20, 30} and self.period_s % 60:
            raise ValueError(f"alarm {self.id}: period_s must be 10, 20, 30 or a multiple of 60")
        if self.period_s * self.of > (_DAY_S if self.period_s < _HOUR_S else _WEEK_S):
            raise ValueError(f"alarm {self.id}: looks further back than CloudWatch allows")
        if self.math:
            self._check_math()
        return self

    def _check_math(self) -> None:
        if len(self.measures) > metric_math.METRICS_AT_MOST:
            raise ValueError(f"alarm {self.id}: over {metric_math.METRICS_AT_MOST} metrics in an expression")
        if self.band is not None:
            return
        try:
            unknown = metric_math.parse(self.math).names - set(self.measures)
        except metric_math.MathError as wrong:
            raise ValueError(f"alarm {self.id}: {wrong}") from None
        if unknown:
            raise ValueError(f"alarm {self.id}: its expression has no metric {', '.join(sorted(unknown))}")

    @model_validator(mode="after")
    def _decides(self) -> Self:
        if self.fill is not None and self.minimum_samples:
            raise ValueError(f"alarm {self.id}: what is filled has no minimum of samples: choose one")
        if self.patient and (self.math or not self.statistic.startswith("p")):
            raise ValueError(f"alarm {self.id}: only a bare percentile can be patient: use minimum_samples")
        if self.band is not None and self.severity == "page":
            raise ValueError(f"alarm {self.id}: a band is a guess, and wakes nobody: make it a ticket")
        bare = not self.math and self.namespace in IGNORES_MISSING
        if bare and self.missing != "ignore":
            raise ValueError(
                f"alarm {self.id}: CloudWatch ignores missing data of {self.namespace}, so it would stay red "
                "in silence: give it `fill`, or say missing = ignore"
            )
        return self


class Composite(Shape):
    """An alarm over others of its region, whose ids may end with `*`; made where there are such.

    `all_of`: each of these groups has a red one. `any_of`: one of these groups is red as a whole. Never while
    one of `unless` is red. `by_hand`: over nothing; somebody sets it, and what is muted by it keeps still.
    """

    id: Id
    all_of: tuple[tuple[str, ...], ...] = ()
    any_of: tuple[tuple[str, ...], ...] = ()
    unless: tuple[str, ...] = ()
    muted_by: Id | None = None
    by_hand: bool = False
    severity: Severity = "ticket"
    impact: str = Field(min_length=10, max_length=_WORDS, description="what people notice, in words")
    runbook: str
    slo: str | None = None

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.runbook not in catalogue():
            raise ValueError(f"composite {self.id}: no runbook {self.runbook!r} (contract/runbooks.toml)")
        if sum(map(bool, (self.by_hand, self.all_of, self.any_of))) != 1:
            raise ValueError(f"composite {self.id}: choose one of all_of, any_of and by_hand")
        return self

    def rule(self, named: Callable[[str], Sequence[str]]) -> str:
        """The rule over names of alarms, of which `named` gives those there are; empty if none are."""
        if self.by_hand:
            return "FALSE"
        inner, outer = (" OR ", " AND ") if self.all_of else (" AND ", " OR ")
        groups = [[named(id_) for id_ in group] for group in self.all_of or self.any_of]
        # An alternative of which a part is missing could never be told apart from one that is red.
        whole = [group for group in groups if (any(group) if self.all_of else all(group))]
        parts = [inner.join(f'ALARM("{name}")' for names in group for name in names) for group in whole]
        if not parts or (self.all_of and len(whole) < len(groups)):
            return ""
        spared = [f'NOT ALARM("{name}")' for id_ in self.unless for name in named(id_)]
        text = " AND ".join([f"({outer.join(f'({part})' for part in parts)})", *spared])
        return alarm_rules.parse(text).text


def published(who: str, namespace: str, name: str, dimensions: set[str]) -> Metric:
    """The metric, if somebody publishes it under exactly these dimensions; ValueError if nobody does."""
    metric = known(namespace).get(name)
    if metric is None:
        raise ValueError(f"{who}: nothing emits {name!r} in {namespace} ({_WHERE})")
    if dimensions not in [set(each) for each in metric.dimensions]:
        raise ValueError(
            f"{who}: {name} is not published under {sorted(dimensions)}, "
            f"only under {[list(each) for each in metric.dimensions]}"
        )
    return metric


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
        for dimensions in self.dimensions:
            published(f"widget {self.title}", self.namespace, self.metric, {*dimensions, *self.across})
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
