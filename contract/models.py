"""Model data (MOD-1): ids per region, lifecycle and price rows. Code names models by key only."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

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


@cache
def models() -> Mapping[str, Model]:
    """Key -> model."""
    rows = tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))
    return {key: Model(key=key, **row) for key, row in rows.items()}
