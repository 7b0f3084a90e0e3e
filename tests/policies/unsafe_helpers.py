"""One way to make a sound plan unsafe, and the changes it is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.policies.mutation_helpers import Draft

Change = Callable[[Draft], None]
FOREIGN = "arn:aws:iam::210987654321:root"


@dataclass(frozen=True, kw_only=True)
class Unsafe:
    """`at`: labels one of which a finding must be about. `full`: in the plan that has every option on."""

    id: str
    requirement: str
    what: str
    at: tuple[str, ...]
    do: Change
    full: bool = False


def put(label: str, path: str, value: Any) -> Change:
    return lambda draft: draft.set(label, path, value)


def dropped(label: str, path: str) -> Change:
    return lambda draft: draft.drop(label, path)


def gone(*labels: str) -> Change:
    return lambda draft: draft.remove(*labels)


def unprotected(label: str) -> Change:
    return lambda draft: draft.unprotect(label)


def edited(label: str, path: str, change: Callable[[Any], Any]) -> Change:
    return lambda draft: draft.edit(label, path, change)


def rewritten(label: str, path: str, change: Callable[[Any], Any]) -> Change:
    return lambda draft: draft.rewrite(label, path, change)


def allowed(label: str, path: str = "policy", **statement: Any) -> Change:
    return lambda draft: draft.allow(label, path, **statement)


def stated(label: str, sid: str, change: Callable[[dict[str, Any]], Any], path: str = "policy") -> Change:
    """Changes one statement of a policy, found by its Sid."""

    def changed(document: dict[str, Any]) -> None:
        change(next(s for s in document["Statement"] if s.get("Sid") == sid))

    return rewritten(label, path, changed)


def named(items: list[dict[str, Any]], name: str, key: str = "name") -> dict[str, Any]:
    return next(item for item in items if item.get(key) == name)


def ruled(label: str, name: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    """Changes one rule of a web ACL or a lifecycle, found by its name."""

    def changed(rules: list[dict[str, Any]]) -> None:
        change(next(rule for rule in rules if name in {rule.get("name"), rule.get("id")}))

    return edited(label, "rules", changed)


def added(token: str, name: str, inputs: dict[str, Any], beside: str) -> Change:
    return lambda draft: draft.add(token, name, inputs, beside=beside)


def several(*changes: Change) -> Change:
    def all_of_them(draft: Draft) -> None:
        for change in changes:
            change(draft)

    return all_of_them
