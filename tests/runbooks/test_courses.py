"""The long ways: a region and back, a re-index to its end, a lost index, and the decoys OPS-5 names."""

from datetime import timedelta
from pathlib import Path

import pytest

from contract.cutover import parameter, parse
from contract.inventory import Inventory
from contract.tiers import Tier
from rehearsal import moto_percentiles
from runbooks import load
from runbooks.engine import Journal, Record, run
from tests.conftest import Planned
from tests.runbooks.estate_parts_helpers import ask, run_tasks
from tests.runbooks.incidents_helpers import broken
from tests.runbooks.place_helpers import CHANGES, Place
from tests.runbooks.test_incidents import fresh


@pytest.fixture(scope="module")
def inventory(planned: Planned) -> Inventory:
    moto_percentiles.teach()
    return Inventory.model_validate_json(str(planned("prod", CHANGES).outputs["inventory"]))


def apply(place: Place, name: str, journal: Journal) -> Record:
    return run(load(name), place.world(), apply=True, why="drill", journal=journal)


class TestLatency:
    """OPS-5: the order of relief, one after another, each with its end."""

    def test_relief_goes_as_far_as_it_must(self, inventory: Inventory, journal: Journal) -> None:
        with fresh():
            place = broken(inventory, "bedrock-latency")
            place.client("sns").create_topic(Name="concierge-prod-page")
            slow = {"TimeToFirstToken sonnet": 4000, "TimeToFirstToken haiku": 3000}
            place.shows = lambda p: {**slow, "FirstToken all": 2000 if p.control("region") else 4000}
            place.live(300)
            record = apply(place, "bedrock-latency", journal)
            assert record.verdict == "applied+verified"
            made = [entry.text for entry in journal.read() if entry.what == "changed"]
            order = ["haiku_threshold", "cache_mode", "canned_first", "page", "case", "banner", "region"]
            assert [next(word for word in order if word in text) for text in made] == order
            assert place.control("forced_tier") is None

    def test_the_region_is_left_alone_while_haiku_is_quick(
        self, inventory: Inventory, journal: Journal
    ) -> None:
        with fresh():
            place = broken(inventory, "bedrock-latency")
            place.shows = lambda p: {
                "TimeToFirstToken sonnet": 4000,
                "FirstToken all": 2000 if p.control("forced_tier") is Tier.T3 else 4000,
            }
            place.live(300)
            assert apply(place, "bedrock-latency", journal).verdict == "applied+verified"
            assert place.control("region") is None

    def test_every_control_ends_by_itself(self, inventory: Inventory, journal: Journal) -> None:
        with fresh():
            place = broken(inventory, "bedrock-latency")
            apply(place, "bedrock-latency", journal)
            assert place.control("haiku_threshold") == 0.03
            place.time += timedelta(minutes=31)
            assert place.control("haiku_threshold") is None

    def test_quick_at_awss_door_is_ours(self, inventory: Inventory, journal: Journal) -> None:
        with fresh():
            place = broken(inventory, "bedrock-latency")
            place.shows = lambda _: {"FirstToken all": 6000, "CPUUtilization chat": 97}
            place.live(360)
            record = apply(place, "bedrock-latency", journal)
            assert (record.verdict, record.writes) == ("nothing-to-do", 0)
            assert record.decision is not None
            assert record.decision.see == "task-kill-storm"


class TestOutage:
    def test_a_slow_sonnet_that_does_not_fail_is_somebody_elses(
        self, inventory: Inventory, journal: Journal
    ) -> None:
        """Steps down are told with this runbook's name; a breaker opens for a slow model as well."""
        with fresh():
            place = broken(inventory, "bedrock-outage")
            place.shows = lambda _: {"TimeToFirstToken sonnet": 12_000}
            place.live(300)
            record = apply(place, "bedrock-outage", journal)
            assert (record.verdict, record.writes) == ("nothing-to-do", 0)
            assert record.decision is not None
            assert record.decision.see == "bedrock-latency"
            failing, slow = record.decision.why.split("; but ")
            assert failing.endswith("sonnet 70.0%, above 20.0%, but too short to matter and over")
            assert slow.endswith("sonnet 12000 ms, above 3000 ms")


class TestRegion:
    def test_the_way_back(self, inventory: Inventory, journal: Journal) -> None:
        with fresh():
            place = broken(inventory, "region-failover")
            apply(place, "region-failover", journal)
            place.broken = False
            place.live(600)
            record = apply(place, "region-failover", journal)
            assert record.verdict == "applied+verified", record.note
            assert [(change.before, change.after) for change in record.changes] == [
                ("standby", "where the canaries say")
            ]

    def test_nobody_is_sent_to_stale_data(self, inventory: Inventory, journal: Journal) -> None:
        with fresh():
            place = broken(inventory, "region-failover")
            shows = place.shows
            place.shows = lambda p: {**shows(p), "ReplicationLatency orders": 900_000}
            place.live(360)
            record = apply(place, "region-failover", journal)
            assert (record.verdict, record.writes) == ("inconclusive", 0)
            assert "orders 900000 ms" in record.note

    def test_nor_to_a_standby_that_does_not_run(self, inventory: Inventory, journal: Journal) -> None:
        with fresh():
            place = broken(inventory, "region-failover")
            run_tasks(place, "chat", 0, "standby")
            record = apply(place, "region-failover", journal)
            assert (record.verdict, record.writes) == ("inconclusive", 0)


class TestReindex:
    def test_a_tenth_half_all_and_a_week_later_the_end(self, inventory: Inventory, tmp_path: Path) -> None:
        with fresh():
            place = broken(inventory, "reindex")
            shares = []
            for number in range(4):
                record = apply(place, "reindex", Journal(tmp_path / f"{number}.jsonl"))
                assert record.verdict == "applied+verified", record.note
                shares.append(self.document(place).share)
                place.live(120)
            assert shares == [0.0, 0.1, 0.5, 1.0]
            assert set(ask(place, "GET", "/_alias/documents")) == {"documents-2"}
            waits = apply(place, "reindex", Journal(tmp_path / "waits.jsonl"))
            assert (waits.verdict, waits.writes) == ("nothing-to-do", 0)
            place.time += timedelta(days=8)
            place.live(360)
            ended = apply(place, "reindex", Journal(tmp_path / "ended.jsonl"))
            assert ended.verdict == "applied+verified", ended.note
            assert set(ask(place, "GET", "/documents-1/_settings")) == {
                "documents-1"
            }  # left for who wants it

    def test_no_search_moves_before_everything_is_copied(self, inventory: Inventory, tmp_path: Path) -> None:
        with fresh():
            place = broken(inventory, "reindex")
            apply(place, "reindex", Journal(tmp_path / "first.jsonl"))
            ask(place, "DELETE", "/documents-2/_doc/7")
            ask(place, "POST", "/documents-2/_refresh")
            record = apply(place, "reindex", Journal(tmp_path / "second.jsonl"))
            assert (record.verdict, record.writes) == ("nothing-to-do", 0)
            assert "99.0% of the documents" in record.note

    @staticmethod
    def document(place: Place):
        found = place.client("ssm").get_parameter(Name=parameter("prod"))
        return parse(found["Parameter"]["Value"])


class TestRed:
    def test_a_lost_index_comes_from_its_snapshot(self, inventory: Inventory, journal: Journal) -> None:
        from contract.faults import Fault, FaultKind

        with fresh():
            place = broken(inventory, "opensearch-red")
            search = place.memory["search"]
            search.cluster.nodes = 3
            search._faults.inject(Fault(target="search", kind=FaultKind.RED, rate=1.0, lease_s=600))

            def shows(p: Place) -> dict[str, float]:
                lost = set(ask(p, "GET", "/_alias/documents")) == {"documents-1"}
                return {"ClusterStatus.red search": float(lost)}

            place.shows = shows
            place.live(360)
            record = apply(place, "opensearch-red", journal)
            assert record.verdict == "applied+verified", record.note
            assert set(ask(place, "GET", "/_alias/documents")) == {"documents-1-restored"}
