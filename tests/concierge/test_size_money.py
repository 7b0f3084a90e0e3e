"""What `concierge size cost` tells a finance partner: what it rests on, what events add, what is unknown."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from concierge.__main__ import run
from contract.errors import DONE

EVENTS = ("--event", "prime-day:8:20:5", "--event", "flash-sale:19:19.5:2.5")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch, shared_plans: None) -> None:
    """Lines are not cut."""
    monkeypatch.setenv("COLUMNS", "200")


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(["size", *arguments]) == DONE
    return capsys.readouterr().out


def facts(capsys: pytest.CaptureFixture[str], *arguments: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(said(capsys, *arguments, "--json"))
    return found


def test_what_the_figures_rest_on_is_said_beside_them(capsys: pytest.CaptureFixture[str]) -> None:
    text, found = said(capsys, "cost"), facts(capsys, "cost")
    units = found["units"]["sonnet"]
    assert f"with {units['units']} units of sonnet ({units['term']}), which commit to" in text
    assert "are not held; NOT CHECKED" in text
    assert f"purely on demand: ${found['usd_a_day_on_demand']:,.0f} a day" in text
    assert found["usd_a_day_with_units_held"] == found["usd_a_day_on_demand"] > found["usd_a_day"]


def test_events_add_up_to_what_they_change(capsys: pytest.CaptureFixture[str]) -> None:
    found, ordinary = facts(capsys, "cost", *EVENTS), facts(capsys, "cost")
    added = {event["name"]: event for event in found["events"]}
    assert added.keys() == {"prime-day", "flash-sale"}
    assert sum(event["usd"] for event in added.values()) == pytest.approx(found["usd"] - ordinary["usd"])
    more = sum(event["messages"] for event in added.values())
    assert more == pytest.approx(found["messages"] - ordinary["messages"])
    assert added["flash-sale"]["usd"] < 0.2 * added["prime-day"]["usd"]


def test_a_change_whose_price_is_not_known_is_no_saving(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "cost", "--what-if", "search.node_type=r6g.8xlarge.search")
    assert "unknown: search, no price row opensearch-r6g-8xlarge-hour" in text
    assert " less" not in text.partition("with search.node_type")[2]


def test_a_setting_that_the_bill_does_not_follow_is_not_called_free(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = said(capsys, "cost", "--what-if", "runtime.caches.semantic=false")
    assert "no line of the bill follows it" in text


def test_a_change_below_what_the_traffic_needs_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "cost", "--what-if", "agent.services.chat.maximum=3")
    assert "a month less" in text
    assert "agent.services.chat.maximum: the traffic needs" in text


def test_the_units_of_events_have_their_price(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "units", *EVENTS)
    (line,) = [line for line in text.splitlines() if line.startswith("event flash-sale")]
    assert "by the hour, bought 48 h before; spare only $" in line
