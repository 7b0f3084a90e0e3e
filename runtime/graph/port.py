"""What a graph of products answers, wherever its edges lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

FARTHEST = 3  # edges of a path


class Kind(StrEnum):
    """What an edge says of its target."""

    COMPARED = "compared"
    COMPATIBLE = "compatible"
    SIMILAR = "similar"
    BOUGHT_WITH = "bought-with"


@dataclass(frozen=True, slots=True)
class Edge:
    """From a product to another. `rank`: 0 is the best of its kind."""

    product: str
    kind: Kind
    target: str
    rank: int = 0


class Graph(Protocol):
    """ProviderError where it does not answer. A product nobody knows has no edges."""

    async def related(self, product: str, kind: Kind, limit: int = 10) -> Sequence[Edge]:
        """The best first."""
        ...

    async def path(self, start: str, end: str) -> Sequence[Edge] | None:
        """The shortest way of at most three edges; None: there is none. Nothing from a product to itself."""
        ...
