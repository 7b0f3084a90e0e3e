"""The JSON schema of a tool's input, as models and programs are told it: without what pydantic adds for
people.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from contract.base import Shape


@cache
def schema(shape: type[Shape]) -> Mapping[str, Any]:
    """Made once for each."""
    made: Mapping[str, Any] = _plain(shape.model_json_schema())
    return {name: part for name, part in made.items() if name != "description"}


def _plain(value: Any) -> Any:
    """Without titles; a property may well be called `title`."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: {key: _plain(one) for key, one in part.items()} if name == "properties" else _plain(part)
        for name, part in value.items()
        if not (name == "title" and isinstance(part, str))
    }
