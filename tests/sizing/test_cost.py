"""OPS-7: costs add up, more messages never cost less, and what has no price stays unknown."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.prices import HOURS_IN_MONTH
from sizing import cost
from sizing.cost import Bought
from sizing.demand import Demand
from tests.sizing.case_helpers import REGION, case, day, known_usd


def _bill(peak: float, **changes):
    asked = case(ordinary=day(peak))
    if changes:
        asked = asked.changed(changes)
    return asked, cost.bill(asked.demand, asked.settings, asked.known, Bought({}, asked.quotes), REGION)


def test_every_way_to_cut_the_bill_makes_the_same_whole() -> None:
    asked, bill = _bill(4_000)
    each = cost.per_message(asked.demand, bill)
    total = float(asked.demand.messages.sum())
    shares = {intent: one.share for intent, one in asked.assumed.intents.items()}
    assert sum(bill.by_part().values()) == pytest.approx(bill.usd)
    assert sum(each.by_part.values()) == pytest.approx(each.usd)
    assert sum(each.by_tier.values()) == pytest.approx(each.usd)
    assert sum(usd * shares[intent] for intent, usd in each.by_intent.items()) == pytest.approx(each.usd)
    assert each.usd * total == pytest.approx(bill.usd)


def test_a_message_and_a_resolved_conversation_cost_what_the_requirement_says() -> None:
    asked = case()
    bill = cost.bill(asked.demand, asked.settings, asked.known, asked.bought, REGION)
    each = cost.per_message(asked.demand, bill)
    assert 0.003 <= each.usd <= 0.0055  # OPS-7: 0.003 to 0.005, blended
    assert each.resolved_usd == pytest.approx(0.02, rel=0.25)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 50_000), st.floats(1.0, 4.0))
def test_more_messages_never_cost_less(peak: float, more: float) -> None:
    assert _bill(peak * more)[1].usd >= _bill(peak)[1].usd * (1 - 1e-9)


def test_units_replace_on_demand_tokens_and_nothing_else() -> None:
    asked = case()
    without = cost.models_bill(asked.demand, Bought({}, asked.quotes), REGION)
    with_ = cost.models_bill(asked.demand, asked.bought, REGION)
    option = asked.bought.options["sonnet"]
    saved = (without.usd - with_.usd) * HOURS_IN_MONTH / 24
    assert saved == pytest.approx(known_usd(option.on_demand_usd) - known_usd(option.usd), rel=1e-6)
    assert without.by_part()["model haiku"] == pytest.approx(with_.by_part()["model haiku"])


def test_what_has_no_price_is_named_and_counts_as_nothing() -> None:
    asked, bill = _bill(100)
    unknown = cost.per_message(asked.demand, bill).unknown
    assert any("inf2" in line for line in unknown)
    assert all(line.usd is None for line in bill.unknown)


def test_a_setting_that_is_turned_shows_in_its_own_part_only() -> None:
    _, before = _bill(100)
    _, after = _bill(100, **{"search.node_type": "r7g.4xlarge.search"})
    first, second = before.by_part(), after.by_part()
    assert {part for part in first if first[part] != pytest.approx(second[part])} == {"search"}
    assert second["search"] > first["search"]


def test_tasks_follow_the_load_between_their_bounds() -> None:
    """A night runs the least; the day what it needs; nothing more than the most."""
    quiet, busy, beyond = (_bill(peak)[1].by_part()["tasks"] for peak in (1, 3_000, 1e7))
    assert quiet < busy < beyond
    assert beyond == pytest.approx(_bill(2e7)[1].by_part()["tasks"])


def test_a_busiest_minute_costs_its_tokens() -> None:
    asked = case(ordinary=day(600))
    minute = Demand(asked.ordinary.only(asked.ordinary.messages[:1]), asked.assumed)
    bill = cost.models_bill(minute, Bought({}, asked.quotes), REGION)
    assert bill.usd == pytest.approx(sum(line.usd for line in bill.lines if line.usd is not None))
