"""moto's CloudWatch knows no percentiles: this teaches it (nearest rank, as `rehearsal.metrics` has it)."""

from typing import Any

from moto.cloudwatch.models import MetricDatum, Statistics

from rehearsal.metrics import statistic

_plain = Statistics.get_statistics_for_type


def teach() -> None:
    """For this process."""
    Statistics.get_statistics_for_type = _of_type  # type: ignore[method-assign]


def _of_type(self: Statistics, stat: str) -> Any:
    if not (stat.startswith("p") and stat[1:].replace(".", "").isdigit()):
        return _plain(self, stat)
    return statistic(stat, [datum.value for datum in self.metric_data if isinstance(datum, MetricDatum)])
