"""What may be set about search, and what is refused with the fix in the message (VEC-1, VEC-2)."""

from typing import Any

import pytest
from pydantic import ValidationError

from stacks.sections.search import Search

SMALL: dict[str, Any] = {
    "zones": 1,
    "nodes": 1,
    "node_type": "t3.small.search",
    "replicas": 0,
    "standby_zone": False,
    "masters": 0,
    "auto_tune": False,
    "volume_gb": 10,
    "documents": 20_000,
}


def test_the_defaults_are_safe_for_production() -> None:
    search = Search()

    assert (search.zones, search.nodes, search.replicas, search.masters) == (3, 3, 2, 3)
    assert search.standby_zone and search.auto_tune
    assert search.warnings(protected=True) == []


def test_development_is_one_small_node() -> None:
    assert Search.model_validate(SMALL).warnings(protected=False) == []


def test_the_account_wide_role_is_made_only_when_asked_for() -> None:
    """It exists once in an account: a second environment that made it would be refused."""
    assert Search().create_service_role is False


@pytest.mark.parametrize(
    ("parts", "key", "fix"),
    [
        ({"nodes": 4}, "nodes", "multiple of zones, such as 6"),
        ({"replicas": 1}, "replicas", "makes 2 copies for 3 zones: 2 puts one in each zone"),
        ({"replicas": 5}, "replicas", "needs 6 nodes, a copy each: use 2, or nodes: 6"),
        ({"masters": 0}, "masters", "must be 3 where zones are several"),
        (
            {"zones": 2, "nodes": 2, "replicas": 1},
            "standby_zone",
            "needs 3 zones, there are 2: set it to false",
        ),
        ({"warm": {"nodes": 1}}, "nodes", "must be 0 or at least 2"),
        ({"warm": {"nodes": 2}}, "warm.nodes", "multiple of 3 with a standby zone: 3"),
        ({**SMALL, "auto_tune": True}, "auto_tune", "does not exist on t3.small.search: set it to false"),
        ({**SMALL, "warm": {"nodes": 2}}, "warm.nodes", "needs dedicated masters"),
        ({**SMALL, "warm": {"nodes": 2}, "masters": 3}, "warm.nodes", "does not exist beside t3.small"),
        (
            {"node_type": "t3.medium.search", "auto_tune": False, "documents": 1000},
            "standby_zone",
            "does not exist on t3.medium.search",
        ),
        ({**SMALL, "nodes": 11, "documents": 1000}, "nodes", "AWS takes at most 10 of t3.small"),
        ({**SMALL, "volume_gb": 200}, "volume_gb", "t3.small.search takes at most 100"),
        (
            {"node_type": "r7g.large.search"},
            "node_type",
            "1,000,000 documents need 8.65 GB .* has 4.00 GB: use r7g.2xlarge.search, or plan .* 462,182",
        ),
        (
            {**SMALL, "documents": 100_000},
            "node_type",
            "has 0.50 GB: use t3.medium.search, or plan .* 57,772",
        ),
    ],
)
def test_what_cannot_work_is_refused_with_the_fix(parts: dict[str, Any], key: str, fix: str) -> None:
    with pytest.raises(ValidationError, match=fix) as refused:
        Search.model_validate(parts)
    (error,) = refused.value.errors()
    assert error["ctx"]["at"] == key


@pytest.mark.parametrize(
    ("node_type", "fix"),
    [
        ("r5.large.search", "no node known here"),
        ("r7g.large", "no node known here"),
        ("r7g.tiny.search", "no node known here"),
        ("m7g.large.search", "little memory for vectors"),
    ],
)
def test_a_node_that_is_no_home_for_vectors_is_refused(node_type: str, fix: str) -> None:
    with pytest.raises(ValidationError, match=fix):
        Search.model_validate({"node_type": node_type})


def test_more_and_smaller_nodes_hold_the_same_index() -> None:
    """Six nodes have one of the six shards each."""
    assert Search.model_validate({"nodes": 6, "node_type": "r7g.xlarge.search"}).documents == 1_000_000


def test_the_smallest_production_node_will_do_for_a_smaller_index() -> None:
    assert Search.model_validate({"node_type": "r6g.large.search", "documents": 460_000}).nodes == 3


def test_a_region_with_too_few_zones_is_told() -> None:
    assert Search().outside(["a", "b", "c"]) is None
    assert "the region has 2: set it to 2" in (Search().outside(["a", "b"]) or "")


def test_small_or_lonely_nodes_in_production_are_warned_about() -> None:
    burstable, lonely = Search.model_validate(SMALL).warnings(protected=True)

    assert "t3.small.search" in burstable
    assert "losing one may stop search" in lonely
