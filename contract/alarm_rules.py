"""The rule of a composite alarm: what is asked of the states of other alarms, and whether it holds.

Grammar and limits are those of the CloudWatch user guide, "Composite alarms"; its examples are held against
this in tests/contract/test_alarm_rules.py.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Never, get_args

from contract.errors import WrongUseError

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
STATES: tuple[State, ...] = get_args(State)
CHILDREN_AT_MOST, ELEMENTS_AT_MOST, CHARACTERS_AT_MOST = 100, 500, 10_240
_TOKEN = re.compile(r'\s*(?P<quoted>"(?:[^"\\]|\\.)*")|\s*(?P<sign>[(),])|\s*(?P<word>[^\s(),"]+)')
_ARN = re.compile(r"arn:[^:]*:cloudwatch:[^:]*:\d*:alarm:(.+)", re.DOTALL)

Holds = Callable[[Mapping[str, State]], bool]


class RuleError(WrongUseError):
    """A rule that CloudWatch would refuse."""


@dataclass(frozen=True)
class Rule:
    """A parsed rule. `children`: names of the alarms it asks about; one nobody knows has no data."""

    text: str
    children: tuple[str, ...]
    holds: Holds


@lru_cache(maxsize=1024)
def parse(text: str) -> Rule:
    """RuleError says what CloudWatch would refuse."""
    if len(text) > CHARACTERS_AT_MOST:
        raise RuleError(f"{text[:40]}...: a rule has at most {CHARACTERS_AT_MOST} characters")
    reader = _Reader(text, list(_tokens(text)))
    holds = reader.either()
    if reader.rest:
        reader.refuse(f"nothing may follow, but {reader.rest[0]} does")
    children = tuple(dict.fromkeys(reader.children))
    if len(children) > CHILDREN_AT_MOST:
        reader.refuse(f"it asks about {len(children)} alarms, and at most {CHILDREN_AT_MOST} are allowed")
    if reader.elements > ELEMENTS_AT_MOST:
        reader.refuse(f"it has {reader.elements} elements, and at most {ELEMENTS_AT_MOST} are allowed")
    return Rule(text, children, holds)


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise RuleError(f"{text}: a quotation mark is not closed")
        yield found[0].strip()
        at = found.end()


class _Reader:
    """Reads tokens from the left: OR binds least, then AND, then NOT."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text, self.rest = text, tokens
        self.children: list[str] = []
        self.elements = 0

    def either(self) -> Holds:
        parts = [self._all()]
        while self._take("OR"):
            parts.append(self._all())
        return lambda states: any(part(states) for part in parts)

    def _all(self) -> Holds:
        parts = [self._one()]
        while self._take("AND"):
            parts.append(self._one())
        return lambda states: all(part(states) for part in parts)

    def _one(self) -> Holds:
        if self._take("NOT"):
            held = self._one()
            return lambda states: not held(states)
        word = self._next()
        if word == "(":
            self.elements += 2
            held = self.either()
            self._expect(")")
            return held
        if word in {"TRUE", "FALSE"}:
            self.elements += 1
            return lambda _: word == "TRUE"
        if word == "AT_LEAST":
            return self._at_least()
        for state in STATES:
            if word == state:
                self._expect("(")
                name = self._name()
                self._expect(")")
                return lambda states: states.get(name, "INSUFFICIENT_DATA") == state
        return self.refuse(f"{word} is no function: {', '.join(STATES)}, AT_LEAST, TRUE, FALSE")

    def _at_least(self) -> Holds:
        """AT_LEAST(M, STATE_CONDITION, (alarm1, alarm2, ...))."""
        self._expect("(")
        least = self._next().strip('"')
        self._expect(",")
        unlike = self._take("NOT")
        state = self._next()
        self._expect(",")
        self._expect("(")
        names = [self._name()]
        while self._take(","):
            names.append(self._name())
        self._expect(")")
        self._expect(")")
        if state not in STATES or not re.fullmatch(r"\d+%?", least):
            self.refuse("AT_LEAST takes a number or a percentage, a state and alarms")
        needed = int(least[:-1]) / 100 * len(names) if least.endswith("%") else int(least)

        def holds(states: Mapping[str, State]) -> bool:
            found = [(states.get(name, "INSUFFICIENT_DATA") == state) != unlike for name in names]
            return sum(found) >= needed

        return holds

    def _name(self) -> str:
        word = self._next()
        if word in {"(", ")", ","}:
            self.refuse("the name of an alarm is missing")
        plain = re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
        arn = _ARN.fullmatch(plain)
        self.children.append(arn[1] if arn else plain)
        self.elements += 1
        return self.children[-1]

    def _take(self, word: str) -> bool:
        if self.rest and self.rest[0] == word:
            self.rest.pop(0)
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._take(word):
            self.refuse(f"{word} is missing before {self.rest[0] if self.rest else 'the end'}")

    def _next(self) -> str:
        return self.rest.pop(0) if self.rest else self.refuse("it ends too early")

    def refuse(self, why: str) -> Never:
        raise RuleError(f"{self.text[:200]}: {why}")
