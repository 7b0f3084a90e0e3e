"""Who comes, and what they say turn by turn (`data/personas.toml`), about which goods and orders
(`data/shop.toml`).

Data and lookups; when somebody comes is the business of `arrivals`.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Annotated, Self

from pydantic import Field, RootModel, model_validator

from contract.base import Shape
from contract.intents import Intent
from loadtests import documents
from loadtests.documents import DocumentError

FOLDER = Path(__file__).with_name("data")
PERSONAS = FOLDER / "personas.toml"
SLOTS = ("product", "other", "kind", "order")
_LONGEST_THINK_S = 600.0


class Turn(Shape):
    """One message of a journey."""

    intent: Intent = Field(description="what is wanted; figures are kept apart by it")
    say: tuple[str, ...] = Field(min_length=1, description="one of these is said")
    think_s: tuple[float, float] = Field(
        (4.0, 12.0), description="seconds after the message before it, between these two"
    )

    @model_validator(mode="after")
    def _can_be_said(self) -> Self:
        low, high = self.think_s
        if not 0 <= low <= high <= _LONGEST_THINK_S:
            raise ValueError(
                f"think_s [{low:g}, {high:g}] must go up, from 0 to {_LONGEST_THINK_S:g} at most"
            )
        for text in self.say:
            slots = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
            if unknown := sorted(slots - set(SLOTS)):
                known = ", ".join(f"{{{slot}}}" for slot in SLOTS)
                raise ValueError(f"{{{unknown[0]}}} in {text!r}: there are only {known}")
        return self


class Journey(Shape):
    """One conversation: turns in order."""

    weight: float = Field(1.0, gt=0, description="how often, beside the persona's other journeys")
    turns: tuple[Turn, ...] = Field(min_length=1)


class Persona(Shape):
    """A kind of person."""

    title: str
    guests: float = Field(ge=0, le=1, description="share of them that is not signed in")
    journeys: tuple[Journey, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _orders_need_a_customer(self) -> Self:
        texts = [text for journey in self.journeys for turn in journey.turns for text in turn.say]
        if self.guests > 0 and any("{order}" in text for text in texts):
            raise ValueError("guests have no {order}: set guests = 0, or leave it out")
        return self


Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]


class Personas(RootModel[Mapping[Name, Persona]]):
    """All of a file, by name."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.root)

    def __getitem__(self, name: str) -> Persona:
        return self.root[name]


class Product(Shape):
    """Something to talk about."""

    asin: str
    title: str
    kind: str


class Customer(Shape):
    """Somebody who is signed in."""

    id: str
    token: str | None = Field(None, description="a bearer token of theirs, where a name is not enough")
    orders: tuple[str, ...] = Field(min_length=1)


class Shop(Shape):
    """What a shop has."""

    products: tuple[Product, ...] = Field(min_length=2)
    customers: tuple[Customer, ...] = Field(min_length=1)


@cache
def personas(path: Path = PERSONAS) -> Personas:
    """Who there is."""
    return documents.read(path, Personas)


@cache
def shop(name: str = "shop") -> Shop:
    """Goods and customers by name, or by the path of a TOML file."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise DocumentError(f"data {name!r}: there is no such file: name shop, or a .toml file")
    return documents.read(path, Shop)
