"""What happened when, told as it happens and kept for the report. Threads of one rehearsal share it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from contract.base import Shape
from rehearsal.story_clock import StoryClock


class Event(Shape):
    """One line: `kind` is who speaks (plan, fault, alarm, runbook, load ...); `at` is in the story's time."""

    at: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """An event with its place in the story: seconds since traffic began (before it: none)."""

    event: Event
    second: float | None

    def __str__(self) -> str:
        clock = f"{self.second:6.1f} s" if self.second is not None else " " * 8
        return f"{clock}  {self.event.kind:<10} {self.event.text}"


class Timeline:
    """Appends events and hands each to `listener` at once."""

    def __init__(self, listener: Callable[[Told], None], clock: StoryClock | None = None) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self.clock = clock or StoryClock()
        self.events: list[Event] = []

    @property
    def zero(self) -> float | None:
        """When the story began, in its own time."""
        return self.clock.zero

    def tell(self, kind: str, text: str) -> None:
        with self._lock:
            event = Event(at=self.clock.epoch(), kind=kind, text=text)
            self.events.append(event)
            self._listener(Told(event, self.clock.second()))
