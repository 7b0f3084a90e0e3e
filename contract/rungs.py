"""Rungs that exist for a while: extra provisioned units of a model around an event (MOD-3).

One document a rung, each a parameter of its own in the folder `/concierge/<environment>/rungs`. A table in
one parameter would be read, changed and written back, and Parameter Store knows no conditional write: two
writers at once, and one entry is lost. So a rung is published by creating its parameter, never by
overwriting one, and withdrawn by deleting it; the controls document stays the operator's alone.

Each rung says until when it counts. One that nobody withdrew stops counting by itself at the end of its
event, before anybody deletes the units behind it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic import AwareDatetime, Field, ValidationError

from contract.base import Shape
from contract.errors import WrongUseError


class RungError(WrongUseError):
    """A rung's document that cannot be used."""


class ExtraRung(Shape):
    """Units to call instead of the model itself, as long as they are there."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="what metrics call it")
    model: str = Field(min_length=1, description="key in contract/models.toml")
    arn: str = Field(pattern=r"^arn:", description="the provisioned throughput: passed as modelId")
    units: int = Field(gt=0, strict=True)
    who: str = Field(min_length=1)
    why: str = Field(min_length=1)
    expires_at: AwareDatetime


class Table(NamedTuple):
    """What is in force, and what is wrong with the documents that were left out."""

    rungs: tuple[ExtraRung, ...]
    problems: tuple[str, ...]


def folder(environment: str) -> str:
    """Where the documents of an environment are; `GetParametersByPath` reads them at once."""
    return f"/concierge/{environment}/rungs"


def parse(text: str) -> ExtraRung:
    """A rung from its JSON text; RungError says which key is wrong."""
    try:
        return ExtraRung.model_validate_json(text)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "document"
        raise RungError(f"rung: {place}: {first['msg']}") from None


def render(rung: ExtraRung) -> str:
    """The JSON text that `parse` reads."""
    return rung.model_dump_json()


def in_force(documents: Mapping[str, str], now: datetime) -> Table:
    """The rungs of all documents (parameter name -> text) that count now. A broken one spoils no other."""
    rungs: list[ExtraRung] = []
    problems: list[str] = []
    for parameter, text in sorted(documents.items()):
        try:
            rungs.append(parse(text))
        except RungError as error:
            problems.append(f"{parameter}: {error}")
    return Table(tuple(_current(rungs, now)), tuple(problems))


def _current(rungs: Iterable[ExtraRung], now: datetime) -> Iterable[ExtraRung]:
    return (rung for rung in rungs if rung.expires_at > now)
