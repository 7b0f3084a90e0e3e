"""Log lines that operators search for: the `message` of a structured line, and the field that says of whom.

The runtime's lines are JSON with `time`, `level`, `message` and `request_id`; whoever writes one of these
names the field with it, and the runbooks find it there.
"""

from typing import NamedTuple


class Line(NamedTuple):
    """One kind of line. `by`: the field that tells one culprit from another."""

    message: str
    by: str
    meaning: str


PROVIDER_FAILED = Line(
    "a provider failed", "provider", "a call to a provider timed out or was refused (RUN-23)"
)
LOOP_STOPPED = Line(
    "a tool loop was stopped", "tool", "the limit of iterations or repeats was reached (RUN-14)"
)
TOOL_CALLED = Line(
    "a tool was called",
    "tool",
    "who did what through which tool, and what came of it (RUN-14): for the audit",
)
FAULT_MADE = Line(
    "a fault was made on purpose", "fault", "a signed order had this call fail or wait (RUN-24)"
)
SOCKET_LOST = Line("a connection was lost", "cause", "a WebSocket ended before its time")
