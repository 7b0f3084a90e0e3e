"""The settings tree as rows, for people: what can be set, what it is now, and whether the file says so."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr

from stacks.settings import Settings
from stacks.stackfile import NAMESPACE


@dataclass(frozen=True, slots=True)
class Row:
    """One knob. Secrets show as asterisks."""

    key: str
    value: str
    default: str
    description: str
    secret: bool
    changed: bool


def rows(settings: Settings) -> tuple[Row, ...]:
    """Every knob of the tree, in the order of the model."""
    return tuple(_rows(settings, Settings(), NAMESPACE + ":"))


def _rows(model: BaseModel, default: BaseModel | None, prefix: str) -> Iterator[Row]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        usual = getattr(default, name, None)
        if isinstance(value, BaseModel):
            yield from _rows(value, usual if isinstance(usual, BaseModel) else None, f"{prefix}{name}.")
            continue
        shown, default_shown = _text(value), _text(usual)
        parts = _parts(value)
        yield Row(
            f"{prefix}{name}",
            shown,
            default_shown,
            field.description or "",
            secret="Secret" in str(field.annotation),
            # Of a list of parts each knob has a row of its own, so that here only names count.
            changed=shown != default_shown if parts else value != usual,
        )
        usual_parts = _parts(usual)
        for number, part in enumerate(parts):
            below = usual_parts[number] if number < len(usual_parts) else None
            yield from _rows(part, below, f"{prefix}{name}.{number}.")


def _parts(value: Any) -> tuple[BaseModel, ...]:
    """The models a knob lists, such as the rungs of the ladder."""
    return tuple(p for p in value if isinstance(p, BaseModel)) if isinstance(value, tuple) else ()


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, SecretStr):
        return str(value)
    if isinstance(value, (tuple, list)):
        return ", ".join(_item(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _item(value: Any) -> str:
    """One of a list: a list of its own in brackets, a word as files write it, a model by its name."""
    if isinstance(value, (tuple, list)):
        return f"[{_text(value)}]"
    return str(value if isinstance(value, str) else getattr(value, "name", value))
