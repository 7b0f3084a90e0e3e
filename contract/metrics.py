"""The metrics alarms may watch: what the runtime emits (`metrics.toml`), what AWS does (`aws_metrics/`).

A metric that stands in neither is one nobody publishes, and an alarm on it would never fire.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from contract.base import Shape

NAMESPACE = "Concierge"
ENVIRONMENT = "Environment"
_HERE = Path(__file__).parent


class Metric(Shape):
    """One metric and the dimension sets it is published under (for ours, the environment's own left out)."""

    name: str
    unit: Literal["Count", "Milliseconds", "Microseconds", "Seconds", "Percent", "Bytes", "None"]
    dimensions: tuple[tuple[str, ...], ...]
    meaning: str


@cache
def registry() -> Mapping[str, Metric]:
    """What the runtime emits: name -> metric."""
    return _metrics(_read(_HERE / "metrics.toml"))


@cache
def known(namespace: str) -> Mapping[str, Metric]:
    """Metrics of a namespace; none when nobody described it."""
    return registry() if namespace == NAMESPACE else _aws().get(namespace, {})


@cache
def _aws() -> Mapping[str, Mapping[str, Metric]]:
    """One file a namespace: its name in `namespace`, then a table a metric."""
    documents = [_read(path) for path in sorted((_HERE / "aws_metrics").glob("*.toml"))]
    return {document.pop("namespace"): _metrics(document) for document in documents}


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _metrics(rows: Mapping[str, Any]) -> Mapping[str, Metric]:
    return {name: Metric(name=name, **row) for name, row in rows.items()}
