"""Model data (MOD-1): ids, lifecycle and prices per region. Code names models by key only.

What may be called how is judged in `contract.model_access`; nothing here knows a stack.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from contract import prices
from contract.base import Shape

State = Literal["active", "legacy", "end-of-life"]
_FROM_GOOD_TO_BAD: tuple[State, ...] = get_args(State)


class Offer(Shape):
    """A model as one region has it."""

    state: State
    end_of_life: date | None = None
    stays_until: date | None = None
    on_demand: bool = False
    profiles: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    service_tiers: tuple[Literal["priority", "flex"], ...] = ()
    latency_optimized: bool = False

    @model_validator(mode="after")
    def _dated(self) -> Self:
        if self.state != "active" and self.end_of_life is None:
            raise ValueError(f"is {self.state}: give the announced end_of_life")
        return self

    def has_ended(self, today: date) -> bool:
        return self.state == "end-of-life" or (self.end_of_life is not None and self.end_of_life <= today)


class Offered(Shape):
    """What every model says of itself."""

    key: str
    id: str
    provider: str
    regions: Mapping[str, Offer] = Field(min_length=1)
    input_price: str

    def active_in(self, region: str) -> bool:
        return region in self.regions and self.regions[region].state == "active"

    @property
    def state(self) -> State:
        """The worst of its regions: for those who stand in all of them."""
        return max((offer.state for offer in self.regions.values()), key=_FROM_GOOD_TO_BAD.index)

    @property
    def end_of_life(self) -> date | None:
        """The first announced end."""
        return min((o.end_of_life for o in self.regions.values() if o.end_of_life), default=None)


class Model(Offered):
    """A model that answers people. `prefill`: it goes on from the beginning of an answer it is given."""

    prefill: bool = False
    profile: Mapping[str, str] = {}
    output_price: str

    @model_validator(mode="after")
    def _profiles_exist(self) -> Self:
        for region, profile in self.profile.items():
            if region not in self.regions or profile not in self.regions[region].profiles:
                raise ValueError(f"{self.key}: regions.{region} does not list the profile {profile}")
        return self

    def callable_id(self, region: str) -> str:
        """What to pass as modelId in this region: the inference profile where there is one."""
        return self.profile.get(region, self.id)

    def usd_per_token(self, region: str) -> tuple[float, float] | None:
        """(input, output) by the price table; None where the region's price is not known."""
        found = [prices.table().price(row, region) for row in (self.input_price, self.output_price)]
        known = [float(price.usd) / 1_000_000 for price in found if price is not None]
        return (known[0], known[1]) if len(known) == 2 else None


class Embedder(Offered):
    """A model that turns text into vectors."""

    dimensions: int = Field(gt=0)


def parse(text: str) -> tuple[Mapping[str, Model], Mapping[str, Embedder]]:
    """(key -> model, key -> embedder) of a document such as `models.toml`."""
    rows: Mapping[str, dict[str, Any]] = tomllib.loads(text)
    kinds = {key: row.pop("kind", "chat") for key, row in rows.items()}
    if unknown := sorted({*kinds.values()} - {"chat", "embed"}):
        raise ValueError(f"kind {', '.join(unknown)}: use chat or embed")
    return (
        {key: Model(key=key, **row) for key, row in rows.items() if kinds[key] == "chat"},
        {key: Embedder(key=key, **row) for key, row in rows.items() if kinds[key] == "embed"},
    )


@cache
def _ours() -> tuple[Mapping[str, Model], Mapping[str, Embedder]]:
    return parse(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))


def models() -> Mapping[str, Model]:
    """Key -> model that answers people."""
    return _ours()[0]


def embedders() -> Mapping[str, Embedder]:
    """Key -> model that makes vectors."""
    return _ours()[1]
