"""Names of things as a person says them: `aws:dynamodb/table:Table` three times is "3 tables"."""

import re

from plan.model import Plan, Resource, short_type

_CAPITALS = {"acl": "ACL", "api": "API", "db": "DB", "dns": "DNS", "ip": "IP", "nat": "NAT", "vpc": "VPC"}
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|\d+")


def noun(token: str) -> str:
    """`aws:ecs/taskDefinition:TaskDefinition` -> `task definition`."""
    name = re.sub(r"[Vv]\d+$", "", short_type(token).rpartition(".")[2])
    return " ".join(_CAPITALS.get(part.lower(), part.lower()) for part in _PARTS.findall(name))


def counted(count: int, token: str) -> str:
    return f"{count} {plural(noun(token), count)}"


def plural(word: str, count: int) -> str:
    if count == 1:
        return word
    if word.endswith(("s", "x", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def own_name(plan: Plan, resource: Resource) -> str:
    """A resource's name without that of its component."""
    component = plan.component_of(resource)
    return resource.name.removeprefix(f"{component.name}-") if component else resource.name


def listed(words: list[str], most: int = 99) -> str:
    """`chat, rest and 3 more`."""
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"
