"""The stand-ins as programs: which there are, how each is started, and where it says it is."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal.processes import Process, Processes

BEDROCK, AWS = "bedrock", "aws"
# name -> module. All but moto take --seed and --speed, and say what can be broken in them, and where.
# moto first: it takes longest, and is seeded while the others start.
MODULES = {
    AWS: "rehearsal.moto_server",
    BEDROCK: "rehearsal.bedrock",
    "sagemaker": "rehearsal.sagemaker",
    "search": "rehearsal.search",
    "cache": "rehearsal.cache",
    "shop": "rehearsal.shop",
}


@dataclass(frozen=True)
class Ready:
    """What a stand-in says of itself. `urls`: of each service; `controls`: target of faults -> where."""

    urls: Mapping[str, str]
    controls: Mapping[str, str]


def start(
    processes: Processes, name: str, *, seed: int = 0, speed: float = 1.0, more: Sequence[str] = ()
) -> Process:
    """Starts one of them."""
    options = [] if name == AWS else ["--seed", str(seed), "--speed", str(speed)]
    return processes.start(name, [sys.executable, "-m", MODULES[name], *options, *more])


def start_bedrock(
    processes: Processes, *, seed: int = 0, speed: float = 1.0, account: Path | None = None
) -> Process:
    """A Bedrock runtime of our own (`rehearsal.bedrock`)."""
    more = ["--account", str(account)] if account else []
    return start(processes, BEDROCK, seed=seed, speed=speed, more=more)


def start_aws(processes: Processes) -> Process:
    """moto, which answers for every other service; empty until it is seeded (`rehearsal.seed`)."""
    return start(processes, AWS)


def url(process: Process) -> str:
    """Where a stand-in is, once it is ready."""
    return str(process.ready_line()["url"])


def ready(process: Process, within_s: float = 30.0) -> Ready:
    """Waits for one and says where everything of it is."""
    said = process.ready_line(within_s)
    urls = dict(said.get("urls", {process.name: said.get("url", "")}))
    usual = {} if process.name == AWS else {name: place for name, place in urls.items() if "://" in place}
    return Ready(urls, dict(said.get("controls", usual)))
