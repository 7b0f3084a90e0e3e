"""State machines as files beside their components (`*.asl.json`): filled in, checked before AWS sees them.

Step Functions takes a definition whose failures nobody handles as gladly as a good one. Here every task says
how long it may take, what it tries again and where it goes when that is not enough; a definition that does
not, or that leads nowhere, does not construct.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pulumi import Input, Output

State = Mapping[str, Any]
_FOLDER = Path(__file__).parent
_BLANK = re.compile(r"\$\{(\w+)\}")
# What ends a machine, and what therefore has no Next; a choice says it by its rules.
_ENDS = frozenset({"Succeed", "Fail"})
_MUST = ("TimeoutSeconds", "Retry", "Catch")


class DefinitionError(ValueError):
    """A definition with a fault in it."""


@cache
def text(name: str) -> str:
    """The file of a machine as it stands, blanks and all."""
    return (_FOLDER / f"{name}.asl.json").read_text(encoding="utf-8")


def definition(name: str, values: Mapping[str, Input[str]]) -> Output[str]:
    """A machine's definition with its blanks, `${word}`, filled in; checked first."""
    source = text(name)
    if faults := problems(json.loads(source)):
        raise DefinitionError(f"{name}: {'; '.join(faults)}")
    return Output.all(**values).apply(lambda known: filled(source, known))


def filled(source: str, values: Mapping[str, str]) -> str:
    """The text with each blank's value in it; an unknown or an unused word is an error."""
    words = set(_BLANK.findall(source))
    if words != set(values):
        raise DefinitionError(f"blanks are {sorted(words)}, values are for {sorted(values)}")
    # As JSON writes a text: a quote in a value must not end the one around it.
    return _BLANK.sub(lambda blank: json.dumps(values[blank[1]])[1:-1], source)


def problems(machine: Mapping[str, Any]) -> list[str]:
    """What is wrong with a definition, in words; nothing when it is sound."""
    states: Mapping[str, State] = machine["States"]
    start = machine.get("StartAt", "")
    found = [] if "TimeoutSeconds" in machine else ["the machine has no TimeoutSeconds"]
    found += [f"{name}: leads to {to!r}, which is nowhere" for name, to in _missing(start, states)]
    found += [f"{name}: cannot be reached" for name in states if name not in _reached(start, states)]
    for name, state in states.items():
        found += [f"{name}: {fault}" for fault in _faults(state)]
    return found


def _faults(state: State) -> Iterator[str]:
    kind = state["Type"]
    if kind == "Task":
        yield from (f"a task needs {key}" for key in _MUST if not state.get(key))
        if state.get("Catch") and not _catches_all(state):
            yield "its last Catch must be States.ALL"
    if kind == "Choice" and "Default" not in state:
        yield "a choice needs a Default: States.NoChoiceMatched is caught by nobody"
    if kind not in _ENDS and kind != "Choice" and ("Next" in state) == (state.get("End") is True):
        yield "needs either Next or End"


def _catches_all(state: State) -> bool:
    return bool(state["Catch"][-1]["ErrorEquals"] == ["States.ALL"])


def exits(state: State) -> Iterator[str]:
    """Where a state may go next."""
    if "Next" in state:
        yield state["Next"]
    if "Default" in state:
        yield state["Default"]
    for branch in (*state.get("Choices", ()), *state.get("Catch", ())):
        yield branch["Next"]


def _missing(start: str, states: Mapping[str, State]) -> Iterator[tuple[str, str]]:
    if start not in states:
        yield "StartAt", start
    for name, state in states.items():
        yield from ((name, to) for to in exits(state) if to not in states)


def _reached(start: str, states: Mapping[str, State]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name in states and name not in seen:
            seen.add(name)
            waiting += exits(states[name])
    return seen
