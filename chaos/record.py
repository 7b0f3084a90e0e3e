"""A run as it is kept: one JSON document with all that is needed to judge, compare or repeat it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationError

from chaos.runner import Outcome
from contract.base import Shape
from contract.errors import DONE, FAILED, INCONCLUSIVE, InconclusiveError, WrongUseError
from contract.faults import Experiment, Injection

FORMAT = 1
FILE = "record.json"
Verdict = Literal["held", "deviated", "inconclusive"]
EXIT_CODES: Mapping[Verdict, int] = {"held": DONE, "deviated": FAILED, "inconclusive": INCONCLUSIVE}
Kind = Literal["fault", "alarm", "runbook", "note"]


class RecordError(WrongUseError):
    """A file that is no record of a run."""


class Gate(Shape):
    """One thing that had to hold; None: it could not be told. A premise is what all others rest on."""

    name: str
    held: bool | None
    measured: str
    premise: bool = False


class Happening(Shape):
    """Something beside the traffic, `at_s` seconds after the first message."""

    at_s: float
    kind: Kind
    text: str


class Second(Shape):
    """What people saw of the messages that were due in one second."""

    at_s: int
    messages: int
    failed: int
    first_token_p95_ms: float | None
    tiers: Mapping[str, int]


class Conditions(Shape):
    """All that a repetition needs beside the experiment. `off`: alarms that were not judged.

    `slack`: so many times the time was given, because the machine was busy otherwise.
    """

    target: Literal["rehearsal", "aws"]
    stack: str
    seed: int = 7
    changes: Mapping[str, str] = {}
    off: tuple[str, ...] = ()
    slack: float = Field(1.0, ge=1, le=10)


class Record(Shape):
    """One run of one experiment."""

    format: int = FORMAT
    experiment: Experiment
    conditions: Conditions
    started_at: AwareDatetime
    ended_at: AwareDatetime
    verdict: Verdict
    gates: tuple[Gate, ...]
    outcome: Outcome
    measures: Mapping[str, Mapping[str, float | None]] = Field(description="phase -> measure -> value")
    injections: tuple[Injection, ...] = ()
    seconds: tuple[Second, ...] = ()
    happenings: tuple[Happening, ...] = ()

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]


def verdict_of(gates: tuple[Gate, ...]) -> Verdict:
    """A premise that is missing decides, then what did not hold, then what could not be told."""
    if any(gate.premise and gate.held is not True for gate in gates):
        return "inconclusive"
    if any(gate.held is False for gate in gates):
        return "deviated"
    return "inconclusive" if not gates or any(gate.held is None for gate in gates) else "held"


def write(record: Record, path: Path) -> None:
    """The file; never half of it."""
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
        draft.replace(path)
    except OSError as refused:
        raise InconclusiveError(
            f"{path}: cannot be written: {refused.strerror}: make room, or choose another"
        ) from None


def read(path: Path) -> Record:
    """A record that was kept; `path` may be its folder."""
    file = path / FILE if path.is_dir() else path
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as missing:
        raise RecordError(f"{file}: cannot be read: {missing.strerror}") from None
    except ValueError as broken:
        raise RecordError(f"{file}: is no JSON: {broken}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise RecordError(f"{file}: is no record of an experiment in format {FORMAT}: run it again")
    try:
        return Record.model_validate(data)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "document"
        raise RecordError(f"{file}: {key}: {first['msg']}") from None
