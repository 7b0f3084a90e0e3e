"""Who did what, when, why, and what was there before: one line of JSON an entry, appended and never changed.

An entry about a change is on disk before the change is made, so that undo works from the journal alone.
"""

import os
import threading
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from contract.errors import ConciergeError
from runbooks.engine.shape import Change, Origin

What = Literal[
    "started", "found", "decided", "changing", "changed", "verified",
    "undoing", "undone", "failed", "interrupted", "ended",
]  # fmt: skip


class JournalError(ConciergeError):
    """The journal cannot be written or read: nothing is changed that nobody could trace."""


class Entry(Origin):
    """One line."""

    at: AwareDatetime
    what: What
    text: str
    change: Change | None = None


class Journal:
    """A file of entries. Threads of one process may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def write(self, entry: Entry) -> None:
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(entry.model_dump_json(exclude_none=True) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise JournalError(f"journal {self._path}: {error.strerror}: choose a place for it") from None

    def read(self) -> tuple[Entry, ...]:
        """Every entry so far."""
        if not self._path.exists():
            return ()
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
            return tuple(Entry.model_validate_json(line) for line in lines)
        except (OSError, ValidationError) as error:
            raise JournalError(f"journal {self._path} cannot be read: {error}") from None

    def in_place(self, runbook: str, environment: str, region: str) -> tuple[Entry, ...]:
        """What the last run that still has changes in place began and nobody undid, youngest first."""
        found: dict[tuple[str, str, str], Entry] = {}
        for entry in self.read():
            whose = (entry.runbook, entry.environment, entry.region)
            if whose != (runbook, environment, region) or entry.change is None:
                continue
            key = (entry.run, entry.change.step, entry.change.subject)
            if entry.what == "undone":
                found.pop(key, None)
            else:
                found[key] = entry
        entries = tuple(reversed(found.values()))
        return tuple(entry for entry in entries if entry.run == entries[0].run)
