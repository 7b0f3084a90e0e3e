"""Locust as programs of our own: alone, or a master with workers on this machine. Waits for their end.

Whoever starts programs must end them: on Ctrl-C, and on any error, nothing is left running.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contract.errors import InconclusiveError
from loadtests.run import FILE as RESULT

FILE = Path(__file__).with_name("prime_day.py")
_GRACE_S, _LEAVE_S = 3.0, 20.0


class LaunchError(InconclusiveError):
    """The generator ended without a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What to run, and where its results go."""

    scenario: str
    host: str
    folder: Path
    length_s: float = 0.0
    rate: float = 1.0
    seed: int = 1
    workers: int = 0
    samples: bool = False
    switched_off: tuple[str, ...] = ()
    progress_s: float = 5.0

    @property
    def options(self) -> list[str]:
        """Of the program that knows everything: the only one, or the master."""
        found = [
            *("--headless", "--only-summary", "--host", self.host, "--scenario", self.scenario),
            *("--length", str(self.length_s), "--rate", str(self.rate)),
            *("--arrival-seed", str(self.seed), "--results", str(self.folder)),
            *("--progress", str(self.progress_s), "--skip-log-setup"),
        ]
        if self.samples:
            found += ["--samples", str(self.folder / "samples.jsonl")]
        if self.switched_off:
            found += ["--switched-off", ",".join(self.switched_off)]
        return found


def run(launch: Launch, environment: Mapping[str, str] | None = None) -> int:
    """The exit code. Progress goes to stderr as it comes; everything else to `locust.log` in the folder."""
    launch.folder.mkdir(parents=True, exist_ok=True)
    (launch.folder / RESULT).unlink(missing_ok=True)
    with ExitStack() as stack:
        log = stack.enter_context((launch.folder / "locust.log").open("ab"))
        port = str(_free_port())
        more = (
            ["--master", "--master-bind-port", port, "--master-bind-host", "127.0.0.1"]
            if launch.workers
            else []
        )
        expect = ["--expect-workers", str(launch.workers), "--expect-workers-max-wait", "60"]
        command = [*LOCUST, *launch.options, *more, *(expect if launch.workers else ())]
        first = _start(stack, command, log, environment, told=True)
        for _ in range(launch.workers):
            worker = [
                "--worker",
                "--master-host",
                "127.0.0.1",
                "--master-port",
                port,
                "--loglevel",
                "WARNING",
            ]
            _start(stack, [*LOCUST, *worker], log, environment)
        return _wait(first)


LOCUST = (sys.executable, "-m", "locust", "-f", str(FILE))


def _start(
    stack: ExitStack,
    command: list[str],
    log: IO[bytes],
    environment: Mapping[str, str] | None,
    *,
    told: bool = False,
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=None if told else log,
        env=None if environment is None else {**os.environ, **environment},
    )
    stack.callback(_end, process)
    return process


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # It has heard Ctrl-C too, and writes down what there is.
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LEAVE_S)
        raise
    if code < 0:
        raise LaunchError(f"the generator was ended by {signal.Signals(-code).name}: run it again")
    return code


def _end(process: subprocess.Popen[bytes]) -> None:
    """A worker leaves by itself when its master has gone; whoever does not is made to."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
        return
    process.terminate()
    try:
        process.wait(_LEAVE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
