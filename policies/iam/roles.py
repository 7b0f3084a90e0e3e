"""What a role can do to what, in words: its own policies, less what its boundary takes away.

Grouped by service, and within it by what it does: read, list, write, tag, decide who may use. Policies of the
things themselves (a bucket's, a key's) are not asked: they can refuse more, and grant something only to
principals that they name.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract.errors import WrongUseError
from plan.model import Plan, Resource
from policies.iam import boundary, services
from policies.iam.documents import Statement, attached, many, of_role
from policies.iam.services import ANY, Action

_VERBS = {
    "List": "list",
    "Read": "read",
    "Write": "write",
    "Tagging": "tag",
    "Permissions management": "decide who may use",
}
_OPERATORS = {
    "ArnEquals": "is",
    "ArnLike": "is like",
    "Bool": "is",
    "Null": "is absent:",
    "StringEquals": "is",
    "StringLike": "is like",
}


# Service, verb, what, only where, refused by.
_Key = tuple[str, str, str, tuple[str, ...], str]


class NoRoleError(WrongUseError):
    """No role of the stack is called so."""


@dataclass(frozen=True, kw_only=True, order=True)
class Can:
    """`verb` `what`, by `actions`, only where `only` is true.

    `refused`: what of the boundary takes it away; empty: it is allowed.
    """

    service: str
    verb: str
    what: str
    only: tuple[str, ...]
    refused: str
    actions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Words:
    """A role and what it can do. `boundary`: the ARN of the one it carries.

    `managed`: AWS's own policies that are attached to it; what they say only AWS knows.
    """

    role: str
    urn: str
    boundary: str | None
    managed: tuple[str, ...]
    can: tuple[Can, ...]


def words(plan: Plan, role: str) -> list[Words]:
    """What the role of this name can do; a part of a name means every role that has it."""
    return [_of_one(plan, found) for found in find(plan, role)]


def find(plan: Plan, role: str) -> list[Resource]:
    """The role that is called so, by its logical or physical name; else all whose name has it in it."""
    roles = sorted(plan.of_type("iam.Role"), key=lambda each: each.name)
    exact = [each for each in roles if role in {each.name, each.inputs.get("name")}]
    found = exact or [each for each in roles if role in f"{each.name} {each.inputs.get('name', '')}"]
    if not found:
        choice = ", ".join(each.name for each in roles)
        raise NoRoleError(f"no role of {plan.stack} is called {role!r}; there are: {choice}")
    return found


def _of_one(plan: Plan, role: Resource) -> Words:
    carried = role.inputs.get("permissionsBoundary")
    statements = [each for document in of_role(plan, role) for each in document.statements]
    reader = _Reader(
        names={str(r.outputs["arn"]): r.label for r in plan.cloud if r.outputs.get("arn")},
        denied=[each for each in statements if not each.allows],
        limit=boundary.statements() if carried else (),
    )
    cans: dict[_Key, set[str]] = {}
    for statement in statements:
        for key, action in reader.read(statement):
            cans.setdefault(key, set()).add(action)
    return Words(
        role=role.name,
        urn=role.urn,
        boundary=None if carried is None else str(carried),
        managed=tuple(attached(plan, role)),
        can=tuple(
            Can(service=service, verb=verb, what=what, only=only, refused=refused, actions=tuple(sorted(by)))
            for (service, verb, what, only, refused), by in sorted(cans.items())
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """`names`: what ARNs are called. `denied`: what the role's policies take away. `limit`: the boundary."""

    names: Mapping[str, str]
    denied: Sequence[Statement]
    limit: Sequence[Statement]

    def read(self, statement: Statement) -> Iterator[tuple[_Key, str]]:
        """Each thing one statement allows, and the action by which."""
        if not statement.allows:
            return
        only = tuple(
            f"{key} {_OPERATORS.get(operator, operator)} {' or '.join(values)}"
            for operator, key, values in statement.conditions
        )
        for action in _meant(statement):
            service, _, name = action.name.partition(":")
            verb = _VERBS.get(action.level, action.level.lower())
            for place in statement.resources:
                if services.acts_on(action, place) and not self._is_denied(action, place):
                    yield (service, verb, self._called(place), only, self._refused(action, place)), name

    def _is_denied(self, action: Action, place: str) -> bool:
        return any(_refuses(each, action, place) for each in self.denied)

    def _refused(self, action: Action, place: str) -> str:
        for statement in self.limit:
            if not statement.allows and _refuses(statement, action, place):
                return statement.name
        allowed = any(each.allows and _speaks_of(each, action, place) for each in self.limit)
        return "" if allowed or not self.limit else "nothing in it allows this"

    def _called(self, place: str) -> str:
        """What a person calls it; an ARN that nobody in the plan has stays one."""
        if place == ANY:
            return "anything"
        for end in range(len(place), 0, -1):
            if place[end : end + 1] in {"", "/", ":"} and (known := self.names.get(place[:end])):
                rest = place[end:].strip("/:*")
                return f"{known}, {rest}" if rest else known
        return place


def _meant(statement: Statement) -> Iterator[Action]:
    for pattern in statement.actions:
        yield from services.actions(pattern)


def _refuses(statement: Statement, action: Action, place: str) -> bool:
    """For certain: whatever else is true of the request."""
    return not statement.conditions and _speaks_of(statement, action, place)


def _speaks_of(statement: Statement, action: Action, place: str) -> bool:
    left_out = many(statement.raw.get("NotAction"))
    spoken = not _is_among(action, left_out) if left_out else _is_among(action, statement.actions)
    held = statement.resources
    return spoken and (ANY in held or (place != ANY and any(services.overlap(place, each) for each in held)))


def _is_among(action: Action, patterns: Iterable[str]) -> bool:
    return any(action in services.actions(pattern) for pattern in patterns)
