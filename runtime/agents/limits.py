"""When an agent is stopped: pure functions of what it did and asks for (RUN-14)."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from contract.runtime_settings import ToolsSettings
from runtime.port import Asked, Ran


class Reason(StrEnum):
    """Why."""

    ROUNDS = "too many rounds"
    REPEATED = "the same call again"
    FAILURES = "too many failures"
    TIME = "too long"


def reason(
    ran: Sequence[Ran], rounds: int, asked: Sequence[Asked], seconds: float, settings: ToolsSettings
) -> Reason | None:
    """`rounds`: with the one that is asked for. None: it may go on."""
    if rounds > settings.iterations:
        return Reason.ROUNDS
    if seconds >= settings.total_s:
        return Reason.TIME
    if sum(not one.ok for one in ran) >= settings.failures:
        return Reason.FAILURES
    if any(repeats(one, ran) for one in asked):
        return Reason.REPEATED
    return None


def repeats(asked: Asked, ran: Sequence[Ran]) -> bool:
    """Whether the same was asked before, and nothing changed since that could make the answer another."""
    for one in reversed(ran):
        if one.tool == asked.tool and same(one.arguments, asked.arguments):
            return True
        if one.changed:
            return False
    return False


def same(one: Mapping[str, Any], other: Mapping[str, Any] | None) -> bool:
    return other is not None and dict(one) == dict(other)
