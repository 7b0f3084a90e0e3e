"""Lines between any boxes at all: they avoid the boxes, and lines to different targets never overlap."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from plan.picture import seats
from plan.picture.wiring import Net, Table, Wiring, wire

Segment = tuple[tuple[float, float], tuple[float, float]]
Case = tuple[Table, list[Net], Wiring]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Boxes on seats of a table, and for some of them arrows from others."""
    columns, rows = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    places = [(column, row) for column in range(columns) for row in range(rows)]
    taken = draw(st.lists(st.sampled_from(places), unique=True, min_size=1, max_size=9))
    names = [f"box-{number}" for number in range(len(taken))]
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(lambda pair: pair[0] != pair[1])
    arrows = draw(st.sets(pairs, max_size=14)) if len(names) > 1 else set()
    nets = [
        Net(target, tuple(sorted(source for source, other in arrows if other == target)), target)
        for target in sorted({target for _, target in arrows})
    ]
    table = Table(dict(zip(names, taken, strict=True)), [160] * columns, [200] * rows, {})
    return table, nets, wire(table, nets)


def segments(wiring: Wiring, net: Net) -> list[Segment]:
    return [part for source in net.sources for part in pairwise(wiring.lines[net.name, source])]


@given(cases())
def test_every_line_leads_from_its_box_into_its_target(case: Case):
    table, nets, wiring = case
    for net in nets:
        for source in net.sources:
            line = wiring.lines[net.name, source]
            (start, leaves), (end, enters) = line[0], line[-1]
            assert start == wiring.columns[table.seats[source][0]][1]
            assert end == wiring.columns[table.seats[net.target][0]][0]
            assert _within(leaves, wiring.rows[table.seats[source][1]])
            assert _within(enters, wiring.rows[table.seats[net.target][1]])
            assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(line)), "only straight and square"


@given(cases())
def test_no_line_crosses_a_box(case: Case):
    table, nets, wiring = case
    for column, row in table.seats.values():
        (left, right), (top, bottom) = wiring.columns[column], wiring.rows[row]
        for net in nets:
            for (u0, v0), (u1, v1) in segments(wiring, net):
                apart = (
                    max(u0, u1) <= left or min(u0, u1) >= right or max(v0, v1) < top or min(v0, v1) > bottom
                )
                assert apart


@given(cases())
def test_lines_to_different_targets_never_overlap(case: Case):
    _, nets, wiring = case
    parts = [(net.name, part) for net in nets for part in segments(wiring, net)]
    for number, (name, one) in enumerate(parts):
        for other_name, other in parts[number + 1 :]:
            assert name == other_name or not _overlap(one, other)


@given(cases())
def test_strands_draw_a_line_once_and_leave_nothing_out(case: Case):
    _, nets, wiring = case
    for net in nets:
        strands = wiring.strands(net)
        assert list(strands) == list(net.sources)
        assert strands[net.sources[0]] == wiring.lines[net.name, net.sources[0]]
        for source, strand in strands.items():
            assert strand[0] == wiring.lines[net.name, source][0]


def _within(place: float, span: tuple[float, float]) -> bool:
    return span[0] < place < span[1]


def _overlap(one: Segment, other: Segment) -> bool:
    """Both run on the same straight line and share more than a point."""
    for along, across in ((0, 1), (1, 0)):
        places = {point[across] for point in (*one, *other)}
        low = max(min(point[along] for point in part) for part in (one, other))
        high = min(max(point[along] for point in part) for part in (one, other))
        if len(places) == 1 and low < high:
            return True
    return False


names = st.sampled_from("abcdefg")


@given(st.dictionaries(names, st.frozensets(names)))
def test_what_uses_stands_before_what_it_uses_unless_they_use_each_other(uses: dict[str, frozenset[str]]):
    everyone = sorted({*uses, *(other for others in uses.values() for other in others)})
    depth = seats.depths(everyone, uses)
    assert min(depth.values(), default=0) >= 0
    for name, others in uses.items():
        for other in others:
            assert depth[name] < depth[other] or name in _reached(uses, other)


def _reached(uses: dict[str, frozenset[str]], start: str) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        new = uses.get(waiting.pop(), frozenset()) - seen
        seen |= new
        waiting.extend(sorted(new))
    return seen


def test_seats_are_swapped_until_arrows_run_straight():
    rows: list[seats.Row] = [["a", "b", None], ["x", "y", "z"]]
    uses = {"a": {"z"}, "b": {"x"}}
    settled = seats.settle(rows, uses)
    assert sorted(name for row in settled for name in row if name) == ["a", "b", "x", "y", "z"]
    for name, (other,) in uses.items():
        assert settled[0].index(name) == settled[1].index(other)
