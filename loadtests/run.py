"""A run as a whole: what was to be sent, what became of it, and whether the measuring itself went well.

One JSON file (`run.json`) keeps it: reports, comparisons and merges read that.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError

from contract.base import Shape
from contract.errors import DONE
from loadtests.documents import DocumentError
from loadtests.samples import Sample
from loadtests.scenario import Scenario
from loadtests.tally import Tally

FORMAT = 1
FILE = "run.json"
BEGAN = "began"  # beside it: the moment of the first message, for whoever waits for it
NOTES = "notes.jsonl"
Kind = Literal["fault", "alarm", "green", "runbook", "note"]


class Note(Shape):
    """Something that happened beside the traffic: a fault, an alarm; seconds after the beginning."""

    kind: Kind = "note"
    text: str
    at_s: float
    until_s: float | None = None


class Health(Shape):
    """How the generator itself fared."""

    workers: int = Field(1, ge=0)
    lost: tuple[str, ...] = Field(
        (), description="workers that were there at the beginning and not at the end"
    )
    problem: str | None = Field(None, description="what ended the run early")
    aborted_by: str | None = Field(None, description="the gate that ended it, as it was told to")


@dataclass(slots=True)
class Run:
    """What a run came to. `planned`: messages that were to be sent in all."""

    scenario: Scenario
    seed: int
    planned: int
    tally: Tally
    host: str = ""
    began_at: float = 0.0
    health: Health = field(default_factory=Health)
    notes: Sequence[Note] = ()
    switched_off: Sequence[str] = ()

    @classmethod
    def of(cls, scenario: Scenario, samples: Sequence[Sample]) -> Self:
        """A run of which every message is known."""
        return cls(scenario, 0, len(samples), Tally.of(samples, scenario.good, scenario.bin_s))

    def as_data(self) -> dict[str, Any]:
        """Everything."""
        return {
            "format": FORMAT,
            "scenario": self.scenario.model_dump(mode="json"),
            "seed": self.seed,
            "planned": self.planned,
            "host": self.host,
            "began_at": self.began_at,
            "health": self.health.model_dump(mode="json"),
            "notes": [note.model_dump(mode="json") for note in self.notes],
            "switched_off": list(self.switched_off),
            "tally": self.tally.as_data(),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """What `as_data` made."""
        return cls(
            scenario=Scenario.model_validate(data["scenario"]),
            seed=data["seed"],
            planned=data["planned"],
            tally=Tally.from_data(data["tally"]),
            host=data["host"],
            began_at=data["began_at"],
            health=Health.model_validate(data["health"]),
            notes=tuple(Note.model_validate(note) for note in data["notes"]),
            switched_off=tuple(data["switched_off"]),
        )


def write(run: Run, path: Path) -> None:
    """The file; never half of it."""
    replace(path, json.dumps(run.as_data(), separators=(",", ":")))


def read(path: Path) -> Run:
    """A run that was kept; `path` may be its folder."""
    file = path / FILE if path.is_dir() else path
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as missing:
        raise DocumentError(f"run {path}: cannot be read: {missing.strerror}") from None
    except ValueError as broken:
        raise DocumentError(f"run {path}: is no JSON: {broken}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise DocumentError(f"run {path}: is no run of a load test in format {FORMAT}: run it again")
    try:
        return Run.from_data(data)
    except (KeyError, TypeError, ValidationError, DocumentError) as wrong:
        first = str(wrong).splitlines()[0]
        raise DocumentError(f"run {path}: does not hold what a run holds ({first}): run it again") from None


class Told(Shape):
    """A note as others write it down while a run goes on (`notes.jsonl`); times are seconds since 1970."""

    kind: Kind = "note"
    text: str
    at: float
    until: float | None = None


def notes(folder: Path, began_at: float) -> tuple[Note, ...]:
    """What was written down beside a run; a line that is none is passed over."""
    found = []
    with suppress(OSError):
        for line in (folder / NOTES).read_text(encoding="utf-8").splitlines():
            with suppress(ValidationError):
                told = Told.model_validate_json(line)
                until = None if told.until is None else told.until - began_at
                found.append(Note(kind=told.kind, text=told.text, at_s=told.at - began_at, until_s=until))
    return tuple(found)


def finished(folder: Path) -> Run | None:
    """The run that a generator left behind, if it came so far."""
    return read(folder) if (folder / FILE).exists() else None


def keep_as_baseline(run: Run, exit_code: int, path: Path) -> None:
    """Only of what is worth comparing with: a run that passed its gates."""
    if exit_code != DONE:
        raise DocumentError(f"{path}: not saved: only a run that passed can be a baseline")
    write(run, path)


def replace(path: Path, text: str) -> None:
    """Writes beside its place, then moves it there; DocumentError says why it cannot be."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as refused:
        raise DocumentError(
            f"{path}: cannot be written: {refused.strerror}: make room, or choose another"
        ) from None
