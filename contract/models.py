"""Model data (MOD-1): ids per region, lifecycle and price rows. Code names models by key only."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

from contract import prices
from contract.base import Shape


class Model(Shape):
    """One foundation model."""

    key: str
    id: str
    provider: str
    state: Literal["active", "legacy", "end-of-life"]
    end_of_life: date | None = None
    profile: Mapping[str, str] = {}
    input_price: str
    output_price: str

    def callable_id(self, region: str) -> str:
        """What to pass as modelId in this region: the inference profile where there is one."""
        return self.profile.get(region, self.id)

    def usd_per_token(self, region: str) -> tuple[float, float] | None:
        """(input, output) by the price table; None where the region's price is not known."""
        found = [prices.table().price(row, region) for row in (self.input_price, self.output_price)]
        known = [float(price.usd) / 1_000_000 for price in found if price is not None]
        return (known[0], known[1]) if len(known) == 2 else None


@cache
def models() -> Mapping[str, Model]:
    """Key -> model."""
    rows = tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))
    return {key: Model(key=key, **row) for key, row in rows.items()}
