"""Starts the programs a rehearsal is made of, waits until they are ready, and leaves none of them behind.

Each runs in a group of its own (Ctrl-C reaches only us, and we stop them in order), its output in two files.
None inherits AWS credentials or settings: what a rehearsal starts must not be able to reach an account.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from contract.errors import InconclusiveError

_LOOK_EVERY_S = 0.02
_SHOWN_LINES = 12
_CHILD = Path(__file__).with_name("child.py")
T = TypeVar("T")


class ProcessError(InconclusiveError):
    """A program of the rehearsal did not start, was not ready in time, or ended when it should not."""


class Process:
    """One running program. `out` and `err` are the files its output goes to."""

    def __init__(self, name: str, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.out = folder / f"{name}.out"
        self.err = folder / f"{name}.err"
        wrapped = [sys.executable, "-I", "-S", str(_CHILD), "--parent", str(os.getpid()), "--", *command]
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self._popen = subprocess.Popen(
                wrapped, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=env, start_new_session=True
            )
        self._swept = False

    @property
    def pid(self) -> int:
        """The program's own id on Linux; elsewhere that of its watcher."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -9 when SIGKILL ended it."""
        code = self._popen.poll()
        if code is not None:
            self._sweep()
        return code

    @property
    def running(self) -> bool:
        return self.exit_code is None

    def check(self) -> None:
        """ProcessError when it has ended."""
        if (code := self.exit_code) is not None:
            raise ProcessError(f"{self.name} {_ending(code)}; {self._last_words()}")

    def ready_line(self, within_s: float = 30.0) -> Mapping[str, Any]:
        """Waits for a line of JSON with `"ready": true` on its standard output."""
        return self._wait(self._find_ready_line, "did not say that it is ready", within_s)

    def listening(self, port: int, within_s: float = 30.0) -> None:
        """Waits until it accepts connections on this loopback port."""
        self._wait(lambda: _connects(port) or None, f"does not listen on port {port}", within_s)

    def answering(self, url: str, within_s: float = 30.0) -> None:
        """Waits until a GET of `url` is answered with 2xx."""
        self._wait(lambda: _answers(url) or None, f"does not answer {url}", within_s)

    def wait(self, within_s: float) -> int:
        """Its exit code, once it ends by itself."""
        try:
            code = self._popen.wait(within_s)
        except subprocess.TimeoutExpired:
            raise ProcessError(
                f"{self.name} did not end within {within_s:g} s; {self._last_words()}"
            ) from None
        self._sweep()
        return code

    def said_ready(self) -> Mapping[str, Any] | None:
        """Its ready line, if it has come."""
        return self._find_ready_line()

    def ask_to_stop(self) -> None:
        """SIGTERM, and no waiting: it may have something to finish."""
        if self.running:
            self._popen.terminate()

    def stop(self, grace_s: float = 5.0) -> None:
        """SIGTERM, then after a grace SIGKILL for all of its group. Safe to call again."""
        try:
            if self.running:
                self._popen.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._popen.wait(grace_s)
        finally:
            if self.running:
                self._sweep()
                self._popen.wait()

    def _wait(self, look: Callable[[], T | None], problem: str, within_s: float) -> T:
        deadline = time.monotonic() + within_s
        while (found := look()) is None:
            self.check()
            if time.monotonic() > deadline:
                raise ProcessError(f"{self.name} {problem} within {within_s:g} s; {self._last_words()}")
            time.sleep(_LOOK_EVERY_S)
        return found

    def _find_ready_line(self) -> Mapping[str, Any] | None:
        for line in self.out.read_text("utf-8", "replace").splitlines():
            with suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict) and said.get("ready") is True:
                    return said
        return None

    def _last_words(self) -> str:
        for file in (self.err, self.out):
            if lines := file.read_text("utf-8", "replace").rstrip().splitlines()[-_SHOWN_LINES:]:
                return "\n  ".join((f"the end of {file}:", *lines))
        return f"it wrote nothing to {self.err} or {self.out}"

    def _sweep(self) -> None:
        """Kills it and what it started itself. Once: afterwards its number may be somebody else's."""
        if not self._swept:
            self._swept = True
            # macOS refuses (EPERM) where Linux finds nobody: a group of which only the dead are left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)


class Processes:
    """The programs of one rehearsal: `with Processes(folder)`. Leaving stops them, the last one first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stops = ExitStack()
        self._started: list[Process] = []

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stops.close()

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None) -> Process:
        """Starts a program; `env` is added to a clean environment. Only the main thread may (see `child`)."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError(
                "start programs from the main thread: they end with the thread that starts them"
            )
        process = Process(name, command, self._folder, _environment(env or {}))
        self._stops.callback(process.stop)
        self._started.append(process)
        return process

    def check(self, *but: Process) -> None:
        """ProcessError when any of them, `but` some, has ended: for the time in which they should run."""
        for process in self._started:
            if process not in but:
                process.check()


def _environment(added: Mapping[str, str]) -> dict[str, str]:
    """Ours, without anything of AWS's; loopback is never reached through a proxy."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "BOTO_"))}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Some programs read one of them, some the other, and a person may have set either.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        **added,
    }


def _ending(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _connects(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1)
    try:
        connection.request("GET", parts.path or "/")
        return 200 <= connection.getresponse().status < 300
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
