"""A rehearsal as a page on loopback: one file, its state as JSON once a second, and a person's answers.

Only pages of this very server may ask or answer: anything else that a browser has open is refused.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from contract.errors import WrongUseError
from rehearsal.live import Desk, Looks

PAGE = Path(__file__).with_name("live_page.html")
_LARGEST = 1_000


@contextmanager
def served(live: Looks, desk: Desk, port: int = 0) -> Iterator[str]:
    """The page's address, for as long as the block lasts."""

    class Handler(_Handler):
        shown, asked = live, desk

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError as refused:
        raise WrongUseError(
            f"--web: port {port} cannot be used: {refused.strerror}: use 0 for any free one"
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="page", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    shown: Looks
    asked: Desk

    def do_GET(self) -> None:
        if not self._ours():
            return
        if self.path == "/":
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", PAGE.read_bytes())
        elif self.path == "/state":
            state = self.shown.state().model_dump_json()
            self._send(HTTPStatus.OK, "application/json", state.encode())
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"there is only / and /state")

    def do_POST(self) -> None:
        if not self._ours():
            return
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(min(length, _LARGEST))
        try:
            said: Any = json.loads(body)
            yes = bool(said["yes"])
        except (ValueError, KeyError, TypeError):
            self._send(HTTPStatus.BAD_REQUEST, "text/plain", b'write {"yes": true} or {"yes": false}')
            return
        if self.path != "/answer":
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"answers go to /answer")
            return
        self.asked.answer(yes=yes)
        self._send(HTTPStatus.NO_CONTENT, "text/plain", b"")

    def _ours(self) -> bool:
        """A page of somebody else could name this port; its Host or Origin would tell."""
        host = self.headers.get("Host", "")
        origin = self.headers.get("Origin")
        if host.partition(":")[0] in {"127.0.0.1", "localhost"} and origin in {None, f"http://{host}"}:
            return True
        self._send(HTTPStatus.FORBIDDEN, "text/plain", b"only for pages of this server")
        return False

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Nobody reads it."""
