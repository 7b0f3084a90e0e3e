"""Says what the shapes mean; only those that the picture shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from plan.picture import ink
from plan.picture.ink import Stroke
from plan.picture.letters import width as width_of
from plan.picture.network import TIER_COLOURS
from plan.picture.shelf import USES

_SAMPLE = 36.0
_ROW = 32.0
_TIERS = {
    "public": "public: routed to the internet gateway",
    "private": "private: reaches out, is not reached",
    "isolated": "isolated: no way out",
}
Sample = Callable[[Element, float, float], None]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture contains."""

    vpc: bool
    tiers: tuple[str, ...]
    roles: bool
    one_sided: bool
    services: bool
    cards: bool
    arrows: bool
    standby: bool


def draw(root: Element, x: float, y: float, width: float, shown: Shown) -> float:
    """Samples with their words from left to right, in as many rows as needed; says where it ends."""
    frame = ink.box(root, x, y, width, 0, fill=ink.PAPER, stroke=Stroke(ink.FAINT), radius=10)
    ink.text(frame, x + 16, y + 27, "legend", ink.TITLE)
    left, top, start = x + 96, y + 22, x + 96
    for sample, words in _entries(shown):
        length = _SAMPLE + 8 + width_of(words, ink.SMALL)
        if left + length > x + width - 16:
            left, top = start, top + _ROW
        sample(frame, left, top)
        ink.text(frame, left + _SAMPLE + 8, top + 4, words, ink.SMALL, fill=ink.INK)
        left += length + 28
    bottom = top + 22
    ink.resize(frame, height=bottom - y)
    return bottom


def _entries(shown: Shown) -> Iterator[tuple[Sample, str]]:
    if shown.vpc:
        yield _block("none", ink.BOUNDARY), "boundary of a VPC"
        yield _block("none", ink.ZONE), "availability zone"
    for tier in shown.tiers:
        fill, colour = TIER_COLOURS[tier]
        yield _block(fill, Stroke(colour)), _TIERS[tier]
    if shown.roles:
        yield _block(ink.PALE, Stroke(ink.MUTED)), "role: a security group"
        yield _line(Stroke(ink.INK, 1.5)), "may open connections, on this TCP port"
    if shown.services:
        yield _block(ink.PALE_GREEN, Stroke(ink.GREEN)), "AWS service outside the VPC"
    if shown.one_sided:
        yield _line(ink.BROKEN), "rule on one side only: does not connect"
    if shown.cards:
        yield _block(ink.PAPER, Stroke(ink.MUTED)), "component"
    if shown.arrows:
        yield _line(USES), "uses (what other arrows imply is left out)"
    if shown.standby:
        yield _block("url(#standby)", Stroke(ink.MUTED, 1.5, "10 4")), "standby region"


def _block(fill: str, stroke: Stroke) -> Sample:
    def sample(parent: Element, x: float, y: float) -> None:
        ink.box(parent, x, y - 9, _SAMPLE, 18, fill=fill, stroke=stroke)

    return sample


def _line(stroke: Stroke) -> Sample:
    def sample(parent: Element, x: float, y: float) -> None:
        ink.arrow(parent, [(x, y), (x + _SAMPLE, y)], stroke)

    return sample
