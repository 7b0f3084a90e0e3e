"""Draws components as cards in rows: those in the VPC above its lower boundary, and what they use."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from plan.picture import ink, seats
from plan.picture.cards import Card
from plan.picture.ink import Stroke
from plan.picture.letters import width as width_of
from plan.picture.letters import wrap
from plan.picture.wiring import Net, Table, Wiring, wire
from plan.picture.words import listed, plural

WIDTH = 258.0
GUTTER = 32.0
HEADING = 36.0
BELOW = 28.0  # from the boundary of the VPC down to the next heading
USES = Stroke(ink.MUTED, 1.4)
_WITHIN = WIDTH - 24


@dataclass(frozen=True)
class Shelf:
    """Rows of cards and the lines between them; the first `inside` rows stand within the VPC."""

    rows: Sequence[Sequence[Card | None]]
    inside: int
    nets: Sequence[Net]
    wiring: Wiring

    @property
    def height(self) -> float:
        return self.wiring.length

    @property
    def boundary(self) -> float:
        """How far below the top of the shelf the VPC ends."""
        if not self.inside:
            return 0
        if self.inside == len(self.rows):
            return self.height + 20
        return self.wiring.columns[self.inside][0] - HEADING - BELOW / 2


def build(inside: Sequence[Card], outside: Sequence[Card], columns: tuple[int, int]) -> Shelf:
    """Seats and lines; `columns` is how many cards stand side by side inside the VPC and outside it."""
    known = {card.key: card for card in (*inside, *outside)}
    uses = {key: card.uses & known.keys() for key, card in known.items()}
    within, beyond = _rows(inside, uses, columns[0]), _rows(outside, uses, columns[1])
    seated = seats.settle([*within, *beyond], uses)
    place = {key: (number, seat) for number, row in enumerate(seated) for seat, key in enumerate(row) if key}
    heights = [max(_height(known[key]) for key in row if key) for row in seated]
    lead = {number: _lead(number, len(within)) for number in range(len(seated))}
    table = Table(place, heights, [WIDTH] * max(columns), lead, gap=16, gutter=(GUTTER, GUTTER))
    rows = [[known[key] if key else None for key in row] for row in seated]
    nets = _nets(uses, place)
    return Shelf(rows, len(within), nets, wire(table, nets))


def _lead(number: int, inside: int) -> float:
    """Room above a row: for arrow heads, for a heading, for the boundary."""
    if number == inside > 0:
        return BELOW + HEADING
    return HEADING if number == 0 else 16


def _nets(uses: Mapping[str, AbstractSet[str]], place: Mapping[str, tuple[int, int]]) -> list[Net]:
    users: dict[str, list[str]] = {}
    for key, others in uses.items():
        for other in others:
            users.setdefault(other, []).append(key)
    return [Net(key, tuple(sorted(users[key], key=place.__getitem__)), key) for key in sorted(users)]


def _rows(cards: Sequence[Card], uses: Mapping[str, AbstractSet[str]], columns: int) -> list[seats.Row]:
    """Users above what they use; cards without arrows fill the seats that stay free."""
    keys = [card.key for card in cards]
    used = {other for others in uses.values() for other in others}
    tied = [key for key in keys if key in used or uses[key]]
    depth = seats.depths(tied, uses)
    rows: list[list[str]] = []
    row_of: dict[str, int] = {}
    for key in sorted(tied, key=lambda key: (depth[key], key)):
        above = [row for user, row in row_of.items() if key in uses[user]]
        row_of[key] = _first_free(rows, max(above) + 1 if above else depth[key], columns)
        rows[row_of[key]].append(key)
    rows = [row for row in rows if row]
    for key in (key for key in keys if key not in tied):
        number = next((at for at in reversed(range(len(rows))) if len(rows[at]) < columns), len(rows))
        rows[_first_free(rows, number, columns)].append(key)
    return [[*row, *[None] * (columns - len(row))] for row in rows]


def _first_free(rows: list[list[str]], start: int, columns: int) -> int:
    """The first row from `start` on with a free seat; rows are added as needed."""
    number = start
    while number < len(rows) and len(rows[number]) >= columns:
        number += 1
    rows.extend([] for _ in range(number + 1 - len(rows)))
    return number


def _lines(card: Card) -> list[tuple[str, str]]:
    """(words, colour) below the title: what it is made of, where it stands, what no arrow says."""
    lines = [(line, ink.INK) for line in wrap(", ".join(card.counts), ink.SMALL, _WITHIN, 2)]
    if card.roles:
        lines += [(f"{plural('role', len(card.roles))} {listed(list(card.roles), 4)}", ink.BLUE)]
    return lines + [(line, ink.MUTED) for note in card.notes for line in wrap(note, ink.SMALL, _WITHIN, 3)]


def _height(card: Card) -> float:
    return 40 + ink.LINE * len(_lines(card))


def draw(parent: Element, shelf: Shelf, x: float, y: float, headings: tuple[str, str]) -> None:
    """`x` is the left edge of the first card."""
    x -= shelf.wiring.rows[0][0]
    titles = {card.key: card.title for row in shelf.rows for card in row if card}
    for net in shelf.nets:
        for number, (source, strand) in enumerate(shelf.wiring.strands(net).items()):
            draw_line = ink.line if number else ink.arrow
            said = f"{titles[source]} uses {titles[net.target]}"
            draw_line(parent, [(x + v, y + u) for u, v in strand], USES, hover=said)
    for number, row in enumerate(shelf.rows):
        top = y + shelf.wiring.columns[number][0]
        if number in {0, shelf.inside}:
            heading = headings[0] if number < shelf.inside else headings[1]
            ink.text(parent, x + shelf.wiring.rows[0][0], top - 12, heading, ink.STRONG, fill=ink.MUTED)
        for seat, card in enumerate(row):
            if card is not None:
                left = x + shelf.wiring.rows[seat][0]
                _card(
                    parent, card, left, top, shelf.wiring.columns[number][1] - shelf.wiring.columns[number][0]
                )


def _card(parent: Element, card: Card, x: float, y: float, height: float) -> None:
    count = f"{card.resources} {plural('resource', card.resources)}"
    element = ink.box(
        parent,
        x,
        y,
        WIDTH,
        height,
        fill=ink.PAPER,
        stroke=Stroke(ink.MUTED),
        radius=6,
        hover=f"{card.title}: {', '.join(card.counts)}; {count}",
    )
    taken = width_of(count, ink.SMALL)
    ink.text(element, x + 12, y + 23, card.title, ink.TITLE, limit=_WITHIN - taken - 12)
    ink.text(element, x + WIDTH - 12, y + 23, count, ink.SMALL, fill=ink.MUTED, anchor="end")
    for number, (words, colour) in enumerate(_lines(card), 1):
        ink.text(element, x + 12, y + 24 + number * ink.LINE, words, ink.SMALL, fill=colour, limit=_WITHIN)
