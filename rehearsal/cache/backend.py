"""The server behind the proxy: valkey-server or redis-server, else fakeredis in this process."""

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import fakeredis

PROGRAMS = ("valkey-server", "redis-server")
_WAIT_S = 5.0


def program() -> str | None:
    """The real server of this machine, if it has one."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def running(real: str | None) -> Iterator[tuple[str, int]]:
    """(what it is, its port)."""
    if real is None:
        with _embedded() as port:
            yield f"fakeredis {fakeredis.__version__}", port
    else:
        with _program(real) as port:
            yield real, port


@contextmanager
def _embedded() -> Iterator[int]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="valkey")
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _program(real: str) -> Iterator[int]:
    """Holds everything in memory, and ends with us: its input is a pipe of ours."""
    port = _free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen([real, *options], stdout=subprocess.DEVNULL) as server:
        try:
            _wait(port)
            yield port
        finally:
            server.terminate()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise OSError(f"the server does not listen on {port}")
