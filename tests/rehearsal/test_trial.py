"""One experiment on this machine: what its people saw, and what AWS's doors show."""

from typing import Any

import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from contract.inventory import RegionInventory
from contract.tiers import Tier
from loadtests.samples import Sample
from rehearsal.clock import Clock
from rehearsal.dynamodb.door import Door
from rehearsal.evidence import Window
from rehearsal.sagemaker.server import SageMaker
from rehearsal.search.server import Search
from rehearsal.serving import serving
from rehearsal.trial import people
from rehearsal.trial.doors import PUBLISHED, Doors
from tests.rehearsal.alarm_helpers import REGION, alarm, planned
from tests.rehearsal.serving_helpers import client_of, fault, http, in_thread


def sample(at: float, tier: Tier | None = Tier.T0, rung: str = "sonnet", **more: Any) -> Sample:
    answered = {"first_token_ms": 900.0, "end_to_end_ms": 2_000.0, "finals": 1}
    ending = answered if tier else {"error": "no answer"}
    return Sample(
        **{"request_id": "r", "intended_at": at, "sent_at": at, "tier": tier, "rung": rung, **ending, **more}
    )


BEFORE = Window(80, 100)


class TestPeople:
    def test_a_phase_without_messages_has_no_measures(self) -> None:
        assert people.measures(()) == {}

    def test_failures_are_in_the_denominator_and_canned_answers_counted_of_answers(self) -> None:
        found = people.measures([sample(0), sample(1, Tier.T2, "canned"), sample(2, None), sample(3, None)])
        assert (found["failed_share"], found["canned_share"]) == (0.5, 0.5)

    def test_a_tiers_share_is_of_what_rungs_answered(self) -> None:
        found = [sample(0, rung="cache"), sample(1, rung="template"), sample(2, Tier.T1, "haiku"), sample(3)]
        assert people.share_of(Tier.T1, found) == 0.5
        assert people.share_of(Tier.T1, found[:2]) is None

    def test_recovered_is_when_nearly_all_are_served_as_before_for_a_while(self) -> None:
        before = [sample(90 + at) for at in range(5)]
        degraded = [sample(100 + at, Tier.T1, "haiku") for at in range(5)]
        well = [sample(105 + at) for at in range(10)]
        assert people.recovered_after([*before, *degraded, *well], 100, BEFORE) == 5
        assert people.recovered_after([*before, *degraded], 100, BEFORE) is None

    def test_who_has_the_small_model_on_any_day_is_no_sign_of_trouble(self) -> None:
        mixed = [sample(at, *((Tier.T1, "haiku") if at % 3 == 0 else ())) for at in range(80, 120)]
        assert people.recovered_after(mixed, 100, BEFORE) == 0
        alike = [sample(at) for at in range(80, 100)]
        assert people.recovered_after([*alike, *mixed[20:]], 100, BEFORE) is None

    def test_nobody_has_recovered_while_some_are_answered_from_elsewhere(self) -> None:
        """With a dead Haiku as many as ever have Sonnet."""
        before = [sample(at, *((Tier.T1, "haiku") if at % 3 == 0 else ())) for at in range(80, 100)]
        after = [sample(at, *((Tier.STANDBY, "standby") if at % 3 == 0 else ())) for at in range(100, 120)]
        assert people.recovered_after([*before, *after], 100, BEFORE) is None

    def test_who_has_kept_answers_alone_is_well(self) -> None:
        """A flash sale: one question of everybody."""
        before = [sample(at, rung="cache") for at in range(80, 100)]
        kept = [sample(at, rung="cache") for at in range(105, 120)]
        failing = [sample(at, None) for at in range(100, 105)]
        assert people.recovered_after([*before, *failing, *kept], 100, BEFORE) == 5

    def test_nobody_has_recovered_where_nobody_was_well_before(self) -> None:
        found = [sample(at, Tier.T2, "canned") for at in range(80, 100)] + [
            sample(at) for at in range(100, 120)
        ]
        assert people.recovered_after(found, 100, BEFORE) is None

    def test_what_was_broken_before_is_over_when_hardly_anybody_is_answered_from_elsewhere(self) -> None:
        assert people.has_first_tiers([sample(0), sample(1, Tier.T1, "haiku"), sample(2, None)])
        assert not people.has_first_tiers([sample(0), sample(1, Tier.STANDBY, "standby-sonnet")])
        assert not people.has_first_tiers([sample(0, Tier.T2, "canned")])

    def test_nobody_has_recovered_while_somebody_fails(self) -> None:
        found = [sample(90 + at) for at in range(22)] + [sample(104.5, None)]
        assert people.recovered_after(found, 102, BEFORE) == 3

    def test_seconds_are_counted_from_the_first(self) -> None:
        first, second = people.seconds([sample(10.2), sample(10.9, None), sample(11.1, Tier.T1)], 10.0)
        assert (first.at_s, first.messages, first.failed, dict(first.tiers)) == (0, 2, 1, {"T0": 1})
        assert (second.at_s, dict(second.tiers)) == (1, {"T1": 1})


def counted(url: str, name: str) -> tuple[int, int]:
    _, shown = http("GET", f"{url}/_concierge/endpoints")
    assert len(shown[name]["times_ms"]) == shown[name]["calls"]
    return shown[name]["calls"], shown[name]["failed"]


class TestStandIns:
    def test_an_endpoint_counts_how_its_calls_ended(self) -> None:
        with in_thread(lambda: serving(SageMaker().app())) as url:
            name = "concierge-dev-intent"
            http("POST", f"{url}/endpoints/{name}/invocations", {"nobody": "reads this"})
            http("POST", f"{url}/_concierge/faults", fault("sagemaker", "unavailable"))
            for _ in range(2):
                http("POST", f"{url}/endpoints/{name}/invocations", {})
            assert counted(url, name) == (3, 2)

    def test_what_was_scaled_out_a_while_ago_is_warm(self) -> None:
        with in_thread(lambda: serving(SageMaker().app())) as url:
            place = f"{url}/_concierge/endpoints/concierge-dev-rerank"
            assert http("PUT", place, {"instances": 3, "warm": True})[0] == 204
            _, shown = http("GET", f"{url}/_concierge/endpoints")
            assert (shown["concierge-dev-rerank"]["instances"], shown["concierge-dev-rerank"]["warm"]) == (
                3,
                3,
            )


class TestDoors:
    """Each look publishes what could be seen at a door, for the series that an alarm is on, and no more."""

    @staticmethod
    def doors(places: dict[str, str], *resources: Any, **names: Any) -> Doors:
        return Doors(planned(*resources), REGION, RegionInventory(region=REGION, **names), places, 12.0)

    @staticmethod
    def on(namespace: str, metric: str, **dimensions: str) -> Any:
        return alarm(namespace=namespace, metricName=metric, dimensions=dimensions)

    def test_a_red_cluster_is_seen_in_its_health(self) -> None:
        with in_thread(lambda: serving(Search().app())) as url:
            doors = self.doors({"search": url}, self.on("AWS/ES", "ClusterStatus.red", DomainName="d"))
            http("PUT", f"{url}/books", {})
            green = {point.metric: point.value for point in doors.look(0.0)}
            http("POST", f"{url}/_concierge/faults", fault("search", "red"))
            red = {point.metric: point.value for point in doors.look(60.0)}
        assert (green, red) == ({"ClusterStatus.red": 0.0}, {"ClusterStatus.red": 1.0})

    def test_only_new_failures_count_and_each_stands_for_as_many_as_the_clock_is_faster(self) -> None:
        with in_thread(lambda: serving(SageMaker().app())) as url:
            watched = self.on("AWS/SageMaker", "Invocation5XXErrors", EndpointName="e", VariantName="live")
            doors = self.doors({"sagemaker": url}, watched, endpoints={"intent": "e"})
            http("POST", f"{url}/_concierge/faults", fault("sagemaker", "unavailable"))
            place = f"{url}/endpoints/concierge-dev-intent/invocations"
            http("POST", place, {})
            doors.look(0.0)
            for _ in range(3):
                http("POST", place, {})
            assert [point.value for point in doors.look(60.0)] == [36.0]
            assert [point.value for point in doors.look(120.0)] == [0.0]

    def test_a_door_that_does_not_open_publishes_nothing_and_hides_no_other(self) -> None:
        dead = dict.fromkeys(("bedrock", "sagemaker", "search", "dynamodb", "tasks"), "http://127.0.0.1:9")
        watched = self.on("AWS/ElastiCache", "CurrConnections", CacheClusterId="c")
        doors = self.doors({**dead, "cache": "redis://127.0.0.1:9/0"}, watched)
        assert [(point.metric, point.value) for point in doors.look(0.0)] == [("CurrConnections", 0.0)]

    def test_what_it_says_it_publishes_is_aws_own(self) -> None:
        assert all(namespace.startswith("AWS/") for namespace, _ in PUBLISHED)


class TestTables:
    """DynamoDB's door: everything passes but what a fault hits, and that is DynamoDB's own refusal."""

    @pytest.mark.parametrize(
        ("kind", "code"),
        [
            ("throttle", "ProvisionedThroughputExceededException"),
            ("error", "InternalServerError"),
            ("unavailable", "ServiceUnavailable"),
        ],
    )
    def test_a_call_is_refused_in_its_words_and_counted(self, kind: str, code: str) -> None:
        with in_thread(lambda: serving(Door("http://127.0.0.1:9", Clock(1.0)).app())) as url:
            http("POST", f"{url}/_concierge/faults", fault("dynamodb", kind, route="Query"))
            with client_of("dynamodb", url) as client, pytest.raises(ClientError) as refused:
                client.query(TableName="sessions", KeyConditionExpression="a = :a")
            assert refused.value.response["Error"]["Code"] == code
            _, counts = http("GET", f"{url}/_concierge/counts")
            what = "throttled" if kind == "throttle" else "failed"
            assert counts == [{"table": "sessions", "operation": "Query", "what": what, "count": 1}]

    def test_what_no_fault_hits_is_answered_by_who_is_behind(self) -> None:
        async def tables(_: web.Request) -> web.Response:
            return web.json_response({"TableNames": ["a"]})

        behind = web.Application()
        behind.router.add_post("/", tables)
        with (
            in_thread(lambda: serving(behind)) as moto,
            in_thread(lambda: serving(Door(moto, Clock(1.0)).app())) as url,
            client_of("dynamodb", url) as client,
        ):
            http("POST", f"{url}/_concierge/faults", fault("dynamodb", "error", route="Query"))
            assert client.list_tables()["TableNames"] == ["a"]
