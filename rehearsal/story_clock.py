"""The time of a story: runs up to three times as fast as ours, and begins with a whole minute.

Everything that is seen of a rehearsal is kept in its time, so that an alarm's minute is a minute of the story
whatever the speed; and as alarms look once a minute, it would otherwise be chance how soon they see a fault.
Before `begin` it is our own time.
"""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from chaos.runner import StoppedError

_MINUTE_S = 60.0


class StoryClock:
    """Shared by the threads of a rehearsal: chaos, runbooks and alarms take their time from here."""

    def __init__(self, speed: float = 1.0, wall: Callable[[], float] = time.time) -> None:
        self.speed = speed
        self._wall = wall
        self._began: float | None = None
        self.zero: float | None = None
        self._stopped = threading.Event()

    def begin(self, real: float) -> None:
        """The story begins at this moment of ours."""
        self._began = real
        self.zero = -(-real // _MINUTE_S) * _MINUTE_S

    def at(self, real: float) -> float:
        """A moment of ours in the story's time, seconds since 1970."""
        if self._began is None or self.zero is None:
            return real
        return self.zero + (real - self._began) * self.speed

    def epoch(self) -> float:
        """Now."""
        return self.at(self._wall())

    def second(self) -> float | None:
        """Seconds since the story began; none before."""
        return None if self.zero is None else self.epoch() - self.zero

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.epoch(), UTC)

    def sleep(self, seconds: float) -> None:
        """So many seconds of the story; StoppedError when somebody ends it meanwhile."""
        if self._stopped.wait(max(0.0, seconds) / self.speed):
            raise StoppedError("the story was stopped before its end")

    def stop(self) -> None:
        """Nobody waits any longer."""
        self._stopped.set()

    def as_data(self) -> dict[str, float]:
        """For whoever reads the logs later: `at` can be computed from it."""
        return {"began": self._began or 0.0, "zero": self.zero or 0.0, "speed": self.speed}

    @classmethod
    def from_data(cls, data: dict[str, float]) -> "StoryClock":
        clock = cls(data["speed"])
        clock._began, clock.zero = data["began"], data["zero"]
        return clock
