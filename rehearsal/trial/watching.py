"""The tasks' metric lines and AWS's own, on the alarms' clock: for the judge and the CloudWatch stand-in."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from rehearsal.alarms import Judge, Transition
from rehearsal.metering import Metering
from rehearsal.metrics import Point
from rehearsal.story_clock import StoryClock
from rehearsal.trial.doors import Doors

# Lines are flushed every second, and looked for every half: what is younger is not judged.
SETTLE_S = 2.0
_PAST_MIN = 20  # as far as any alarm of minutes looks back


class Watching(Metering):
    """Reads from where the log stands now: what was before belongs to somebody else.

    What AWS shows at the beginning, it has shown for a while: else alarms that silence trips would be red.
    """

    def __init__(
        self,
        log: Path,
        judge: Judge,
        doors: Doors,
        clock: StoryClock,
        cloudwatch: Any,
        sns: Any,
        on_change: Callable[[Transition], None],
    ) -> None:
        super().__init__(
            [log],
            judge,
            cloudwatch,
            sns,
            on_change,
            clock=lambda: clock.at(time.time() - SETTLE_S),
            at=clock.at,
            since={log: log.stat().st_size},
        )
        self._doors, self._story = doors, clock
        self._times = max(1, round(clock.speed))
        now = clock.at(time.time())
        self.store.add(
            [replace(point, at=now - 60 * age) for point in doors.look(now) for age in range(_PAST_MIN)]
        )

    def new_points(self) -> list[Point]:
        """One point of ours stands for as many as pass in the same minute of the story, if it is watched."""
        ours = [
            point
            for point in super().new_points()
            for _ in range(self._times if self._doors.watches(point.metric, point.dimensions) else 1)
        ]
        return [*ours, *self._doors.look(self._story.at(time.time()))]
