"""What was done to whom, and when: one line of JSON an event, appended and never changed."""

import threading
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime

from contract.base import Shape
from contract.errors import ConciergeError
from contract.faults import ActiveFault

What = Literal["started", "swept", "injecting", "injected", "cleared", "failed", "ended"]


class JournalError(ConciergeError):
    """The journal cannot be written: nothing is injected that nobody could trace."""


class Event(Shape):
    """One line: `text` is for people, `fault` for whoever draws a timeline."""

    at: AwareDatetime
    experiment: str
    what: What
    text: str
    fault: ActiveFault | None = None


class Journal:
    """A file of events. Threads of one process may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def write(self, event: Event) -> None:
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(event.model_dump_json(exclude_none=True) + "\n")
        except OSError as error:
            raise JournalError(
                f"journal {self._path}: {error.strerror}: choose a place that can be written"
            ) from None

    def read(self) -> tuple[Event, ...]:
        """Every event so far."""
        if not self._path.exists():
            return ()
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return tuple(Event.model_validate_json(line) for line in lines)
