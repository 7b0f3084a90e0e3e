"""The same event with protection taken away: settings without failover, or without single rungs."""

import json
from collections.abc import Collection, Mapping

from contract.errors import WrongUseError
from stacks import settings, stackfile

LADDER, BREAKER = "runtime.ladder", "runtime.breaker.enabled"


def off(stack: str, changes: Mapping[str, str]) -> dict[str, str]:
    """No failover at all: one model, no breaker, then the canned answers of whoever has no model."""
    ladder = _ladder(stack, changes)
    models = [rung["name"] for rung in ladder if rung.get("model") and not rung.get("optional")]
    return {**changes, BREAKER: "false", **_left(ladder, set(_names(ladder)) - {models[0], *_last(ladder)})}


def without_rungs(stack: str, changes: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """The ladder without these rungs; as it is, if there are none to take away."""
    if not names:
        return dict(changes)
    ladder = _ladder(stack, changes)
    for name in names:
        if name not in _names(ladder):
            known = ", ".join(_names(ladder))
            raise WrongUseError(f"--without rung:{name}: stack {stack} has no such rung; it has: {known}")
    return {**changes, **_left(ladder, names)}


def _ladder(stack: str, changes: Mapping[str, str]) -> list[dict[str, object]]:
    found = stackfile.read(stack).changed(changes)
    known = settings.parse(found.config, file=found.path.name, lines=found.lines)
    return [rung.model_dump(mode="json", exclude_defaults=True) for rung in known.runtime.ladder]


def _names(ladder: list[dict[str, object]]) -> list[str]:
    return [str(rung["name"]) for rung in ladder]


def _last(ladder: list[dict[str, object]]) -> list[str]:
    """Rungs that need no model: a ladder cannot be without."""
    return [str(rung["name"]) for rung in ladder if not rung.get("model")]


def _left(ladder: list[dict[str, object]], away: Collection[str]) -> dict[str, str]:
    return {LADDER: json.dumps([rung for rung in ladder if rung["name"] not in away])}
