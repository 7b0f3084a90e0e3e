"""`python -m runtime` as a process: what it says when it serves, and when it cannot (exit codes)."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from contract import rungs
from contract.errors import DONE, INCONCLUSIVE, WRONG_USE
from contract.frames import Ask, decode_server, encode
from contract.model_access import GuardrailUse, ModelCalls
from contract.rungs import ExtraRung
from runtime.documents import Names
from runtime.surroundings import Surroundings
from runtime.testing.ladders import alone

NAMES = {
    "CONCIERGE_SETTINGS": "/concierge/test/settings",
    "CONCIERGE_CONTROLS": "/concierge/test/controls",
    "CONCIERGE_MODELS": "/concierge/test/models",
}
CALLS = ModelCalls(
    rungs={"sonnet": "arn:sonnet", "haiku": "arn:haiku"},
    guardrail=GuardrailUse(id="gr-1", version="3", stream="sync"),
)


class ParameterStore(ThreadingHTTPServer):
    """Just enough of SSM."""

    def __init__(self, parameters: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), Operations)
        self.parameters = parameters

    def named(self, name: str) -> Any:
        value = self.parameters.get(name)
        return None if value is None else {"Parameter": {"Name": name, "Value": value}}

    def under(self, path: str) -> Any:
        found = [{"Name": name, "Value": v} for name, v in self.parameters.items() if name.startswith(path)]
        return {"Parameters": found}


class Operations(BaseHTTPRequestHandler):
    """Its two operations."""

    server: ParameterStore

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        by_path = self.headers["X-Amz-Target"].endswith("GetParametersByPath")
        answer = self.server.under(asked["Path"]) if by_path else self.server.named(asked["Name"])
        body = json.dumps(answer or {"__type": "ParameterNotFound"}).encode()
        self.send_response(200 if answer else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def ssm():
    """A parameter store that has what the runtime needs."""
    texts = (alone().model_dump_json(), "{}", CALLS.model_dump_json())
    server = ParameterStore(dict(zip(NAMES.values(), texts, strict=True)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def start(
    port: int, *, listen: str = "0", stdout: Any = subprocess.PIPE, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """The runtime on a free port, with a parameter store at `port`; it never outlives the test."""
    surroundings = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_SSM": f"http://127.0.0.1:{port}",
        "CONCIERGE_ENVIRONMENT": "test",
        **NAMES,
        **environment,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "runtime", "--host", "127.0.0.1", "--port", listen],
        env={name: value for name, value in surroundings.items() if value},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> Any:
    """The next line of its output."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def readiness(process: subprocess.Popen[str]) -> Any:
    """The line that says where it serves, whatever it says before."""
    while not (said := line(process)).get("ready"):
        pass
    return said


def said(process: subprocess.Popen[str], words: str) -> Any:
    """The next line whose message has these words."""
    while words not in (found := line(process)).get("message", ""):
        pass
    return found


def failing(port: int, **environment: Any) -> tuple[int, str]:
    """Its exit code and the one line it leaves on stderr."""
    with start(port, **environment) as process:
        out, err = process.communicate(timeout=30)
    assert '"ready"' not in out
    assert err.count("\n") == 1
    return process.returncode, err


def test_it_says_where_it_serves_and_ends_well_when_told_to(ssm):
    with start(ssm.server_port) as process:
        ready = readiness(process)
        with urllib.request.urlopen(f"{ready['url']}/ping") as answer:
            health = json.load(answer)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert ready["ready"] is True
    assert health["status"] == "Healthy"
    assert process.returncode == DONE
    assert "request_id" in json.loads(out.splitlines()[-1])
    assert err == ""


def test_missing_variables_are_all_named_at_once(ssm):
    code, said = failing(ssm.server_port, CONCIERGE_SETTINGS="", AWS_REGION="")
    assert code == WRONG_USE
    assert "CONCIERGE_SETTINGS, AWS_REGION" in said


def test_missing_settings_are_named(ssm):
    del ssm.parameters[NAMES["CONCIERGE_SETTINGS"]]
    code, said = failing(ssm.server_port)
    assert code == WRONG_USE
    assert NAMES["CONCIERGE_SETTINGS"] in said


def test_missing_controls_do_not_keep_it_from_serving(ssm):
    """A task that restarts during an incident must come up whatever became of the document."""
    del ssm.parameters[NAMES["CONCIERGE_CONTROLS"]]
    with start(ssm.server_port) as process:
        complaint, ready = said(process, "controls cannot"), readiness(process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert "controls" in complaint["message"]
    assert ready["ready"] is True


@pytest.mark.parametrize("text", [None, "mistyped"])
def test_without_its_model_calls_it_serves_nobody(ssm, text):
    """It would call past the guardrail."""
    del ssm.parameters[NAMES["CONCIERGE_MODELS"]]
    if text is not None:
        ssm.parameters[NAMES["CONCIERGE_MODELS"]] = text
    code, said = failing(ssm.server_port)
    assert code == WRONG_USE
    assert NAMES["CONCIERGE_MODELS"] in said


def test_where_no_model_calls_are_named_it_says_that_nothing_is_guarded(ssm):
    """A person's own machine; the task definition names them always."""
    with start(ssm.server_port, CONCIERGE_MODELS="") as process:
        warning, ready = said(process, "guardrail"), readiness(process)
        process.terminate()
        process.communicate(timeout=30)
    assert (warning["level"], ready["ready"]) == ("warning", True)
    assert "guardrail" in warning["message"]


def test_an_events_units_are_read_from_the_environments_folder(ssm):
    until = datetime.now(UTC) + timedelta(hours=1)
    event = ExtraRung(
        name="event", model="sonnet", arn="arn:event", units=2, who="event", why="test", expires_at=until
    )
    ssm.parameters[f"{rungs.folder('test')}/event"] = rungs.render(event)
    with start(ssm.server_port) as process:
        changed, ready = said(process, "extra rungs"), readiness(process)
        process.terminate()
        process.communicate(timeout=30)
    assert [rung["name"] for rung in changed["rungs"]] == ["event"]
    assert ready["ready"] is True


def test_the_stack_tells_a_task_where_every_document_is(dev):
    """By the names that are read here: a misspelt CONCIERGE_MODELS would leave every call unguarded."""
    (task,) = (found for found in dev.resources if found.name.endswith("chat-definition"))
    (container,) = json.loads(task.inputs["containerDefinitions"])
    told = Surroundings.read({one["name"]: one["value"] for one in container["environment"]})
    assert told.environment == "dev"
    assert told.settings == "/concierge/dev/settings"
    names = (f"/concierge/dev/{what}" for what in ("controls", "rungs", "models", "cutover"))
    assert told.names == Names(*names)


def test_wrong_settings_name_the_key(ssm):
    ssm.parameters[NAMES["CONCIERGE_SETTINGS"]] = '{"routing": {"haiku_threshold": 5}}'
    code, said = failing(ssm.server_port)
    assert code == WRONG_USE
    assert "routing.haiku_threshold" in said


@pytest.mark.parametrize("port", ["99999", "-1", "65536"])
def test_a_port_that_is_none_is_told_in_one_line(ssm, port):
    code, said = failing(ssm.server_port, listen=port)
    assert code == WRONG_USE
    assert f"--port {port}" in said


def test_a_full_disk_under_the_log_costs_nobody_an_answer(ssm):
    """Nothing it says can be written; messages still get their endings."""
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    forced = {"value": "T2", "who": "on-call", "why": "test", "expires_at": until}
    ssm.parameters[NAMES["CONCIERGE_CONTROLS"]] = json.dumps({"forced_tier": forced})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    full = Path("/dev/full")
    with full.open("w") as out, start(ssm.server_port, listen=str(port), stdout=out) as process:
        frames = asyncio.run(conversation(f"http://127.0.0.1:{port}/ws", process))
    assert [frame.type for frame in frames] == ["start", "delta", "final"]


async def conversation(url: str, process: subprocess.Popen[str]) -> list[Any]:
    """The frames of one answer, from a server that cannot say when it is ready."""
    async with aiohttp.ClientSession() as session:
        while True:
            assert process.poll() is None, "it ended instead of serving"
            try:
                ws = await session.ws_connect(url)
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)
        await ws.send_str(encode(Ask(request_id="r1", text="Which lamp?")))
        frames = [decode_server(await ws.receive_str()) for _ in range(3)]
        await ws.close()
        return frames


def test_without_ssm_it_cannot_tell():
    code, said = failing(9)
    assert code == INCONCLUSIVE
    assert NAMES["CONCIERGE_SETTINGS"] in said


def test_bad_controls_do_not_keep_it_from_serving(ssm):
    """A restart in the middle of an incident must not fail on what an operator mistyped."""
    ssm.parameters[NAMES["CONCIERGE_CONTROLS"]] = "mistyped"
    with start(ssm.server_port) as process:
        complaint, ready = said(process, "controls cannot"), readiness(process)
        process.terminate()
        process.communicate(timeout=30)
    assert "controls" in complaint["message"]
    assert ready["ready"] is True
