"""The cache and the stream of events. Tables, keys and buckets have no knobs: they are alike everywhere."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from stacks.problems import rule
from stacks.section import Section

LogDays = Literal[1, 3, 7, 14, 30, 60, 90, 180, 365]

_NODE = re.compile(r"cache\.[a-z]+\d+g[dn]?\.[a-z0-9]+")
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_SNAPSHOT = re.compile(rf"({_CLOCK})-({_CLOCK})")
_DAY = "(?:mon|tue|wed|thu|fri|sat|sun)"
_MAINTENANCE = re.compile(rf"({_DAY}):({_CLOCK})-({_DAY}):({_CLOCK})")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
# ElastiCache takes no window below an hour.
_SHORTEST = 60


def _node_type(value: str) -> str:
    if not _NODE.fullmatch(value):
        raise ValueError("is no Graviton cache node: use one such as cache.t4g.micro or cache.r7g.large")
    return value


def _snapshot_window(value: str) -> str:
    if not (match := _SNAPSHOT.fullmatch(value)):
        raise ValueError("write it as from-to in UTC, such as 03:00-04:00")
    _long_enough((_minutes(match[2]) - _minutes(match[1])) % _DAY_MINUTES)
    return value


def _maintenance_window(value: str) -> str:
    if not (match := _MAINTENANCE.fullmatch(value)):
        raise ValueError("write it as day:from-day:to in UTC, such as sun:05:00-sun:06:00")
    start, end = _of_week(match[1], match[2]), _of_week(match[3], match[4])
    _long_enough((end - start) % (7 * _DAY_MINUTES))
    return value


def _long_enough(minutes: int) -> None:
    if minutes < _SHORTEST:
        raise ValueError(f"is {minutes} minutes long: ElastiCache takes at least {_SHORTEST}")


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return 60 * int(hours) + int(minutes)


def _of_week(day: str, clock: str) -> int:
    return _DAYS.index(day) * _DAY_MINUTES + _minutes(clock)


def _shared(window: str, daily: str) -> bool:
    """Whether the weekly window meets the daily one on any day."""
    match, times = _MAINTENANCE.fullmatch(window), _SNAPSHOT.fullmatch(daily)
    if match is None or times is None:
        return False
    start, week = _of_week(match[1], match[2]), 7 * _DAY_MINUTES
    length = (_of_week(match[3], match[4]) - start) % week
    every = (_minutes(times[2]) - _minutes(times[1])) % _DAY_MINUTES
    daily_starts = [_minutes(times[1]) + day * _DAY_MINUTES for day in range(7)]
    return any((s - start) % week < length or (start - s) % week < every for s in daily_starts)


class Cache(Section):
    """The Valkey cache (DATA-3)."""

    version: Literal["7.2", "8.0", "8.1"] = Field("8.1", description="Valkey's version, major and minor")
    node_type: Annotated[str, AfterValidator(_node_type)] = Field(
        "cache.r7g.large", description="size of each node; Graviton only"
    )
    nodes: int = Field(
        3, ge=1, le=6, description="a primary and its replicas, one a zone; 1: no failover, for development"
    )
    maintenance_window: Annotated[str, AfterValidator(_maintenance_window)] = Field(
        "tue:09:00-tue:10:00", description="when AWS may patch a node, UTC; quiet, and the team awake soon"
    )
    snapshot_window: Annotated[str, AfterValidator(_snapshot_window)] = Field(
        "07:00-08:00", description="when the daily snapshot is made, UTC"
    )
    snapshot_days: int = Field(
        1, ge=0, le=35, description="days a snapshot is kept; it only saves a cold start, so few; 0: none"
    )
    log_days: LogDays = Field(90, description="days slow commands and the engine's log stay in CloudWatch")

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.snapshot_days and _shared(self.maintenance_window, self.snapshot_window):
            raise rule("snapshot_window", "overlaps maintenance_window: ElastiCache refuses that, move one")
        return self


class Analytics(Section):
    """Events on their way to the warehouse (DATA-6)."""

    enabled: bool = Field(True, description="whether the stream, the scan and the delivery exist")
    shards: int | None = Field(
        None,
        ge=1,
        le=500,
        description="shards of the stream; none: on demand, which follows events by itself",
    )
    keep_hours: int = Field(
        72, ge=24, le=168, description="hours events wait in the stream; a long weekend, should delivery stop"
    )
    log_days: LogDays = Field(90, description="days the logs of scan and delivery stay in CloudWatch")


class Data(Section):
    """Where data is kept for a while."""

    cache: Cache = Cache()
    analytics: Analytics = Analytics()

    def warnings(self, *, protected: bool) -> list[str]:
        """What is allowed but should be known."""
        if protected and self.cache.nodes == 1:
            return ["data.cache has one node in a protected environment: losing it empties limits and caches"]
        return []
