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

    @property
    def changed(self) -> bool:
        return self.value != self.default


def rows(settings: Settings) -> tuple[Row, ...]:
    """Every knob of the tree, in the order of the model."""
    return tuple(_rows(settings, Settings(), NAMESPACE + ":"))


def _rows(model: BaseModel, default: BaseModel | None, prefix: str) -> Iterator[Row]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        usual = getattr(default, name, None)
        if isinstance(value, BaseModel):
            below = usual if isinstance(usual, BaseModel) else None
            yield from _rows(value, below, f"{prefix}{name}.")
        else:
            yield Row(
                f"{prefix}{name}",
                _text(value),
                _text(usual),
                field.description or "",
                secret="Secret" in str(field.annotation),
            )


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, SecretStr):
        return str(value)
    if isinstance(value, (tuple, list)):
        return ", ".join(str(getattr(item, "name", item)) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
