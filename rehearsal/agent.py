"""Starts the agent's runtime as a program, on the stand-ins, as a task of its stack would be."""

import sys
from collections.abc import Mapping

from rehearsal import fast
from rehearsal.processes import Process, Processes


def agent(
    processes: Processes,
    environment: str,
    variables: Mapping[str, str],
    *,
    name: str = "runtime",
    before: str = "",
    speed: float = 1.0,
) -> Process:
    """`variables`: where the stand-ins are. `speed`: of its time. Wait for its `ready_line`.

    `before`: code that its program runs first, to prove that something is missed when it is taken away.
    """
    documents = {
        f"CONCIERGE_{what.upper()}": f"/concierge/{environment}/{what}"
        for what in ("settings", "controls", "models")
    }
    return processes.start(
        name,
        [*_program(before, speed), "--host", "127.0.0.1", "--port", "0"],
        {"CONCIERGE_ENVIRONMENT": environment, **documents, **variables},
    )


def _program(before: str, speed: float) -> list[str]:
    if not before:
        return fast.command(speed, "runtime")
    return [sys.executable, "-c", f"{before}\nfrom runtime.__main__ import main; main()"]
