"""A black-box conversation (NET-7, OPS-1): a guest asks one question, as a browser would, and times the
answer.

Each entry is tried once a run: `region` is this region's own door, whose result decides whether Route 53
sends traffic here; `public` is the name that customers use. The figures are written as one log line in
CloudWatch's embedded metric format: no call that could fail with the rest.
"""

import json
import os
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

NAMESPACE = "Concierge/Canary"
QUESTION = "What are your opening hours?"
PATIENCE_S = 20.0
MOST_FRAMES = 2_000


class Socket(Protocol):
    """What a conversation needs of a WebSocket connection."""

    def send(self, payload: str) -> object: ...
    def recv(self) -> str | bytes: ...
    def close(self) -> object: ...


@dataclass(frozen=True)
class Entry:
    """A door: its URLs, and headers that it asks for."""

    name: str
    rest: str
    ws: str
    headers: Mapping[str, str]


@dataclass(frozen=True)
class World:
    """The outside: `post` returns the JSON of an answer, `connect` opens a socket with subprotocols."""

    post: Callable[[str, Mapping[str, str]], Mapping[str, Any]]
    connect: Callable[[str, Mapping[str, str], list[str]], Socket]
    now: Callable[[], float]


@dataclass(frozen=True)
class Outcome:
    """How it went; times in milliseconds, where there were any. `reason` says what went wrong."""

    answered: bool
    first_token_ms: float | None = None
    conversation_ms: float | None = None
    reason: str = ""


def converse(entry: Entry, version: str, world: World) -> Outcome:
    """One guest conversation; whatever goes wrong is an outcome, not an error."""
    began = world.now()
    try:
        ticket = world.post(f"{entry.rest}/guest/ticket", entry.headers)["ticket"]
        offer = [f"concierge.v{version}", f"ticket.{ticket}"]
        with closing(world.connect(entry.ws, entry.headers, offer)) as socket:
            return _ask(socket, began, world)
    except Exception as error:  # noqa: BLE001 - anything that stops a customer counts
        return Outcome(False, reason=f"{type(error).__name__}: {error}"[:200])


def _ask(socket: Socket, began: float, world: World) -> Outcome:
    request_id = f"canary-{uuid.uuid4()}"
    asked = world.now()
    first: float | None = None
    socket.send(json.dumps({"type": "message", "request_id": request_id, "text": QUESTION}))
    for frame in _frames(socket, request_id, asked, world):
        kind = frame["type"]
        if kind == "error":
            return Outcome(False, reason=f"error frame: {frame.get('code')}")
        if first is None and kind in {"delta", "final"} and frame.get("text"):
            first = world.now()
        if kind == "final":
            if first is None:
                return Outcome(False, reason="an empty answer")
            return Outcome(True, (first - asked) * 1e3, (world.now() - began) * 1e3)
    return Outcome(False, reason="no final frame in time")


def _frames(socket: Socket, request_id: str, asked: float, world: World) -> Iterator[Mapping[str, Any]]:
    """Frames of our request, as long as patience lasts."""
    for _ in range(MOST_FRAMES):
        if world.now() - asked > PATIENCE_S:
            return
        frame = json.loads(socket.recv())
        if frame.get("request_id") == request_id:
            yield frame


def report(environment: str, entry: str, outcome: Outcome, now: float) -> dict[str, Any]:
    """The log line that CloudWatch reads metrics from."""
    times = {"FirstToken": outcome.first_token_ms, "Conversation": outcome.conversation_ms}
    measured = {name: value for name, value in times.items() if value is not None}
    return {
        "_aws": {
            "Timestamp": int(now * 1e3),
            "CloudWatchMetrics": [
                {
                    "Namespace": NAMESPACE,
                    "Dimensions": [["Environment", "Entry"]],
                    "Metrics": [
                        {"Name": "Answered", "Unit": "Count"},
                        *({"Name": name, "Unit": "Milliseconds"} for name in measured),
                    ],
                }
            ],
        },
        "Environment": environment,
        "Entry": entry,
        "Answered": int(outcome.answered),
        "Reason": outcome.reason,
        **measured,
    }


def _post(url: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
    sent = {**headers, "Content-Type": "application/json", "User-Agent": "concierge-canary"}
    request = urllib.request.Request(url, data=b"{}", headers=sent, method="POST")  # noqa: S310 - https, ours
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
        loaded: Mapping[str, Any] = json.load(answer)
        return loaded


def _connect(url: str, headers: Mapping[str, str], offer: list[str]) -> Socket:
    import websocket  # shipped beside this file

    sent = {**headers, "User-Agent": "concierge-canary"}
    socket: Socket = websocket.create_connection(url, timeout=PATIENCE_S, header=sent, subprotocols=offer)
    return socket


@cache
def _origin() -> str:
    """The header value that a region's own door asks for."""
    import boto3  # Lambda brings it along

    client = boto3.client("secretsmanager")
    return str(client.get_secret_value(SecretId=os.environ["ORIGIN_SECRET"])["SecretString"])


@cache
def _api_key() -> str:
    """What the REST API counts its calls by."""
    import boto3  # Lambda brings it along

    client = boto3.client("ssm")
    found = client.get_parameter(Name=os.environ["API_KEY_PARAMETER"], WithDecryption=True)
    return str(found["Parameter"]["Value"])


def _entries() -> list[Entry]:
    key = {"x-api-key": _api_key()}
    proof = {"X-Concierge-Origin": _origin()}
    return [
        Entry(name, urls["rest"], urls["ws"], key | proof if name == "region" else key)
        for name, urls in json.loads(os.environ["ENTRIES"]).items()
    ]


def handler(_: object, __: object) -> None:
    """Lambda's way in."""
    world = World(_post, _connect, time.monotonic)
    for entry in _entries():
        outcome = converse(entry, os.environ["VERSION"], world)
        print(json.dumps(report(os.environ["ENVIRONMENT"], entry.name, outcome, time.time())))
