"""How fast a story may be played here, and whether this machine kept up: memory, processor time, waiting.

A rehearsal on a machine that is too slow says nothing about the agent. What watches is a thread of its own.
"""

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY_S = 1.0
# A piece of Python, and how long a machine takes for it that can play at three times the speed.
_PIECE, _PIECE_S, _TRIES = 100_000, 0.009, 7
_SLOWEST, _STEP = 1.5, 0.5
_GB = 1024**3


@dataclass(frozen=True, slots=True)
class Machine:
    """`memory_gb`: the most that all programs held; `cpu_s`, `waited_s`: the agent's, in our seconds.

    `waited_s`: ready to run, and no processor was free; None where the system does not tell.
    """

    memory_gb: float = 0.0
    cpu_s: float = 0.0
    waited_s: float | None = None
    lasted_s: float = 0.0
    ready_s: float = 0.0

    @property
    def waited_share(self) -> float:
        return (self.waited_s or 0.0) / self.lasted_s if self.lasted_s else 0.0

    @property
    def cpu_share(self) -> float:
        """Of one processor."""
        return self.cpu_s / self.lasted_s if self.lasted_s else 0.0


def speed_here(wanted: float) -> float:
    """`wanted`, or as much of it as this machine can now: the agent's own work does not get faster."""
    took = min(_piece_s() for _ in range(_TRIES))
    affordable = wanted * _PIECE_S / took // _STEP * _STEP
    return min(wanted, max(_SLOWEST, affordable))


def _piece_s() -> float:
    began = time.perf_counter()
    sum(number * number for number in range(_PIECE))
    return time.perf_counter() - began


class MachineWatch:
    """Looks between `start` and `stop` at this process, all it has started, and the agents among them."""

    def __init__(self, agent: int) -> None:
        self._us = psutil.Process()
        self._most = 0
        self._seconds = 0.0
        self._agents: list[_Used] = []
        self.follow(agent)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="machine", daemon=True)

    def follow(self, agent: int) -> None:
        """Another one, from now on: a new revision."""
        with suppress(psutil.Error):
            self._agents.append(_Used(psutil.Process(agent)))

    def start(self) -> None:
        self._thread.start()

    def stop(self, ready_s: float) -> Machine:
        """What was seen; of an agent that has ended meanwhile until then."""
        self._over.set()
        self._thread.join()
        waited = [one.waited_s for one in self._agents]
        return Machine(
            memory_gb=self._most / _GB,
            cpu_s=sum(one.cpu_s for one in self._agents),
            waited_s=None if not waited or None in waited else sum(filter(None, waited)),
            lasted_s=self._seconds,
            ready_s=ready_s,
        )

    def _run(self) -> None:
        began = time.monotonic()
        while not self._over.wait(_EVERY_S):
            self._seconds = time.monotonic() - began
            with suppress(psutil.Error):
                everybody = [self._us, *self._us.children(recursive=True)]
                self._most = max(self._most, sum(_held(one) for one in everybody))
            for agent in list(self._agents):
                agent.look()


class _Used:
    """What one program has used since it was first looked at."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._before = self._now = self._read()

    def look(self) -> None:
        """One that has ended keeps what it had used."""
        with suppress(psutil.Error):
            self._now = self._read()

    @property
    def cpu_s(self) -> float:
        return self._now[0] - self._before[0]

    @property
    def waited_s(self) -> float | None:
        (_, before), (_, now) = self._before, self._now
        return None if before is None or now is None else now - before

    def _read(self) -> tuple[float, float | None]:
        times = self._process.cpu_times()
        return float(times.user + times.system), _waited(self._process.pid)


def _waited(pid: int) -> float | None:
    """Linux tells: nanoseconds on a run queue, the second number."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9
    return None


def _held(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0
