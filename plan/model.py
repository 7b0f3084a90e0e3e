"""The Plan: every resource a stack would declare, as plain frozen data.

Nothing in here runs a program, reads a file or knows AWS; `plan.record` fills it, everybody reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

STACK_TYPE = "pulumi:pulumi:Stack"
PROVIDER_PREFIX = "pulumi:providers:"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value the program marked as secret. It never prints itself."""

    value: Any

    def __repr__(self) -> str:
        return "[secret]"


@dataclass(frozen=True, slots=True)
class Options:
    """The resource options that change what the engine does."""

    protect: bool = False
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One declared resource or component.

    `id` and computed outputs are made-up but AWS-shaped and stable; `Plan.owner_of` says whose they are.
    """

    urn: str
    type: str
    name: str
    id: str
    custom: bool
    parent: str | None
    provider: str | None
    region: str | None
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    options: Options = Options()

    @property
    def key(self) -> str:
        """The urn without its stack: what is the same resource in another stack or an older plan."""
        return self.urn.split("::", 2)[2]

    @property
    def label(self) -> str:
        """What a person calls it: `ec2.Subnet primary-network-private-use1-az1`."""
        return f"{short_type(self.type)} {self.name}"


def short_type(token: str) -> str:
    """`aws:ec2/subnet:Subnet` -> `ec2.Subnet`; `concierge:network:Network` -> `Network`."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    if package == "concierge" or module in {"pulumi", "providers"}:
        return name
    return f"{module.split('/')[0]}.{name}"


@dataclass(frozen=True)
class Plan:
    """What `pulumi up` would declare. Equal programs and settings give equal plans."""

    stack: str
    resources: tuple[Resource, ...]
    outputs: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    @cached_property
    def by_urn(self) -> Mapping[str, Resource]:
        return {resource.urn: resource for resource in self.resources}

    @cached_property
    def by_name(self) -> Mapping[str, tuple[Resource, ...]]:
        names: dict[str, list[Resource]] = {}
        for resource in self.resources:
            names.setdefault(resource.name, []).append(resource)
        return {name: tuple(found) for name, found in names.items()}

    @cached_property
    def _owners(self) -> Mapping[str, Resource]:
        return {resource.id: resource for resource in self.resources if resource.custom and resource.id}

    @cached_property
    def _children(self) -> Mapping[str | None, tuple[Resource, ...]]:
        children: dict[str | None, list[Resource]] = {}
        for resource in self.resources:
            children.setdefault(resource.parent, []).append(resource)
        return {parent: tuple(found) for parent, found in children.items()}

    @cached_property
    def _dependents(self) -> Mapping[str, tuple[Resource, ...]]:
        dependents: dict[str, list[Resource]] = {}
        for resource in self.resources:
            for urn in resource.dependencies:
                dependents.setdefault(urn, []).append(resource)
        return {urn: tuple(found) for urn, found in dependents.items()}

    @property
    def cloud(self) -> tuple[Resource, ...]:
        """The resources that exist in AWS: no components, no providers."""
        return tuple(r for r in self.resources if r.custom and not r.type.startswith(PROVIDER_PREFIX))

    @property
    def components(self) -> tuple[Resource, ...]:
        return tuple(r for r in self.resources if not r.custom and r.type != STACK_TYPE)

    @property
    def root(self) -> Resource:
        return next(r for r in self.resources if r.type == STACK_TYPE)

    def of_type(self, token: str) -> tuple[Resource, ...]:
        """Resources of a type: the full token, or its short form (`ec2.Subnet`)."""
        return tuple(r for r in self.resources if token in {r.type, short_type(r.type)})

    def get(self, name: str) -> Resource:
        """The one resource of this logical name."""
        found = self.by_name.get(name, ())
        if len(found) != 1:
            raise KeyError(f"{len(found)} resources are named {name!r} in the plan of {self.stack}")
        return found[0]

    def component(self, name: str) -> Resource:
        """A component by its whole name (`standby-network`) or its last part (`network`: the primary's)."""
        for match in (name, f"primary-{name}"):
            for resource in self.components:
                if resource.name == match:
                    return resource
        known = ", ".join(sorted(r.name for r in self.components))
        raise KeyError(f"no component {name!r} in the plan of {self.stack}; there are: {known}")

    def children(self, urn: str | None) -> tuple[Resource, ...]:
        return self._children.get(urn, ())

    def below(self, urn: str) -> Iterator[Resource]:
        """Everything under a component, however deep."""
        for child in self.children(urn):
            yield child
            yield from self.below(child.urn)

    def dependents(self, urn: str) -> tuple[Resource, ...]:
        """Resources that name this one in an input or in `depends_on`."""
        return self._dependents.get(urn, ())

    def owner_of(self, identifier: str) -> Resource | None:
        """The resource whose id this is."""
        return self._owners.get(identifier)

    def component_of(self, resource: Resource) -> Resource | None:
        """The innermost component a resource belongs to."""
        parent = self.by_urn.get(resource.parent or "")
        while parent is not None and parent.custom:
            parent = self.by_urn.get(parent.parent or "")
        return parent if parent is not None and parent.type != STACK_TYPE else None
