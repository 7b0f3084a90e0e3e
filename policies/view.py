"""One view of a stack for every rule, whoever shows it: a plan of ours, or the engine during `pulumi up`.

A plan knows every value. The engine's preview does not: what AWS decides later is `UNKNOWN`, and reading it
raises `NotYetKnown`, so that a rule says nothing about what nobody can know yet; the update asks it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from plan.model import PROVIDER_PREFIX, STACK_TYPE, Secret, short_type

if TYPE_CHECKING:
    from pulumi_policy import PolicyResource, ResourceValidationArgs, StackValidationArgs

    from plan.model import Plan

STACK = short_type(STACK_TYPE)
# Outputs by which others call a resource, besides its id.
_CALLED = ("arn", "guardrailArn", "guardrailId", "provisionedModelArn")


class NotYetKnown(Exception):  # noqa: N818 - no error: the value comes with the update
    """A value that only the update will know."""


class _Unknown:
    def __repr__(self) -> str:
        return "[unknown]"


UNKNOWN = _Unknown()


@dataclass(frozen=True, eq=False)
class Node:
    """One resource: what it was declared with, and whose values it takes."""

    urn: str
    type: str
    name: str
    region: str | None
    protect: bool
    provider: Mapping[str, Any] | None  # what the provider it goes through is configured with
    read: Callable[[], Mapping[str, Any]]  # its inputs; converted when a rule first looks
    identities: frozenset[str]  # what others may call it by: its id, its ARN
    links: Mapping[str, Sequence[str]] = field(default_factory=dict)  # input -> urns its value comes from
    marks_secrets: bool = False  # the engine hands secrets over as plain values

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        return self.read()

    def within(self, component: str) -> bool:
        """Whether it is part of a component of this kind; the urn has the whole chain."""
        return f":{component}$" in self.urn

    @cached_property
    def short(self) -> str:
        return short_type(self.type)

    def get(self, path: str) -> Any:
        """An input by its path, `encryptAtRest.kmsKeyId`; None where there is none."""
        return dig(self.inputs, path)

    def list(self, path: str) -> list[Any]:
        """An input that is a list; an absent one is empty, a single value a list of one."""
        return listed(self.get(path))

    def raw(self, key: str) -> Any:
        """An input as it is: `Secret` and `UNKNOWN` included."""
        return self.inputs.get(key)


def dig(value: Any, path: str) -> Any:
    """What lies at a path in nested mappings."""
    for key in path.split("."):
        value = known(value)
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return known(value)


def known(value: Any) -> Any:
    """The value itself, out of its secret; what is not known yet raises."""
    if isinstance(value, Secret):
        value = value.value
    if value is UNKNOWN:
        raise NotYetKnown
    return value


def listed(value: Any) -> list[Any]:
    """A value or a list of them, as a list."""
    value = known(value)
    if value is None:
        return []
    return [known(each) for each in value] if isinstance(value, list | tuple) else [value]


class View:
    """All resources of a stack, and who names whom."""

    def __init__(self, nodes: Sequence[Node], *, by_dependency: bool = False) -> None:
        """`by_dependency`: where nothing is called by a value, it is whose value the program took."""
        self.nodes = tuple(nodes)
        self._by_dependency = by_dependency

    @cached_property
    def _by_type(self) -> Mapping[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            found.setdefault(node.short, []).append(node)
        return found

    @cached_property
    def _by_urn(self) -> Mapping[str, Node]:
        return {node.urn: node for node in self.nodes}

    @cached_property
    def _by_identity(self) -> Mapping[str, list[Node]]:
        found: dict[str, list[Node]] = {}
        for node in self.nodes:
            for identity in node.identities:
                found.setdefault(identity, []).append(node)
        return found

    def of(self, *types: str) -> list[Node]:
        """Every resource of these types, in their short form (`ec2.Subnet`); `*`: all there are."""
        if types == ("*",):
            return list(self.nodes)
        return [node for short in types for node in self._by_type.get(short, ())]

    def named_by(self, node: Node, key: str, *types: str) -> list[Node]:
        """The resources whose id or ARN stands in this input, nearest region first."""
        value = node.raw(key)
        value = value.value if isinstance(value, Secret) else value
        values = value if isinstance(value, list | tuple) else [value]
        found = [match for each in values for match in self._owners(node, key, each)]
        return [match for match in found if not types or match.short in types]

    def _owners(self, node: Node, key: str, value: Any) -> list[Node]:
        linked = [self._by_urn[urn] for urn in node.links.get(key, ()) if urn in self._by_urn]
        if value is UNKNOWN:
            return linked
        if not isinstance(value, str):
            return []
        owners = self._by_identity.get(value, [])
        near = [owner for owner in owners if owner.region == node.region] or owners
        return near or (linked if self._by_dependency else [])

    def naming(self, node: Node, key: str, *types: str) -> list[Node]:
        """The resources of these types whose input names this one."""
        return [other for other in self.of(*types) if node in self.named_by(other, key)]

    @cached_property
    def regions(self) -> frozenset[str]:
        """Regions with a network: where the estate stands."""
        return frozenset(node.region for node in self.of("ec2.Vpc") if node.region)


def of_plan(plan: Plan) -> View:
    """The view of a plan."""
    providers = {r.urn: r for r in plan.resources if r.type.startswith(PROVIDER_PREFIX)}
    nodes = []
    for resource in plan.resources:
        provider = providers.get(resource.provider or "")
        nodes.append(
            Node(
                urn=resource.urn,
                type=resource.type,
                name=resource.name,
                region=resource.region,
                protect=resource.options.protect,
                provider=provider.inputs if provider else None,
                read=_reader(resource.inputs),
                identities=_texts(
                    resource.id if resource.custom else None, *(resource.outputs.get(key) for key in _CALLED)
                ),
                links=resource.property_dependencies,
                marks_secrets=True,
            )
        )
    return View(nodes)


def _reader(inputs: Mapping[str, Any]) -> Callable[[], Mapping[str, Any]]:
    return lambda: inputs


def _texts(*values: Any) -> frozenset[str]:
    return frozenset(value for value in values if isinstance(value, str) and value)


def of_stack(args: StackValidationArgs) -> View:
    """The view of the engine, after it has declared everything."""
    # Before AWS has made it a resource has no id to be named by, only the name it was given.
    return View([_of_resource(resource) for resource in args.resources], by_dependency=True)


def of_resource(args: ResourceValidationArgs) -> View:
    """The view of one resource, before the engine touches it."""
    provider = _plain(args.provider.props) if args.provider else None
    node = Node(
        urn=args.urn,
        type=args.resource_type,
        name=args.name,
        region=(provider or {}).get("region"),
        protect=args.opts.protect,
        provider=provider,
        read=lambda: _mapping(args.props),
        identities=frozenset(),
    )
    return View([node])


def _of_resource(resource: PolicyResource) -> Node:
    provider = _mapping(resource.provider.props) if resource.provider else None
    return Node(
        urn=resource.urn,
        type=resource.resource_type,
        name=resource.name,
        region=(provider or {}).get("region"),
        protect=resource.opts.protect,
        provider=provider,
        read=lambda: _mapping(resource.props),
        identities=_texts(*(_value(resource.props, key) for key in ("id", *_CALLED))),
        links={key: [r.urn for r in found] for key, found in resource.property_dependencies.items()},
    )


def _mapping(props: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: _plain(_value(props, key)) for key in props}


def _plain(value: Any) -> Any:
    """The engine's proxies as plain data."""
    if isinstance(value, Mapping):
        return _mapping(value)
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(_value(value, index)) for index in range(len(value))]
    return value


def _value(holder: Any, key: Any) -> Any:
    """One value out of a proxy, which raises when asked for what is not known."""
    from pulumi_policy.proxy import UnknownValueError

    try:
        return holder[key]
    except KeyError:
        return None
    except UnknownValueError:
        return UNKNOWN


def walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every leaf below a value with its path; a secret is a leaf."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from walk(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from walk(each, path)
    else:
        yield path, value
