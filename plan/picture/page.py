"""Puts the picture of a whole plan together: a box a region, a title above, a legend below."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from plan.model import Plan
from plan.picture import cards, graph, ink, legend, network, way
from plan.picture.cards import Card
from plan.picture.places import Place, places
from plan.picture.region import PAD, draw_region
from plan.picture.words import plural

WIDTH = 1600.0
_MARGIN = 24.0


def draw(plan: Plan) -> Element:
    """The picture as one SVG element."""
    found, known = places(plan), cards.cards(plan)
    needed = max((graph.build(vpc).wiring.length for place in found for vpc in place.vpcs), default=0)
    width = max(WIDTH, needed + 2 * (_MARGIN + 2 * PAD))
    title = f"{plan.root.name}: components, data flow and security boundaries"
    root = ink.page(width, 0, title, _summary(plan, found))
    ink.text(root, _MARGIN, 46, plan.root.name, ink.HUGE)
    ink.text(root, _MARGIN, 72, _summary(plan, found), ink.BODY, fill=ink.MUTED, limit=width - 2 * _MARGIN)
    first = [card for card in known if found and card.region in {found[0].name, ""}]
    y = way.draw(root, plan, first, (_MARGIN, width - _MARGIN), 96.0)
    for place in found:
        here = [card for card in known if card.region == place.name]
        y = draw_region(root, place, here, (_MARGIN, width - _MARGIN), y) + _MARGIN
    y = legend.draw(root, _MARGIN, y, width - 2 * _MARGIN, _shown(found, known)) + _MARGIN
    root.set("height", ink.number(y))
    root.set("viewBox", f"0 0 {ink.number(width)} {ink.number(y)}")
    ink.resize(root, height=y)
    return root


def _summary(plan: Plan, found: Sequence[Place]) -> str:
    regions = [place for place in found if place.name]
    vpcs = [vpc for place in found for vpc in place.vpcs]
    rows = [row for vpc in vpcs for row in vpc.rows]
    counts = [
        (len(plan.cloud), "resource"),
        (len(plan.components), "component"),
        (len(regions), "region"),
        (len(vpcs), "VPC"),
        (sum(len(vpc.zones) for vpc in vpcs), "availability zone"),
        (sum(vpc.nats for vpc in vpcs), "NAT gateway"),
        (sum(row.state == "open" for row in rows), "permitted connection"),
        (sum(row.state != "open" for row in rows), "one-sided rule"),
    ]
    protected = sum(resource.options.protect for resource in plan.cloud)
    words = [f"{count} {plural(word, count)}" for count, word in counts if count]
    return ", ".join([*words, f"{protected} protected against deletion"] if protected else words)


def _shown(found: Sequence[Place], known: Sequence[Card]) -> legend.Shown:
    vpcs = [vpc for place in found for vpc in place.vpcs]
    return legend.Shown(
        vpc=bool(vpcs),
        tiers=tuple(tier for tier in network.TIER_COLOURS if any(tier in vpc.tiers for vpc in vpcs)),
        roles=any(vpc.roles for vpc in vpcs),
        one_sided=any(row.state != "open" for vpc in vpcs for row in vpc.rows),
        services=any(vpc.gateway_endpoints for vpc in vpcs),
        cards=bool(known),
        arrows=any(card.uses for card in known),
        standby=any(place.standby for place in found),
    )
