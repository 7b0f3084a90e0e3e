"""Fills the parameter tables of `seed.toml` from a resource's fields; the notation is described there."""

from collections.abc import Iterable, Mapping
from typing import Any

Fields = Mapping[str, Any]


class _Missing:
    """What a reference without a value becomes; None would be a value."""


MISSING = _Missing()
_WORDS = {"each", "when", "by", "is"}


def fill(template: Any, fields: Fields) -> Any:
    """The template with its references replaced; what has no value is left out, down to `MISSING` for all."""
    if isinstance(template, str) and template.startswith("$"):
        return look_up(template, fields)
    if isinstance(template, list):
        return _present(fill(item, fields) for item in template)
    if isinstance(template, dict):
        return _fill_table(template, fields)
    return template


def look_up(reference: str, fields: Fields) -> Any:
    """`$a.b|c`: the first of the alternatives that has a value."""
    found = (_walk(path.split("."), fields) for path in reference.removeprefix("$").split("|"))
    return next((value for value in found if value is not MISSING), MISSING)


def _fill_table(template: Mapping[str, Any], fields: Fields) -> Any:
    parameters = {key: value for key, value in template.items() if key not in _WORDS}
    if "when" in template and look_up(template["when"], fields) in (MISSING, False):
        return MISSING
    if template.keys() == {"as_text"}:
        value = fill(template["as_text"], fields)
        return MISSING if value is MISSING else str(value)
    if "by" in template:
        items = look_up(template["each"], fields)
        return MISSING if items is MISSING else _named(template, parameters, items)
    if "each" in template:
        items = look_up(template["each"], fields)
        return MISSING if items is MISSING else _present(fill(parameters, item) for item in _items(items))
    filled = {key: fill(value, fields) for key, value in parameters.items()}
    return {key: value for key, value in filled.items() if value is not MISSING} or MISSING


def _named(template: Mapping[str, Any], parameters: Mapping[str, Any], items: Any) -> Any:
    """A map: each item under the name that `by` gives; the whole item is `is`, or what the table fills."""
    made = template.get("is", dict(parameters))
    filled = {look_up(template["by"], item): fill(made, item) for item in _items(items)}
    return {key: value for key, value in filled.items() if value is not MISSING} or MISSING


def _items(value: Any) -> Iterable[Fields]:
    """A list's items; those of a map as key and value. A single pair is one item."""
    if isinstance(value, Mapping) and value.keys() == {"key", "value"}:
        return [value]
    if isinstance(value, Mapping):
        return [{"key": key, "value": item} for key, item in value.items()]
    return list(value)


def _present(values: Iterable[Any]) -> Any:
    return [value for value in values if value is not MISSING] or MISSING


def _walk(path: list[str], value: Any) -> Any:
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value
