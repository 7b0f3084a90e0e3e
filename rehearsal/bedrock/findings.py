"""What a guardrail finds in a text, policy by policy, in the words of its assessments.

Recognised by lists of words and patterns (guardrails.toml), where AWS uses models: what is found here is
there for certain, and much that AWS would find is not found.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from contract.base import Shape
from rehearsal.bedrock.guardrail_rules import Guardrail

INPUT, OUTPUT = "INPUT", "OUTPUT"


class Pii(Shape):
    """A kind of personal data, as a pattern."""

    kind: str
    pattern: str
    luhn: bool = False


class Topics(Shape):
    """How many telling words of a topic make a text one of it."""

    at_least: int = Field(ge=1)
    common: frozenset[str]


class Known(Shape):
    """guardrails.toml."""

    filters: Mapping[str, tuple[str, ...]]
    topics: Topics
    profanity: Mapping[str, tuple[str, ...]]
    pii: tuple[Pii, ...]


@dataclass
class Findings:
    """`policies`: the assessment. `text`: with what is masked replaced. `blocked`: it may not pass at all."""

    text: str
    blocked: bool = False
    masked: bool = False
    policies: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    def add(self, policy: str, kind: str, action: str, **what: Any) -> None:
        self.policies.setdefault(policy, {}).setdefault(kind, []).append(
            {**what, "action": action, "detected": True}
        )
        self.blocked |= action == "BLOCKED"
        self.masked |= action == "ANONYMIZED"


@cache
def known() -> Known:
    """The file, checked."""
    return Known.model_validate(tomllib.loads(Path(__file__).with_name("guardrails.toml").read_text("utf-8")))


def assess(rules: Guardrail, text: str, direction: str) -> Findings:
    """Holds a text against every policy but grounding, which needs sources."""
    found, lower = Findings(text), f" {text.lower()} "
    _topics(rules, lower, found)
    _content(rules, lower, direction, found)
    _words(rules, lower, direction, found)
    _personal(rules, found)
    return found


def ground(rules: Guardrail, text: str, sources: str, query: str, found: Findings) -> None:
    """The share of the answer's words its sources know, and of the question's that the answer takes up."""
    scores = {"GROUNDING": _covered(text, sources), "RELEVANCE": _covered(query, text)}
    for kind, threshold in rules.grounding.items():
        low = scores[kind] < threshold
        found.policies.setdefault("contextualGroundingPolicy", {}).setdefault("filters", []).append(
            {
                "type": kind,
                "threshold": threshold,
                "score": round(scores[kind], 2),
                "action": "BLOCKED" if low else "NONE",
                "detected": low,
            }
        )
        found.blocked |= low


def _topics(rules: Guardrail, lower: str, found: Findings) -> None:
    for topic in rules.topics:
        telling = _telling(" ".join((topic.definition, *topic.examples)))
        exact = any(example.lower().rstrip("?.!") in lower for example in topic.examples)
        if exact or len(telling & _telling(lower)) >= known().topics.at_least:
            found.add("topicPolicy", "topics", "BLOCKED", name=topic.name, type="DENY")


def _content(rules: Guardrail, lower: str, direction: str, found: Findings) -> None:
    for rule in rules.filters:
        strength = rule.input if direction == INPUT else rule.output
        if strength != "NONE" and any(_has(lower, phrase) for phrase in known().filters.get(rule.kind, ())):
            found.add(
                "contentPolicy",
                "filters",
                "BLOCKED",
                type=rule.kind,
                confidence="HIGH",
                filterStrength=strength,
            )


def _words(rules: Guardrail, lower: str, direction: str, found: Findings) -> None:
    for word in rules.words:
        if (word.input if direction == INPUT else word.output) and _has(lower, word.text.lower()):
            found.add("wordPolicy", "customWords", "BLOCKED", match=word.text)
    if rules.profanity:
        for bad in known().profanity["words"]:
            if _has(lower, bad):
                found.add("wordPolicy", "managedWordLists", "BLOCKED", match=bad, type="PROFANITY")


def _personal(rules: Guardrail, found: Findings) -> None:
    for pii in known().pii:
        if action := rules.pii.get(pii.kind):
            for match in list(_matches(pii.pattern, found.text, luhn=pii.luhn)):
                _mask(found, "piiEntities", pii.kind, action, match=match, type=pii.kind)
    for own in rules.patterns:
        for match in list(_matches(own.pattern, found.text)):
            said = {"name": own.name, "regex": own.pattern, "match": match}
            _mask(found, "regexes", own.name, own.action, **said)


def _mask(found: Findings, kind: str, name: str, action: str, **what: str) -> None:
    verdict = "BLOCKED" if action == "BLOCK" else "ANONYMIZED"
    found.add("sensitiveInformationPolicy", kind, verdict, **what)
    found.text = found.text.replace(what["match"], f"{{{name}}}")


def _matches(pattern: str, text: str, *, luhn: bool = False) -> Iterator[str]:
    for match in re.finditer(pattern, text):
        if not luhn or _checks(match[0]):
            yield match[0]


def _checks(number: str) -> bool:
    """Card numbers carry a check digit (Luhn); order numbers seldom satisfy it."""
    digits = [int(digit) for digit in reversed(re.sub(r"\D", "", number))]
    doubled = (sum(divmod(digit * 2, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _has(lower: str, phrase: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", lower) is not None


def _telling(text: str) -> set[str]:
    return {word for word in re.findall(r"\w{4,}", text.lower()) if word not in known().topics.common}


def _covered(text: str, by: str) -> float:
    words = set(re.findall(r"\w{4,}|\d+", text.lower()))
    return len(words & set(re.findall(r"\w{4,}|\d+", by.lower()))) / len(words) if words else 1.0
