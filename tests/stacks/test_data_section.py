"""What may be set about the cache and the stream, and what is refused with the fix in the message."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from stacks.sections.data import Data


def test_the_defaults_are_safe_for_production():
    data = Data()
    assert data.cache.nodes == 3
    assert data.analytics.enabled
    assert data.analytics.shards is None
    assert data.warnings(protected=True) == []


@pytest.mark.parametrize(
    ("cache", "fix"),
    [
        ({"node_type": "cache.r6i.large"}, "no Graviton cache node"),
        ({"node_type": "m7g.large"}, "no Graviton cache node"),
        ({"version": "6.2"}, "'7.2', '8.0' or '8.1'"),
        ({"nodes": 0}, "greater than or equal to 1"),
        ({"maintenance_window": "09:00-10:00"}, "write it as day:from-day:to"),
        ({"maintenance_window": "tue:09:00-tue:09:30"}, "is 30 minutes long"),
        ({"snapshot_window": "25:00-26:00"}, "write it as from-to"),
        ({"snapshot_window": "23:30-00:15"}, "is 45 minutes long"),
        ({"snapshot_window": "08:30-09:30"}, "overlaps maintenance_window"),
        (
            {"maintenance_window": "sun:23:30-mon:00:30", "snapshot_window": "00:00-01:00"},
            "overlaps maintenance_window",
        ),
    ],
)
def test_what_elasticache_would_refuse_is_refused_here(cache: Mapping[str, Any], fix: str):
    with pytest.raises(ValidationError, match=fix):
        Data.model_validate({"cache": cache})


def test_windows_may_touch_and_a_cache_without_snapshots_has_none_to_overlap():
    Data.model_validate({"cache": {"snapshot_window": "08:00-09:00"}})
    without = Data.model_validate({"cache": {"snapshot_window": "09:00-10:00", "snapshot_days": 0}})
    assert without.cache.snapshot_days == 0


def test_a_stream_keeps_a_day_to_a_week():
    for hours in (23, 169):
        with pytest.raises(ValidationError):
            Data.model_validate({"analytics": {"keep_hours": hours}})


def test_one_node_in_production_is_warned_about():
    lone = Data.model_validate({"cache": {"nodes": 1}})
    assert lone.warnings(protected=False) == []
    (warning,) = lone.warnings(protected=True)
    assert "one node" in warning
