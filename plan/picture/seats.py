"""Gives the nodes of a graph seats in a table, so that arrows run forward, short and seldom across."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations

Uses = Mapping[str, AbstractSet[str]]
Row = list[str | None]


def depths(names: Sequence[str], uses: Uses) -> dict[str, int]:
    """How many arrows lead to a node at most; a node nothing leads to stands just before what it uses."""
    forward = _without_cycles(names, uses)
    depth = dict.fromkeys(names, 0)
    for name in _in_order(names, forward):
        for other in forward[name]:
            depth[other] = max(depth[other], depth[name] + 1)
    entered = {other for others in forward.values() for other in others}
    for name in reversed(_in_order(names, forward)):
        if name not in entered and forward[name]:
            depth[name] = min(depth[other] for other in forward[name]) - 1
    return depth


def _without_cycles(names: Sequence[str], uses: Uses) -> dict[str, list[str]]:
    """The same arrows less those that would lead back to where a walk came from."""
    forward: dict[str, list[str]] = {name: [] for name in names}
    done: set[str] = set()

    def walk(name: str, path: frozenset[str]) -> None:
        for other in sorted(uses.get(name, ())):
            if other not in path and other != name and other in forward:
                forward[name].append(other)
                if other not in done:
                    walk(other, path | {other})
        done.add(name)

    entered = {other for others in uses.values() for other in others}
    for name in sorted(names, key=lambda n: (n in entered, n)):
        if name not in done:
            walk(name, frozenset({name}))
    return forward


def _in_order(names: Sequence[str], forward: Mapping[str, Sequence[str]]) -> list[str]:
    """Users before what they use."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for other in forward[name]:
            visit(other)
        order.append(name)

    for name in names:
        visit(name)
    return order[::-1]


def settle(rows: Sequence[Row], uses: Uses, fixed: AbstractSet[str] = frozenset()) -> list[Row]:
    """Swaps two seats, in one row or through several, as long as arrows get shorter or cross less."""
    seated = [list(row) for row in rows]
    best = _cost(seated, uses)
    improved = True
    while improved:
        improved = False
        for part, first, second in _swaps(seated):
            if {row[seat] for row in part for seat in (first, second)} & fixed:
                continue
            _swap(part, first, second)
            cost = _cost(seated, uses)
            if cost < best:
                best, improved = cost, True
            else:
                _swap(part, first, second)
    return seated


def _swaps(rows: Sequence[Row]) -> Iterator[tuple[Sequence[Row], int, int]]:
    """(neighbouring rows, seat, other seat): a chain of nodes moves only when its rows move together."""
    for start, end in combinations(range(len(rows) + 1), 2):
        part = rows[start:end]
        for first, second in combinations(range(min(len(row) for row in part)), 2):
            yield part, first, second


def _swap(rows: Sequence[Row], first: int, second: int) -> None:
    for row in rows:
        row[first], row[second] = row[second], row[first]


def _cost(rows: Sequence[Row], uses: Uses) -> int:
    seats = {name: (number, seat) for number, row in enumerate(rows) for seat, name in enumerate(row) if name}
    arrows = [
        (*seats[name], *seats[other])
        for name, others in sorted(uses.items())
        if name in seats
        for other in sorted(others)
        if other in seats
    ]
    length = sum(abs(a[1] - a[3]) for a in arrows)
    crossings = sum(
        (a[0], a[2]) == (b[0], b[2]) and (a[1] - b[1]) * (a[3] - b[3]) < 0
        for number, a in enumerate(arrows)
        for b in arrows[number + 1 :]
    )
    # Seats left free belong at the end of a row, not between.
    loose = sum(seat for row in rows for seat, name in enumerate(row) if name)
    return 20 * length + 12 * crossings + loose
