"""The grammar of EventBridge patterns: AWS refuses a wrong one only when it is deployed, and a field nobody
sends it never refuses.

`faults(text)` says what is wrong with one. From the EventBridge user guide, "Creating event patterns".
"""

import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

LONGEST = 2_048
_ENVELOPE = frozenset(
    {
        *("account", "detail", "detail-type", "id", "ingestion-time", "region", "replay-name", "resources"),
        *("source", "time", "version"),
    }
)
_COMPARISONS = {"=", "<", "<=", ">", ">="}
_BILLION = 5_000_000_000


def faults(text: str) -> Iterator[str]:
    """What is wrong with a pattern, as JSON text."""
    if len(text) > LONGEST:
        yield f"it has {len(text)} characters, EventBridge takes {LONGEST}"
    try:
        pattern = json.loads(text)
    except json.JSONDecodeError as error:
        yield f"it is no JSON: {error}"
        return
    if not isinstance(pattern, dict) or not pattern:
        yield "it is no object with at least one field"
        return
    for field in sorted(pattern.keys() - _ENVELOPE - {"$or"}):
        yield f"no event has the field {field}"
    if "detail" in pattern and not isinstance(pattern["detail"], dict):
        yield "detail is an object in every event"
    yield from _object(pattern, "")


def _object(pattern: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, value in pattern.items():
        place = f"{path}.{key}" if path else key
        if key == "$or":
            yield from _either(value, place)
        elif isinstance(value, dict):
            if not value:
                yield f"{place} is empty and matches nothing"
            yield from _object(value, place)
        elif isinstance(value, list):
            yield from _values(value, place)
        else:
            yield f"{place} is {value!r}: what is matched stands in a list"


def _either(value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(each, dict) for each in value):
        yield f"{place} takes a list of two or more patterns"
        return
    for each in value:
        yield from _object(each, place)


def _values(values: list[Any], place: str) -> Iterator[str]:
    if not values:
        yield f"{place} is an empty list and matches nothing"
    for value in values:
        if isinstance(value, list):
            yield f"{place} has a list within its list"
        elif isinstance(value, dict):
            yield from _operation(value, place)


def _operation(value: Mapping[str, Any], place: str) -> Iterator[str]:
    if len(value) != 1:
        yield f"{place} has an object of {len(value)} keys where one operator belongs"
        return
    ((operator, operand),) = value.items()
    check = _OPERATORS.get(operator)
    if check is None:
        yield f"{place}: {operator} is no operator"
    elif not check(operand):
        yield f"{place}: {operator} does not take {json.dumps(operand)}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _BILLION


def _is_affix(value: Any) -> bool:
    return _is_text(value) or (
        isinstance(value, dict) and value.keys() == {"equals-ignore-case"} and _is_text(*value.values())
    )


def _is_excluded(value: Any) -> bool:
    if isinstance(value, dict):
        within = {"cidr", "equals-ignore-case", "prefix", "suffix", "wildcard"}
        ((operator, operand),) = value.items() if len(value) == 1 else (("", None),)
        operands = operand if isinstance(operand, list) else [operand]
        return operator in within and bool(operands) and all(_OPERATORS[operator](each) for each in operands)
    values = value if isinstance(value, list) else [value]
    return bool(values) and all(isinstance(each, str | int | float) for each in values)


def _is_range(value: Any) -> bool:
    if not isinstance(value, list) or len(value) not in {2, 4}:
        return False
    pairs = list(zip(value[::2], value[1::2], strict=True))
    if not all(sign in _COMPARISONS and _is_number(number) for sign, number in pairs):
        return False
    return len(pairs) == 1 or (pairs[0][0][0] == ">" and pairs[1][0][0] == "<" and pairs[0][1] < pairs[1][1])


def _is_network(value: Any) -> bool:
    try:
        ipaddress.ip_network(value, strict=False)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


def _is_wildcard(value: Any) -> bool:
    return _is_text(value) and "**" not in value


_OPERATORS: Mapping[str, Callable[[Any], bool]] = {
    "anything-but": _is_excluded,
    "cidr": _is_network,
    "equals-ignore-case": _is_text,
    "exists": lambda value: isinstance(value, bool),
    "numeric": _is_range,
    "prefix": _is_affix,
    "suffix": _is_affix,
    "wildcard": _is_wildcard,
}
