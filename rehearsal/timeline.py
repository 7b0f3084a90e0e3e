"""What happened when, told as it happens and kept for the report. Threads of one game day share it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from contract.base import Shape


class Event(Shape):
    """One line: `kind` is who speaks (plan, stand-ins, fault, alarm, runbook, load ...)."""

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

    def __init__(self, listener: Callable[[Told], None]) -> None:
        self._listener = listener
        self._lock = threading.Lock()
        self.events: list[Event] = []
        self.zero: float | None = None

    def begin(self, zero: float) -> None:
        """Seconds are counted from this moment (epoch)."""
        self.zero = zero

    def tell(self, kind: str, text: str) -> None:
        with self._lock:
            event = Event(at=time.time(), kind=kind, text=text)
            self.events.append(event)
            second = None if self.zero is None else event.at - self.zero
            self._listener(Told(event, second))
