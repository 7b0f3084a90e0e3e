"""Pictures: XML that can be drawn, and that shows what it is of."""

from xml.etree import ElementTree

import pytest

from sizing import cost, drawing, knee, pictures, traffic
from sizing.cost import Bought
from tests.sizing.case_helpers import REGION, case

EVENTS = (traffic.event("prime-day:8:20:5"), traffic.event("flash-sale:19:19.5:2.5"))


def _texts(svg: str) -> str:
    return " ".join(text for element in ElementTree.fromstring(svg).iter() if (text := element.text))


def test_the_pictures_of_a_case_name_what_they_show() -> None:
    asked = case(events=EVENTS)
    bill = cost.bill(asked.demand, asked.settings, asked.known, Bought({}, asked.quotes), REGION)
    assert "messages a second" in _texts(pictures.demand(asked))
    assert "units (P75)" in _texts(pictures.tokens(asked))
    assert "model sonnet" in _texts(pictures.bill(bill, asked.demand.traffic.days))
    assert "as assumed: 35.0 %" in _texts(pictures.tornado(asked) or "")


def test_without_a_quote_there_is_no_tornado() -> None:
    asked = case()
    bare = type(asked.quotes)({})
    assert pictures.tornado(case(quotes=bare)) is None


def test_an_event_within_another_adds_only_what_that_one_lacks() -> None:
    alone = case(events=EVENTS[:1]).peaks[0].units
    both = {peak.name: peak.units for peak in case(events=EVENTS).peaks}
    inside = case(events=(traffic.event("flash-sale:19:19.5:12.5"),)).peaks[0].units
    assert both["prime-day"] >= alone
    assert both["prime-day"] + both["flash-sale"] == pytest.approx(inside, abs=1)


def test_a_tornado_that_goes_one_way_writes_both_ends_once() -> None:
    svg = drawing.tornado("t", 35.0, [("x", "low", 27.0, "high", 34.0)], " %")
    assert "low: 27.0 %; high: 34.0 %" in _texts(svg)


def test_words_of_data_cannot_break_the_picture() -> None:
    svg = drawing.bars("<&>", [("a<b", {"c&d": 1.0})], "$")
    assert "a<b" in _texts(svg)


def test_the_knee_is_the_first_rate_that_does_not_hold() -> None:
    points = [knee.Point(10, 1.0, 1.0), knee.Point(20, 1.1, 0.98), knee.Point(30, 2.0, 0.5)]
    assert knee.breaks_at(points) == 20
    assert knee.breaks_at(points[:1]) is None
