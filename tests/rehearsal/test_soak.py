"""A thousand streams at once for half a minute: no error unasked for, and memory that stays flat."""

import asyncio
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from contract.models import models
from rehearsal.bedrock.account import Account
from rehearsal.bedrock.quotas import Quota
from rehearsal.processes import Processes
from tests.rehearsal.serving_helpers import http

AT_ONCE, LASTS_S = 1_000, 30.0
MOST_GROWTH = 1.10
SONNET = models()["sonnet"].callable_id("us-east-1").replace(":", "%3A")
BODY = json.dumps({"messages": [{"role": "user", "content": [{"text": "Which tripod is light?"}]}]}).encode()


@pytest.mark.prove
def test_a_thousand_streams_for_half_a_minute(tmp_path: Path) -> None:
    plenty = Quota(requests=None, tokens=10**12, most_output=1_000)
    account = tmp_path / "account.json"
    account.write_text(Account(quotas={"sonnet": plenty}).model_dump_json())
    with Processes(tmp_path) as processes:
        command = [sys.executable, "-m", "rehearsal.bedrock", "--seed", "7", "--account", str(account)]
        program = processes.start("bedrock", command)
        url = program.ready_line()["url"]
        endings, memory = asyncio.run(_drive(url, program.pid))
        calls = http("GET", f"{url}/_concierge/calls")[1]["sonnet"]

    assert set(endings) == {"whole"}
    others = dict.fromkeys(("open", "abandoned", "broken", "throttled", "refused"), 0)
    assert calls == {"answered": len(endings), **others}
    assert len(endings) > AT_ONCE * 2
    settled, last = memory[len(memory) // 3], memory[-1]
    assert last < settled * MOST_GROWTH, memory


async def _drive(url: str, pid: int) -> tuple[list[str], list[int]]:
    """(how each stream ended, memory each second while all of them ran)."""
    loop = asyncio.get_running_loop()
    over = loop.time() + LASTS_S
    endings: list[str] = []
    memory: list[int] = []

    async def client() -> None:
        while loop.time() < over:
            endings.append(await _stream(url))

    async def watch() -> None:
        while loop.time() < over:
            await asyncio.sleep(1)
            memory.append(_resident(pid))

    await asyncio.gather(watch(), *(client() for _ in range(AT_ONCE)))
    return endings, memory


async def _stream(url: str) -> str:
    """A connection of its own for each stream, as people have."""
    place = urlsplit(url)
    head = (
        f"POST /model/{SONNET}/converse-stream HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: signed\r\n"
    )
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    writer.write(f"{head}Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n".encode() + BODY)
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        return answer[:60].decode(errors="replace")
    return "whole" if answer.endswith(b"0\r\n\r\n") and b"messageStop" in answer else "cut"


def _resident(pid: int) -> int:
    """Pages of memory that the process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
