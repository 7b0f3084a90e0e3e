"""Draws the zones and tiers of one VPC: zones are columns, tiers are rows, subnets stand where they cross."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from plan.picture import ink
from plan.picture.ink import Stroke
from plan.picture.letters import Face, wrap
from plan.picture.letters import width as width_of
from plan.picture.places import Nat, Subnet, Vpc
from plan.picture.words import listed, plural

_PAD = 16
_TIER = 112
_GAP = 12
_PANEL = 248  # room for the heading
_PILL = 80

TIER_COLOURS = {
    "public": (ink.PALE_ORANGE, ink.ORANGE),
    "private": (ink.PALE_BLUE, ink.BLUE),
    "isolated": (ink.PALE_PURPLE, ink.PURPLE),
}


@dataclass(frozen=True, slots=True)
class Lodger:
    """A component that has resources in a subnet."""

    title: str
    subnets: frozenset[str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """How far down the tiers reach, and where the internet gateway sits."""

    bottom: float
    gateway: float


@dataclass(frozen=True, slots=True)
class _Line:
    words: str
    face: Face
    colour: str


def draw(parent: Element, vpc: Vpc, lodgers: list[Lodger], x: float, y: float, width: float) -> Drawn:
    """The grid below `y`, `width` wide."""
    left = x + _PAD + _TIER
    side = _panel_width(vpc) if vpc.endpoints else _PILL
    zone_width = (width - 2 * _PAD - _TIER - side - _GAP) / max(1, len(vpc.zones))
    columns = {zone: left + number * zone_width for number, zone in enumerate(vpc.zones)}
    inner = zone_width - 2 * _GAP
    outlines = [_zone(parent, zone, at + _GAP / 2, y, zone_width - _GAP) for zone, at in columns.items()]
    top, gateway = y + 32, y + 16.0
    for tier in vpc.tiers:
        height = _tier_height(vpc, tier, lodgers, inner)
        _band(parent, vpc, tier, x + _PAD, top, width - 2 * _PAD, height)
        for zone, at in columns.items():
            cell = (at + _GAP, top + _GAP, inner, height - 2 * _GAP)
            _cell(parent, vpc.at(tier, zone), lodgers, cell)
        if tier == _panel_tier(vpc):
            panel = (x + width - _PAD - side, top + _GAP, side - _GAP, height - 2 * _GAP)
            _panel(parent, vpc, panel)
        if tier == "public":
            gateway = top + height / 2
        top += height + 8
    for outline in outlines:
        ink.resize(outline, height=top - y)
        parent.remove(outline)
        parent.append(outline)
    return Drawn(top, gateway)


def _zone(parent: Element, zone: str, x: float, y: float, width: float) -> Element:
    outline = ink.box(parent, x, y, width, 32, stroke=ink.ZONE, hover=f"availability zone {zone}")
    ink.text(outline, x + width / 2, y + 21, zone, ink.STRONG, fill=ink.MUTED, anchor="middle")
    return outline


def _band(parent: Element, vpc: Vpc, tier: str, x: float, y: float, width: float, height: float) -> None:
    fill, colour = TIER_COLOURS[tier]
    band = ink.box(parent, x, y, width, height, fill=fill, hover=f"{tier} subnets of {vpc.resource.name}")
    ink.text(band, x + _GAP, y + 28, tier, ink.TITLE, fill=colour)
    if all(subnet.access_list for subnet in vpc.subnets if subnet.tier == tier):
        ink.text(band, x + _GAP, y + 28 + ink.LINE, "own network", ink.SMALL, fill=ink.MUTED)
        ink.text(band, x + _GAP, y + 26 + 2 * ink.LINE, "access list", ink.SMALL, fill=ink.MUTED)


def _tier_height(vpc: Vpc, tier: str, lodgers: list[Lodger], width: float) -> float:
    cells = [vpc.at(tier, zone) for zone in vpc.zones]
    heights = [sum(_subnet_height(s, lodgers, width) for s in subnets) for subnets in cells]
    if tier == _panel_tier(vpc):
        heights.append(16 + ink.LINE * (2 + _panel_lines(vpc)))
    return max(72, 2 * _GAP + max(heights, default=0))


def _subnet_height(subnet: Subnet, lodgers: list[Lodger], width: float) -> float:
    chips = sum(_chip_height(nat, width - 16) for nat in subnet.nats)
    return 16 + ink.LINE * len(_lines(subnet, lodgers, width)) + chips


def _lines(subnet: Subnet, lodgers: list[Lodger], width: float) -> list[_Line]:
    """What a subnet says of itself."""
    words = [*subnet.routes]
    if subnet.endpoints:
        words.insert(0, f"{subnet.endpoints} interface {plural('endpoint', subnet.endpoints)}")
    here = [lodger.title for lodger in lodgers if subnet.resource.urn in lodger.subnets]
    if here:
        words.append(f"here: {listed(here, 6)}")
    lines = [_Line(subnet.block, ink.STRONG, ink.INK)]
    for sentence in words:
        lines += [_Line(part, ink.SMALL, ink.MUTED) for part in wrap(sentence, ink.SMALL, width - 20, 3)]
    return lines


def _cell(
    parent: Element,
    subnets: tuple[Subnet, ...],
    lodgers: list[Lodger],
    place: tuple[float, float, float, float],
) -> None:
    x, y, width, height = place
    for subnet in subnets:
        _, colour = TIER_COLOURS[subnet.tier]
        own = height if len(subnets) == 1 else _subnet_height(subnet, lodgers, width)
        hover = f"{subnet.tier} subnet {subnet.resource.name}, {subnet.block}"
        gap = 6 if len(subnets) > 1 else 0
        cell = ink.box(parent, x, y, width, own - gap, fill=ink.PAPER, stroke=Stroke(colour), hover=hover)
        baseline = y + 8 + ink.LINE - 4
        for line in _lines(subnet, lodgers, width):
            ink.text(cell, x + 10, baseline, line.words, line.face, fill=line.colour, limit=width - 20)
            baseline += ink.LINE
        for nat in subnet.nats:
            _chip(cell, nat, x + 8, baseline - 8, width - 16)
            baseline += _chip_height(nat, width - 16)
        y += own


def _address(nat: Nat, width: float) -> list[str]:
    return wrap(f"address {nat.address}" if nat.address else "no address", ink.SMALL, width - 16, 2)


def _chip_height(nat: Nat, width: float) -> float:
    return 12 + 16 * (1 + len(_address(nat, width)))


def _chip(parent: Element, nat: Nat, x: float, y: float, width: float) -> None:
    """A NAT gateway with the address that partners allow."""
    height = _chip_height(nat, width) - 4
    look = Stroke(ink.ORANGE)
    chip = ink.box(parent, x, y, width, height, fill=ink.PALE_ORANGE, stroke=look, hover=nat.name)
    ink.text(chip, x + 8, y + 16, "NAT gateway", ink.SMALL_STRONG, fill=ink.ORANGE, limit=width - 16)
    for number, line in enumerate(_address(nat, width), 1):
        ink.text(chip, x + 8, y + 16 + 16 * number, line, ink.SMALL, limit=width - 16)


def _panel_tier(vpc: Vpc) -> str:
    """The tier most interface endpoints stand in."""
    standing = {tier: sum(s.endpoints for s in vpc.subnets if s.tier == tier) for tier in vpc.tiers}
    return max(standing, key=lambda tier: standing[tier]) if vpc.endpoints and standing else ""


def _panel_lines(vpc: Vpc) -> int:
    """Three columns of names where that leaves room for the zones."""
    return -(-len(vpc.endpoints) // (3 if len(vpc.zones) <= 3 else 2))


def _panel_columns(vpc: Vpc) -> list[tuple[float, tuple[str, ...]]]:
    """(width, names) of each column."""
    lines = _panel_lines(vpc)
    columns = [vpc.endpoints[at : at + lines] for at in range(0, len(vpc.endpoints), lines)]
    return [(max(width_of(name, ink.SMALL) for name in names) + 20, names) for names in columns]


def _panel_heading(vpc: Vpc) -> str:
    count = len(vpc.endpoints)
    everywhere = len(vpc.zones) > 1 and vpc.endpoint_zones == vpc.zones
    where = "every zone" if everywhere else listed(list(vpc.endpoint_zones))
    return f"{count} interface {plural('endpoint', count)} in {where}"


def _panel_width(vpc: Vpc) -> float:
    return _GAP + max(_PANEL, sum(width for width, _ in _panel_columns(vpc)))


def _panel(parent: Element, vpc: Vpc, place: tuple[float, float, float, float]) -> None:
    """Interface endpoints by name, column by column."""
    x, y, width, height = place
    look = Stroke(ink.BLUE)
    panel = ink.box(parent, x, y, width, height, fill=ink.PAPER, stroke=look, hover="interface endpoints")
    ink.text(panel, x + 10, y + 21, _panel_heading(vpc), ink.STRONG, limit=width - 20)
    for column, names in _panel_columns(vpc):
        for row, name in enumerate(names, 1):
            ink.text(panel, x + 10, y + 25 + ink.LINE * row, name, ink.SMALL)
        x += column
