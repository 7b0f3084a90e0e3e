"""AWS on this machine beyond one command: `concierge aws up`, `status` and `down`.

A program of its own (`python -m rehearsal.daemon`) keeps the stand-ins and serves the hub; a file says where.
When it ends, however it ends, the stand-ins end with it.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, ValidationError

from contract.base import Shape
from contract.errors import InconclusiveError, WrongUseError
from stacks import stackfile

if TYPE_CHECKING:
    from plan.model import Plan
    from rehearsal.environment import Aws

STATE = "state.json"
_LOOK_EVERY_S = 0.05
_TELL_EVERY_S = 1.0


class DaemonError(InconclusiveError):
    """The stand-ins did not come up, or did not go down."""


class NotUpError(WrongUseError):
    """There is nothing to show or to stop."""


class State(Shape):
    """What is up, and where."""

    pid: int
    stack: str
    region: str
    hub: str
    started_at: AwareDatetime
    ready_after_s: float
    urls: dict[str, str]
    variables: dict[str, str]


def up(folder: Path, *, stack: str, seed: int, speed: float, within_s: float = 90.0) -> State:
    """Starts everything and waits until it is ready."""
    if (running := find(folder)) is not None:
        raise WrongUseError(f"it is up since {running.started_at:%H:%M:%S}: concierge aws down first")
    stackfile.read(stack)  # a wrong name is told before anything is started
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--stack", stack, "--seed", str(seed), "--speed", str(speed), "--folder", str(folder)]
    with (folder / "daemon.out").open("wb") as out, (folder / "daemon.err").open("wb") as err:
        program = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.daemon", *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # Ctrl-C at the shell is not meant for it
        )
    try:
        return _when_ready(folder, program, within_s)
    except BaseException:
        program.terminate()
        program.wait()
        raise


def down(folder: Path, within_s: float = 15.0) -> State:
    """Stops everything; returns what was up."""
    state = require(folder)
    os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + within_s
    while _is_daemon(state.pid):
        if time.monotonic() > deadline:
            raise DaemonError(f"process {state.pid} has not ended in {within_s:g} s: see {folder}/daemon.err")
        time.sleep(_LOOK_EVERY_S)
    return state


def find(folder: Path) -> State | None:
    """What is up in this folder, if anything is."""
    try:
        state = State.model_validate_json((folder / STATE).read_bytes())
    except (OSError, ValidationError):
        return None
    return state if _is_daemon(state.pid) else None


def require(folder: Path) -> State:
    """`find`, for those who cannot go on without."""
    if (state := find(folder)) is None:
        raise NotUpError("it is not up: concierge aws up")
    return state


def _is_daemon(pid: int) -> bool:
    """Also that the number is not somebody else's by now, where the system tells."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    command = Path(f"/proc/{pid}/cmdline")
    with suppress(OSError):
        return b"rehearsal.daemon" in command.read_bytes()
    return not command.parent.parent.exists()


def _when_ready(folder: Path, program: subprocess.Popen[bytes], within_s: float) -> State:
    deadline = time.monotonic() + within_s
    while (state := find(folder)) is None or state.pid != program.pid:
        if program.poll() is not None:
            words = (folder / "daemon.err").read_text("utf-8", "replace").strip().splitlines()
            raise DaemonError("; ".join(words[-3:]) or f"it ended at once: see {folder}/daemon.err")
        if time.monotonic() > deadline:
            raise DaemonError(f"it was not ready in {within_s:g} s: see {folder}/daemon.err")
        time.sleep(_LOOK_EVERY_S)
    return state


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m rehearsal.daemon", description="AWS on this machine.")
    parser.add_argument("--stack", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--speed", type=float, required=True)
    options = parser.parse_args()
    from contract.errors import ConciergeError

    try:
        _keep(options.folder, options.stack, options.seed, options.speed)
    except ConciergeError as failed:
        sys.exit(str(failed))


def _keep(folder: Path, stack: str, seed: int, speed: float) -> None:
    """Until SIGTERM. A signal while they start ends this too, and with it the children."""
    from rehearsal import environment, plans

    begun = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))

    def planned() -> "Plan":
        return plans.kept(stack, folder.parent)

    try:
        with environment.standing(folder, planned, seed_=seed, speed=speed) as aws:
            asyncio.run(_serve(folder, stack, aws, begun))
    finally:
        (folder / STATE).unlink(missing_ok=True)


async def _serve(folder: Path, stack: str, aws: "Aws", begun: float) -> None:
    from datetime import UTC, datetime

    from plan.files import write_atomic
    from rehearsal import hub, serving

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving.serving(hub.app(aws)) as url:
        state = State(
            pid=os.getpid(),
            stack=stack,
            region=aws.region,
            hub=url,
            started_at=datetime.now(UTC),
            ready_after_s=round(time.monotonic() - begun, 2),
            urls=dict(aws.urls),
            variables=dict(aws.variables()),
        )
        write_atomic(folder / STATE, state.model_dump_json().encode())
        told: set[str] = set()
        while not stopped.is_set():
            for name, ended in hub.standing(aws).items():
                if ended and name not in told:
                    told.add(name)
                    print(json.dumps({"crashed": name, "how": ended}), file=sys.stderr, flush=True)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _TELL_EVERY_S)


if __name__ == "__main__":
    main()
