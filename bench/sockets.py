"""Which library serves the sockets: CPU of a streamed frame and memory of an idle connection, side by side.

    .venvs/bench/bin/python bench/sockets.py

Each serves the same answer (a start, 40 deltas, a final) to the same clients, and does nothing else. aiohttp
is what the runtime uses: it serves HTTP on the same port, and its AWS clients bring it along anyway.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

FRAMES, CLIENTS, MESSAGES, IDLE = 40, 20, 60, 1_000
TICKS = os.sysconf("SC_CLK_TCK")
DELTA = json.dumps(
    {"request_id": "r1", "sequence_number": 7, "type": "delta", "text": "some words of an answer "}
)


async def serve_aiohttp() -> None:
    from aiohttp import web

    async def answer(request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(compress=False, heartbeat=20)
        await ws.prepare(request)
        async for _ in ws:
            for _ in range(FRAMES + 2):
                await ws.send_str(DELTA)
        return ws

    app = web.Application()
    app.router.add_get("/ws", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


async def serve_websockets() -> None:
    from websockets.asyncio.server import ServerConnection, serve

    async def answer(ws: ServerConnection) -> None:
        async for _ in ws:
            for _ in range(FRAMES + 2):
                await ws.send(DELTA)

    async with serve(answer, "127.0.0.1", 0, compression=None, ping_interval=20) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.Event().wait()


async def serve_uvicorn() -> None:
    import uvicorn

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if scope["type"] != "websocket":
            return
        while True:
            event = await receive()
            if event["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            elif event["type"] == "websocket.receive":
                for _ in range(FRAMES + 2):
                    await send({"type": "websocket.send", "text": DELTA})
            else:
                return

    config = uvicorn.Config(
        app,
        "127.0.0.1",
        0,
        log_level="error",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it has no event for it
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await task


SERVERS = {"aiohttp": serve_aiohttp, "websockets": serve_websockets, "uvicorn": serve_uvicorn}


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_kb(pid: int) -> int:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1])


async def measure(port: int, pid: int) -> tuple[float, float]:
    """(microseconds of CPU a frame, KB an idle connection)."""
    url = f"ws://127.0.0.1:{port}/ws"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def talk(messages: int) -> None:
            async with session.ws_connect(url) as ws:
                for _ in range(messages):
                    await ws.send_str("go")
                    for _ in range(FRAMES + 2):
                        await ws.receive_str(timeout=30)

        await talk(5)
        before = cpu_s(pid)
        await asyncio.gather(*(talk(MESSAGES) for _ in range(CLIENTS)))
        frame = (cpu_s(pid) - before) / (CLIENTS * MESSAGES * (FRAMES + 2)) * 1e6
        empty = rss_kb(pid)
        held = [await session.ws_connect(url) for _ in range(IDLE)]
        await asyncio.sleep(1)
        idle = (rss_kb(pid) - empty) / IDLE
        for ws in held:
            await ws.close()
    return frame, idle


def main() -> int:
    if len(sys.argv) > 1:
        asyncio.run(SERVERS[sys.argv[1]]())
        return 0
    found = {}
    for _ in range(3):  # in turns, so that a busy minute meets all
        for name in SERVERS:
            server = subprocess.Popen([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True)
            port = int((server.stdout or sys.stdin).readline())
            one = asyncio.run(measure(port, server.pid))
            best = found.get(name, one)
            found[name] = min(one[0], best[0]), min(one[1], best[1])
            server.send_signal(signal.SIGKILL)
            server.wait()
            time.sleep(0.2)
    floor = found["aiohttp"]
    for name, (frame, idle) in found.items():
        print(
            f"{name:11} {frame:6.1f} us of CPU a frame ({frame / floor[0]:.2f}x), "
            f"{idle:5.1f} KB an idle connection ({idle / floor[1]:.2f}x)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
