"""Policy documents as data, for rules that read them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from policies.view import known


@dataclass(frozen=True)
class Statement:
    """One statement; what may be a text or a list in JSON is a tuple here."""

    allows: bool
    sid: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: Mapping[str, tuple[str, ...]]
    condition: Mapping[str, Any]

    @property
    def anybody(self) -> bool:
        """It names everybody as principal."""
        return any("*" in names for names in self.principals.values())

    def condition_keys(self) -> set[str]:
        """Keys that some operator tests, in lower case."""
        return {key.lower() for tests in self.condition.values() for key in tests}


def statements(document: Any) -> list[Statement]:
    """The statements of a document given as JSON text or as data; none where there is no document."""
    document = known(document)
    if isinstance(document, str):
        document = json.loads(document) if document.strip() else None
    if not isinstance(document, Mapping):
        return []
    found = document.get("Statement") or []
    return [_statement(each) for each in (found if isinstance(found, list) else [found])]


def _statement(raw: Mapping[str, Any]) -> Statement:
    return Statement(
        allows=raw.get("Effect") == "Allow",
        sid=str(raw.get("Sid", "")),
        actions=_texts(raw.get("Action")),
        not_actions=_texts(raw.get("NotAction")),
        resources=_texts(raw.get("Resource")),
        principals=_principals(raw.get("Principal")),
        condition=raw.get("Condition") or {},
    )


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else () if value is None else (str(value),)


def _principals(value: Any) -> Mapping[str, tuple[str, ...]]:
    if isinstance(value, Mapping):
        return {kind: _texts(names) for kind, names in value.items()}
    return {"AWS": (str(value),)} if value is not None else {}


def covers(pattern: str, action: str) -> bool:
    """Whether an action pattern of a statement includes this action."""
    return fnmatchcase(action.lower(), pattern.lower())


def refuses_plain_http(document: Any, action: str) -> bool:
    """Everybody is denied everything when the request came without TLS."""
    return any(
        not statement.allows
        and statement.anybody
        and any(covers(pattern, action) for pattern in statement.actions)
        and _without_tls(statement.condition)
        for statement in statements(document)
    )


def _without_tls(condition: Mapping[str, Any]) -> bool:
    tests = condition.get("Bool", {})
    values = {key.lower(): str(value).lower() for key, value in tests.items()}
    return values.get("aws:securetransport") in {"false", "['false']"} and len(condition) == 1


def documents_of(inputs: Mapping[str, Any]) -> Iterator[tuple[str, list[Statement]]]:
    """Every policy document among a resource's inputs, with the input's name."""
    for key, value in inputs.items():
        if key in _DOCUMENTS and value is not None:
            yield key, statements(value)


_DOCUMENTS = {"policy", "assumeRolePolicy", "accessPolicies", "policyDocument", "inlinePolicy"}
