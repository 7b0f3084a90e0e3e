"""Runs state machines one state at a time, on a clock of its own: the parts of the language that ours use.

Anything else in a definition is an error here, so that nothing is thought to be tested that is not. What
tasks do is up to the world they are given; how long a state takes is only waiting, which moves the clock.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_KEYS = {
    "Pass": {"Result", "Parameters"},
    "Task": {"Resource", "Parameters", "ResultSelector", "TimeoutSeconds", "Retry", "Catch"},
    "Choice": {"Choices", "Default"},
    "Wait": {"Seconds", "SecondsPath"},
    "Succeed": set[str](),
    "Fail": {"ErrorPath", "CausePath"},
}
_COMMON = {"Type", "Comment", "Next", "ResultPath"}
_RETRY = {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy"}


class StateError(Exception):
    """What a task can end with: a name as `ErrorEquals` has it, and words."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    now: datetime

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


# (resource without `arn:aws:states:::`, parameters) -> result
World = Callable[[str, Mapping[str, Any]], Any]


@dataclass
class Execution:
    """One run of a definition. `status` is RUNNING, SUCCEEDED or FAILED."""

    machine: Mapping[str, Any]
    data: Any
    world: World
    clock: Clock
    status: str = "RUNNING"
    error: str = ""
    path: list[str] = field(default_factory=list)
    began: datetime = field(init=False)
    _state: str = field(init=False)

    def __post_init__(self) -> None:
        self._state, self.began = self.machine["StartAt"], self.clock.now

    def run(self) -> "Execution":
        """Until it ends."""
        while self.status == "RUNNING":
            self.step()
        return self

    def run_until(self, state: str) -> "Execution":
        """Until this state would be next."""
        while self.status == "RUNNING" and self._state != state:
            self.step()
        assert self.status == "RUNNING", f"ended without reaching {state!r}: {self.path}"
        return self

    def step(self) -> None:
        """One state."""
        if self.clock.now - self.began > timedelta(seconds=self.machine["TimeoutSeconds"]):
            self.status, self.error = "FAILED", "States.Timeout"
            return
        state = self.machine["States"][self._state]
        kind = state["Type"]
        assert set(state) <= _KEYS[kind] | _COMMON, f"{self._state}: {set(state)}"
        self.path.append(self._state)
        self._entered = self.clock.now
        following = getattr(self, f"_{kind.lower()}")(state)
        if following is not None:
            self._state = following

    def _pass(self, state: Mapping[str, Any]) -> str:
        result = state["Result"] if "Result" in state else self._filled(state["Parameters"])
        self._put(state.get("ResultPath", "$"), result)
        return str(state["Next"])

    def _wait(self, state: Mapping[str, Any]) -> str:
        self.clock.wait(state["Seconds"] if "Seconds" in state else self._at(state["SecondsPath"]))
        return str(state["Next"])

    def _succeed(self, _: Mapping[str, Any]) -> None:
        self.status = "SUCCEEDED"

    def _fail(self, state: Mapping[str, Any]) -> None:
        self.status, self.error = "FAILED", self._at(state["ErrorPath"])
        assert isinstance(self._at(state["CausePath"]), str)

    def _choice(self, state: Mapping[str, Any]) -> str:
        for rule in state["Choices"]:
            if self._holds({key: value for key, value in rule.items() if key != "Next"}):
                return str(rule["Next"])
        return str(state["Default"])

    def _task(self, state: Mapping[str, Any]) -> str:
        tries = [0 for _ in state["Retry"]]
        while True:
            try:
                return self._tried(state)
            except StateError as error:
                pause = self._pause(state["Retry"], tries, error)
                if pause is None:
                    return self._caught(state["Catch"], error)
                self.clock.wait(pause)

    def _tried(self, state: Mapping[str, Any]) -> str:
        match = re.fullmatch(r"arn:aws:states:::(.+)", state["Resource"])
        assert match, state["Resource"]
        result = self.world(match[1], self._filled(state["Parameters"]))
        if "ResultSelector" in state:
            result = self._filled(state["ResultSelector"], root=result)
        self._put(state.get("ResultPath", "$"), result)
        return str(state["Next"])

    @staticmethod
    def _pause(retriers: list[Mapping[str, Any]], tries: list[int], error: StateError) -> float | None:
        for number, retrier in enumerate(retriers):
            assert set(retrier) <= _RETRY, retrier
            if _matches(retrier["ErrorEquals"], error):
                tries[number] += 1
                if tries[number] > retrier["MaxAttempts"]:
                    return None
                pause = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** (tries[number] - 1)
                return float(min(pause, retrier.get("MaxDelaySeconds", pause)))
        return None

    def _caught(self, catchers: list[Mapping[str, Any]], error: StateError) -> str:
        for catcher in catchers:
            if _matches(catcher["ErrorEquals"], error):
                self._put(catcher["ResultPath"], {"Error": error.error, "Cause": error.cause})
                return str(catcher["Next"])
        raise AssertionError(f"nobody catches {error.error}")

    def _put(self, path: str | None, value: Any) -> None:
        if path is None:
            return
        assert re.fullmatch(r"\$\.\w+", path), f"result path {path}"
        self.data = {**self.data, path[2:]: value}

    def _at(self, path: str, root: Any = None) -> Any:
        """The value at a reference path; a path that leads nowhere fails the execution in AWS, and here."""
        base = self._context() if path.startswith("$$") else (self.data if root is None else root)
        for word in path.lstrip("$").strip(".").split("."):
            assert re.fullmatch(r"\w+", word), f"path {path}"
            assert isinstance(base, Mapping) and word in base, f"{path} is not in {base}"
            base = base[word]
        return base

    def _is_present(self, path: str) -> bool:
        """The one comparison that a missing value does not end in AWS."""
        base = self.data
        for word in path.removeprefix("$.").split("."):
            if not isinstance(base, Mapping) or word not in base:
                return False
            base = base[word]
        return True

    def _context(self) -> Mapping[str, Any]:
        return {"State": {"EnteredTime": f"{self._entered:%Y-%m-%dT%H:%M:%S.000Z}"}}

    def _filled(self, template: Any, root: Any = None) -> Any:
        """A payload template with its paths and functions replaced by values."""
        if isinstance(template, list):
            return [self._filled(item, root) for item in template]
        if not isinstance(template, Mapping):
            return template
        return {
            key.removesuffix(".$"): self._value(item, root)
            if key.endswith(".$")
            else self._filled(item, root)
            for key, item in template.items()
        }

    def _value(self, text: str, root: Any) -> Any:
        call = re.fullmatch(r"States\.(\w+)\((.*)\)", text, re.DOTALL)
        if call is None:
            return self._at(text, root)
        return _FUNCTIONS[call[1]](*(self._argument(part, root) for part in _arguments(call[2])))

    def _argument(self, text: str, root: Any) -> Any:
        if text.startswith("'"):
            return text[1:-1]
        return int(text) if text.lstrip("-").isdigit() else self._at(text, root)

    def _holds(self, rule: Mapping[str, Any]) -> bool:
        if "And" in rule:
            return all(self._holds(part) for part in rule["And"])
        (name,) = set(rule) - {"Variable"}
        if name == "IsPresent":
            return self._is_present(rule["Variable"]) is rule[name]
        value, wanted = self._at(rule["Variable"]), rule[name]
        if name.endswith("Path"):
            wanted, name = self._at(wanted), name.removesuffix("Path")
        if name.startswith("Timestamp"):
            value, wanted = _moment(value), _moment(wanted)
        return _COMPARISONS[name](value, wanted)


def _format(template: str, *values: Any) -> str:
    assert template.count("{}") == len(values), template
    return template.format(*values)


def _text_to_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise StateError("States.IntrinsicFailure", str(error)) from None


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "Format": _format,
    "MathAdd": lambda one, other: one + other,
    "JsonToString": json.dumps,
    "StringToJson": _text_to_json,
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "StringEquals": lambda value, wanted: isinstance(value, str) and value == wanted,
    "BooleanEquals": lambda value, wanted: value is wanted,
    "NumericEquals": lambda value, wanted: value == wanted,
    "NumericLessThan": lambda value, wanted: value < wanted,
    "NumericGreaterThanEquals": lambda value, wanted: value >= wanted,
    "TimestampLessThanEquals": lambda value, wanted: value <= wanted,
}


def _moment(text: str) -> datetime:
    """As RFC 3339 wants it, with a capital T and Z."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text), text
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def _matches(names: list[str], error: StateError) -> bool:
    if "States.ALL" in names or error.error in names:
        return True
    return "States.TaskFailed" in names and error.error != "States.Timeout"


def _arguments(text: str) -> Iterator[str]:
    """Arguments of a function: quoted texts, paths and numbers."""
    parts = re.findall(r"\s*('[^']*'|[^,']+)\s*(?:,|$)", text)
    assert ", ".join(part.strip() for part in parts) == text, text
    yield from (part.strip() for part in parts)
