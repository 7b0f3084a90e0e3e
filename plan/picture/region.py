"""Draws one region: its VPCs from the top, the components outside them at the bottom."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from plan.picture import flows, graph, ink, network, shelf
from plan.picture.cards import Card
from plan.picture.ink import Stroke
from plan.picture.letters import Face
from plan.picture.letters import width as width_of
from plan.picture.places import Place, Vpc
from plan.picture.words import plural
from plan.reach import INTERNET

PAD = 24.0
_HEADER = 52.0
_HEADINGS = ("in the VPC", "outside the VPC")


def draw_region(
    root: Element, place: Place, cards: Sequence[Card], sides: tuple[float, float], y: float
) -> float:
    """Draws between the two sides, below `y`, and says where it ends."""
    left, right = sides
    outline = Stroke(ink.MUTED, 1.5, "10 4" if place.standby else "")
    hover = f"region {place.name} {place.role}".strip() if place.name else "in no region"
    box = ink.box(root, left, y, right - left, 0, fill=ink.PAPER, stroke=outline, radius=10, hover=hover)
    _header(box, place, (left, right), y)
    bottom = y + _HEADER + PAD
    within = {vpc.resource.urn for vpc in place.vpcs}
    outside = [card for card in cards if card.vpc not in within]
    for vpc in place.vpcs:
        inside = [card for card in cards if card.vpc == vpc.resource.urn]
        beside = outside if vpc is place.vpcs[-1] else []
        bottom = _Boundary(box, vpc, (left, right), bottom).draw(inside, beside) + PAD
    if not place.vpcs and outside:
        shelved = shelf.build([], outside, (0, _columns(left + PAD, right - PAD)))
        shelf.draw(box, shelved, left + PAD + shelf.GUTTER, bottom - 8, ("", "components"))
        bottom += shelved.height + PAD
    ink.resize(box, height=bottom - y)
    return bottom


def _columns(left: float, right: float) -> int:
    """How many cards stand side by side."""
    room = right - left - shelf.GUTTER
    return max(1, int(room // (shelf.WIDTH + shelf.GUTTER)))


def _header(box: Element, place: Place, sides: tuple[float, float], y: float) -> None:
    """Name, role and addresses; a standby is hatched."""
    left, right = sides
    fill = "url(#standby)" if place.standby else ink.BAND
    header = ink.box(box, left + 1, y + 1, right - left - 2, _HEADER - 1, fill=fill, radius=9)
    role = "standby: takes over when the primary is lost" if place.standby else place.role
    tags = (
        (place.name or "in no region", ink.LARGE, ink.INK),
        (role, ink.STRONG, ink.PAPER),
        (", ".join(vpc.block for vpc in place.vpcs), ink.STRONG, ink.INK),
        (f"{place.resources} {plural('resource', place.resources)}", ink.BODY, ink.MUTED),
    )
    x = left + 16
    for words, face, colour in tags:
        if words:
            x = _tag(header, words, face, colour, x, y + 11) + 12


def _tag(parent: Element, words: str, face: Face, colour: str, x: float, y: float) -> float:
    """Words on a ground of their own, because the header may be hatched."""
    width = width_of(words, face) + 24
    tag = ink.box(parent, x, y, width, 30, fill=ink.INK if colour == ink.PAPER else ink.PAPER, radius=15)
    ink.text(tag, x + 12, y + 15 + face.size * 0.36, words, face, fill=colour)
    return x + width


class _Boundary:
    """One VPC with its tiers, its roles and the components that stand in it."""

    def __init__(self, box: Element, vpc: Vpc, sides: tuple[float, float], y: float) -> None:
        self._box, self._vpc, self._y = box, vpc, y
        self._edge, self._end = sides[0] + PAD, sides[1] - PAD
        natural = graph.build(vpc)
        self._start = self._edge if natural.inbound else self._edge + PAD
        inset = 0 if natural.outbound else PAD
        self._graph = graph.build(vpc, self._end - inset - self._start)
        self._right = self._end - (graph.OUTSIDE + self._graph.beyond if natural.outbound else 0)
        self._left = self._edge
        if natural.inbound:
            self._left = self._start + self._graph.threshold

    def draw(self, inside: Sequence[Card], outside: Sequence[Card]) -> float:
        vpc, y, width = self._vpc, self._y, self._right - self._left
        hover = f"VPC {vpc.resource.name}, {vpc.block}"
        boundary = ink.box(self._box, self._left, y, width, 0, stroke=ink.BOUNDARY, radius=8, hover=hover)
        ink.text(boundary, self._left + 16, y + 30, f"VPC {vpc.block}", ink.TITLE, fill=ink.BLUE)
        start = self._left + 32 + width_of(f"VPC {vpc.block}", ink.TITLE)
        notes = ", ".join(vpc.notes)
        ink.text(boundary, start, y + 30, notes, ink.BODY, fill=ink.MUTED, limit=self._right - start - 16)
        lodgers = [network.Lodger(card.title, card.subnets) for card in inside]
        tiers = network.draw(boundary, vpc, lodgers, self._left, y + 48, width)
        bottom = tiers.bottom + PAD
        if self._graph.seats:
            bottom = self._flows(boundary, tiers.gateway, bottom)
        if not inside and not outside:
            ink.resize(boundary, height=bottom - y)
            return bottom
        columns = (_columns(self._left, self._right), _columns(self._left, self._end))
        shelved = shelf.build(inside, outside, columns)
        top = bottom if shelved.inside else bottom + 8
        shelf.draw(self._box, shelved, self._left + shelf.GUTTER, top, _HEADINGS)
        ink.resize(boundary, height=bottom + shelved.boundary - y)
        return top + max(shelved.height, shelved.boundary)

    def _flows(self, boundary: Element, gateway: float, y: float) -> float:
        """The graph of roles, and the way to the internet."""
        vpc, shape = self._vpc, self._graph
        heading = "who may open connections to whom"
        ink.text(boundary, self._left + 16, y + 12, heading, ink.STRONG)
        start = self._left + 32 + width_of(heading, ink.STRONG)
        rest = "by security groups; everything else is closed"
        ink.text(boundary, start, y + 12, rest, ink.BODY, fill=ink.MUTED, limit=self._right - start - 16)
        top = y + 32
        bar = gateway - 32 if vpc.internet_gateway else top + self._row_top(graph.TO + INTERNET)
        flows.draw(self._box, vpc, shape, flows.Frame(self._start, top, self._right, self._end, bar))
        if vpc.internet_gateway:
            away = self._end - graph.OUTSIDE
            ink.arrow(
                self._box,
                [(self._right, gateway), (away, gateway)],
                Stroke(ink.ORANGE, 1.5),
                hover="public subnets reach the internet",
            )
            ink.pill(
                self._box,
                (self._right, gateway),
                "internet gateway",
                graph.PILL,
                fill=ink.PALE_ORANGE,
                colour=ink.ORANGE,
                hover=vpc.internet_gateway.name,
            )
        return top + shape.wiring.height + PAD

    def _row_top(self, name: str) -> float:
        seat = self._graph.seats.get(name)
        return self._graph.wiring.rows[seat[1]][0] if seat else 0
