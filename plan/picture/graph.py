"""The graph of roles: who may reach whom, with seats for every role and for what lies outside the VPC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plan.picture import ink, letters, seats
from plan.picture.places import Vpc
from plan.picture.wiring import Net, Table, Wiring, wire
from plan.reach import INTERNET, Row

NODE = 168.0
OUTSIDE = 160.0
PILL = 124.0
_LABEL = 44.0
_HEIGHT = 64.0
# An outside thing that sends and one that receives are two nodes: they stand on different sides.
FROM, TO = "from:", "to:"


@dataclass(frozen=True)
class Graph:
    """Nodes by name with their seats, nets with their rows, and where the lines run."""

    seats: Mapping[str, tuple[int, int]]
    nets: Mapping[str, Sequence[Row]]
    wires: Sequence[Net]
    wiring: Wiring
    space: Mapping[int, float]

    @property
    def inbound(self) -> bool:
        return any(name.startswith(FROM) for name in self.seats)

    @property
    def outbound(self) -> bool:
        return any(name.startswith(TO) for name in self.seats)

    @property
    def threshold(self) -> float:
        """Where the VPC begins when something outside leads into it."""
        return self.wiring.columns[1][0] - self.space[1] - ink.STEP if self.inbound else 0

    @property
    def beyond(self) -> float:
        """From the boundary of the VPC to what lies outside: half a pill, then the label."""
        return PILL / 2 + self.space.get(max(column for column, _ in self.seats.values()), 0)

    def node(self, row: Row) -> str:
        """The node a row starts from."""
        return row.source if row.source in self.seats else FROM + row.source

    def among_themselves(self, role: str) -> list[Row]:
        """What a role opens to itself."""
        return [row for rows in self.nets.values() for row in rows if row.source == row.target == role]


def port(row: Row) -> str:
    """`443`, `53/udp`, `all`."""
    return row.port if row.protocol in {"tcp", "all"} else f"{row.port}/{row.protocol}"


def label(row: Row) -> str:
    """What stands at the head of an arrow."""
    return port(row) if row.state == "open" else f"{port(row)} {row.state}"


def build(vpc: Vpc, length: float = 0) -> Graph:
    """The graph of one VPC, stretched to `length` from the first column to the last."""
    inside = list(dict.fromkeys(role.name for role in vpc.roles))
    ends = {row: _ends(row, inside) for row in vpc.rows}
    nets: dict[str, list[Row]] = {}
    for row, (_, target) in ends.items():
        nets.setdefault(f"{target}|{label(row)}", []).append(row)
    outside = {name for pair in ends.values() for name in pair} - set(inside)
    outside |= {TO + service for service in vpc.gateway_endpoints}
    outside |= {TO + INTERNET} if vpc.internet_gateway else set()
    placed = _seats(inside, sorted(outside), [pair for pair in ends.values() if pair[0] != pair[1]])
    wires = []
    for name, rows in nets.items():
        sources = dict.fromkeys(ends[row][0] for row in rows if row.source != row.target)
        if sources:
            wires.append(Net(name, tuple(sources), ends[rows[0]][1]))
    space = {column: _LABEL for column, _ in placed.values() if column}
    for net in wires:
        words = letters.width(label(nets[net.name][0]), ink.SMALL_STRONG)
        column = placed[net.target][0]
        # An arrow back into the first column needs room before it too.
        space[column] = max(space.get(column, _LABEL), words + 20)
    return Graph(placed, nets, wires, wire(_table(placed, wires, space, length), wires), space)


def _ends(row: Row, inside: Sequence[str]) -> tuple[str, str]:
    return (
        row.source if row.source in inside else FROM + row.source,
        row.target if row.target in inside else TO + row.target,
    )


def _seats(
    inside: Sequence[str], outside: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> dict[str, tuple[int, int]]:
    """Columns by who reaches whom, senders outside first, receivers outside last; rows by short lines."""
    uses: dict[str, set[str]] = {}
    for source, target in pairs:
        uses.setdefault(source, set()).add(target)
    columns = _columns(inside, uses)
    senders = [name for name in outside if name.startswith(FROM)]
    receivers = sorted((n for n in outside if n.startswith(TO)), key=lambda n: (n != TO + INTERNET, n))
    table = [column for column in (senders, *columns, receivers) if column]
    height = max((len(column) for column in table), default=0)
    rows = [[*column, *[None] * (height - len(column))] for column in table]
    settled = seats.settle(rows, uses, fixed={TO + INTERNET})
    return {
        name: (number, seat)
        for number, column in enumerate(settled)
        for seat, name in enumerate(column)
        if name
    }


def _columns(inside: Sequence[str], uses: Mapping[str, set[str]]) -> list[list[str]]:
    """A role that reaches no other role stands in the last column, close to what it reaches outside."""
    depth = seats.depths(inside, uses)
    last = max(depth.values(), default=0)
    entered = {target for targets in uses.values() for target in targets}
    for name in inside:
        if name not in entered and not uses.get(name, set()) & set(inside):
            depth[name] = last
    return [[name for name in inside if depth[name] == column] for column in range(last + 1)]


def _table(
    placed: Mapping[str, tuple[int, int]], nets: Sequence[Net], space: Mapping[int, float], length: float
) -> Table:
    columns = 1 + max((column for column, _ in placed.values()), default=-1)
    rows = 1 + max((row for _, row in placed.values()), default=-1)
    sizes, lead = [NODE] * columns, dict(space)
    for name, (column, _) in placed.items():
        if name.startswith((FROM, TO)):
            sizes[column] = OUTSIDE
        if name.startswith(TO) and column:
            lead[column] = PILL + space[column]
        if name.startswith(FROM):
            lead[column + 1] = 2 * ink.STEP + space[column + 1]
    heights = [_HEIGHT] * rows
    for name, (_, row) in placed.items():
        leaving = sum(name in net.sources for net in nets)
        arriving = sum(name == net.target for net in nets)
        heights[row] = max(heights[row], 16 + 9 * leaving, 24 + 20 * arriving)
    stiff = frozenset({1} if any(name.startswith(FROM) for name in placed) else ())
    return Table(placed, sizes, heights, lead, stretch=length, stiff=stiff)
