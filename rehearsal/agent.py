"""Starts the agent's runtime as a program, on the stand-ins, as a task of its stack would be."""

from collections.abc import Mapping

from rehearsal import fast
from rehearsal.processes import Process, Processes


def agent(
    processes: Processes,
    environment: str,
    variables: Mapping[str, str],
    *,
    name: str = "runtime",
    speed: float = 1.0,
) -> Process:
    """`variables`: where the stand-ins are. `speed`: of its time. Wait for its `ready_line`."""
    documents = {
        f"CONCIERGE_{what.upper()}": f"/concierge/{environment}/{what}"
        for what in ("settings", "controls", "models")
    }
    return processes.start(
        name,
        fast.command(speed, "runtime", ["--host", "127.0.0.1", "--port", "0"]),
        {"CONCIERGE_ENVIRONMENT": environment, **documents, **variables},
    )
