"""moto's CloudWatch knows no percentiles: this teaches it (nearest rank, as `rehearsal.metrics` has it).

Nor does it keep an alarm on the share of values within bounds, `PR(:1500)`; it need not, for the judge does.
"""

from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend, MetricDatum, Statistics

from rehearsal.metrics import statistic

_plain = Statistics.get_statistics_for_type
_put = CloudWatchBackend.put_metric_alarm


def teach() -> None:
    """For this process."""
    Statistics.get_statistics_for_type = _of_type  # type: ignore[method-assign]
    CloudWatchBackend.put_metric_alarm = _kept  # type: ignore[method-assign]


def _kept(self: CloudWatchBackend, *given: Any, **more: Any) -> Alarm:
    asked = more.get("extended_statistic") or ""
    if not asked.startswith("PR("):
        return _put(self, *given, **more)
    alarm = _put(self, *given, **{**more, "extended_statistic": None})
    alarm.extended_statistic = asked
    return alarm


def _of_type(self: Statistics, stat: str) -> Any:
    if not (stat.startswith("p") and stat[1:].replace(".", "").isdigit()):
        return _plain(self, stat)
    return statistic(stat, [datum.value for datum in self.metric_data if isinstance(datum, MetricDatum)])
