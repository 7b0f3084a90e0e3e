"""The metric registry: what the runtime emits and alarms may watch. Data in `metrics.toml`."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from contract.base import Shape

NAMESPACE = "Concierge"
ENVIRONMENT = "Environment"


class Metric(Shape):
    """One metric and the dimension sets it is published under (the environment's own left out)."""

    name: str
    unit: Literal["Count", "Milliseconds", "None"]
    dimensions: tuple[tuple[str, ...], ...]
    meaning: str


@cache
def registry() -> Mapping[str, Metric]:
    """Name -> metric."""
    rows = tomllib.loads(Path(__file__).with_name("metrics.toml").read_text(encoding="utf-8"))
    return {name: Metric(name=name, **row) for name, row in rows.items()}
