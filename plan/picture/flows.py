"""Draws who may open connections to whom: roles inside the VPC, what lies outside beyond its boundary."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from plan.picture import ink
from plan.picture.graph import FROM, OUTSIDE, PILL, TO, Graph, label, port
from plan.picture.ink import Stroke
from plan.picture.letters import wrap
from plan.picture.places import Vpc
from plan.picture.wiring import Net
from plan.reach import INTERNET, Row


@dataclass(frozen=True, slots=True)
class Frame:
    """Left and top of the graph, the VPC's right boundary, and where the bar of the internet begins."""

    left: float
    top: float
    boundary: float
    right: float
    internet_top: float


def draw(parent: Element, vpc: Vpc, graph: Graph, frame: Frame) -> None:
    """Lines first, so that no line runs over a box or a word."""
    for net in graph.wires:
        _net(parent, graph, frame, net)
    _labels(parent, graph, frame)
    for role in vpc.roles:
        _role(parent, graph, frame, role.name, role.description)
    for name in graph.seats:
        if name.startswith((FROM, TO)):
            _outside(parent, vpc, graph, frame, name)


def _colour(target: str) -> str:
    if not target.startswith(TO):
        return ink.INK
    return ink.ORANGE if target == TO + INTERNET else ink.GREEN


def _net(parent: Element, graph: Graph, frame: Frame, net: Net) -> None:
    """All arrows to one port of one target; they share their last stretch."""
    rows = graph.nets[net.name]
    stroke = Stroke(_colour(net.target), 1.5) if rows[0].state == "open" else ink.BROKEN
    for number, (source, strand) in enumerate(graph.wiring.strands(net).items()):
        points = [(frame.left + u, frame.top + v) for u, v in strand]
        said = "\n".join(sentence(row) for row in rows if graph.node(row) == source)
        draw_line = ink.line if number else ink.arrow
        draw_line(parent, points, stroke, hover=said)


def sentence(row: Row) -> str:
    """A row as it is said: for whoever points at an arrow."""
    why = f": {row.why}" if row.why else ""
    if row.state == "open":
        return f"{row.source} may reach {row.target} on {port(row)}{why}"
    side = "out of the one" if row.state == "only out" else "into the other"
    return f"{row.source} to {row.target} on {port(row)} does not connect, there is only a rule {side}{why}"


def _labels(parent: Element, graph: Graph, frame: Frame) -> None:
    """The port once at each arrow head; on the boundary, by which gateway it is crossed."""
    for name, entry in graph.wiring.entries.items():
        row, target = graph.nets[name][0], name.rpartition("|")[0]
        column = graph.seats[target][0]
        x = frame.left + graph.wiring.columns[column][0]
        colour = _colour(target) if row.state == "open" else ink.RED
        ink.text(
            parent, x - 12, frame.top + entry - 5, label(row), ink.SMALL_STRONG, fill=colour, anchor="end"
        )


def _role(parent: Element, graph: Graph, frame: Frame, name: str, description: str) -> None:
    column, row = graph.seats[name]
    (x, right), (y, bottom) = graph.wiring.columns[column], graph.wiring.rows[row]
    among = graph.among_themselves(name)
    node = ink.box(
        parent,
        frame.left + x,
        frame.top + y,
        right - x,
        bottom - y,
        fill=ink.PALE,
        stroke=Stroke(ink.MUTED),
        radius=8,
        hover="\n".join([f"role {name}: {description}", *(sentence(row) for row in among)]),
    )
    lines = wrap(description, ink.SMALL, right - x - 20, 1 if among else 2)
    if among:
        lines.append(f"itself: {', '.join(port(row) for row in among)}")
    _words(node, frame.left + x, frame.top + y, right - x, bottom - y, name, lines)


def _words(
    node: Element,
    x: float,
    y: float,
    width: float,
    height: float,
    title: str,
    lines: list[str],
    colour: str = ink.INK,
) -> None:
    """A title and lines below it, in the middle of the height."""
    top = y + (height - ink.LINE * (1 + len(lines))) / 2
    ink.text(node, x + 10, top + 13, title, ink.TITLE, fill=colour, limit=width - 20)
    for number, line in enumerate(lines, 1):
        ink.text(
            node, x + 10, top + 13 + number * ink.LINE - 1, line, ink.SMALL, fill=ink.MUTED, limit=width - 20
        )


def _outside(parent: Element, vpc: Vpc, graph: Graph, frame: Frame, name: str) -> None:
    column, row = graph.seats[name]
    y, bottom = graph.wiring.rows[row]
    plain = name.removeprefix(FROM).removeprefix(TO)
    x = frame.right - OUTSIDE if name.startswith(TO) else frame.left + graph.wiring.columns[column][0]
    top, height = frame.top + y, bottom - y
    fill, colour = (ink.PALEST_ORANGE, ink.ORANGE) if plain == INTERNET else (ink.PALE_GREEN, ink.GREEN)
    if name == TO + INTERNET:
        top, height = frame.internet_top, frame.top + bottom - frame.internet_top
    node = ink.box(parent, x, top, OUTSIDE, height, fill=fill, stroke=Stroke(colour), radius=8, hover=plain)
    _words(node, x, top, OUTSIDE, height, plain, _about(vpc, plain), colour)
    if name.startswith(TO):
        _crossing(parent, vpc, frame, plain, _height_of_line(graph, frame, name))


def _about(vpc: Vpc, name: str) -> list[str]:
    if name == INTERNET:
        return ["every address"]
    return ["AWS service"] if name in vpc.gateway_endpoints else ["outside the VPC"]


def _height_of_line(graph: Graph, frame: Frame, name: str) -> float:
    entries = [v for net, v in graph.wiring.entries.items() if net.rpartition("|")[0] == name]
    low, high = graph.wiring.rows[graph.seats[name][1]]
    return frame.top + (entries[0] if entries else (low + high) / 2)


def _crossing(parent: Element, vpc: Vpc, frame: Frame, name: str, y: float) -> None:
    """The gateway through which a line leaves the VPC."""
    if name in vpc.gateway_endpoints:
        ink.pill(
            parent,
            (frame.boundary, y),
            "gateway endpoint",
            PILL,
            fill=ink.PALE_GREEN,
            colour=ink.GREEN,
            hover=f"gateway endpoint of {name}",
        )
    elif name == INTERNET and vpc.nats and any(row.target == INTERNET for row in vpc.rows):
        ink.pill(
            parent,
            (frame.boundary, y),
            "by NAT gateway",
            PILL,
            fill=ink.PALE_ORANGE,
            colour=ink.ORANGE,
            hover="leaves through a NAT gateway",
        )
