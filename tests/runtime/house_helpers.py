"""The whole agent on its stand-ins: every part opened as `runtime.serve` does, behind real sockets."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
import boto3
import pytest
import redis
from aiohttp.test_utils import TestServer

from components.tables import definitions
from contract.controls import Controls
from contract.faults import Fault, FaultKind
from contract.frames import ENDINGS, SUBPROTOCOL, Ask, Confirm, Proposal, decode_server, encode
from contract.runtime_settings import (
    DownstreamSettings,
    ProvidersSettings,
    RetrievalSettings,
    RuntimeSettings,
    SessionsSettings,
    ToolsSettings,
)
from contract.traffic_settings import ValkeySettings
from rehearsal import environment
from rehearsal.environment import Aws
from runtime.app import Doors, Server
from runtime.assemble import assemble
from runtime.bedrock import Bedrock
from runtime.opening import Opened, open_parts
from runtime.places import VARIABLES, Places
from runtime.surfaces.callbacks import Post
from runtime.surfaces.desk import desk
from runtime.surfaces.identity import Identity, Issuer
from runtime.surfaces.tokens import Tokens
from runtime.targets import Targets
from runtime.telemetry import Telemetry
from runtime.testing.ladders import REGION, alone

T = TypeVar("T")
TABLES = {
    f"CONCIERGE_TABLE_{name.upper().replace('-', '_')}": name
    for name in (
        "sessions",
        "feedback",
        "carts",
        "wishlist",
        "profiles",
        "transactions",
        "pii-vault",
        "customer-keys",
    )
}
TICKETS, KMS = "CONCIERGE_TABLE_TICKETS", "CONCIERGE_KMS_CUSTOMER_KEYS"
ENDPOINT = "AWS_ENDPOINT_URL"
CUSTOMER, OTHER = "c-00012", "c-00077"
# A machine may be busy: what is late is another test's business.
PATIENT: dict[str, Any] = {
    "providers": ProvidersSettings(**dict.fromkeys(ProvidersSettings.model_fields, 20.0)),
    "retrieval": RetrievalSettings(intent_s=1.0, embed_s=20.0, search_s=20.0, rerank_s=20.0, total_s=60.0),
    "sessions": SessionsSettings(read_s=20.0, write_s=20.0, cache_s=0.0),
    "valkey": ValkeySettings(command_s=1.0),
    "tools": ToolsSettings(item_s=20.0, read_s=40.0, write_s=40.0, money_s=60.0),
}


@dataclass
class House:
    """The stand-ins, for a module's tests."""

    aws: Aws
    tables: Mapping[str, str]

    def variables(self, *without: str) -> dict[str, str]:
        known = {**self.aws.variables(), **self.tables}
        return {name: value for name, value in known.items() if name not in {VARIABLES[w] for w in without}}

    @contextmanager
    def broken(self, target: str, kind: str = "unavailable", **more: Any) -> Iterator[None]:
        """One of them fails for as long as the block lasts."""
        fault = Fault(target=target, kind=FaultKind(kind), lease_s=120, **more)
        active = self.aws.faults.inject(fault)
        try:
            yield
        finally:
            self.aws.faults.clear(active.id)

    def play(self, scene: Callable[["Agent"], Awaitable[T]], **options: Any) -> T:
        """What comes of a scene with an agent of its own and an empty cache."""
        with redis.from_url(self.aws.urls["cache"]) as cache:
            cache.flushall()

        async def main() -> T:
            async with agent(self, **options) as one:
                return await scene(one)

        return asyncio.run(main())


@contextmanager
def standing(folder: Path) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patched, environment.standing(folder, None, speed=3.0) as aws:
        for name, value in aws.variables().items():
            if not name.startswith(ENDPOINT):
                patched.setenv(name, value)
        yield House(aws, _tables(aws.urls["aws"]))


@contextmanager
def reached(house: House) -> Iterator[None]:
    """AWS is there, for as long as the block lasts: other tests of this process have their own. A service
    that the environment has elsewhere stays there."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in house.aws.variables().items():
            if name.startswith(ENDPOINT) and name not in os.environ:
                patched.setenv(name, value)
        yield


def client_of(house: House, service: str) -> Any:
    """A client of AWS's own SDK."""
    sdk: Any = boto3
    return sdk.client(service, endpoint_url=house.aws.urls["aws"], region_name=REGION)


def _tables(url: str) -> Mapping[str, str]:
    """Made as the stack makes them."""
    client = boto3.client("dynamodb", endpoint_url=url, region_name=REGION)
    make_tables(client, TABLES.values())
    client.create_table(
        TableName="tickets",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "ticket", "AttributeType": "S"}],
        KeySchema=_schema(["ticket"]),
    )
    key = boto3.client("kms", endpoint_url=url, region_name=REGION).create_key()["KeyMetadata"]["KeyId"]
    return {**TABLES, TICKETS: "tickets", KMS: key}


def make_tables(client: Any, names: Iterable[str]) -> None:
    for name in names:
        known = definitions()[name]
        keys = dict.fromkeys([*known.key, *(key for index in known.indexes.values() for key in index)])
        client.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=_schema(known.key),
            **(
                {
                    "GlobalSecondaryIndexes": [
                        {"IndexName": n, "KeySchema": _schema(k), "Projection": {"ProjectionType": "ALL"}}
                        for n, k in known.indexes.items()
                    ]
                }
                if known.indexes
                else {}
            ),
        )


def _schema(key: Any) -> list[dict[str, str]]:
    return [
        {"AttributeName": name, "KeyType": kind} for name, kind in zip(key, ("HASH", "RANGE"), strict=False)
    ]


@dataclass
class Agent:
    """A running server, what it wrote, and how to talk to it. `controls` may be replaced at any time."""

    url: str
    server: Server
    opened: Opened
    http: aiohttp.ClientSession
    lines: list[dict[str, Any]]
    telemetry: Telemetry
    controls: Controls = field(default_factory=Controls)

    @asynccontextmanager
    async def socket(
        self, person: str | None = CUSTOMER, version: int | None = None
    ) -> AsyncIterator["Socket"]:
        headers = {"X-User": person} if person else {}
        offered = [f"{SUBPROTOCOL}{version}"] if version else []
        async with self.http.ws_connect(f"{self.url}/ws", headers=headers, protocols=offered) as ws:
            yield Socket(ws)

    async def final(self, text: str, person: str | None = CUSTOMER, **more: Any) -> Any:
        """The ending of one message on a connection of its own."""
        async with self.socket(person) as socket:
            return (await socket.ask(text, **more))[-1]

    def values(self, metric: str, **dimensions: str) -> list[float]:
        """What was emitted, in order."""
        self.telemetry.flush()
        wanted = dimensions.items()
        found = [line[metric] for line in self.lines if metric in line and wanted <= line.items()]
        return [value for one in found for value in (one if isinstance(one, list) else [one])]


class Socket:
    """A client's end of `/ws`."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws
        self.session_id: str | None = None
        self._count = 0

    async def send(self, text: str, request_id: str | None = None, **more: Any) -> str:
        self._count += 1
        name = request_id or f"r{self._count}"
        await self.ws.send_str(encode(Ask(request_id=name, text=text, **more)))
        return name

    async def confirm(self, proposal: Proposal) -> str:
        """The customer's own yes, as their client gets it."""
        asked = Confirm(request_id="yes", session_id=self.session_id, proposal=proposal)
        await self.ws.send_str(encode(asked))
        return str((await self.frame()).confirmation)

    async def frame(self) -> Any:
        return decode_server(await self.ws.receive_str(timeout=60))

    async def ask(self, text: str, **more: Any) -> list[Any]:
        """Every frame of the answer."""
        name = await self.send(text, **more)
        frames: list[Any] = []
        while not frames or frames[-1].type not in ENDINGS:
            frame = await self.frame()
            assert frame.request_id == name
            frames.append(frame)
        self.session_id = getattr(frames[0], "session_id", None)
        return frames


@asynccontextmanager
async def agent(house: House, **options: Any) -> AsyncIterator[Agent]:
    """A server with every part: what `_agent` takes, and any setting."""
    with reached(house):
        async with _agent(house, **options) as one:
            yield one


@asynccontextmanager
async def _agent(
    house: House,
    *,
    without: tuple[str, ...] = (),
    elsewhere: Mapping[str, str] | None = None,
    issuer: Issuer | None = None,
    keys: Callable[[str], Awaitable[Mapping[str, Any]]] | None = None,
    post: Post | None = None,
    **settings: Any,
) -> AsyncIterator[Agent]:
    """`without`: places that are not there; `elsewhere`: places where nobody listens."""
    chosen = alone().model_copy(update={**PATIENT, "downstream": DownstreamSettings(), **settings})
    lines: list[dict[str, Any]] = []
    telemetry = Telemetry("test", wall, lambda line: lines.append(json.loads(line)))
    places = Places.read({**house.variables(*without), **(elsewhere or {})})
    holder: list[Agent] = []
    async with (
        open_parts(
            places,
            chosen,
            environment="test",
            region=REGION,
            variables={},
            calls=lambda: None,
            telemetry=telemetry,
            wall=wall,
            secret=b"a secret of the test house",
        ) as opened,
        Bedrock(chosen.ladder, REGION, Targets(REGION)) as bedrock,
        aiohttp.ClientSession() as http,
    ):
        conversation = assemble(
            chosen,
            port=bedrock,
            controls=lambda: holder[0].controls,
            price=lambda _: (3e-6, 15e-6),
            telemetry=telemetry,
            parts=opened.parts,
        )
        doors = Doors(
            identity=Identity(issuer, keys or _nobody, telemetry),
            tokens=Tokens(b"test", wall),
            telemetry=telemetry,
            post=post,
            **desk(opened.stores, wall, lambda: holder[0].controls),
        )
        server = Server(conversation, doors, wall)
        async with TestServer(server.app()) as listening:
            holder.append(
                Agent(str(listening.make_url("")).rstrip("/"), server, opened, http, lines, telemetry)
            )
            yield holder[0]
            await conversation.settle(20)


async def _nobody(url: str) -> Mapping[str, Any]:
    raise LookupError(url)


def wall() -> datetime:
    return datetime.now(UTC)


def later(hours: float = 1) -> datetime:
    return wall() + timedelta(hours=hours)


def closed_port() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{urlsplit('http://x:9').port}"


def settings(**changes: Any) -> RuntimeSettings:
    return alone().model_copy(update=changes)
