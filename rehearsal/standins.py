"""Starts the stand-ins as processes and says where they are."""

import sys

from rehearsal.processes import Processes


def start_bedrock(processes: Processes, *, seed: int = 0, speed: float = 1.0) -> str:
    """The URL of a Bedrock runtime of our own (`rehearsal.bedrock`)."""
    options = ["--seed", str(seed), "--speed", str(speed)]
    process = processes.start("bedrock", [sys.executable, "-m", "rehearsal.bedrock", *options])
    return str(process.ready_line()["url"])


def start_aws(processes: Processes) -> str:
    """The URL of moto, which answers for every other service; empty until it is seeded (`rehearsal.seed`)."""
    process = processes.start("aws", [sys.executable, "-m", "rehearsal.moto_server"])
    return str(process.ready_line()["url"])
