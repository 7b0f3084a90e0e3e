"""Starts the stand-ins as processes; `url` waits for one and says where it is."""

import sys

from rehearsal.processes import Process, Processes


def start_bedrock(processes: Processes, *, seed: int = 0, speed: float = 1.0) -> Process:
    """A Bedrock runtime of our own (`rehearsal.bedrock`)."""
    options = ["--seed", str(seed), "--speed", str(speed)]
    return processes.start("bedrock", [sys.executable, "-m", "rehearsal.bedrock", *options])


def start_aws(processes: Processes) -> Process:
    """moto, which answers for every other service; empty until it is seeded (`rehearsal.seed`)."""
    return processes.start("aws", [sys.executable, "-m", "rehearsal.moto_server"])


def url(process: Process) -> str:
    """Where a stand-in is, once it is ready."""
    return str(process.ready_line()["url"])
