"""What the runtime relies on of each provider it calls (RUN-23): one file each, and when it was verified.

A file lists interactions: what is asked, and every field of the answer that is read, with its type. A
provider may add fields; it may not drop or change one of these. `concierge contracts verify` holds a provider
to its file (`rehearsal.contracts`); tests hold the runtime's clients to reading nothing else.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from contract.base import Knobs

FRESH_DAYS = 7
Kind = Literal[
    "text",  # may be empty
    "name",  # may not
    "flag",
    "whole",  # 0, 1, 2 ...
    "count",  # 1, 2, 3 ...
    "percent",  # whole, up to 100
    "rating",  # 0 to 5
    "amount",  # dollars in whole cents, 0 or more
    "paid",  # the same, above 0
    "cents",  # whole, above 0
    "currency",  # ISO 4217
    "day",  # ISO 8601
    "texts",  # a table of texts
]
# A path of an answer: `delivery.status`, `products[].asin`, `prices[]`.
_PATH = re.compile(r"[a-zA-Z_]+(\[\])?(\.[a-zA-Z_]+(\[\])?)*")
_SAMPLE = re.compile(r"\{(\w+)\}")


class Interaction(Knobs):
    """One question and the shape of its answer. `{asin}` and the like are samples that the provider knows."""

    name: str = Field(min_length=1)
    method: Literal["GET", "POST"] | None = None
    path: str = ""
    query: Mapping[str, str] = {}
    body: Mapping[str, Any] = {}
    call: str = Field("", description="of gRPC, in place of method and path; `body` is its request")
    status: int | str = Field(200, description="of HTTP, or of gRPC by name")
    writes: bool = Field(False, description="it changes something: sent with a key, and only where allowed")
    answer: Mapping[str, Kind] = {}
    lists: tuple[str, ...] = Field((), strict=False, description="lists that are always there, empty or not")
    learns: Mapping[str, str] = Field({}, description="sample -> where the answer has one, for what follows")

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if bool(self.call) == bool(self.method and self.path.startswith("/")):
            raise ValueError(f"{self.name}: give a call, or a method and a path")
        if wrong := [path for path in (*self.answer, *self.lists) if not _PATH.fullmatch(path)]:
            raise ValueError(f"{self.name}: {wrong[0]!r} is no path of an answer")
        return self

    @property
    def samples(self) -> frozenset[str]:
        """Names of what must be known to ask."""
        return frozenset(_SAMPLE.findall(f"{self.path} {self.query} {self.body}"))

    def filled(self, samples: Mapping[str, str]) -> Self:
        """With samples in their places."""

        def fill(value: Any) -> Any:
            if isinstance(value, str):
                return _SAMPLE.sub(lambda found: samples.get(found[1], found[0]), value)
            if isinstance(value, Mapping):
                return {name: fill(part) for name, part in value.items()}
            return [fill(part) for part in value] if isinstance(value, list) else value

        parts = {name: fill(getattr(self, name)) for name in ("path", "query", "body")}
        return self.model_copy(update=parts)


class Consumer(Knobs):
    """One provider's file. `after`: providers whose interactions make what this one's show."""

    provider: str
    what: str
    protocol: Literal["http", "grpc"]
    verified: date
    after: tuple[str, ...] = Field((), strict=False)
    interactions: tuple[Interaction, ...] = Field(strict=False, min_length=1)

    def age_days(self, today: date) -> int:
        return (today - self.verified).days

    def fresh(self, today: date) -> bool:
        return self.age_days(today) <= FRESH_DAYS


def file_of(provider: str) -> Path:
    return Path(__file__).with_name(f"{provider}.toml")


@cache
def consumers() -> Mapping[str, Consumer]:
    """Provider -> its file, checked; those first that others come after."""
    files = sorted(Path(__file__).parent.glob("*.toml"))
    found = [Consumer.model_validate(tomllib.loads(file.read_text(encoding="utf-8"))) for file in files]
    if wrong := [f.name for f, one in zip(files, found, strict=True) if f.stem != one.provider]:
        raise ValueError(f"{wrong[0]}: a file is named after its provider")
    return {one.provider: one for one in sorted(found, key=lambda one: (len(one.after), one.provider))}
