"""What is watched on the search domain, and what somebody is to do about it (OPS-2)."""

from collections.abc import Sequence

import pytest

from components.alarms import Watch
from contract.alarms import Alarm
from tests.components.search_helpers import LARGE, build, large, small


def alarms(watches: Sequence[Watch]) -> dict[str, Alarm]:
    return {watch.alarm.id: watch.alarm for watch in watches}


@pytest.mark.parametrize(
    ("name", "metric", "threshold", "runbook"),
    [
        ("search-red", "ClusterStatus.red", 0, "opensearch-red"),
        ("search-yellow", "ClusterStatus.yellow", 0, "opensearch-red"),
        ("search-heap-full", "JVMMemoryPressure", 80, "opensearch-slow"),
        ("search-busy", "CPUUtilization", 80, "opensearch-slow"),
        ("search-writes-blocked", "ClusterIndexWritesBlocked", 0, "opensearch-disk"),
        ("search-graphs-filling", "KNNGraphMemoryUsagePercentage", 80, "opensearch-slow"),
        ("search-graphs-dropped", "KNNCircuitBreakerTriggered", 0, "opensearch-slow"),
        ("search-graph-cache-full", "KNNCacheCapacityReached", 0, "opensearch-slow"),
        ("search-slow", "SearchLatency", 500, "opensearch-slow"),
        ("search-snapshot-failed", "AutomatedSnapshotFailure", 0, "restore-drill"),
        ("search-key-gone", "KMSKeyInaccessible", 0, "opensearch-red"),
    ],
)
def test_what_goes_wrong_with_search_has_an_alarm(
    name: str, metric: str, threshold: float, runbook: str
) -> None:
    alarm = alarms(large().watches)[name]
    assert (alarm.metric, alarm.threshold, alarm.runbook) == (metric, threshold, runbook)
    assert alarm.comparison == "GreaterThanThreshold"


def test_latency_is_judged_by_its_slowest_hundredth() -> None:
    assert alarms(large().watches)["search-slow"].statistic == "p99"


@pytest.mark.parametrize("volume_gb", [10, 100, 400])
def test_the_fullest_disk_is_watched_before_the_service_stops_writes(volume_gb: int) -> None:
    """It does at 20 % free. The metric counts MiB, and an average would hide the fullest node."""
    watched = alarms(build(**{**LARGE, "volume_gb": volume_gb}).watches)
    filling, full = watched["search-disk-filling"], watched["search-disk-full"]

    assert full.threshold == pytest.approx(0.2 * volume_gb * 1024)
    assert filling.threshold > full.threshold
    assert {filling.statistic, full.statistic} == {"Minimum"}
    assert {filling.comparison, full.comparison} == {"LessThanThreshold"}
    assert (filling.severity, full.severity) == ("ticket", "page")


def test_masters_are_watched_where_there_are_any() -> None:
    """Without dedicated masters nobody publishes their metrics."""
    theirs = {"search-master-unreachable", "search-master-busy"}

    assert theirs <= alarms(large().watches).keys()
    assert not theirs & alarms(small().watches).keys()


def test_every_alarm_is_on_this_domain_of_this_account() -> None:
    for watch in large().watches:
        assert watch.alarm.dimensions == {"DomainName": "concierge-shop-search"}
        assert list(watch.computed) == ["ClientId"]


def test_an_index_that_cannot_be_read_or_opened_wakes_somebody() -> None:
    paged = {name for name, alarm in alarms(large().watches).items() if alarm.severity == "page"}

    assert {"search-red", "search-key-gone", "search-key-disabled", "search-master-unreachable"} <= paged
    assert "search-yellow" not in paged


def test_the_dashboard_shows_the_domain() -> None:
    shown = {widget.metric: widget for widget in large().widgets}

    assert {"SearchLatency", "JVMMemoryPressure", "KNNGraphMemoryUsagePercentage"} <= shown.keys()
    assert shown["FreeStorageSpace"].statistic == "Minimum"
    assert all(w.dimensions[0]["DomainName"] == "concierge-shop-search" for w in shown.values())
