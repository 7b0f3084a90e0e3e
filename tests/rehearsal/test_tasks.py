"""A service's tasks behind their balancer: who is asked, what is lost, and who is started anew."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from contract.faults import Fault, FaultKind
from rehearsal.tasks.balancer import Balancer, faults
from rehearsal.tasks.service import Service

# Says who it is to whoever connects, and then what it hears.
_ECHO = """
import asyncio, json, os
async def serve(reader, writer):
    writer.write(str(os.getpid()).encode() + b"\\n")
    while said := await reader.readline():
        writer.write(said)
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"ready": True, "url": f"http://127.0.0.1:{port}"}), flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Scene:
    """Two tasks, and the balancer in front."""

    def __init__(self, service: Service, balancer: Balancer, port: int) -> None:
        self.service, self.balancer, self.port = service, balancer, port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        return reader, writer, await reader.readline()

    async def until_healthy(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.service.healthy) != count:  # noqa: ASYNC110 - programs of their own
                await asyncio.sleep(0.02)


@asynccontextmanager
async def scene(log: Path, *given: Fault) -> AsyncIterator[Scene]:
    broken = faults()
    with log.open("ab") as file:
        service = Service([sys.executable, "-S", "-c", _ECHO], ("a", "b"), file, broken)
        balancer = Balancer(service, broken)
        await service.ready()
        keeping = asyncio.create_task(service.keep())
        server = await asyncio.start_server(balancer.connected, "127.0.0.1", 0)
        try:
            for one in given:
                broken.inject(one)
            yield Scene(service, balancer, server.sockets[0].getsockname()[1])
        finally:
            keeping.cancel()
            server.close()
            await service.end()


def test_connections_go_to_the_task_with_the_fewest(tmp_path: Path) -> None:
    async def main() -> int:
        async with scene(tmp_path / "log") as there:
            opened = [await there.connect() for _ in range(4)]
            for _, writer, _ in opened:
                writer.close()
            return len({who for _, _, who in opened})

    assert asyncio.run(main()) == 2
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["ready"] for line in lines] == [True, True]


def test_a_stopped_task_takes_its_connections_along_and_another_comes(tmp_path: Path) -> None:
    stop = Fault(target="tasks", kind=FaultKind.STOP, magnitude=0.5, match={"zone": "a"}, lease_s=30)

    async def main() -> tuple[int, int]:
        async with scene(tmp_path / "log") as there:
            opened = [await there.connect() for _ in range(2)]
            there.service._faults.inject(stop)
            await there.until_healthy(1)
            _, writer, _ = await there.connect()  # the other one answers meanwhile
            writer.close()
            await there.until_healthy(2)
            for _, one, _ in opened:
                one.close()
            return there.balancer.counts["dropped"], len(there.service.healthy)

    assert asyncio.run(main()) == (1, 2)


def test_a_reset_cuts_what_was_said(tmp_path: Path) -> None:
    reset = Fault(target="tasks", kind=FaultKind.RESET, match={"route": "message"}, lease_s=30)

    async def main() -> tuple[bytes, int]:
        async with scene(tmp_path / "log", reset) as there:
            reader, writer, who = await there.connect()
            assert who
            writer.write(b"hello\n")
            try:
                said = await reader.read()
            except ConnectionResetError:
                said = b""
            writer.close()
            return said, there.balancer.counts["dropped"]

    assert asyncio.run(main()) == (b"", 1)


def test_a_task_that_cannot_start_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        with (tmp_path / "log").open("ab") as file:
            service = Service([sys.executable, "-c", "raise SystemExit(3)"], ("a",), file, faults())
            try:
                await service.ready()
            finally:
                await service.end()

    with pytest.raises(OSError, match="a task ended with 3"):
        asyncio.run(main())
