"""What AWS publishes by itself: its services' metrics, measured at the stand-ins' own doors.

A look asks each stand-in what an operator of it could see (health, disks, counts of calls) or calls it as a
client, and never which faults there are. Whose series they are, the plan's alarms say: what nobody watches is
not published.
"""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from contract.inventory import RegionInventory
from contract.metrics import NAMESPACE
from plan.model import Plan
from rehearsal.alarm_definitions import MetricAlarm, of_plan
from rehearsal.dynamodb.door import COUNTS_PATH, READS
from rehearsal.metrics import Point

_WITHIN_S = 2.0
_GB_MB = 1024.0
Series = tuple[str, str]
# What the looks below publish: alarms on anything else cannot be judged here.
PUBLISHED: frozenset[Series] = frozenset(
    {
        *(("AWS/Bedrock", name) for name in ("Invocations", "InvocationServerErrors", "InvocationThrottles")),
        ("AWS/Bedrock", "TimeToFirstToken"),
        *(("AWS/SageMaker", f"Invocation{name}") for name in ("s", "5XXErrors", "4XXErrors")),
        ("AWS/SageMaker", "ModelLatency"),
        *(("AWS/ES", name) for name in ("ClusterStatus.red", "ClusterStatus.yellow", "FreeStorageSpace")),
        ("AWS/ES", "SearchLatency"),
        ("AWS/ElastiCache", "CurrConnections"),
        *(("AWS/DynamoDB", name) for name in ("SystemErrors", "ReadThrottleEvents", "WriteThrottleEvents")),
        ("AWS/NetworkELB", "UnHealthyHostCount"),
        ("AWS/ApiGateway", "IntegrationError"),
    }
)


class Doors:
    """`places`: name of a stand-in -> its URL. `speed`: one call that was counted stands for so many."""

    def __init__(
        self, plan: Plan, region: str, names: RegionInventory, places: Mapping[str, str], speed: float
    ) -> None:
        self._places, self._speed = places, speed
        self._names = names
        self._watched: dict[Series, list[dict[str, str]]] = {}
        for alarm in of_plan(plan, region):
            if isinstance(alarm, MetricAlarm):
                for metric in alarm.metrics.values():
                    known = self._watched.setdefault((metric.namespace, metric.name), [])
                    if dict(metric.dimensions) not in known:
                        known.append(dict(metric.dimensions))
        self._before: dict[str, float] = {}
        # Nobody is woken by it, but runbooks make shares of it.
        self._watched["AWS/Bedrock", "Invocations"] = [
            {"ModelId": arn.rpartition("/")[2]} for arn in names.models.values()
        ]
        self._rungs = {arn.rpartition("/")[2]: rung for rung, arn in names.models.items()}

    def watches(self, metric: str, dimensions: Mapping[str, str]) -> bool:
        """Whether an alarm is on this series of ours."""
        return dict(dimensions) in self._watched.get((NAMESPACE, metric), ())

    def look(self, at: float) -> list[Point]:
        """What is published now; a door that does not open publishes nothing, as in AWS."""
        looks: tuple[Callable[[float], Iterator[Point]], ...] = (
            self._bedrock, self._sagemaker, self._search, self._cache, self._tables, self._tasks,
        )  # fmt: skip
        found: list[Point] = []
        for look in looks:
            with suppress(OSError, ValueError, KeyError, http.client.HTTPException):
                found += look(at)
        return found

    def _bedrock(self, at: float) -> Iterator[Point]:
        """Calls that failed on AWS's side, and throttled ones."""
        counts = self._asked("bedrock", "/_concierge/calls")
        for metric, endings in (
            ("Invocations", ("answered", "abandoned", "broken", "refused")),
            ("InvocationServerErrors", ("refused", "broken")),
            ("InvocationThrottles", ("throttled",)),
        ):
            for dimensions in self._watched.get(("AWS/Bedrock", metric), ()):
                rung = self._rungs.get(dimensions.get("ModelId", ""), "")
                row = counts.get(rung, {})
                new = sum(self._new(f"{metric} {rung} {e}", row.get(e, 0)) for e in endings)
                yield Point(at, metric, dimensions, new * self._speed, "Count", "AWS/Bedrock")
        times = self._asked("bedrock", "/_concierge/times")
        for dimensions in self._watched.get(("AWS/Bedrock", "TimeToFirstToken"), ()):
            rung = self._rungs.get(dimensions.get("ModelId", ""), "")
            answered = counts.get(rung, {}).get("answered", 0) + counts.get(rung, {}).get("broken", 0)
            new = int(self._new(f"first {rung}", answered))
            for took_ms in times.get(rung, ())[-new:] if new else ():
                yield Point(at, "TimeToFirstToken", dimensions, took_ms, "Milliseconds", "AWS/Bedrock")

    def _sagemaker(self, at: float) -> Iterator[Point]:
        shown = self._asked("sagemaker", "/_concierge/endpoints")
        by_kind = {row["kind"]: row for row in shown.values()}
        for kind, endpoint in self._names.endpoints.items():
            row = by_kind.get(kind)
            if row is None:
                continue
            counted = (
                ("Invocations", "calls"),
                ("Invocation5XXErrors", "failed"),
                ("Invocation4XXErrors", "refused"),
            )
            news = {metric: self._new(f"{metric} {kind}", row[name]) for metric, name in counted}
            for metric, new in news.items():
                yield from self._of("AWS/SageMaker", metric, at, new * self._speed, EndpointName=endpoint)
            times = row["times_ms"][-int(news["Invocations"]) :] if news["Invocations"] else ()
            for took_ms in times:
                us = took_ms * 1_000
                yield from self._of("AWS/SageMaker", "ModelLatency", at, us, EndpointName=endpoint)

    def _search(self, at: float) -> Iterator[Point]:
        health = self._asked("search", "/_cluster/health")["status"]
        for colour in ("red", "yellow"):
            yield from self._of("AWS/ES", f"ClusterStatus.{colour}", at, float(health == colour))
        disks = self._asked("search", "/_cat/allocation?format=json")
        free_mb = min(float(row["disk.avail"].removesuffix("gb")) * _GB_MB for row in disks)
        yield from self._of("AWS/ES", "FreeStorageSpace", at, free_mb)
        began = time.monotonic()
        self._asked("search", "/_search?size=1")
        yield from self._of("AWS/ES", "SearchLatency", at, (time.monotonic() - began) * 1_000)

    def _cache(self, at: float) -> Iterator[Point]:
        """Whether a client can connect; all nodes are one here."""
        yield from self._of("AWS/ElastiCache", "CurrConnections", at, float(self._pongs()))

    def _tables(self, at: float) -> Iterator[Point]:
        rows = self._asked("dynamodb", COUNTS_PATH)
        for row in rows:
            key = f"{row['table']} {row['operation']} {row['what']}"
            new = self._new(key, row["count"]) * self._speed
            if row["what"] == "failed":
                more = {"TableName": row["table"], "Operation": row["operation"]}
                yield from self._of("AWS/DynamoDB", "SystemErrors", at, new, **more)
            else:
                kind = "Read" if row["operation"] in READS else "Write"
                yield from self._of(
                    "AWS/DynamoDB", f"{kind}ThrottleEvents", at, new, exactly=True, TableName=row["table"]
                )

    def _tasks(self, at: float) -> Iterator[Point]:
        said = self._asked("tasks", "/_concierge/tasks")
        lost = self._new("refused", said["refused"]) + self._new("dropped", said["dropped"])
        missing = float(said["tasks"] - said["healthy"])
        yield from self._of("AWS/NetworkELB", "UnHealthyHostCount", at, missing)
        yield from self._of("AWS/ApiGateway", "IntegrationError", at, lost * self._speed)

    def _of(
        self, namespace: str, metric: str, at: float, value: float, *, exactly: bool = False, **wanted: str
    ) -> Iterator[Point]:
        """Every watched series of a metric that has these dimensions, or no others."""
        for dimensions in self._watched.get((namespace, metric), ()):
            fits = dimensions == wanted if exactly else wanted.items() <= dimensions.items()
            if fits:
                yield Point(at, metric, dimensions, value, "None", namespace)

    def _new(self, key: str, count: float) -> float:
        before, self._before[key] = self._before.get(key, count), count
        return max(0.0, count - before)

    def _pongs(self) -> bool:
        place = urlsplit(self._places["cache"])
        try:
            with socket.create_connection((place.hostname or "", place.port or 0), _WITHIN_S) as line:
                line.settimeout(_WITHIN_S)
                line.sendall(b"*1\r\n$4\r\nPING\r\n")
                return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _asked(self, name: str, path: str) -> Any:
        place = urlsplit(self._places[name])
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_WITHIN_S)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            if response.status != http.HTTPStatus.OK:
                raise ValueError(f"{name} answers {path} with {response.status}")
            return json.loads(response.read())
        finally:
            connection.close()
