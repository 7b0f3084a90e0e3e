"""The input of a tool as the stand-in fills it: what is known, what the question says, and what the schema
takes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from string import ascii_letters, digits
from typing import Any

from rehearsal.bedrock.answers import telling
from rehearsal.bedrock.requests import ToolSpec

_IDENTITY = re.compile(r"\b(?=[A-Z0-9-]*\d)[A-Z0-9][A-Z0-9-]{4,}\b")
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Use:
    """A tool the model asks for, with the input it gives; a malformed one is not what the schema says."""

    id: str
    name: str
    input: Any


def use(random: Random, spec: ToolSpec, known: Mapping[str, Any], question: str, *, malformed: bool) -> Use:
    """What the model sends."""
    name = "".join(random.choice(ascii_letters + digits) for _ in range(22))
    schema = spec.schema_.get("json", {})
    filled = {**_object(schema, question, 0), **known}
    return Use(f"tooluse_{name}", spec.name, _broken(random, schema, filled) if malformed else filled)


def _object(schema: Mapping[str, Any], question: str, depth: int) -> dict[str, Any]:
    required = schema.get("required", ())
    properties: Mapping[str, Any] = schema.get("properties", {})
    filled = {}
    for name, rule in properties.items():
        known = _evident(name, rule, question)
        if known is not None or name in required:
            filled[name] = known if known is not None else _made_up(rule, question, depth)
    return filled


def _evident(name: str, rule: Mapping[str, Any], question: str) -> Any:
    """A value that the question itself gives."""
    if "enum" in rule:
        said = question.lower()
        return next((item for item in rule["enum"] if str(item).lower() in said), None)
    if rule.get("type") != "string":
        return None
    if re.search(r"(^|_)(id|asin|sku|number)s?$|Id$|Asin$", name):
        found = _IDENTITY.search(question)
        return found[0] if found else None
    if name.lower() in ("query", "q", "text", "question", "search", "keywords"):
        return " ".join(telling(question)) or question
    return None


def _made_up(rule: Mapping[str, Any], question: str, depth: int) -> Any:
    """A value the schema takes."""
    if "enum" in rule or "const" in rule or "default" in rule:
        return rule.get("default", rule.get("const", *rule.get("enum", ())[:1]))
    match rule.get("type"):
        case "integer" | "number":
            return _number(rule, question)
        case "boolean":
            return True
        case "array":
            items = _made_up(rule.get("items", {}), question, depth + 1) if depth < _DEEPEST else ""
            return [items] * max(1, int(rule.get("minItems", 1)))
        case "object":
            return _object(rule, question, depth + 1) if depth < _DEEPEST else {}
        case _:
            return " ".join(telling(question)[:6]) or "unknown"


def _number(rule: Mapping[str, Any], question: str) -> float:
    said = re.search(r"(?<![\w-])\d+(?![\w-])", question)
    wanted = int(said[0]) if said else 1
    least, most = float(rule.get("minimum", wanted)), float(rule.get("maximum", wanted))
    number = min(max(wanted, least), most)
    return int(number) if rule.get("type") == "integer" else number


def _broken(random: Random, schema: Mapping[str, Any], filled: dict[str, Any]) -> dict[str, Any]:
    """As models get it wrong: a required field missing, a type that is another, a field nobody knows."""
    names: Sequence[str] = [name for name in schema.get("required", ()) if name in filled] or list(filled)
    if not names:
        return {"unexpected": "value"}
    name = random.choice(names)
    match random.randrange(3):
        case 0:
            return {key: value for key, value in filled.items() if key != name}
        case 1:
            return {**filled, name: {"value": filled[name]}}
        case _:
            return {(f"{key}_" if key == name else key): value for key, value in filled.items()}
