"""Who did what, when, why, and what was there before: one line of JSON an entry, appended and never changed.

An entry about a change is on disk before the change is made, so that undo works from the journal alone.
A line is there once it has its end: one that its writer was killed in never counts, and what it announced was
not begun.
"""

import os
import threading
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import AwareDatetime, ValidationError

from contract.errors import ConciergeError
from runbooks.engine.shape import Change, Finding, Origin

What = Literal[
    "started", "break-glass", "found", "decided", "measured", "planned", "changing", "changed", "verified",
    "not-enough", "undoing", "undone", "left-alone", "failed", "interrupted", "resumed", "ended",
]  # fmt: skip
# Entries about something that may be in place; a plan alone is not.
_MADE = {"changing", "changed", "undoing", "undone", "left-alone"}


# Put behind a line that was never ended, so that it can be told from a damaged one.
_TORN = b" <- torn: its writer was stopped here\n"


class JournalError(ConciergeError):
    """The journal cannot be written or read: nothing is changed that nobody could trace."""


class Entry(Origin):
    """One line."""

    at: AwareDatetime
    what: What
    text: str
    change: Change | None = None
    value: float | None = None
    check: str | None = None
    finding: Finding | None = None


class Journal:
    """A file of entries. Threads of one process may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def write(self, entry: Entry) -> None:
        line = entry.model_dump_json(exclude_none=True).encode() + b"\n"
        try:
            with self._lock, self._path.open("ab+") as file:
                file.write(line if _ended(file) else _TORN + line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise JournalError(f"journal {self._path}: {error.strerror}: choose a place for it") from None

    def read(self) -> tuple[Entry, ...]:
        """Every entry so far."""
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise JournalError(f"journal {self._path} cannot be read: {error.strerror}") from None
        torn = _TORN.rstrip()
        return tuple(self._parsed(line, n) for n, line in enumerate(lines, 1) if not line.endswith(torn))

    def _parsed(self, line: bytes, number: int) -> Entry:
        try:
            return Entry.model_validate_json(line)
        except ValidationError as invalid:
            first = invalid.errors(include_url=False, include_input=False)[0]
            key = ".".join(str(part) for part in first["loc"]) or "line"
            reason = f"{key}: {first['msg']}: mend it, or move the journal away"
            raise JournalError(f"journal {self._path}:{number}: damaged: {reason}") from None

    def in_place(self, runbook: str, environment: str, region: str) -> tuple[Entry, ...]:
        """What the last run that still has changes in place began and nobody undid, youngest first."""
        found: dict[tuple[str, str, str], Entry] = {}
        for entry in self.read():
            whose = (entry.runbook, entry.environment, entry.region)
            if whose != (runbook, environment, region) or entry.change is None or entry.what not in _MADE:
                continue
            key = (entry.run, entry.change.step, entry.change.subject)
            if entry.what == "undone":
                found.pop(key, None)
            else:
                found[key] = entry
        entries = tuple(reversed(found.values()))
        return tuple(entry for entry in entries if entry.run == entries[0].run)

    def unfinished(self, runbook: str, environment: str, region: str) -> tuple[Entry, ...]:
        """All of the last run that planned changes, when it has no end: its writer was stopped."""
        runs: dict[str, list[Entry]] = {}
        for entry in self.read():
            if (entry.runbook, entry.environment, entry.region) == (runbook, environment, region):
                runs.setdefault(entry.run, []).append(entry)
        planned = [entries for entries in runs.values() if any(entry.what == "planned" for entry in entries)]
        if not planned or any(entry.what == "ended" for entry in planned[-1]):
            return ()
        return tuple(planned[-1])

    def of(self, run: str | None = None) -> tuple[Entry, ...]:
        """One run from its beginning; the last one when none is named."""
        entries = self.read()
        if not entries:
            raise JournalError(f"journal {self._path} is empty: nothing was run from here yet")
        chosen = run or entries[-1].run
        found = tuple(entry for entry in entries if entry.run == chosen)
        if not found:
            known = ", ".join(list(dict.fromkeys(entry.run for entry in entries))[-5:])
            raise JournalError(f"journal {self._path} has no run {chosen!r}; the last ones: {known}")
        return found

    def findings(self, run: str) -> dict[str, Finding]:
        """What the checks of a run saw: steps that are made or undone later act on the same things."""
        return {e.check: e.finding for e in self.read() if e.run == run and e.check and e.finding}

    @property
    def path(self) -> Path:
        return self._path


def _ended(file: BinaryIO) -> bool:
    """Whether the last line has its end."""
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
