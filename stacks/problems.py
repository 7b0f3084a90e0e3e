"""What is wrong with a settings tree, in words for the engineer who wrote it.

One line a fault: where it stands, which key, what it says, what to write instead; a secret's text never.
Works on any tree of models; which keys there are is in `stacks.settings`.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from stacks.stackfile import NAMESPACE, Problem, SettingsError, is_sealed, unknown_key

Tree = TypeVar("Tree", bound=BaseModel)
Path = tuple[str, ...]

_WORDS = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "tuple_type": "must be a list, for example [one, two]",
    "string_too_short": "must not be empty",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length} entries, has {actual_length}",
    "too_long": "takes at most {max_length} entries, has {actual_length}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "rule": "{why}",
}
_MAPPING = {"model_type", "dict_type", "model_attributes_type"}
# Their words are written by a validator that has seen the value.
_QUOTING = {"rule", "value_error"}


def rule(at: str, why: str) -> PydanticCustomError:
    """For validators that compare keys: `at` is the key to change, so that the message gets its line."""
    return PydanticCustomError("rule", "{why}", {"at": at, "why": why})


def validated(
    tree: type[Tree],
    values: Mapping[str, Any],
    *,
    file: str,
    lines: Mapping[str, int],
    sealed_sections: Sequence[str] = (),
) -> Tree:
    """The tree, or a SettingsError with everything that is wrong.

    Read from the file, sealed values are stand-ins and each can be judged. The engine hands over opened text
    and only says which sections hold secrets: `sealed_sections`.
    """
    speaker = _Speaker(tree, file, lines, frozenset(sealed_sections))
    misplaced = [*speaker.misplaced(values)]
    found: Tree | None = None
    errors: list[ErrorDetails] = []
    try:
        found = tree.model_validate(values)
    except ValidationError as invalid:
        errors = invalid.errors()
    if found is not None and not misplaced:
        return found
    problems = [
        speaker.say(path, "is sealed with `secure:`, but is no secret: write it openly") for path in misplaced
    ]
    raise SettingsError([*problems, *speaker.explain(errors, said=misplaced)]) from None


@dataclass(frozen=True)
class _Speaker:
    """Knows the tree, the file it came from, and what must not be quoted."""

    tree: type[BaseModel]
    file: str
    lines: Mapping[str, int]
    hidden: frozenset[str]

    def misplaced(self, values: Mapping[str, Any]) -> Iterator[Path]:
        """Sealed values where the tree wants no secret: the stand-in would pass for the value itself."""
        for path in _sealed(values, ()):
            field = self._field(path)
            if field is not None and not _is_secret(field.annotation):
                yield path
        for section in sorted(self.hidden):
            field = self.tree.model_fields.get(section)
            if field is not None and not _holds_secret(field.annotation):
                yield (section,)

    def explain(self, errors: Sequence[ErrorDetails], said: Sequence[Path]) -> Iterator[Problem]:
        """A problem an error, without those that only follow from another one."""
        paths = [_path_of(error) for error in errors]
        above = {part for path in (*paths, *said) for part in _above(path)}
        for error, path in zip(errors, paths, strict=True):
            told = any(part in said for part in (path, *_above(path)))
            if path not in above and not told:
                yield self.say(path, self._fix(path, error), self._shown(path, error))

    def say(self, path: Path, fix: str, value: str | None = None) -> Problem:
        key = f"{NAMESPACE}:{'.'.join(path)}" if path else NAMESPACE
        keys = (f"{NAMESPACE}:{'.'.join(path[:end])}" for end in range(len(path), 0, -1))
        line = next((self.lines[k] for k in keys if k in self.lines), None)
        return Problem(self.file, line, key, value, fix)

    def _shown(self, path: Path, error: ErrorDetails) -> str | None:
        if error["type"] in {"missing", "extra_forbidden"} or not path or self._quiet(path):
            return None
        value = error["input"]
        for part in path[len(error["loc"]) :]:
            value = value.get(part) if isinstance(value, Mapping) else getattr(value, part, None)
        return None if isinstance(value, (dict, BaseModel)) else json.dumps(value, default=str)

    def _quiet(self, path: Path) -> bool:
        field = self._field(path)
        return path[0] in self.hidden or (field is not None and _holds_secret(field.annotation))

    def _fix(self, path: Path, error: ErrorDetails) -> str:
        kind = error["type"]
        if kind in _QUOTING and self._quiet(path):
            return f"breaks a rule; `{NAMESPACE} plan` says which, without the secrets"
        if kind == "extra_forbidden":
            return unknown_key(path[-1], list(self._model(path[:-1]).model_fields))
        if kind == "missing":
            field = self._field(path)
            return f"is required: {field.description}" if field and field.description else "is required"
        if kind in _MAPPING:
            empty = error["input"] is None
            keys = ", ".join(self._model(path).model_fields)
            return (
                f"{'is empty: remove it, or give it' if empty else 'must be a mapping with'} keys of {keys}"
            )
        if kind == "value_error":
            return str(error["ctx"]["error"])
        return _WORDS[kind].format_map(error.get("ctx", {})) if kind in _WORDS else error["msg"].lower()

    def _field(self, path: Path) -> FieldInfo | None:
        return self._at(path)[0]

    def _model(self, path: Path) -> type[BaseModel]:
        return _model_in(self._at(path)[1]) or self.tree

    def _at(self, path: Path) -> tuple[FieldInfo | None, Any]:
        """(field, its type) a path leads to, through lists and mappings; none where there is no such key."""
        field: FieldInfo | None = None
        kind: Any = self.tree
        for part in path:
            model = _model_in(kind)
            if model is not None:
                field = model.model_fields.get(part)
                kind = field.annotation if field is not None else None
            elif inner := typing.get_args(kind):
                kind = inner[-1] if typing.get_origin(kind) in {dict, Mapping} else inner[0]
        return field, kind


def _path_of(error: ErrorDetails) -> Path:
    at = error.get("ctx", {}).get("at", "") if error["type"] == "rule" else ""
    return (*(str(part) for part in error["loc"]), *(str(at).split(".") if at else ()))


def _above(path: Path) -> Iterator[Path]:
    """Every path to something that holds this one."""
    return (path[:end] for end in range(len(path)))


def _sealed(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _sealed(item, (*path, str(key)))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _sealed(item, (*path, str(number)))
    elif is_sealed(value):
        yield path


def _parts(annotation: Any) -> Iterator[Any]:
    """The types an annotation such as `tuple[RegionSettings | None, ...]` is made of."""
    yield annotation
    for inner in typing.get_args(annotation):
        yield from _parts(inner)


def _is_secret(annotation: Any) -> bool:
    return SecretStr in _parts(annotation)


def _holds_secret(annotation: Any) -> bool:
    model = _model_in(annotation)
    if model is not None:
        return any(_holds_secret(field.annotation) for field in model.model_fields.values())
    return annotation is SecretStr or any(_holds_secret(inner) for inner in typing.get_args(annotation))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model an annotation such as `RegionSettings | None` stands for."""
    union = isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union
    for candidate in typing.get_args(annotation) if union else (annotation,):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
