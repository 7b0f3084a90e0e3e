"""Leads arrows between boxes in a table through the free space between its columns and rows.

Directions are abstract: `u` runs along the columns, `v` along the rows; who draws may swap them. An arrow
leaves a box on the side of greater `u`, enters on the other, turns only in the channels between columns and
passes other columns only in the gutters between rows. All arrows into one box with one label share a net, so
that a line never carries two meanings. No two nets run on the same track: they cross, but never overlap.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from plan.picture.tracks import APART, Trunk, tracks_of

_PITCH = 10.0
_LABEL = 20.0

Polyline = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Net:
    """Arrows from several boxes into one."""

    name: str
    sources: tuple[str, ...]
    target: str


@dataclass(frozen=True)
class Table:
    """Sizes of the table.

    `lead` is free space before a column for heads and labels. The channels grow until the table is as long
    as `stretch`, except those before `stiff` columns.
    """

    seats: Mapping[str, tuple[int, int]]
    columns: Sequence[float]
    rows: Sequence[float]
    lead: Mapping[int, float]
    gap: float = 40
    gutter: tuple[float, float] = (24, 120)
    stretch: float = 0
    stiff: frozenset[int] = frozenset()


@dataclass
class Wiring:
    """Where everything is: column and row intervals, and a line for each source of each net."""

    columns: list[tuple[float, float]] = field(default_factory=list)
    rows: list[tuple[float, float]] = field(default_factory=list)
    lines: dict[tuple[str, str], Polyline] = field(default_factory=dict)
    entries: dict[str, float] = field(default_factory=dict)
    length: float = 0
    height: float = 0

    def strands(self, net: Net) -> dict[str, Polyline]:
        """The lines of a net without what they share: the first leads to the target, others only join it."""
        whole = [self.lines[net.name, source] for source in net.sources]
        strands = dict(zip(net.sources, whole, strict=True))
        for number, source in enumerate(net.sources):
            for other in whole[:number]:
                strands[source] = _up_to(strands[source], other)
        return strands


def wire(table: Table, nets: Sequence[Net]) -> Wiring:
    """Places columns and rows of the table and leads every net."""
    return _Router(table, nets).run()


class _Router:
    def __init__(self, table: Table, nets: Sequence[Net]) -> None:
        self._table, self._nets, self._wiring = table, nets, Wiring()
        self._gutter: dict[str, int] = {}
        self._lane: dict[str, float] = {}
        self._exits: dict[tuple[str, str], float] = {}
        self._track: dict[tuple[str, int], float] = {}

    def run(self) -> Wiring:
        self._choose_gutters()
        self._place_rows()
        self._place_exits()
        self._place_entries()
        self._place_columns()
        for net in self._nets:
            for source in net.sources:
                self._wiring.lines[net.name, source] = self._line(net, source)
        return self._wiring

    def _adjacent(self, net: Net, source: str) -> bool:
        return self._table.seats[source][0] + 1 == self._table.seats[net.target][0]

    def _far(self, net: Net) -> list[str]:
        return [source for source in net.sources if not self._adjacent(net, source)]

    def _choose_gutters(self) -> None:
        """The gutter with the shortest way round, less gladly where others already run."""
        load = [0] * (len(self._table.rows) + 1)
        for net in self._nets:
            ends = [self._table.seats[name][1] + 0.5 for name in (*self._far(net), net.target)]
            if len(ends) == 1:
                continue
            costs = [sum(abs(g - end) for end in ends) + 0.3 * load[g] for g in range(len(load))]
            self._gutter[net.name] = costs.index(min(costs))
            load[self._gutter[net.name]] += 1

    def _place_rows(self) -> None:
        v = 0.0
        low, high = self._table.gutter
        for gutter in range(len(self._table.rows) + 1):
            lanes = self._lanes(gutter)
            count = 1 + max(lanes.values(), default=-1)
            size = min(max(low, (count + 1) * _PITCH), high)
            for name, lane in lanes.items():
                self._lane[name] = v + size * (lane + 1) / (count + 1)
            v += size if count or 0 < gutter < len(self._table.rows) else 0
            if gutter < len(self._table.rows):
                self._wiring.rows.append((v, v + self._table.rows[gutter]))
                v += self._table.rows[gutter]
        self._wiring.height = v

    def _lanes(self, gutter: int) -> dict[str, int]:
        """Nets of a gutter side by side; those that never meet share a lane."""
        lanes: dict[str, int] = {}
        spans: dict[str, tuple[int, int]] = {}
        here = [net for net in self._nets if self._gutter.get(net.name) == gutter]
        for net in sorted(here, key=lambda net: (self._table.seats[net.target][1], net.name)):
            target = self._table.seats[net.target][0]
            columns = [self._table.seats[source][0] + 1 for source in self._far(net)] + [target]
            span = spans[net.name] = (min(columns), max(columns))
            taken = {lanes[n] for n, s in spans.items() if n in lanes and s[0] <= span[1] and span[0] <= s[1]}
            lanes[net.name] = next(lane for lane in range(len(taken) + 1) if lane not in taken)
        return lanes

    def _place_exits(self) -> None:
        """Side by side on the box they leave, in the order in which they go up or down."""
        for name, (_, row) in self._table.seats.items():
            leaving = [net for net in self._nets if name in net.sources]
            low, high = self._wiring.rows[row]
            middle = (low + high) / 2
            leaving.sort(key=lambda net: (self._aim(net, name), net.name))
            pitch = min(_PITCH, (high - low - 16) / max(1, len(leaving) - 1))
            for number, net in enumerate(leaving):
                self._exits[net.name, name] = middle + (number - (len(leaving) - 1) / 2) * pitch

    def _aim(self, net: Net, source: str) -> float:
        if not self._adjacent(net, source):
            return self._lane[net.name]
        low, high = self._wiring.rows[self._table.seats[net.target][1]]
        return (low + high) / 2

    def _place_entries(self) -> None:
        """Straight from a box in the same row where that is free, else near the middle."""
        for target, (column, row) in self._table.seats.items():
            arriving = [net for net in self._nets if net.target == target]
            low, high = self._wiring.rows[row]
            arriving.sort(key=lambda net: (self._came_from(net), net.name))
            pitch = min(_LABEL, (high - low - 12) / max(1, len(arriving) - 1))
            for number, net in enumerate(arriving):
                wanted = (low + high) / 2 + (number - (len(arriving) - 1) / 2) * pitch
                level = [
                    self._exits[net.name, source]
                    for source in net.sources
                    if self._adjacent(net, source) and self._table.seats[source][1] == row
                ]
                if len(arriving) == 1 and level:
                    wanted = level[0]
                self._wiring.entries[net.name] = self._free(net, column, wanted, (low + 8, high - 8))

    def _came_from(self, net: Net) -> float:
        return sum(self._exits[net.name, source] for source in net.sources) / len(net.sources)

    def _free(self, net: Net, column: int, wanted: float, limits: tuple[float, float]) -> float:
        """The place nearest to the wanted one where no line of another net leaves into the same channel."""
        taken = [
            place
            for (name, source), place in self._exits.items()
            if name != net.name and self._table.seats[source][0] + 1 == column
        ]
        steps = sorted(
            (wanted + sign * step for step in range(0, 24, 2) for sign in (1, -1)),
            key=lambda v: abs(v - wanted),
        )
        inside = [v for v in steps if limits[0] <= v <= limits[1]] or [wanted]
        free = [v for v in inside if all(abs(v - place) >= APART for place in taken)]
        return (free or inside)[0]

    def _trunks(self, channel: int) -> list[Trunk]:
        """Every net that turns in a channel, with the places where it comes and goes."""
        found: dict[str, Trunk] = {}
        for net in self._nets:
            trunk = Trunk(net.name)
            target = self._table.seats[net.target][0]
            for source in net.sources:
                if self._table.seats[source][0] + 1 == channel:
                    trunk.before.append(self._exits[net.name, source])
                    if not self._adjacent(net, source):
                        (trunk.after if target > channel else trunk.before).append(self._lane[net.name])
            if target == channel:
                trunk.after.append(self._wiring.entries[net.name])
                starts = [self._table.seats[source][0] + 1 for source in self._far(net)]
                trunk.before.extend(self._lane[net.name] for start in starts if start < channel)
                trunk.after.extend(self._lane[net.name] for start in starts if start > channel)
            if trunk.before + trunk.after and trunk.span[0] < trunk.span[1]:
                found[net.name] = trunk
        return list(found.values())

    def _place_columns(self) -> None:
        table = self._table
        tracks = [tracks_of(self._trunks(channel)) for channel in range(len(table.columns) + 1)]
        sizes = [self._channel_size(channel, tracks[channel]) for channel in range(len(tracks))]
        growing = set(range(1, len(table.columns))) - table.stiff
        missing = max(0.0, table.stretch - sum(sizes) - sum(table.columns))
        for channel in growing:
            sizes[channel] += missing / len(growing)
        u = 0.0
        for channel, size in enumerate(sizes):
            count = 1 + max(tracks[channel].values(), default=-1)
            room = size - table.lead.get(channel, 0)
            first = u + (room - (count - 1) * _PITCH) / 2
            for name, track in tracks[channel].items():
                self._track[name, channel] = first + track * _PITCH
            u += size
            if channel < len(table.columns):
                self._wiring.columns.append((u, u + table.columns[channel]))
                u += table.columns[channel]
        self._wiring.length = u

    def _channel_size(self, channel: int, tracks: Mapping[str, int]) -> float:
        count = 1 + max(tracks.values(), default=-1)
        if channel in {0, len(self._table.columns)} and not count:
            return self._table.lead.get(channel, 0)
        return max(self._table.gap, (count + 1) * _PITCH) + self._table.lead.get(channel, 0)

    def _line(self, net: Net, source: str) -> Polyline:
        out, entry = self._exits[net.name, source], self._wiring.entries[net.name]
        start, end = self._table.seats[source][0], self._table.seats[net.target][0]
        points = [(self._wiring.columns[start][1], out)]
        first = self._track.get((net.name, start + 1))
        if not self._adjacent(net, source):
            lane, last = self._lane[net.name], self._track.get((net.name, end))
            if first is not None:
                points += [(first, out), (first, lane)]
            if last is not None:
                points += [(last, lane), (last, entry)]
        elif first is not None:
            points += [(first, out), (first, entry)]
        points.append((self._wiring.columns[end][0], entry))
        return _simple(points)


def _up_to(line: Polyline, other: Polyline) -> Polyline:
    """A line up to a little behind the corner from where it runs as the other does."""
    shared = 0
    while shared < min(len(line), len(other)) and line[-1 - shared] == other[-1 - shared]:
        shared += 1
    if shared < 2:
        return line
    corner, following = line[-shared], line[-shared + 1]
    way = max(abs(following[0] - corner[0]), abs(following[1] - corner[1]))
    share = min(1.0, 12 / way)
    behind = tuple(at + (to - at) * share for at, to in zip(corner, following, strict=True))
    return (*line[: len(line) - shared + 1], (behind[0], behind[1]))


def _simple(points: Sequence[tuple[float, float]]) -> Polyline:
    """Without points that stand on a straight line."""
    kept: list[tuple[float, float]] = []
    for point in points:
        if kept and point == kept[-1]:
            continue
        if len(kept) > 1 and (
            kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]
        ):
            kept.pop()
        kept.append(point)
    return tuple(kept)
