"""What the services' logs say, counted: the lines of one kind, and who is behind them."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contract.logs import Line
from runbooks.engine.shape import Finding, Verify
from runbooks.engine.watch import whole_minute
from runbooks.engine.world import World

FILTER = "logs.filter_log_events"
_MINUTES = 5
_PAGES = 5  # 10,000 lines each: more of them would tell nothing new


@dataclass(frozen=True)
class Lines:
    """Are there more lines of a kind than `limit` in five minutes? `only`: those of one culprit."""

    line: Line
    limit: int
    service: str = "chat"
    only: str | None = None
    calls: tuple[str, ...] = (FILTER,)

    def __call__(self, world: World) -> Finding:
        """Counts them by culprit."""
        end = world.clock.now()
        counted = self._counted(world, end - timedelta(minutes=_MINUTES), end)
        total = sum(counted.values())
        worst = ", ".join(f"{who} {count}" for who, count in counted.most_common(3))
        bad = tuple(who for who, count in counted.most_common() if count > self.limit)
        return Finding(
            what=f"'{self.line.message}': {total} lines in {_MINUTES} min" + (f": {worst}" if worst else ""),
            evidence={"limit": self.limit, **dict(counted.most_common(5))},
            cause=bool(bad),
            subjects=bad,
        )

    def measure(self, world: World, since: datetime | None) -> float | None:
        """Lines a minute, of whole minutes; after a change only of those that began after it."""
        end = whole_minute(world)
        start = end - timedelta(minutes=_MINUTES if since is None else 1)
        if since is not None and start < since:
            return None
        return sum(self._counted(world, start, end).values()) / ((end - start).total_seconds() / 60)

    def well(self, within_s: float) -> Verify:
        """Fewer a minute than the limit of five minutes allows."""
        return Verify(
            what=f"'{self.line.message}' a minute",
            within_s=within_s,
            measure=_Measured(self),
            better=lambda _, after: after <= self.limit / _MINUTES,
        )

    def _counted(self, world: World, start: datetime, end: datetime) -> Counter[str]:
        rows = self._rows(world, start, end)
        who = Counter(str(row.get(self.line.by, "unknown")) for row in rows)
        return Counter({name: count for name, count in who.items() if self.only in (None, name)})

    def _rows(self, world: World, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        asked: dict[str, Any] = {
            "logGroupName": world.named("logs", self.service),
            "filterPattern": f'"{self.line.message}"',
            "startTime": int(start.timestamp() * 1000),
            "endTime": int(end.timestamp() * 1000) - 1,
        }
        for _ in range(_PAGES):
            answer = world.aws.read("logs", "filter_log_events", **asked)
            for event in answer["events"]:
                try:
                    row = json.loads(event["message"])
                except ValueError:
                    continue
                if isinstance(row, dict) and row.get("message") == self.line.message:
                    yield row
            if not answer.get("nextToken"):
                return
            asked["nextToken"] = answer["nextToken"]


@dataclass(frozen=True)
class _Measured:
    lines: Lines

    @property
    def calls(self) -> tuple[str, ...]:
        return self.lines.calls

    def __call__(self, world: World, since: datetime | None) -> float | None:
        return self.lines.measure(world, since)
