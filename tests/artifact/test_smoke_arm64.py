"""The very bytes whose digest a stack pins, started on an emulated ARM64 processor (RUN-19).

Debian's Python for ARM64 is 3.11, so this is the 3.11 build of the same path. The stand-ins are those of a
rehearsal. `make smoke-arm64` runs it alone; `scripts/arm64` brings the processor.
"""

import asyncio
import hashlib
import json
import os
import platform
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from contract.frames import Ask, ServerFrame, decode_answer, encode
from plan import Plan
from rehearsal import standins
from rehearsal.processes import Processes
from rehearsal.seed import seed

pytestmark = pytest.mark.prove
# An emulated processor takes ten times as long to import what a real one imports in a second.
START_S = 180
LIMIT = aiohttp.ClientTimeout(total=60)


@pytest.fixture(scope="module")
def emulated() -> str:
    home = os.environ.get("CONCIERGE_ARM64")
    assert home, "run this with `make smoke-arm64`: it says where the ARM64 Python is (CONCIERGE_ARM64)"
    return f"{home}/python"


@pytest.fixture(scope="module")
def app(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact as `concierge package` makes it, unpacked as AgentCore would."""
    place = tmp_path_factory.mktemp("artifact")
    command = [sys.executable, "-m", "concierge", "package", "--python", "3.11", "--out", str(place / "out")]
    told = subprocess.run([*command, "--json"], cwd=root, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    made = json.loads(told.stdout)
    content = Path(made["path"]).read_bytes()
    assert made["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    size, packages = f"{made['bytes'] / 2**20:.1f} MB", f"{len(made['packages'])} packages"
    print(f"\n{made['digest']}: {size}, {packages}, Python {made['python']}")
    with zipfile.ZipFile(made["path"]) as archive:
        archive.extractall(place / "app")
    return place / "app"


@pytest.fixture(scope="module")
def url(app: Path, emulated: str, dev: Plan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the emulated runtime answers, with the estate of dev around it."""
    with Processes(tmp_path_factory.mktemp("smoke")) as processes:
        bedrock, aws = standins.start_bedrock(processes), standins.start_aws(processes)
        seed(dev, "us-east-1", standins.url(aws))
        runtime = processes.start(
            "runtime",
            [emulated, "-B", str(app / "main.py"), "--host", "127.0.0.1", "--port", "0"],
            {
                "AWS_ACCESS_KEY_ID": "nobody",
                "AWS_SECRET_ACCESS_KEY": "nobody",
                "AWS_REGION": "us-east-1",
                "AWS_ENDPOINT_URL_SSM": standins.url(aws),
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": standins.url(bedrock),
                "CONCIERGE_ENVIRONMENT": "dev",
                "CONCIERGE_SETTINGS": "/concierge/dev/settings",
                "CONCIERGE_CONTROLS": "/concierge/dev/controls",
            },
        )
        yield str(runtime.ready_line(within_s=START_S)["url"])
        runtime.stop(grace_s=60)
        assert runtime.exit_code == 0, "it did not drain and end by itself"


def call(url: str, method: str, path: str, body: Any = None) -> tuple[int, str]:
    async def scene() -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(timeout=LIMIT) as client,
            client.request(method, f"{url}{path}", json=body) as answer,
        ):
            return answer.status, await answer.text()

    return asyncio.run(scene())


def test_the_processor_is_emulated(emulated: str):
    """On an ARM64 machine the same test is no emulation, and as good."""
    told = subprocess.run(
        [emulated, "-c", "import platform; print(platform.machine(), platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert told[0] == "aarch64"
    assert told[1].startswith("3.11.")
    print(f"{' '.join(told)} on {platform.machine()}")


def test_it_says_that_it_is_healthy(url: str):
    status, text = call(url, "GET", "/ping")
    print(f"GET /ping -> {status} {text}")
    assert (status, json.loads(text)["status"]) == (200, "Healthy")


def test_an_invocation_is_answered(url: str):
    status, text = call(url, "POST", "/invocations", {"prompt": "Which manga would you recommend?"})
    frames = [decode_answer(event.removeprefix("data: ")) for event in text.split("\n\n") if event]
    print(f"POST /invocations -> {status}, {len(frames)} frames, then {frames[-1].model_dump_json()[:160]}")
    assert status == 200
    assert_whole(frames)


def test_a_message_over_a_socket_is_answered(url: str):
    async def scene() -> list[ServerFrame]:
        async with aiohttp.ClientSession(timeout=LIMIT) as client, client.ws_connect(f"{url}/ws") as socket:
            await socket.send_str(encode(Ask(request_id="r1", text="Where is my order?")))
            frames: list[ServerFrame] = []
            while not frames or frames[-1].type not in {"final", "error"}:
                frames.append(decode_answer(await socket.receive_str(timeout=60)))
            return frames

    frames = asyncio.run(scene())
    print(f"/ws -> {len(frames)} frames, then {frames[-1].model_dump_json()[:160]}")
    assert_whole(frames)


def assert_whole(frames: list[ServerFrame]) -> None:
    """An answer as RUN-2 wants it, with text in it."""
    assert [frame.sequence_number for frame in frames] == list(range(len(frames)))
    assert frames[0].type == "start"
    final = frames[-1]
    assert final.type == "final", final
    assert final.text.strip()
