"""The door, and the service behind it: what ECS names is what answers."""

import asyncio
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from aiohttp import ClientSession
from moto import mock_aws

from contract.inventory import RegionInventory
from rehearsal import rollout
from rehearsal.door import Door
from rehearsal.processes import Process, ProcessError, Processes
from rehearsal.rollout import Rollouts

# Stands for an agent: says where it is, and answers with the name of the settings it was started with.
AGENT = """
import http.server, json, os, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ["CONCIERGE_SETTINGS"].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
if os.environ["CONCIERGE_SETTINGS"].endswith("-3"): sys.exit("settings that nobody can read")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
print(json.dumps({"ready": True, "url": "http://127.0.0.1:%d" % server.server_address[1]}), flush=True)
server.serve_forever()
"""
NAMES = RegionInventory(
    region="us-east-1",
    parameters={"settings": "/concierge/dev/settings"},
    clusters={"agent": "concierge-dev-agent"},
    services={"chat": "concierge-dev-chat", "rest": "concierge-dev-rest"},
)


def asked(url: str) -> str:
    async def ask() -> str:
        async with ClientSession() as session, session.get(url) as answer:
            return await answer.text()

    return asyncio.run(ask())


class Service:
    """A service with its door, its AWS, and what was told."""

    def __init__(self, processes: Processes, door: Door, live: Process) -> None:
        self.told: list[str] = []
        self.followed: list[str] = []
        self.door = door
        self.ecs: Any = boto3.client("ecs", region_name="us-east-1")
        self.ssm: Any = boto3.client("ssm", region_name="us-east-1")
        self.rollouts = Rollouts(
            ecs=self.ecs,
            ssm=self.ssm,
            names=NAMES,
            processes=processes,
            environment="dev",
            variables={},
            speed=1.0,
            tell=lambda kind, text: self.told.append(f"{kind}: {text}"),
            follow=lambda process: self.followed.append(process.name),
            door=door,
            live=live,
        )
        self.rollouts.begin()

    def tend_until(self, settings: str) -> None:
        while asked(self.door.url) != settings:
            self.rollouts.tend()


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    def agent(processes: Processes, environment: str, variables: Any, *, name: str, speed: float) -> Process:
        assert (environment, speed) == ("dev", 1.0)
        return processes.start(name, [sys.executable, "-c", AGENT], variables)

    monkeypatch.setattr(rollout, "agent", agent)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    first = {"CONCIERGE_SETTINGS": "/concierge/dev/settings"}
    with Processes(tmp_path) as processes, mock_aws():
        live = processes.start("first", [sys.executable, "-c", AGENT], first)
        with Door.opened(str(live.ready_line()["url"])) as door:
            yield Service(processes, door, live)


def test_a_rollout_goes_live_once_it_is_ready_and_the_one_before_drains(service: Service):
    before = service.rollouts.live
    assert asked(service.door.url) == "/concierge/dev/settings"
    service.rollouts.roll_out(json.dumps({"request_s": 5}))
    service.tend_until("/concierge/dev/settings-2")

    assert (
        service.ssm.get_parameter(Name="/concierge/dev/settings-2")["Parameter"]["Value"]
        == '{"request_s": 5}'
    )
    assert before.wait(10) != 0
    assert service.rollouts.programs == [before]
    assert service.followed == [service.rollouts.live.name]
    assert [line.partition(" is ")[0] for line in service.told] == [
        "rollout: service concierge-dev-chat", "rollout: concierge-dev-chat:2",
    ]  # fmt: skip


def test_a_rollback_is_the_same_call_with_the_revision_before(service: Service):
    old = service.rollouts.revision
    service.rollouts.roll_out("{}")
    service.tend_until("/concierge/dev/settings-2")
    service.ecs.update_service(
        cluster="concierge-dev-agent", service="concierge-dev-chat", taskDefinition=old
    )
    service.tend_until("/concierge/dev/settings")

    assert service.rollouts.revision == old


def test_a_revision_that_does_not_start_never_goes_live(service: Service):
    service.rollouts.roll_out("{}")
    service.tend_until("/concierge/dev/settings-2")
    service.rollouts.roll_out("{}")

    with pytest.raises(ProcessError, match="revision concierge-dev-chat:3 did not start"):
        while True:
            service.rollouts.tend()
    assert asked(service.door.url) == "/concierge/dev/settings-2"


def test_where_nobody_is_live_a_connection_is_closed():
    with (
        Door.opened("http://127.0.0.1:9") as door,
        pytest.raises(Exception, match=r"Server disconnected|reset"),
    ):
        asked(door.url)


def test_a_door_that_closes_leaves_no_connection_behind():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with Door.opened(f"http://127.0.0.1:{silent.getsockname()[1]}") as door:
            place = urlsplit(door.url)
            client = socket.create_connection((place.hostname, place.port), timeout=10)
            client.sendall(b"hello")
            there, _ = silent.accept()
            assert there.recv(5) == b"hello"
        there.settimeout(10)
        with client, there:
            assert [_left(side) for side in (client, there)] == [True, True]


def _left(side: socket.socket) -> bool:
    """Whether the other end has gone; a connection that is only forgotten runs into the time limit."""
    try:
        return side.recv(1) == b""
    except ConnectionResetError:
        return True
