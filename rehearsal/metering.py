"""Turns programs' metric lines into what CloudWatch would show, and lets the alarms judge them.

A thread of its own: reads the lines of every log as they come, keeps them in the store, puts them into the
CloudWatch stand-in, and hands each change of an alarm to `on_change` after the stand-in knows it.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rehearsal.alarms import Judge, Notice, Transition
from rehearsal.metrics import MetricStore, Point, cloudwatch_data, parse

_EVERY_S = 0.5
_ENTRIES_A_CALL = 500  # PutMetricData takes 1,000
_PATIENCE_S = 75.0


@dataclass
class _Log:
    """A file that grows, and how much of it has been read."""

    path: Path
    read: int = 0
    rest: bytes = b""

    def points(self) -> list[Point]:
        """Of the lines that have come since."""
        with self.path.open("rb") as file:
            file.seek(self.read)
            fresh = file.read()
        self.read += len(fresh)
        *lines, self.rest = (self.rest + fresh).split(b"\n")  # the last one is still being written
        return [point for line in lines for point in parse(line.decode(errors="replace"))]


class Metering:
    """Runs between `start` and `stop` or `finish`; both read the rest and judge once more.

    `at` moves the moments that programs write into the time in which alarms look, which `clock` tells.
    """

    def __init__(
        self,
        logs: Sequence[Path],
        judge: Judge,
        cloudwatch: Any,
        sns: Any,
        on_change: Callable[[Transition], None],
        clock: Callable[[], float] = time.time,
        at: Callable[[float], float] = float,
        since: Mapping[Path, int] | None = None,
    ) -> None:
        """`since`: how much of a log was there before, and is somebody else's."""
        self._logs = [_Log(path, (since or {}).get(path, 0)) for path in logs]
        self._judge = judge
        self._cloudwatch = cloudwatch
        self._sns = sns
        self._on_change = on_change
        self._clock, self._at = clock, at
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metering", daemon=True)
        self.trouble: Exception | None = None

    @property
    def store(self) -> MetricStore:
        return self._judge.store

    def follow(self, log: Path) -> None:
        """One more program's lines."""
        self._logs.append(_Log(log))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def finish(self) -> None:
        """Like `stop`, but what is red is first judged with the period in which the day ended.

        Otherwise it would be chance whether an alarm turns green in time: its periods follow the clock, and a
        day begins at any moment.
        """
        ended = self._clock()
        while self._thread.is_alive() and self._clock() < min(
            self._judge.red_until(ended), ended + _PATIENCE_S
        ):
            self._over.wait(_EVERY_S)
        self.stop()

    def _run(self) -> None:
        try:
            while not self._over.wait(_EVERY_S):
                self._turn()
            self._turn()
        except Exception as trouble:  # noqa: BLE001 - told by the game day, which cannot be decided without it
            self.trouble = trouble

    def new_points(self) -> list[Point]:
        """What programs have written since the last look."""
        return [replace(p, at=self._at(p.at)) for log in list(self._logs) for p in log.points()]

    def _turn(self) -> None:
        points = self.new_points()
        self.store.add(points)
        for namespace in sorted({point.namespace for point in points}):
            self._put(namespace, cloudwatch_data([p for p in points if p.namespace == namespace]))
        told = len(self._judge.notices)
        changes = self._judge.judge(self._clock())
        for change in changes:
            self._set(change)
        for notice in self._judge.notices[told:]:
            self._publish(notice)
        for change in changes:
            self._on_change(change)

    def _put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        for start in range(0, len(data), _ENTRIES_A_CALL):
            self._cloudwatch.put_metric_data(
                Namespace=namespace, MetricData=data[start : start + _ENTRIES_A_CALL]
            )

    def _set(self, change: Transition) -> None:
        """moto's alarms never change by themselves."""
        self._cloudwatch.set_alarm_state(
            AlarmName=change.alarm, StateValue=change.after, StateReason=change.reason
        )

    def _publish(self, notice: Notice) -> None:
        """What CloudWatch sends when an alarm acts."""
        description = self._judge.alarm(notice.alarm).definition.description
        for topic in notice.topics:
            self._sns.publish(
                TopicArn=topic,
                Subject=f"{notice.state}: {notice.alarm}"[:100],
                Message=f"{description}\n{notice.reason}",
            )
