"""A model that says what it must not, so that guardrails have something to catch (misbehaviour.toml)."""

import tomllib
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from random import Random

from contract.faults import FaultKind

KINDS = (
    FaultKind.WRONG_PRICE,
    FaultKind.LEAKED_PII,
    FaultKind.COMPETITOR,
    FaultKind.OFF_TOPIC,
    FaultKind.MALFORMED_TOOL,
)


@cache
def _sentences() -> Mapping[FaultKind, tuple[str, ...]]:
    rows = tomllib.loads(Path(__file__).with_name("misbehaviour.toml").read_text("utf-8"))
    return {kind: tuple(rows[kind]["sentences"]) for kind in KINDS}


def by_rate(random: Random, rates: Mapping[FaultKind, float]) -> set[FaultKind]:
    """What this call does wrong by itself. Diced: a model does not count its calls."""
    return {kind for kind, rate in rates.items() if random.random() < rate}


def sentences(random: Random, kinds: Collection[FaultKind]) -> list[str]:
    """What is said beside the answer."""
    said = [random.choice(_sentences()[kind]) for kind in KINDS if kind in kinds and _sentences()[kind]]
    return [sentence.replace("{wrong}", f"${random.randint(5, 400)}.99") for sentence in said]


def twist(random: Random, price: float) -> float:
    """A wrong price near the right one."""
    return round(price * random.choice((0.5, 0.75, 0.9, 1.2)) + 0.01, 2)
