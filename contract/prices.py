"""What AWS charges, as one dated table (`prices.toml`): whoever names a cost reads it here and cites the row.

List prices per region. A price that a region lacks is not known, and is never borrowed from another region.
A row that nobody has compared with the page it cites says so (`checked`).
How much of something a plan or a load uses is not the business of this module.
"""

import difflib
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from contract import regions
from contract.errors import WrongUseError

FILE = Path(__file__).with_name("prices.toml")
HOURS_IN_MONTH = 730  # as AWS's own pages count a month
EVERYWHERE = "*"

Unit = Literal[
    "hour",
    "month",
    "GB",
    "GB-month",
    "minute",
    "1k requests",
    "10k requests",
    "100k requests",
    "1M requests",
    "1M GB-seconds",
    "1M tokens",
]


class PriceError(WrongUseError):
    """The table cannot be used: every fault is one line that names the row and the fix."""


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ValueError("must be a number of dollars, for example 0.045")
    return value


Usd = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, allow_inf_nan=False)]


class Row(BaseModel):
    """One price as the table has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str = Field(min_length=1, description="the AWS service that charges it")
    what: str = Field(min_length=1, description="what one unit of it is, in words for a table")
    unit: Unit = Field(description="what the dollars are for: an hour, a GB, a million requests ...")
    usd: Mapping[str, Usd] = Field(min_length=1, description='dollars per region; free everywhere: {"*" = 0}')
    source: str = Field(
        min_length=1, description="the public pricing page or price-list product, and the item"
    )
    as_of: date = Field(description="the oldest day on which a figure of the row was read")
    checked: bool | tuple[str, ...] = Field(
        True, description="false: not compared with the source itself; or the regions whose figures were"
    )

    @field_validator("usd")
    @classmethod
    def _regions_exist(cls, usd: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        for region, amount in usd.items():
            if region == EVERYWHERE and amount:
                raise ValueError(f'"{EVERYWHERE}" is only for what is free: name the regions')
            if region not in {EVERYWHERE, *regions.known()}:
                raise ValueError(f"there is no region {region!r}: known are {', '.join(regions.known())}")
        return usd

    @model_validator(mode="after")
    def _checked_regions_have_prices(self) -> Self:
        if not isinstance(self.checked, bool):
            for region in self.checked:
                if region not in self.usd:
                    raise ValueError(f"checked names {region!r}, for which usd has no price")
        return self

    def is_checked(self, region: str) -> bool:
        return self.checked if isinstance(self.checked, bool) else region in self.checked


class Price(BaseModel):
    """What a unit costs in one region, with where that is published and when it was read."""

    model_config = ConfigDict(frozen=True)

    id: str
    service: str
    what: str
    unit: Unit
    region: str
    usd: Decimal
    source: str
    as_of: date
    checked: bool = True


class PriceTable(BaseModel):
    """All rows, by id."""

    model_config = ConfigDict(frozen=True)

    rows: Mapping[str, Row]

    def price(self, id: str, region: str) -> Price | None:  # noqa: A002 - what the table calls it
        """The price of a row in a region; None where the table has none. KeyError: there is no such row."""
        row = self.rows.get(id)
        if row is None:
            raise KeyError(f"no price {id!r}{_near(id, self.rows)}")
        usd = row.usd.get(region, row.usd.get(EVERYWHERE))
        if usd is None:
            return None
        facts = row.model_dump(exclude={"usd", "checked"})
        return Price(id=id, region=region, usd=usd, checked=row.is_checked(region), **facts)


@cache
def table() -> PriceTable:
    """The table of this checkout."""
    return load(FILE)


def load(path: Path) -> PriceTable:
    """Reads and validates a table; PriceError has a line for each fault."""
    name = f"{path.parent.name}/{path.name}"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise PriceError(f"{name}: cannot be read: {broken}") from None
    rows, faults = {}, []
    for key, fields in document.items():
        try:
            rows[key] = Row.model_validate(fields)
        except ValidationError as invalid:
            faults += [f"{name}: row {key}{_fault(error)}" for error in invalid.errors()]
    if faults:
        raise PriceError("\n".join(faults))
    return PriceTable(rows=rows)


def _fault(error: Any) -> str:
    """`.usd.us-east-1 = '0.01': must be a number of dollars`."""
    path = [str(part) for part in error["loc"]]
    place = "".join(f".{part}" for part in path)
    shown = isinstance(error["input"], (str, int, Decimal)) and error["type"] != "extra_forbidden"
    value = f" = {str(error['input'])!r}" if shown else ""
    return f"{place}{value}: {_fix(path, error)}"


def _fix(path: list[str], error: Any) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        known = Row.model_fields
        return f"unknown key{_near(path[-1], known)}; a row has {', '.join(known)}"
    if kind == "missing":
        return f"is required: {Row.model_fields[path[0]].description}"
    if kind == "literal_error":
        return f"must be {error['ctx']['expected']}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "model_type":
        return f"must be a table with {', '.join(Row.model_fields)}"
    return str(error["msg"])


def _near(word: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""
