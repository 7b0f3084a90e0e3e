"""One client of bench/load.py, as Locust users in a process of its own; prints what it found as JSON.

The peer is a Locust user as people write it on websocket-client. Both hand every frame to the same
transcript.
"""

# Locust comes first: importing it makes every socket used below wait without blocking the others.
import gc
import json
import logging
import sys
import time
from typing import Any

import gevent
from locust import User, task
from locust.env import Environment
from websocket import ABNF, WebSocket

from bench.load import ANSWER_WITHIN_S, FRAMES, Found
from contract.frames import decode_server
from loadtests import frames
from loadtests.client import ChatClient
from loadtests.generator import Seat
from loadtests.green_line import GreenLine
from loadtests.transcript import Transcript

AT_ONCE = 50  # users who talk
_IDLE_S = 600.0
_SPAWN_RATE = 400


class Peer:
    """websocket-client. Its own text check is left out, for the decoder looks at every byte anyway."""

    def __init__(self, url: str, kind: str) -> None:
        self._url, self._fast = url, kind == "peer-fast"
        self._socket = WebSocket(skip_utf8_validation=True)

    def open(self) -> None:
        self._socket.connect(self._url)  # type: ignore[no-untyped-call]

    def ask(self, request_id: str, text: str, session_id: str | None, until: float) -> Transcript:
        seen = Transcript(request_id, time.monotonic())
        self._socket.settimeout(until - time.monotonic())
        self._socket.send(frames.ask(request_id, text, session_id).decode())
        while not seen.ended:
            opcode, data = self._socket.recv_data(control_frame=True)
            if opcode != ABNF.OPCODE_TEXT:
                continue
            if not self._fast:
                decode_server(data)  # what it checks; the transcript takes the other shape of the same frame
            frame = frames.decode(data)
            assert not isinstance(frame, frames.OfConnection)  # noqa: S101 - the server sends none
            seen.take(frame, time.monotonic())
        return seen

    def close(self) -> None:
        self._socket.close()


class Talk:
    """What the users of a measurement do, and how much of it is left."""

    client = "ours"
    url = ""
    text = "together"
    left = 0
    silent = True


class Somebody(User):
    """A Locust user with one of the clients."""

    def on_start(self) -> None:
        peer = Talk.client != "ours"
        self.chat: Any = Peer(Talk.url, Talk.client) if peer else ChatClient(Talk.url, line=GreenLine)
        self.chat.open()
        self.seat = Seat(guest=False)

    @task
    def message(self) -> None:
        if Talk.silent and Talk.client == "ours":
            self.seat.bell.wait(self.chat.web_socket.fileno(), _IDLE_S)
            return
        if Talk.silent or Talk.left <= 0:
            gevent.sleep(_IDLE_S)
            return
        Talk.left -= 1
        seen = self.chat.ask(f"r-{Talk.left}", Talk.text, "s", time.monotonic() + ANSWER_WITHIN_S)
        if seen.problem or seen.sequence_gaps or seen.finals != 1 or seen.text_differs:
            raise SystemExit(f"a frame was wrong: {seen.problem}")
        self.environment.events.request.fire(
            request_type="chat",
            name="bench",
            response_time=1.0,
            response_length=seen.characters,
            exception=None,
            context={},
        )


def main() -> None:
    logging.disable(logging.WARNING)  # Locust warns of high spawn rates
    client, port, messages, users = sys.argv[1], *map(int, sys.argv[2:5])
    Talk.client, Talk.url = client, f"ws://127.0.0.1:{port}/ws"
    environment = Environment(user_classes=[Somebody])
    runner = environment.create_local_runner()
    _talk(runner, "together", AT_ONCE * 4)  # warm
    together = _talk(runner, "together", messages)
    short = _talk(runner, "short", messages)
    apart = _talk(runner, "apart", messages // 4) / (messages // 4)
    # A message of two frames tells what a message costs beside its frames.
    frame_s = max(1e-9, apart - short / messages) / (FRAMES - 2)
    found = Found(
        together_s=messages * FRAMES / together,
        apart_us=frame_s * 1e6,
        message_us=max(0.0, short / messages - 2 * frame_s) * 1e6,
        user_bytes=_user_bytes(runner, users),
    )
    print(json.dumps({name: getattr(found, name) for name in Found.__slots__}), flush=True)


def _talk(runner: Any, text: str, messages: int) -> float:
    """Seconds of processor time for so many messages."""
    Talk.silent, Talk.text, Talk.left = False, text, messages
    runner.start(AT_ONCE, spawn_rate=AT_ONCE, wait=True)
    runner.environment.stats.reset_all()
    Talk.left = messages
    begun = time.process_time()
    while runner.environment.stats.total.num_requests < messages:
        gevent.sleep(0.02)
    spent = time.process_time() - begun
    runner.stop()
    return spent


def _user_bytes(runner: Any, users: int) -> float:
    """Memory of this process for each further user who is connected and silent."""
    Talk.silent = True
    few = users // 10
    memory = []
    for count in (few, users):
        runner.start(count, spawn_rate=_SPAWN_RATE)
        while runner.user_count < count:
            gevent.sleep(0.1)
        gevent.sleep(2.0)  # the last ones connect
        gc.collect()
        memory.append(_memory())
    return (memory[1] - memory[0]) / (users - few)


def _memory() -> int:
    """Bytes that are this process's own."""
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:  # noqa: PTH123 - a system file
        return sum(int(line.split()[1]) for line in file if line.startswith("Private_")) * 1_024


if __name__ == "__main__":
    main()
