"""The tables in moto, made as the stack makes them, and sessions opened on them for one scene."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import botocore.session
import pytest

from components.tables import definitions
from contract.runtime_settings import BreakerSettings, DownstreamSettings, SessionsSettings
from rehearsal.processes import Processes
from rehearsal.standins import start_aws, url
from runtime.places import Places
from runtime.sessions.opening import open_sessions
from tests.runtime.shop_helpers import Seen

T = TypeVar("T")
PLACES = Places(sessions_table="t-sessions", tickets_table="t-tickets", feedback_table="t-feedback")
PATIENT = {"read_s": 20.0, "write_s": 20.0, "cache_s": 0.0}
CALM = DownstreamSettings(breaker=BreakerSettings(enabled=False))


@dataclass
class Wall:
    """A clock that stands until it is moved."""

    at: datetime = datetime(2026, 11, 27, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def passes(self, **how: float) -> None:
        self.at += timedelta(**how)


@dataclass
class Store:
    """moto's tables, and what the observer heard."""

    client: Any
    wall: Wall = field(default_factory=Wall)
    seen: Seen = field(default_factory=Seen)

    def visit(
        self,
        scene: Callable[[Any], Awaitable[T]],
        places: Places = PLACES,
        redact: Callable[[str], str] = str,
        **settings: Any,
    ) -> T:
        """What comes of a scene in a process of its own: nothing is nearby yet."""
        chosen = SessionsSettings(**{**PATIENT, **settings})

        async def play() -> T:
            async with open_sessions(
                places,
                chosen,
                CALM,
                region="us-east-1",
                wall=self.wall,
                redact=redact,
                observe=self.seen.observe,
            ) as stores:
                return await scene(stores)

        return asyncio.run(play())

    def items(self, table: str = "t-sessions") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.scan(TableName=table)["Items"]
        return found


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    with Processes(folder) as processes, pytest.MonkeyPatch.context() as environment:
        at = url(start_aws(processes))
        environment.setenv("AWS_ACCESS_KEY_ID", "nobody")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
        environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", at)
        client = botocore.session.get_session().create_client("dynamodb", region_name="us-east-1")
        for name in ("sessions", "feedback"):
            _make(client, f"t-{name}", definitions()[name].key, definitions()[name].indexes)
        _make(client, "t-tickets", ("ticket",), {})
        yield Store(client)
        client.close()


def _make(client: Any, name: str, key: Any, indexes: Any) -> None:
    names = sorted({part for parts in (key, *indexes.values()) for part in parts})
    more = {}
    if indexes:
        more["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": _schema(parts), "Projection": {"ProjectionType": "ALL"}}
            for index, parts in indexes.items()
        ]
    client.create_table(
        TableName=name,
        KeySchema=_schema(key),
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in names],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


def _schema(parts: Any) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": part, "KeyType": kind} for part, kind in zip(parts, kinds, strict=False)]
