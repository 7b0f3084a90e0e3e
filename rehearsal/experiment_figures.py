"""What came of an experiment: its metrics, from CloudWatch or from the log of a rehearsal."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from contract.errors import InconclusiveError, WrongUseError
from contract.metrics import ENVIRONMENT, NAMESPACE
from rehearsal.metrics import parse
from runtime.eval.experiments import Arm

VARIANT = "Variant"
_DAY = timedelta(days=1)


class NoFiguresError(InconclusiveError):
    """Nothing was measured of such an experiment."""


def of_log(file: Path, experiment: str, metric: str) -> Mapping[str, Arm]:
    """From lines of metrics, as the runtime writes them."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as wrong:
        raise WrongUseError(f"{file}: {getattr(wrong, 'strerror', None) or 'no text'}") from None
    points = (point for line in lines for point in parse(line) if point.metric == metric)
    return _arms(experiment, ((point.dimensions.get(VARIANT, ""), point.value, 1.0) for point in points))


def of_cloudwatch(
    client: Any, environment: str, experiment: str, metric: str, since: datetime, until: datetime
) -> Mapping[str, Arm]:
    """From AWS, by the day. `client`: CloudWatch's."""
    pages = client.get_paginator("list_metrics").paginate(
        Namespace=NAMESPACE, MetricName=metric, Dimensions=[{"Name": ENVIRONMENT, "Value": environment}]
    )
    named = {
        tuple((one["Name"], one["Value"]) for one in listed["Dimensions"])
        for page in pages
        for listed in page["Metrics"]
    }
    found = []
    for dimensions in sorted(named):
        variant = dict(dimensions).get(VARIANT, "")
        if not variant.startswith(f"{experiment}/"):
            continue
        told = client.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions],
            StartTime=since,
            EndTime=until,
            Period=int(_DAY.total_seconds()),
            Statistics=["Sum", "SampleCount"],
        )
        found += [(variant, one["Sum"], one["SampleCount"]) for one in told["Datapoints"]]
    return _arms(experiment, found)


def _arms(experiment: str, found: Iterable[tuple[str, float, float]]) -> Mapping[str, Arm]:
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for name, good, count in found:
        of, _, variant = name.partition("/")
        if of == experiment and variant:
            sums[variant][0] += good
            sums[variant][1] += count
    if not sums:
        raise NoFiguresError(
            f"nothing was measured of an experiment {experiment!r}: is it the settings' name?"
        )
    return {variant: Arm(*both) for variant, both in sums.items()}


def cloudwatch(region: str | None, endpoint_url: str | None) -> Any:
    """CloudWatch's client, by the caller's own credentials."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.Session().client("cloudwatch", region_name=region, endpoint_url=endpoint_url)
    except BotoCoreError as wrong:
        raise WrongUseError(
            f"CloudWatch cannot be asked: {wrong}: give --region, or set AWS_REGION"
        ) from None
