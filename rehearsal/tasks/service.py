"""What ECS does for a service: keeps one task a zone running, and knows which of them can be asked."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from contract.faults import FaultKind
from rehearsal.faults import Faults

_CHILD = Path(__file__).parent.parent / "child.py"
_LOOK_EVERY_S = 0.1
_STARTS_S = 60.0
STOP_S = 5.0  # until another takes the place of a stopped one, unless a fault says it


@dataclass
class Task:
    """One place for a task; `port` while it serves."""

    zone: str
    process: asyncio.subprocess.Process | None = None
    port: int | None = None
    due: float = 0.0  # not started again before
    reading: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        return self.port is not None and self.process is not None and self.process.returncode is None


class Service:
    """`command` starts one task; it says where it is with a line of JSON."""

    def __init__(self, command: Sequence[str], zones: Sequence[str], log: IO[bytes], faults: Faults) -> None:
        self._command, self._log, self._faults = command, log, faults
        self.tasks = [Task(zone) for zone in zones]
        self._obeyed: set[str] = set()

    @property
    def healthy(self) -> list[Task]:
        return [task for task in self.tasks if task.healthy]

    async def ready(self) -> None:
        """All of them, for the first time."""
        for task in self.tasks:
            await self._start(task)
        async with asyncio.timeout(_STARTS_S):
            while len(self.healthy) < len(self.tasks):
                for task in self.tasks:
                    if task.process is not None and task.process.returncode is not None:
                        raise OSError(f"a task ended with {task.process.returncode}")
                await asyncio.sleep(_LOOK_EVERY_S)

    async def keep(self) -> None:
        """Stops what a fault wants stopped, and starts what is missing; cancel it to end."""
        while True:
            self._obey()
            now = asyncio.get_running_loop().time()
            for task in self.tasks:
                gone = task.process is None or task.process.returncode is not None
                if gone and now >= task.due:
                    await self._start(task)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def end(self) -> None:
        """All of them, at once."""
        for task in self.tasks:
            self._kill(task, signal.SIGTERM)
        for task in self.tasks:
            if task.process is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        await task.process.wait()
            self._kill(task, signal.SIGKILL)

    def _obey(self) -> None:
        now = asyncio.get_running_loop().time()
        for active in self._faults.active():
            fault = active.fault
            if fault.kind is not FaultKind.STOP or active.id in self._obeyed:
                continue
            self._obeyed.add(active.id)
            for task in self.tasks:
                if fault.match.get("zone", task.zone) == task.zone:
                    self._kill(task, signal.SIGKILL)
                    task.port, task.due = None, now + fault.measure(STOP_S)

    async def _start(self, task: Task) -> None:
        wrapped = [sys.executable, "-I", "-S", str(_CHILD), "--parent", str(os.getpid()), "--"]
        task.port = None
        task.process = await asyncio.create_subprocess_exec(
            *wrapped, *self._command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        task.reading = asyncio.create_task(self._read(task, task.process))

    async def _read(self, task: Task, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101 - asked for above
        while line := await process.stdout.readline():
            self._log.write(line)
            self._log.flush()
            if task.port is None and b'"ready"' in line:
                task.port = int(str(json.loads(line)["url"]).rpartition(":")[2])

    def _kill(self, task: Task, number: signal.Signals) -> None:
        if task.process is not None and task.process.returncode is None:
            with suppress(ProcessLookupError):
                task.process.send_signal(number)
