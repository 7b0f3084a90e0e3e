"""What must hold for any plan at all, checked on every run before anyone reads it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from plan.identities import UNRESOLVED
from plan.model import Plan, Secret
from plan.record import Recording

# Texts that only appear where a value was used before it was known.
_LEAKED = re.compile(r"Output\[T\]|<pulumi\.output|\$\{[\w.]+\}|object at 0x|arn:aws:[^\s\"]*\bNone\b")


def problems(recording: Recording, plan: Plan, again: Plan) -> list[str]:
    """One line a fault; an empty list is a sound plan."""
    return [
        *(f"{urn} is declared twice: give one of them another name" for urn in recording.duplicates),
        *_differences(plan, again),
        *_unresolved(plan),
        *_open_secrets(plan),
        *_default_provider(plan),
    ]


def _differences(plan: Plan, again: Plan) -> Iterator[str]:
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
    for resource in plan.resources:
        for path, text in _texts(resource.inputs):
            if UNRESOLVED in text:
                what = text[text.index(UNRESOLVED) + len(UNRESOLVED) :]
                yield f"{resource.label}: {path} needs {what}; say what it looks like in plan/identities.toml"
            elif _LEAKED.search(text):
                yield f"{resource.label}: {path} holds an unresolved value: {text[:80]!r}"


def _open_secrets(plan: Plan) -> Iterator[str]:
    """A secret's text must not stand anywhere it would be stored or printed in the open."""
    secrets = {text for r in plan.resources for text in _secret_texts(r.inputs) if len(text) >= 6}
    if not secrets:
        return
    for place, values in (("stack output", plan.outputs), *((r.label, r.inputs) for r in plan.resources)):
        for path, text in _texts(values):
            if any(secret in text for secret in secrets):
                yield f"{place}: {path} holds a secret in plain text: pass it on as a secret Output"


def _default_provider(plan: Plan) -> Iterator[str]:
    for resource in plan.cloud:
        if resource.provider is None and resource.type.startswith("aws:"):
            yield f"{resource.label} has no explicit provider: parent it to a component of its region"


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every plain text with its path; what is marked secret is passed over."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]")


def _secret_texts(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from (text for _, text in _texts(value.value))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secret_texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _secret_texts(item)
