"""Two clocks: the one on the wall, and the alarms', on which minutes pass faster.

People, models and faults live by the wall. Alarms, their periods and the runbooks that wait for them live by
the story: at a speed of 12 a minute of theirs is five seconds of ours. One message then stands for twelve.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Hours:
    """Both begin together."""

    speed: float
    begun: float = field(default_factory=time.time)

    def story(self, wall: float) -> float:
        """When it is on the alarms' clock."""
        return self.begun + (wall - self.begun) * self.speed

    def now(self) -> datetime:
        """The alarms' time, for a runbook."""
        return datetime.fromtimestamp(self.story(time.time()), UTC)

    def sleep(self, seconds: float) -> None:
        """Of the alarms' time."""
        time.sleep(seconds / self.speed)
