"""What the stand-in does about a question where there are tools: which one, with what, and what comes first.

By rules, from the tools it is given, the question's words and what the prompt knows; a stand-in for
understanding, no more. A tool that needs the number of something unknown waits for another that finds it.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from contract.base import Shape
from rehearsal.bedrock.answers import telling
from rehearsal.bedrock.context import Facts
from rehearsal.bedrock.requests import Conversation, ToolSpec

_NAMED, _DESCRIBED = 3, 1  # what a word of the question counts in a tool's name, and in its description
_ENOUGH = 3
_MOST_COMPARED = 3
_HAND_OVER = "hand_over"
_ASIN = re.compile(r"\bB0[A-Z0-9]{8}\b")
_FINDERS = {"asin": ("search_products",), "asins": ("search_products",), "order_id": ("list_orders",)}


class Words(Shape):
    """The file."""

    means: tuple[tuple[str, str], ...]
    rules: tuple[str, ...] = Field(min_length=1)
    elsewhere: Mapping[str, str]
    two: tuple[str, ...] = Field(min_length=1)
    second: tuple[str, ...] = Field(min_length=1)
    cheapest: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Step:
    """A tool, and what the prompt itself gives for its input."""

    spec: ToolSpec
    known: Mapping[str, Any]


@cache
def _words() -> Words:
    return Words.model_validate(tomllib.loads(Path(__file__).with_name("planner.toml").read_text("utf-8")))


def plan(asked: Conversation, facts: Facts) -> Step | None:
    """The next tool; None: the model speaks."""
    tools = asked.tools
    if tools is None or not tools.specs:
        return None
    said = _meant(asked.question)
    ranked = sorted(tools.specs, key=lambda spec: -_fits(spec, said))
    must = tools.forced_spec or (ranked[0] if tools.choice.any is not None else None)
    if must is not None:
        return Step(must, known(must, asked.question, facts))
    if _says(_words().rules, asked.question):
        return None
    return _chosen(said, ranked, asked, facts)


def _chosen(
    said: Sequence[str], ranked: Sequence[ToolSpec], asked: Conversation, facts: Facts
) -> Step | None:
    """What fits best, or somebody else where nothing here does; not twice for one question."""
    over = _elsewhere(said, ranked)
    if over is not None and over.spec.name not in asked.used:
        return over
    goal = ranked[0]
    if _fits(goal, said) < _ENOUGH or goal.name in asked.used:
        return None
    return _towards(goal, ranked, asked, facts)


def _elsewhere(said: Sequence[str], specs: Sequence[ToolSpec]) -> Step | None:
    """To whoever can do what is asked for, where nobody here can."""
    over = next((spec for spec in specs if spec.name == _HAND_OVER), None)
    named = {_stem(word) for spec in specs for word in spec.name.split("_")}
    wanted = [who for word, who in _words().elsewhere.items() if word in said and _stem(word) not in named]
    return Step(over, {"to": wanted[0]}) if over is not None and wanted else None


def _towards(goal: ToolSpec, specs: Sequence[ToolSpec], asked: Conversation, facts: Facts) -> Step | None:
    """The goal, or what finds what it needs."""
    given = known(goal, asked.question, facts)
    lacking = [name for name in _required(goal) if name in _FINDERS and name not in given]
    if not lacking:
        return Step(goal, given)
    finders = [spec for spec in specs if spec.name in _FINDERS[lacking[0]] and spec.name not in asked.used]
    return Step(finders[0], known(finders[0], asked.question, facts)) if finders else None


def known(spec: ToolSpec, question: str, facts: Facts) -> dict[str, Any]:
    """What the question and the prompt give for a tool's input."""
    properties = [name for name in _properties(spec) if name in _GIVES]
    found = {name: _GIVES[name](question, facts) for name in properties}
    return {name: value for name, value in found.items() if value is not None}


def _compared(question: str, facts: Facts) -> list[str] | None:
    most = 2 if _says(_words().two, question) else _MOST_COMPARED
    found = _asins(question, facts)[:most]
    return found if len(found) > 1 else None


def _asins(question: str, facts: Facts) -> list[str]:
    """Those the question names; else those it can mean, the likeliest first."""
    if named := _ASIN.findall(question):
        return list(dict.fromkeys(named))
    products = [product for product in facts.products if product.id]
    if _says(_words().cheapest, question):
        products.sort(key=lambda product: (product.in_stock is False, product.price or float("inf")))
    elif _says(_words().second, question) and len(products) > 1:
        products.insert(0, products.pop(1))
    else:
        words = set(telling(question))
        products.sort(key=lambda product: -len(words & set(telling(product.name))))
    return list(dict.fromkeys(product.id for product in products))


def _orders(question: str, facts: Facts) -> list[str]:
    if named := re.findall(r"\bORD-\d+\b", question):
        return list(dict.fromkeys(named))
    return list(dict.fromkeys(order.id for order in facts.orders if order.id.startswith("ORD-")))


def _number(question: str, facts: Facts) -> str | None:
    """Of a delivery, or of its order."""
    return _first(re.findall(r"\bDLV-\d+\b", question)) or _first(_orders(question, facts))


def _card(question: str, _: Facts) -> str | None:
    return _first(re.findall(r"\bend\w* (?:in |with )?(\d{4})\b", question))


def _first(found: Sequence[str]) -> str | None:
    return found[0] if found else None


def _money(question: str, _: Facts) -> float | None:
    found = re.search(r"\$\s?(\d+(?:\.\d{1,2})?)|(\d+(?:\.\d{1,2})?)\s?(?:dollars|ドル)", question)
    return float(found[1] or found[2]) if found else None


def _meant(question: str) -> list[str]:
    """The question's words, with what they mean."""
    more = [words for pattern, words in _words().means if re.search(pattern, question, re.IGNORECASE)]
    return telling(" ".join([question, *more]))


def _says(patterns: Sequence[str], question: str) -> bool:
    return any(re.search(pattern, question, re.IGNORECASE) for pattern in patterns)


def _fits(spec: ToolSpec, said: Sequence[str]) -> int:
    asked = {_stem(word) for word in said}
    named = {_stem(word) for word in re.findall(r"[a-z]+", spec.name.lower())} - {"to", "of"}
    described = {_stem(word) for word in telling(spec.description)} - named
    return _NAMED * len(asked & named) + _DESCRIBED * len(asked & described)


def _stem(word: str) -> str:
    return re.sub(r"(ies|es|s|ing|ed|e)$", "", word) or word


def _properties(spec: ToolSpec) -> Mapping[str, Any]:
    found: Mapping[str, Any] = spec.schema_.get("json", {}).get("properties", {})
    return found


def _required(spec: ToolSpec) -> Sequence[str]:
    found: Sequence[str] = spec.schema_.get("json", {}).get("required", ())
    return found


# Field of an input -> what the question and the prompt give for it.
_GIVES: Mapping[str, Callable[[str, Facts], Any]] = {
    "asin": lambda question, facts: _first(_asins(question, facts)),
    "asins": _compared,
    "order_id": lambda question, facts: _first(_orders(question, facts)),
    "number": _number,
    "token": lambda question, _: _first(re.findall(r"\btok_\w+", question)),
    "card": _card,
    "max_price": _money,
    "price": _money,
    "amount": _money,
    "words": lambda question, _: question[:120],
    "why": lambda question, _: question[:1_000],
}
