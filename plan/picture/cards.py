"""Reads a plan's components as cards: what each is made of, where it stands and which others it uses.

A component whose resources the picture draws anyway (subnets, routes, groups, endpoints) is no card.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from plan import reach
from plan.model import Plan, Resource, short_type
from plan.picture.words import counted, listed

# More arrows than this at one card, out of it or into it, and words say it better.
_BUSY_OUT, _BUSY_IN = 8, 5
_KINDS_SHOWN = 3
_NAMES_SHOWN = 8
# Drawn as boundaries, gateways, endpoints and role arrows.
_DRAWN = re.compile(
    r"^ec2\.(Default\w+|Eip|FlowLog|InternetGateway|NatGateway|NetworkAcl|NetworkAclRule|Route|RouteTable"
    r"|RouteTableAssociation|SecurityGroup|SecurityGroupRule|Subnet|Vpc|VpcEndpoint)$|^vpc\.SecurityGroup"
)
# What holds other things together; it says little about what a component is.
_FITTINGS = re.compile(
    r"^iam\.|LogGroup$|(Acl|Association|Attachment|Block|Configuration|Controls|Encryption|Listener|Member"
    r"|Ownership|ParameterGroup|Permission|Policy|Record|Response|Rule|SubnetGroup|Target|Version|Versioning)"
    r"([Vv]\d+)?$"
)


@dataclass(frozen=True, slots=True)
class Card:
    """A component to be drawn. `vpc` is the urn of the VPC it stands in, `uses` holds keys of other cards."""

    key: str
    title: str
    region: str
    resources: int
    counts: tuple[str, ...]
    vpc: str | None
    subnets: frozenset[str]
    roles: tuple[str, ...]
    uses: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def cards(plan: Plan) -> tuple[Card, ...]:
    """Every component worth a card, by region and title, with the arrows that are worth drawing."""
    units = dict(_units(plan))
    home = {resource.urn: urn for urn, (_, resources) in units.items() for resource in resources}
    found = {urn: _card(plan, urn, name, resources) for urn, (name, resources) in units.items()}
    kept = {urn: card for urn, card in found.items() if _worth_drawing(units[urn][1])}
    uses = {
        urn: {home[other] for r in units[urn][1] for other in _named(r) if other in home}
        & kept.keys() - {urn}
        for urn in kept
    }
    return _with_arrows(_tell_apart(kept), uses)


def _units(plan: Plan) -> Iterator[tuple[str, tuple[str, list[Resource]]]]:
    """(urn, (name, resources)): outermost components, or those inside where the outermost only frames."""
    cloud = {resource.urn for resource in plan.cloud}
    loose = [r for r in plan.children(plan.root.urn) if r.urn in cloud]
    if loose:
        yield plan.root.urn, (plan.root.name, loose)
    for outer in plan.children(plan.root.urn):
        if outer.custom:
            continue
        inner = [child for child in plan.children(outer.urn) if not child.custom]
        own = [child for child in plan.children(outer.urn) if child.urn in cloud]
        if not inner:
            yield outer.urn, (outer.name, [r for r in plan.below(outer.urn) if r.urn in cloud])
            continue
        if own:
            yield outer.urn, (outer.name, own)
        for component in inner:
            name = component.name.removeprefix(f"{outer.name}-")
            yield component.urn, (name, [r for r in plan.below(component.urn) if r.urn in cloud])


def _named(resource: Resource) -> Iterator[str]:
    for urns in resource.property_dependencies.values():
        yield from urns


def _worth_drawing(resources: list[Resource]) -> bool:
    shown = [resource for resource in resources if not _drawn(resource)]
    return any(not _is_fitting(r.type) for r in shown) or len(shown) == len(resources) > 0


def _drawn(resource: Resource) -> bool:
    return _DRAWN.search(short_type(resource.type)) is not None


def _is_fitting(token: str) -> bool:
    return _FITTINGS.search(short_type(token)) is not None


def _card(plan: Plan, urn: str, name: str, resources: list[Resource]) -> Card:
    regions = Counter(resource.region or "" for resource in resources)
    region = min(regions, key=lambda r: (-regions[r], r)) if regions else ""
    stands = _standing(plan, region, resources)
    others = sorted(other or "no region" for other in regions if other != region)
    return Card(
        key=urn,
        title=name,
        region=region,
        resources=len(resources),
        counts=tuple(_telling(resources)),
        vpc=stands[0],
        subnets=stands[1],
        roles=tuple(sorted({reach.role(g) for r in resources for g in _groups(plan, r)})),
        notes=(f"also in {listed(others)}",) if others else (),
    )


def _telling(resources: list[Resource]) -> Iterator[str]:
    """Two or three counts that say what the component is: things before fittings, many before few."""
    tokens = Counter(resource.type for resource in resources if not _drawn(resource))
    things = [token for token in tokens if not _is_fitting(token)] or list(tokens)
    for token in sorted(things, key=lambda token: (-tokens[token], token))[:_KINDS_SHOWN]:
        yield counted(tokens[token], token)


def _standing(plan: Plan, region: str, resources: list[Resource]) -> tuple[str | None, frozenset[str]]:
    """(VPC, subnets) that the inputs of the resources name, themselves or through what they refer to."""
    vpcs, subnets, placed = set(), set(), False
    for resource in resources:
        if _drawn(resource):
            continue
        for identifier in _placing(resource.inputs):
            placed = True
            owner = plan.owner_of(identifier)
            vpc = plan.owner_of(str(owner.inputs.get("vpcId"))) if owner is not None else None
            if owner is not None and owner.type.endswith(":Vpc"):
                vpcs.add(owner.urn)
            elif owner is not None and owner.type.endswith(":Subnet"):
                subnets.add(owner.urn)
                vpcs.update([vpc.urn] if vpc else [])
    if placed and not vpcs:
        vpcs = {r.urn for r in plan.of_type("ec2.Vpc") if r.region == region}
    return (min(vpcs) if vpcs else None), frozenset(subnets)


def _placing(value: Any, key: str = "") -> Iterator[str]:
    """Texts under every input that says in which VPC or subnet something stands."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _placing(item, name if _places(name) or not _places(key) else key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _placing(item, key)
    elif isinstance(value, str) and _places(key):
        yield value


def _places(key: str) -> bool:
    return key == "vpcId" or "subnet" in key.lower()


def _groups(plan: Plan, resource: Resource) -> Iterator[Resource]:
    """Security groups a resource wears."""
    if _drawn(resource):
        return
    for urn in _named(resource):
        other = plan.by_urn.get(urn)
        if other is not None and other.type == reach.GROUP:
            yield other


def _tell_apart(found: Mapping[str, Card]) -> dict[str, Card]:
    """Two components of one title in one region get their whole names."""
    titles = Counter((card.region, card.title) for card in found.values())
    return {
        urn: replace(card, title=urn.rpartition("::")[2]) if titles[card.region, card.title] > 1 else card
        for urn, card in found.items()
    }


def _with_arrows(found: Mapping[str, Card], uses: dict[str, set[str]]) -> tuple[Card, ...]:
    """Arrows within one region that stay readable; the others as words on the card."""
    notes = {urn: list(card.notes) for urn, card in found.items()}
    for urn in sorted(uses):
        far = sorted(other for other in uses[urn] if found[other].region != found[urn].region)
        for region in sorted({found[other].region for other in far}):
            there = [found[other].title for other in far if found[other].region == region]
            notes[urn].append(f"uses {listed(sorted(there), _NAMES_SHOWN)} in {region or 'no region'}")
        uses[urn] -= set(far)
    _say_what_is_busy(found, uses, notes)
    _drop_implied(uses)
    drawn = [replace(card, uses=frozenset(uses[urn]), notes=tuple(notes[urn])) for urn, card in found.items()]
    return tuple(sorted(drawn, key=lambda card: (card.region, card.title, card.key)))


def _say_what_is_busy(
    found: Mapping[str, Card], uses: dict[str, set[str]], notes: Mapping[str, list[str]]
) -> None:
    """A card that uses, or is used by, many others gets words in place of its arrows."""
    users = Counter(other for others in uses.values() for other in others)
    busy_out = [urn for urn in sorted(found) if len(uses[urn]) > _BUSY_OUT]
    for urn in busy_out:
        names = sorted(found[other].title for other in uses[urn])
        notes[urn].append(f"uses {listed(names, _NAMES_SHOWN)}")
    for urn in sorted(found):
        if users[urn] > _BUSY_IN:
            notes[urn].append(f"used by {users[urn]} components")
            for others in uses.values():
                others.discard(urn)
    for urn in busy_out:
        uses[urn] = set()


def _drop_implied(uses: dict[str, set[str]]) -> None:
    """Leaves out an arrow where other arrows already lead the same way."""
    for urn in sorted(uses):
        for other in sorted(uses[urn]):
            uses[urn].discard(other)
            if other not in _reachable(uses, urn):
                uses[urn].add(other)


def _reachable(uses: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = uses[waiting.pop()] - seen
        seen |= new
        waiting.extend(new)
    return seen
