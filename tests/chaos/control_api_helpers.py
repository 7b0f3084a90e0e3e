"""A stand-in's control API on loopback with nothing behind it, and a clock that only moves when asked."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from contract.faults import ActiveFault, Experiment, Fault

START = datetime(2031, 3, 4, 10, 0, tzinfo=UTC)
SONNET = {"target": "bedrock", "kind": "throttle", "match": {"model": "sonnet"}}
EXPERIMENT = Experiment.model_validate(
    {
        "id": "mine",
        "title": "A little, then altogether",
        "hypothesis": "nobody notices",
        "steady_state": [
            {"measure": "failed_share", "at_most": 0},
            {"measure": "sequence_gaps", "at_most": 0},
            {"measure": "first_token_p95_ms", "at_most": 2500},
        ],
        "method": [
            {"at_s": 0, "for_s": 27, "fault": SONNET | {"rate": 0.04, "lease_s": 40}},
            {"at_s": 27, "for_s": 14, "fault": SONNET | {"rate": 1.0, "lease_s": 25}},
        ],
        "expect": {
            "alarm": "bedrock-throttled",
            "within_s": 35,
            "tier": "T1",
            "runbook": "bedrock-throttled",
            "recovery_s": 25,
        },
    }
)


class VirtualClock:
    """Sleeping is free; `on_sleep` may look around, or raise."""

    def __init__(self) -> None:
        self.time = START
        self.on_sleep: Callable[[float], None] = lambda _: None

    @property
    def elapsed(self) -> float:
        return (self.time - START).total_seconds()

    def now(self) -> datetime:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.on_sleep(self.elapsed)


class ControlApi:
    """What the faults are asked of. `broken` methods answer with 500.

    An injection may be answered with nonsense (`garbled`) or do something else than asked (`twisted`), and
    clearing may be confirmed but not done (`deaf`).
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.active: dict[str, ActiveFault] = {}
        self.log: list[str] = []
        self.broken: set[str] = set()
        self.garbled = False
        self.twisted = False
        self.deaf = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def put(self, fault: Fault) -> ActiveFault:
        """A fault as somebody else's leftover."""
        now = self.clock.now()
        active = ActiveFault(
            id=f"f{len(self.log)}",
            fault=fault,
            injected_at=now,
            expires_at=now + timedelta(seconds=fault.lease_s),
        )
        self.active[active.id] = active
        return active

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, str]:
        self.log.append(f"{self.clock.elapsed:g} {method} {path.removeprefix('/_concierge/faults')}".strip())
        if method in self.broken:
            return 500, "out of order"
        if method == "POST":
            return 201, self._inject(Fault.model_validate_json(body))
        if method == "GET":
            faults = [fault.model_dump(mode="json") for fault in self.active.values()]
            return 200, json.dumps(faults)
        return self._clear(path.removeprefix("/_concierge/faults").strip("/"))

    def _inject(self, fault: Fault) -> str:
        asked = fault.model_copy(update={"rate": 0.5}) if self.twisted else fault
        active = self.put(asked)
        return "{}" if self.garbled else active.model_dump_json()

    def _clear(self, name: str) -> tuple[int, str]:
        if not name:
            if not self.deaf:
                self.active.clear()
            return 204, ""
        return (204, "") if self.active.pop(name, None) else (404, "no such fault")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, text = api._answer(self.command, self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                """Nothing to stderr."""

        return Handler
