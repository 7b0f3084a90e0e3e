"""How many workers a load needs, and what stops it first: processors, sockets, ports, memory, or the
master. Pure.

What a message costs the generator is measured (`bench/load.py`), not assumed; everything else is a limit of
the platform with its source beside it.
"""

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path

from contract.errors import WrongUseError

# ip_local_port_range of Linux is 32768 to 60999; one source address may use each once for a target and its
# port.
PORTS = 28_232
# ulimit nofile of the fleet's tasks (components/load_fleet.py), less what a process has open by itself.
FILES = 65_536 - 256
# A Fargate task's processor is shared with its supervisor; above this a generator is late now and then.
BUSY = 0.7
# API Gateway takes so many new WebSocket connections a second and account, unless more were granted (NET-5).
NEW_CONNECTIONS_S = 500
REPORT_EVERY_S = 3.0  # Locust's own rhythm of reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What bench/load.py found on a core like the fleet's."""

    frame_us: float = 19.0  # processor time of a frame that comes alone, checked
    message_us: float = 122.0  # of a message beside its frames: dealing, sending, counting
    user_bytes: int = 11_100  # of a connected user
    report_ms: float = 2.1  # of the master's processor, for one report of one worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be reached."""

    messages_s: float
    sessions: int
    frames: float = 20.0  # of an answer
    targets: int = 1  # addresses that the host's name resolves to
    worker_vcpu: float = 1.0
    worker_memory_mb: int = 2_048
    new_connections_s: int = NEW_CONNECTIONS_S

    def __post_init__(self) -> None:
        for name in ("messages_s", "sessions", "frames", "targets", "worker_vcpu", "worker_memory_mb"):
            if not getattr(self, name) > 0:
                raise WrongUseError(f"{name} {getattr(self, name):g}: must be above 0")


@dataclass(frozen=True, slots=True)
class Need:
    """One limit, and the workers it asks for."""

    limit: str
    workers: int
    why: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is needed. `needs`: each limit, the hardest first."""

    workers: int
    needs: tuple[Need, ...]
    sockets_each: int
    messages_each: float
    busy_each: float
    connect_s: float
    master_busy: float

    @property
    def warnings(self) -> tuple[str, ...]:
        """What more workers do not solve."""
        found = []
        if self.master_busy > BUSY:
            found.append(
                f"the master would be {self.master_busy:.0%} busy adding up reports: run several masters, "
                "each with a part of the load, or take larger workers"
            )
        if self.connect_s > 600:
            found.append(
                f"connecting takes {self.connect_s / 60:.0f} minutes at the rate that is granted: "
                "ask for a higher one (NET-5), or begin early"
            )
        return tuple(found)


def read(path: Path) -> Measured:
    """What was measured here, instead of what was measured for these defaults."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Measured(**{one.name: found["fleet"][one.name] for one in fields(Measured)})
    except OSError as missing:
        raise WrongUseError(f"{path}: cannot be read: {missing.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise WrongUseError(f"{path}: is not what bench/load.py --json prints") from None


def size(wish: Wish, measured: Measured | None = None) -> Fleet:
    """The fleet for it. A Python process uses one core: a worker task runs one for each whole vCPU."""
    cost = measured or Measured()
    processes = max(1, int(wish.worker_vcpu))
    core_share = min(1.0, wish.worker_vcpu) * BUSY
    busy_s = wish.messages_s * (cost.message_us + wish.frames * cost.frame_us) / 1e6
    memory = (wish.worker_memory_mb * 0.8 - processes * _PROCESS_MB) * 2**20
    if memory <= 0:
        raise WrongUseError(f"worker_memory_mb {wish.worker_memory_mb}: Locust alone needs more")
    needs = (
        Need(
            "processor",
            math.ceil(busy_s / (core_share * processes)),
            f"{busy_s:.1f} cores for {wish.messages_s:,.0f} messages/s of {wish.frames:g} frames",
        ),
        Need("sockets", math.ceil(wish.sessions / FILES), f"{FILES:,} open files a task"),
        Need(
            "ports",
            math.ceil(wish.sessions / (PORTS * wish.targets)),
            f"{PORTS:,} ports for each of {wish.targets} target address{'es' if wish.targets > 1 else ''}",
        ),
        Need(
            "memory",
            math.ceil(wish.sessions * cost.user_bytes / memory),
            f"{cost.user_bytes / 1024:.1f} KB a connected user, {memory / 2**20:,.0f} MB free for them",
        ),
    )
    hardest = tuple(sorted(needs, key=lambda need: -need.workers))
    workers = max(1, hardest[0].workers)
    return Fleet(
        workers=workers,
        needs=hardest,
        sockets_each=math.ceil(wish.sessions / workers),
        messages_each=wish.messages_s / workers,
        busy_each=busy_s / (workers * processes * min(1.0, wish.worker_vcpu)),
        connect_s=wish.sessions / wish.new_connections_s,
        master_busy=workers * processes * cost.report_ms / 1_000 / REPORT_EVERY_S,
    )


_PROCESS_MB = 110  # a worker before its first user
