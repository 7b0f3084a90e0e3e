"""OPS-6: what a load needs; more never needs less, a lost zone is borne, what no setting gives is said."""

from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from components import search_sizing
from contract.errors import WrongUseError
from contract.models import models
from contract.search import index
from sizing import capacities, capacity, patch, quote
from sizing.case import settings_of
from sizing.target import Target
from tests.sizing.case_helpers import REGION, case, day, prod

RATES = st.floats(1, 200_000)


def _target(rate: float, sessions: float | None = None, **given) -> Target:
    return Target(rate, sessions or rate * 10, case().assumed, **given)


def _needs(target: Target) -> dict[str, capacity.Need]:
    return {need.key: need for need in capacity.needs(target, prod(), capacities.usual(), REGION)}


@settings(max_examples=25, deadline=None)
@given(RATES, st.floats(1.0, 3.0))
def test_more_load_never_needs_less(rate: float, more: float) -> None:
    low, high = _needs(_target(rate)), _needs(_target(rate * more))
    for key, need in low.items():
        more_needed = high[key].needed if key in high else need.needed
        if isinstance(need.needed, str) or isinstance(more_needed, str) or key.startswith("search."):
            continue
        assert more_needed >= need.needed, key
    for found in (low, high):
        assert found["agent.services.chat.maximum"].needed == found["agent.services.chat.minimum"].needed
    if "search.node_type" in high:  # else no fleet carries it, and that is said
        assert _cores(high) >= _cores(low) * (1 - 1e-9)


def _cores(found: dict[str, capacity.Need]) -> float:
    nodes, kind = found["search.nodes"].needed, str(found["search.node_type"].needed)
    return capacity.carries_search(kind, int(nodes), prod(), capacities.usual())


@settings(max_examples=100, deadline=None)
@given(st.floats(0.1, 5_000), st.integers(2, 6))
def test_what_is_left_without_the_fullest_zone_is_enough(needed: float, zones: int) -> None:
    count = capacity.surviving(needed, zones, zone_lost=True)
    assert count - -(-count // zones) >= needed
    assert count >= capacity.surviving(needed, zones, zone_lost=False)


@settings(max_examples=60, deadline=None)
@given(st.floats(1, 2_000))
def test_a_search_fleet_fits_the_index_the_zones_and_the_settings(cores: float) -> None:
    found = capacity.search_fleet(cores, prod(), capacities.usual(), REGION)
    if found is None:
        return
    kind, nodes, replicas = found
    fleet = search_sizing.Fleet(search_sizing.node(kind), nodes, replicas, prod().search.documents)
    assert search_sizing.too_small(index(), fleet) is None
    assert capacity.carries_search(kind, nodes, prod(), capacities.usual()) >= cores * (1 - 1e-9)
    settings_of(
        "prod", {"search.node_type": kind, "search.nodes": str(nodes), "search.replicas": str(replicas)}
    )


def test_the_patch_is_settings_that_hold_what_was_needed() -> None:
    """OPS-6: the tool turns needs into settings; what it writes is read by the stack's own tree."""
    asked = case(sessions=500_000.0, ordinary=day(50_000))
    after = asked.changed(patch.changes(asked.needs))
    assert not any(need.change for need in after.needs)
    assert after.settings.agent.services.chat.minimum > 500
    cap = after.settings.runtime.rates.model_calls
    assert cap.most / cap.per_s >= sum(asked.target.calls_s(model) for model in ("haiku", "sonnet"))


def test_what_is_large_enough_is_left_alone() -> None:
    small = case(ordinary=day(10.0))
    keys = set(patch.changes(small.needs))
    assert not {key for key in keys if key.startswith(("agent.", "search.", "data.", "gateway.", "runtime."))}


def test_the_patch_reads_as_the_stack_file_would_have_it() -> None:
    asked = case(ordinary=day(20_000))
    text = patch.text(asked.needs, (), asked.quotes.root, REGION)
    config = yaml.safe_load(text)["config"]
    assert config["concierge:agent"]["services"]["chat"]["minimum"] == 210
    assert config["concierge:runtime"]["rates"]["model_calls"]["per_s"] == 1.0


def test_an_endpoint_that_no_setting_makes_large_enough_says_what_it_carries() -> None:
    need = _needs(_target(50_000))["inference.rerank.maximum"]
    assert need.needed == 100
    assert need.short == "carries 19%: beyond, the runtime falls back"
    assert not _needs(_target(1_000))["inference.rerank.maximum"].short


PEAK = patch.Peak(
    "prime-day", datetime(2027, 7, 13, 8, tzinfo=UTC), datetime(2027, 7, 13, 20, tzinfo=UTC), "sonnet", 12
)


def test_a_peak_is_a_row_of_the_calendar_once_a_variant_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert PEAK.entry(REGION) is None  # AWS sells units of a variant, and has named none yet
    text = patch.text((), [PEAK], quote.assumed_quotes().root, REGION)
    assert "prime-day needs 12 more units of sonnet" in text
    sonnet = models()["sonnet"]
    known = sonnet.regions[REGION].model_copy(update={"variants": (f"{sonnet.id}:200k",)})
    model = sonnet.model_copy(update={"regions": {**sonnet.regions, REGION: known}})
    monkeypatch.setattr(patch, "models", lambda: {**models(), "sonnet": model})
    written = yaml.safe_load(patch.text((), [PEAK], quote.assumed_quotes().root, REGION))
    assert written["config"]["concierge:events"]["calendar"] == [
        {
            "name": "prime-day",
            "starts": "2027-07-13T08:00Z",
            "ends": "2027-07-13T20:00Z",
            "model": "sonnet",
            "variant": f"{sonnet.id}:200k",
            "units": 12,
        }
    ]


def test_quotas_that_every_account_has_need_not_be_asked_for() -> None:
    small = {ask.what: ask for ask in case(ordinary=day(10.0)).asks}
    large = {ask.what: ask for ask in case(ordinary=day(50_000), sessions=500_000.0).asks}
    assert not small["New WebSocket connections a second"].must
    assert large["New WebSocket connections a second"].must
    assert large["New WebSocket connections a second"].needed == 2_000
    assert (
        large["Bedrock tokens a minute, sonnet, on demand"].lead_time
        == "one to four weeks, by a support case"
    )


@pytest.mark.parametrize(("rate", "headroom"), [(0.0, 1.2), (-1.0, 1.2), (10.0, 0.5)])
def test_a_target_that_is_none_is_refused(rate: float, headroom: float) -> None:
    with pytest.raises(WrongUseError):
        Target(rate, 10.0, case().assumed, headroom)


def test_an_endpoint_that_nobody_asks_is_not_sized_and_the_embedders_quota_is_asked_for() -> None:
    """The index's vectors are Titan's."""
    assert capacities.embeds_in_bedrock()
    assert set(capacities.endpoints()) == {"intent", "rerank"}
    needed = _needs(_target(50_000))
    assert "inference.rerank.maximum" in needed
    assert "inference.embed.maximum" not in needed
    asks = {ask.what: ask for ask in case(ordinary=day(4_000)).asks}
    embedder = asks["Bedrock requests a minute, embedder, on demand"]
    assert embedder.usual == capacities.usual().embedder.requests
    assert embedder.must
