"""What must hold for any plan at all, checked on every run before anyone reads it."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from plan.identities import UNRESOLVED
from plan.model import Plan, Secret
from plan.record import Recording

# Texts that only appear where a value was used before it was known.
_LEAKED = re.compile(
    r"Output\[T\]|<pulumi\.output|<[\w.]+ object at 0x[0-9a-f]+>|\barn:[^\s\"]*(?<=[:/])None(?=[:/]|\b)"
)
# What `stacks.stackfile` puts for a `secure:` value: a secret even where nobody marked it as one.
_SEALED = re.compile(r"sealed-[0-9a-f]{24}")
# Shorter texts stand in too many places by chance.
_SECRET_LENGTH = 6


def problems(recording: Recording, plan: Plan) -> list[str]:
    """One line a fault; an empty list is a sound plan."""
    return [
        *(f"{urn} is declared twice: give one of them another name" for urn in recording.duplicates),
        *_unresolved(plan),
        *_open_secrets(plan),
        *_default_provider(plan),
    ]


def differences(plan: Plan, again: Plan) -> Iterator[str]:
    """The same program and settings must declare the same things, or every `up` shows a change."""
    first, second = ({r.urn: r for r in p.resources} for p in (plan, again))
    for urn in sorted(first.keys() ^ second.keys()):
        yield f"{urn} is declared in one of two equal runs: names must not depend on time or chance"
    for urn in sorted(first.keys() & second.keys() - {plan.root.urn}):
        if first[urn] != second[urn]:
            names = sorted(
                key
                for key in {**first[urn].inputs, **second[urn].inputs}
                if first[urn].inputs.get(key) != second[urn].inputs.get(key)
            )
            yield f"{first[urn].label} differs between two equal runs in {', '.join(names) or 'its options'}"
    if plan.outputs != again.outputs:
        yield "stack outputs differ between two equal runs"


def _unresolved(plan: Plan) -> Iterator[str]:
    for place, path, text in _everything(plan, secrets=True):
        if place == "warning":
            continue  # Pulumi's own, which says what was done wrong; where it ended is found below
        if UNRESOLVED in text:
            what = text[text.index(UNRESOLVED) + len(UNRESOLVED) :]
            yield f"{place}: {path} needs {what}; say what it looks like in plan/identities.toml"
        elif _LEAKED.search(text):
            yield f"{place}: {path} holds an unresolved value: {text[:80]!r}"


def _open_secrets(plan: Plan) -> Iterator[str]:
    """A secret's text must not stand anywhere it would be stored or printed in the open."""
    known = {
        form
        for values in (plan.outputs, *(values for r in plan.resources for values in (r.inputs, r.outputs)))
        for text in _secret_texts(values)
        if len(text) >= _SECRET_LENGTH
        for form in _forms(text)
    }
    for place, path, text in _everything(plan, secrets=False):
        if _SEALED.search(text) or any(secret in text for secret in known):
            yield f"{place}: {path} holds a secret in plain text: pass it on as a secret Output"


def _forms(text: str) -> set[str]:
    """The text as it is, and as it stands in JSON, in a URL and in base64."""
    return {text, json.dumps(text)[1:-1], quote(text, safe=""), base64.b64encode(text.encode()).decode()}


def _everything(plan: Plan, *, secrets: bool) -> Iterator[tuple[str, str, str]]:
    """(whose, path, text) of all that is stored or printed; computed outputs of cloud resources are ours."""
    for path, text in _texts(plan.outputs, "", secrets=secrets):
        yield "stack output", path, text
    for number, warning in enumerate(plan.warnings):
        yield "warning", str(number), warning
    for resource in plan.resources:
        yield resource.label, "name", resource.name
        outputs = {} if resource.custom or resource is plan.root else resource.outputs
        for values in (resource.inputs, outputs):
            for path, text in _texts(values, "", secrets=secrets):
                yield resource.label, path, text


def _default_provider(plan: Plan) -> Iterator[str]:
    for resource in plan.cloud:
        if resource.provider is None and resource.type.startswith("aws:"):
            yield f"{resource.label} has no explicit provider: parent it to a component of its region"


def _texts(value: Any, path: str, *, secrets: bool) -> Iterator[tuple[str, str]]:
    """Every text with its path, keys of mappings too; what is marked secret only if asked for."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Secret):
        if secrets:
            yield from _texts(value.value, path, secrets=True)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            yield f"{below} (its key)", str(key)
            yield from _texts(item, below, secrets=secrets)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]", secrets=secrets)


def _secret_texts(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from (text for path, text in _texts(value.value, "", secrets=True) if "(its key)" not in path)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secret_texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secret_texts(item)
