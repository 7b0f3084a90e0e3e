"""Asks all checks at once, in a bounded number of threads, for a bounded time.

A thread that hangs cannot be stopped; it is a daemon, so it is reported, left behind, and ends with the
process. The clients' own timeouts end it sooner.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, Queue

from plan.preflight import refusals
from plan.preflight.facts import GLOBAL_REGION, Facts
from plan.preflight.model import Check, Finding, Verdict, unknown


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long to wait, and for how many at once."""

    at_once: int = 12
    check_s: float = 30.0
    total_s: float = 120.0


@dataclass(frozen=True)
class Task:
    """One check in one region."""

    check: Check
    region: str | None


Answer = tuple[Task, list[Verdict]]
# The next answer; None when it did not come in so many seconds.
Wait = Callable[["Queue[Answer]", float], Answer | None]


def wait(answers: "Queue[Answer]", seconds: float) -> Answer | None:
    """Until an answer comes, or that long."""
    try:
        return answers.get(timeout=max(seconds, 0.0))
    except Empty:
        return None


def tasks(checks: Sequence[Check], facts: Facts) -> list[Task]:
    """Which check is asked where: only where the plan declares what it is about."""
    found = []
    for check in checks:
        if not check.everywhere:
            if _concerns(check, facts, None):
                found.append(Task(check, None))
            continue
        found += [Task(check, region) for region in facts.regions if _concerns(check, facts, region)]
    return found


def _concerns(check: Check, facts: Facts, region: str | None) -> bool:
    return not check.types or any(facts.declared(token, region) for token in check.types)


def run(
    checks: Sequence[Check],
    facts: Facts,
    limits: Limits,
    *,
    now: Callable[[], float] = time.monotonic,
    wait: Wait = wait,
) -> tuple[Finding, ...]:
    """Every finding, the worst first, then in the order of the checks."""
    waiting = tasks(checks, facts)
    order = {task: number for number, task in enumerate(waiting)}
    found = sorted(
        _verdicts(waiting, facts, limits, now, wait),
        key=lambda pair: (pair[1].status.rank, order[pair[0]]),
    )
    return tuple(Finding(task.check, task.region, verdict) for task, verdict in found)


def _verdicts(
    waiting: list[Task], facts: Facts, limits: Limits, now: Callable[[], float], wait: Wait
) -> Iterator[tuple[Task, Verdict]]:
    answers: Queue[Answer] = Queue()
    running: dict[Task, float] = {}
    late = now() + limits.total_s
    left = list(reversed(waiting))
    while left or running:
        while left and len(running) < limits.at_once:
            task = left.pop()
            running[task] = now() + limits.check_s
            _start(task, facts, answers)
        answer = wait(answers, min(late, *running.values()) - now())
        if answer is not None:
            task, verdicts = answer
            if running.pop(task, None) is not None:  # else it came after it was given up
                yield from ((task, verdict) for verdict in verdicts)
            continue
        over = now() >= late
        for task in [task for task, until in running.items() if over or now() >= until]:
            began = running.pop(task) - limits.check_s
            yield task, unknown(f"no answer within {now() - began:.0f} s", "Run again; look at the network.")
        if over:
            for task in reversed(left):
                yield task, unknown(f"the {limits.total_s:.0f} s of this run were over", "Run again.")
            left.clear()


def _start(task: Task, facts: Facts, answers: "Queue[Answer]") -> None:
    name = f"preflight-{task.check.id}-{task.region}"
    threading.Thread(target=_ask, args=(task, facts, answers), name=name, daemon=True).start()


def _ask(task: Task, facts: Facts, answers: "Queue[Answer]") -> None:
    """What was found before an error stays found."""
    verdicts: list[Verdict] = []
    try:
        verdicts.extend(task.check.look(facts, task.region or GLOBAL_REGION))
    except Exception as error:  # noqa: BLE001 - a check that breaks must not look like one that passed
        verdicts.append(refusals.verdict(task.check, error))
    answers.put((task, verdicts))
