"""What a model unit carries and costs, as AWS quoted it (`--quote`), or as assumed (`data/quote.toml`)."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Self, get_args

from pydantic import Field, RootModel, model_validator

from contract.base import Shape
from contract.model_access import Term
from contract.models import models
from contract.prices import HOURS_IN_MONTH
from sizing import documents
from sizing.assumptions import Assumptions

FILE = documents.DATA / "quote.toml"
TERMS: tuple[Term, ...] = get_args(Term)
# What is owed whatever happens.
HOURS_OF_TERM: Mapping[Term, float] = {
    "hourly": 1,
    "OneMonth": HOURS_IN_MONTH,
    "SixMonths": 6 * HOURS_IN_MONTH,
}
Positive = Annotated[float, Field(gt=0)]


class Quote(Shape):
    """One model's units. Without any price its bill is unknown."""

    tokens_per_minute: Positive
    output_weight: float = Field(1.0, ge=1)
    usd_an_hour: Mapping[Term, Positive] | None = None
    share_of_on_demand: Mapping[Term, Positive] | None = None
    source: str = Field(min_length=1)
    as_of: date
    checked: bool = False

    @model_validator(mode="after")
    def _one_price(self) -> Self:
        if self.usd_an_hour is not None and self.share_of_on_demand is not None:
            raise ValueError("give usd_an_hour or share_of_on_demand, not both")
        return self

    def usd(self, term: Term, model: str, region: str, assumed: Assumptions) -> float | None:
        """An hour of a unit; None where nobody has said."""
        if self.usd_an_hour is not None:
            return self.usd_an_hour.get(term)
        share = (self.share_of_on_demand or {}).get(term)
        token = usd_a_token(model, region, assumed, self.output_weight)
        return None if share is None or token is None else share * token * self.tokens_per_minute * 60


class Quotes(RootModel[Mapping[str, Quote]]):
    """Model -> its quote."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := sorted(set(self.root) - set(models())):
            raise ValueError(f"{unknown[0]}: is not in contract/models.toml: {', '.join(models())}")
        return self

    def __getitem__(self, model: str) -> Quote | None:
        return self.root.get(model)


def usd_a_token(model: str, region: str, assumed: Assumptions, output_weight: float = 1.0) -> float | None:
    """On demand, a token as units count it: input and output as the calls of the model mix them."""
    call, price = assumed.calls[model], models()[model].usd_per_token(region)
    if price is None:
        return None
    usd = call.input * price[0] + call.output * price[1]
    return usd / (call.input + output_weight * call.output)


@cache
def assumed_quotes() -> Quotes:
    """The file of this checkout."""
    return read(FILE)


def read(path: Path) -> Quotes:
    """Another such file."""
    return documents.read(path, Quotes)
