"""Metrics of a rehearsal for other tools: OpenMetrics text for Prometheus, OTLP for OpenTelemetry.

Of each period: how many values, their sum, quantiles. Prometheus counts from the beginning, so there counts
and sums add up (`promtool tsdb create-blocks-from openmetrics` reads it); OTLP has each period by itself.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import SummaryDataPoint
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest

from contract.metrics import known
from rehearsal.history import Measured
from rehearsal.metrics import Series, statistic

QUANTILES = ("p50", "p95", "p99")
_NANO = 1_000_000_000
# Units as the Unified Code for Units of Measure has them, which OpenTelemetry uses.
_UCUM = {
    "Milliseconds": "ms",
    "Microseconds": "us",
    "Seconds": "s",
    "Bytes": "By",
    "Percent": "%",
    "Count": "1",
}


@dataclass(frozen=True)
class Stretch:
    """One period of one series."""

    end: float
    count: int
    total: float
    quantiles: Mapping[str, float]


def stretches(found: Measured, series: Series, period_s: float) -> Iterator[Stretch]:
    """The periods in which a series has values."""
    namespace, metric, dimensions = series
    start = found.begin // period_s * period_s
    while start < found.end:
        end = start + period_s
        if values := found.store.values(metric, dict(dimensions), start, end, namespace):
            quantiles = {name: statistic(name, values) or 0.0 for name in QUANTILES}
            yield Stretch(end, len(values), sum(values), quantiles)
        start = end


def prometheus(found: Measured, period_s: float) -> str:
    """OpenMetrics text with the time of every period."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(found, period_s))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()


@dataclass(frozen=True, eq=False)  # the registry keeps it by identity
class _Collector:
    found: Measured
    period_s: float

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for series, _, _ in sorted(self.found.store.known(), key=lambda row: (row[0][:2], sorted(row[0][2]))):
            namespace, metric, dimensions = series
            name = _snake(f"{namespace}_{metric}")
            labels = {_snake(key): value for key, value in sorted(dimensions)}
            described = known(namespace).get(metric)
            words = described.meaning if described else metric
            told = list(stretches(self.found, series, self.period_s))
            for quantile in QUANTILES:
                family = families.setdefault(name, Metric(name, words, "gauge"))
                for one in told:
                    more = {**labels, "quantile": f"{float(quantile[1:]) / 100:g}"}
                    family.add_sample(name, more, one.quantiles[quantile], timestamp=one.end)
            for what in ("values", "sum"):
                family = families.setdefault(f"{name}_{what}", Metric(f"{name}_{what}", words, "counter"))
                amounts = [float(one.count) if what == "values" else one.total for one in told]
                for one, total in zip(told, accumulate(amounts), strict=True):
                    family.add_sample(f"{name}_{what}_total", labels, total, timestamp=one.end)
        yield from families.values()


def otlp(found: Measured, period_s: float) -> str:
    """One ExportMetricsServiceRequest as JSON, as collectors take it on /v1/metrics."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.append(_attribute("service.name", "concierge"))
    scope = resource.scope_metrics.add()
    scope.scope.name = "concierge.rehearsal"
    for series, unit, _ in sorted(found.store.known(), key=lambda row: (row[0][:2], sorted(row[0][2]))):
        namespace, metric, dimensions = series
        told = scope.metrics.add(name=f"{namespace}.{metric}", unit=_UCUM.get(unit, ""))
        for one in stretches(found, series, period_s):
            told.summary.data_points.append(
                SummaryDataPoint(
                    attributes=[_attribute(key, value) for key, value in sorted(dimensions)],
                    start_time_unix_nano=int((one.end - period_s) * _NANO),
                    time_unix_nano=int(one.end * _NANO),
                    count=one.count,
                    sum=one.total,
                    quantile_values=[
                        SummaryDataPoint.ValueAtQuantile(quantile=float(name[1:]) / 100, value=value)
                        for name, value in one.quantiles.items()
                    ],
                )
            )
    return MessageToJson(request)


def _attribute(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _snake(name: str) -> str:
    """ModelThrottled -> model_throttled; nothing Prometheus would refuse."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", words).strip("_").lower()
