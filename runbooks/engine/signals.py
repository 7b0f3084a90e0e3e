"""Reading the runtime's metrics from CloudWatch: what a person would look at, as numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from contract.metrics import ENVIRONMENT, NAMESPACE, registry
from runbooks.engine.world import World


@dataclass(frozen=True)
class Signal:
    """One metric under one dimension set, the environment left out."""

    metric: str
    dimensions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = registry().get(self.metric)
        if known is None or tuple(self.dimensions) not in known.dimensions:
            raise ValueError(f"nothing emits {self.metric} {list(self.dimensions)} (contract/metrics.toml)")


@dataclass(frozen=True)
class Series:
    """Sum and number of samples of each second that had any."""

    seconds: Mapping[datetime, tuple[float, float]]

    @property
    def total(self) -> float:
        return sum(total for total, _ in self.seconds.values())

    @property
    def samples(self) -> float:
        return sum(samples for _, samples in self.seconds.values())

    @property
    def share(self) -> float:
        """Of samples that are 0 or 1: the share of ones."""
        return self.total / self.samples if self.samples else 0.0

    def last(self, span_s: float, end: datetime) -> "Series":
        """Its youngest part."""
        start = end - timedelta(seconds=span_s)
        return Series({at: value for at, value in self.seconds.items() if start <= at < end})


def settled(world: World) -> datetime:
    """The youngest moment whose metrics are complete."""
    return (world.clock.now() - timedelta(seconds=world.pace.metrics_lag_s)).replace(microsecond=0)


def read(world: World, signals: Mapping[str, Signal], end: datetime, span_s: float) -> dict[str, Series]:
    """The `span_s` seconds before `end` of each signal, with one call."""
    # Periods of a second: for longer ones CloudWatch moves the start to its own ten-second grid.
    queries = [
        {"Id": f"{statistic.lower()}_{name}", "MetricStat": _stat(world, signal, statistic)}
        for name, signal in signals.items()
        for statistic in ("Sum", "SampleCount")
    ]
    answer = world.aws.read(
        "cloudwatch",
        "get_metric_data",
        MetricDataQueries=queries,
        StartTime=end - timedelta(seconds=span_s),
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    points = {
        result["Id"]: dict(zip(result["Timestamps"], result["Values"], strict=True))
        for result in answer["MetricDataResults"]
    }
    return {
        name: Series({at: (points[f"sum_{name}"].get(at, 0.0), n) for at, n in counts.items()})
        for name in signals
        for counts in (points[f"samplecount_{name}"],)
    }


def _stat(world: World, signal: Signal, statistic: str) -> dict[str, Any]:
    dimensions = {ENVIRONMENT: world.environment, **signal.dimensions}
    metric = {
        "Namespace": NAMESPACE,
        "MetricName": signal.metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    return {"Metric": metric, "Period": 1, "Stat": statistic}
