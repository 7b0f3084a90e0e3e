"""What is true of the shop that an agent sells for: what an answer is held against, whoever gave it.

Comes from the shop itself (`rehearsal.evaluation` knows that of the stand-ins), or from a file of JSON lines.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError

from contract.base import Shape
from contract.errors import WrongUseError


class Good(Shape):
    """A product on sale."""

    asin: str
    title: str
    title_ja: str = ""
    category: str = ""
    kind: str = ""
    cents: int = Field(ge=0)
    list_cents: int = Field(ge=0)

    @property
    def amounts(self) -> frozenset[int]:
        """What may truly be said of it."""
        return frozenset({self.cents, self.list_cents, self.list_cents - self.cents})


@dataclass(frozen=True)
class Truth:
    """`said`: amounts in cents that its help pages name."""

    goods: Mapping[str, Good] = field(default_factory=dict)
    said: frozenset[int] = frozenset()

    @classmethod
    def of(cls, goods: Iterable[Good], said: Iterable[int] = ()) -> Self:
        return cls({good.asin: good for good in goods}, frozenset(said))

    @classmethod
    def read(cls, file: Path) -> Self:
        """JSON lines: a product each."""
        goods = []
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                goods.append(Good.model_validate(json.loads(line)))
            except (ValueError, ValidationError) as wrong:
                what = " ".join(str(wrong).split())[:120]
                raise WrongUseError(f"{file}, line {number}: no product: {what}") from None
        return cls.of(goods)
