"""What happens around an event (MOD-3): the machines of the plan, run with what its schedules say."""

import json
from datetime import datetime, timedelta

import pytest

from contract import rungs
from tests.components.asl_helpers import Clock
from tests.components.event_estate_helpers import MODEL, PRIME_DAY
from tests.components.event_run_helpers import run, started
from tests.components.event_world_helpers import MINUTE, EventWorld

HOUR = timedelta(hours=1)
KEY = PRIME_DAY.key
NAME = f"concierge-shop-{KEY}"
PARAMETER = f"/concierge/shop/rungs/{KEY}"
SERVICE_QUOTA = "Bedrock.ServiceQuotaExceededException"


@pytest.fixture
def world() -> EventWorld:
    """Two days before the event."""
    return EventWorld(Clock(PRIME_DAY.starts - 48 * HOUR))


@pytest.fixture
def at_the_end(world: EventWorld) -> EventWorld:
    """The event has had its units and is over."""
    assert run("up-48h", world).status == "SUCCEEDED"
    world.clock.now = PRIME_DAY.ends
    world.messages.clear()
    world.calls.clear()
    return world


def published(world: EventWorld, now: datetime) -> tuple[rungs.ExtraRung, ...]:
    """As the runtime reads them."""
    table = rungs.in_force(world.parameters, now)
    assert table.problems == ()
    return table.rungs


class TestUp:
    def test_units_are_bought_by_the_hour_under_a_name_of_their_own(self, world: EventWorld):
        assert run("up-48h", world).status == "SUCCEEDED"
        (units,) = world.units.values()
        assert list(world.units) == [NAME]
        assert (units.model_id, units.units, units.token) == (f"{MODEL}:200k", 4, NAME)
        assert units.tags == {"Stack": "shop", "ManagedBy": "event-capacity"}

    def test_the_rung_is_published_only_when_the_units_are_in_service(self, world: EventWorld):
        up = started("up-48h", world).run_until("Is it too late?")
        assert world.parameters == {}
        assert world.clock.now - up.began >= 15 * MINUTE
        up.run()
        (rung,) = published(world, world.clock.now)
        assert (rung.name, rung.model, rung.units) == (KEY, "sonnet", 4)
        assert rung.arn == world.units[NAME].arn
        assert rung.who == "event-capacity"
        assert "prime-day" in rung.why

    def test_the_rung_ends_with_the_event_even_if_nobody_withdraws_it(self, world: EventWorld):
        run("up-48h", world)
        assert len(published(world, PRIME_DAY.ends - MINUTE)) == 1
        assert published(world, PRIME_DAY.ends) == ()

    def test_every_step_is_told_and_nobody_is_woken(self, world: EventWorld):
        run("up-48h", world)
        assert [text.split(": ", 1)[1] for text in world.said("ticket")] == [
            f"4 units of {MODEL}:200k are bought, in service in 10 to 20 minutes.",
            f"4 units of {MODEL}:200k are in service and published until 2027-07-14T10:00:00Z.",
        ]
        assert world.said("page") == []

    def test_a_missing_quota_wakes_somebody_at_once_and_fails(self, world: EventWorld):
        world.fails["createProvisionedModelThroughput"] = [SERVICE_QUOTA]
        up = run("up-48h", world)
        assert (up.status, up.error) == ("FAILED", "QuotaMissing")
        assert world.clock.now == up.began, "asking again brings no quota"
        (page,) = world.said("page")
        assert "support case" in page and "no more units" in page and "event-scale-up" in page

    @pytest.mark.parametrize("purpose", ["up-24h", "up-6h", "up-1h"])
    def test_a_quota_granted_later_is_used_by_the_next_attempt(self, world: EventWorld, purpose: str):
        world.fails["createProvisionedModelThroughput"] = [SERVICE_QUOTA]
        run("up-48h", world)
        assert run(purpose, world).status == "SUCCEEDED"
        assert len(published(world, world.clock.now)) == 1

    def test_slow_provisioning_wakes_somebody_and_is_still_waited_for(self, world: EventWorld):
        world.provisioning = 45 * MINUTE
        assert run("up-48h", world).status == "SUCCEEDED"
        (page,) = world.said("page")
        assert "not in service after 30 minutes" in page
        assert len(published(world, world.clock.now)) == 1

    def test_provisioning_that_never_ends_fails_after_three_hours(self, world: EventWorld):
        world.provisioning = 1_000 * HOUR
        up = run("up-48h", world)
        assert (up.status, up.error) == ("FAILED", "ProvisioningSlow")
        assert 3 * HOUR <= world.clock.now - up.began < 4 * HOUR
        assert world.parameters == {}
        assert len(world.said("page")) == 2

    def test_provisioning_that_fails_fails_the_run(self, world: EventWorld):
        up = started("up-48h", world).run_until("Look at units")
        world.units[NAME].failed = True
        up.run()
        assert (up.status, up.error) == ("FAILED", "ProvisioningFailed")
        assert world.parameters == {}

    def test_a_second_run_buys_nothing_and_says_nothing(self, world: EventWorld):
        run("up-48h", world)
        told = list(world.messages)
        again = run("up-24h", world)
        assert again.status == "SUCCEEDED"
        assert again.path[-1] == "Nothing to do"
        assert world.bought == 1
        assert world.messages == told

    def test_two_runs_side_by_side_buy_once_and_publish_once(self, world: EventWorld):
        both = [started("up-48h", world), started("up-24h", world)]
        while any(up.status == "RUNNING" for up in both):
            for up in both:
                if up.status == "RUNNING":
                    up.step()
        assert [up.status for up in both] == ["SUCCEEDED", "SUCCEEDED"]
        assert len(world.called("createProvisionedModelThroughput")) == 2, "neither saw the other's"
        assert world.bought == 1
        assert len(published(world, world.clock.now)) == 1
        assert world.said("page") == []

    def test_a_run_that_was_stopped_is_finished_by_the_next(self, world: EventWorld):
        started("up-48h", world).run_until("Publish the rung")
        assert world.parameters == {}
        assert run("up-24h", world).status == "SUCCEEDED"
        assert world.bought == 1
        assert len(published(world, world.clock.now)) == 1

    def test_what_an_operator_wrote_meanwhile_is_left_as_it_is(self, world: EventWorld):
        theirs = {"name": KEY, "arn": "arn:aws:bedrock:us-east-1:1:provisioned-model/other", "who": "ada"}
        up = started("up-48h", world).run_until("Publish the rung")
        world.parameters[PARAMETER] = json.dumps(theirs)
        up.run()
        assert (up.status, up.error) == ("FAILED", "PublishConflict")
        assert json.loads(world.parameters[PARAMETER]) == theirs
        (page,) = world.said("page")
        assert "ada" in page

    def test_an_operator_may_change_our_rung_and_the_next_attempt_keeps_it(self, world: EventWorld):
        run("up-48h", world)
        changed = {**json.loads(world.parameters[PARAMETER]), "expires_at": "2027-07-14T12:00:00Z"}
        world.parameters[PARAMETER] = json.dumps(changed)
        assert run("up-24h", world).status == "SUCCEEDED"
        assert json.loads(world.parameters[PARAMETER]) == changed

    @pytest.mark.parametrize(
        ("text", "error"), [("off", "PublishFailed"), ("{}", "PublishConflict"), ("5", "PublishConflict")]
    )
    def test_what_is_no_rung_is_left_as_it_is_too(self, world: EventWorld, text: str, error: str):
        world.parameters[PARAMETER] = text
        up = run("up-48h", world)
        assert (up.status, up.error) == ("FAILED", error)
        assert world.parameters[PARAMETER] == text

    def test_an_event_of_the_past_buys_nothing(self, world: EventWorld):
        world.clock.now = PRIME_DAY.ends
        assert run("up-48h", world).status == "SUCCEEDED"
        assert world.calls == []

    def test_units_that_come_after_the_end_are_not_published(self, world: EventWorld):
        world.clock.now = PRIME_DAY.ends - 5 * MINUTE
        up = run("up-1h", world)
        assert (up.status, up.error) == ("FAILED", "TooLate")
        assert world.parameters == {}

    def test_an_event_added_an_hour_before_has_its_units_in_time(self, world: EventWorld):
        world.clock.now = PRIME_DAY.starts - HOUR
        assert run("up-1h", world).status == "SUCCEEDED"
        assert world.clock.now < PRIME_DAY.starts


class TestDown:
    def test_units_go_after_the_rung_is_withdrawn_and_drained(self, at_the_end: EventWorld):
        down = run("down", at_the_end)
        assert down.status == "SUCCEEDED"
        assert (at_the_end.units, at_the_end.parameters) == ({}, {})
        names = [name for name, _ in at_the_end.calls]
        assert names.index("deleteParameter") < names.index("deleteProvisionedModelThroughput")
        assert at_the_end.clock.now - down.began >= timedelta(seconds=300)
        assert down.path.index("Drain") < down.path.index("Delete units")

    def test_each_step_is_told_and_nobody_is_woken(self, at_the_end: EventWorld):
        run("down", at_the_end)
        assert [text.split(": ", 1)[1] for text in at_the_end.said("ticket")] == [
            "the extra rung is withdrawn; it drains for 300 seconds.",
            "the extra units are deleted.",
        ]
        assert at_the_end.said("page") == []

    def test_what_is_deleted_already_is_no_error(self, at_the_end: EventWorld):
        at_the_end.units.clear()
        down = run("down", at_the_end)
        assert (down.status, down.path[-1]) == ("SUCCEEDED", "Nothing left")
        assert at_the_end.parameters == {}

    def test_units_that_somebody_deletes_meanwhile_are_no_error(self, at_the_end: EventWorld):
        down = started("down", at_the_end).run_until("Delete units")
        at_the_end.units.clear()
        assert down.run().status == "SUCCEEDED"
        assert at_the_end.said("page") == []

    def test_a_second_run_does_nothing(self, at_the_end: EventWorld):
        run("down", at_the_end)
        told = list(at_the_end.messages)
        assert run("down", at_the_end).status == "SUCCEEDED"
        assert at_the_end.messages == told

    def test_a_rung_that_cannot_be_withdrawn_keeps_its_units(self, at_the_end: EventWorld):
        at_the_end.fails["deleteParameter"] = ["Ssm.InternalServerErrorException"] * 7
        down = run("down", at_the_end)
        assert (down.status, down.error) == ("FAILED", "WithdrawFailed")
        assert NAME in at_the_end.units
        assert len(at_the_end.said("page")) == 1

    def test_a_rung_published_while_it_drains_is_withdrawn_again(self, at_the_end: EventWorld):
        down = started("down", at_the_end).run_until("Drain")
        at_the_end.parameters[PARAMETER] = json.dumps({"arn": at_the_end.units[NAME].arn})
        assert down.run().status == "SUCCEEDED"
        assert down.path.count("Drain") == 2
        assert (at_the_end.units, at_the_end.parameters) == ({}, {})

    def test_a_rung_that_always_comes_back_keeps_its_units(self, at_the_end: EventWorld):
        down = started("down", at_the_end)
        while down.status == "RUNNING":
            at_the_end.parameters[PARAMETER] = json.dumps({"arn": at_the_end.units[NAME].arn})
            down.step()
        assert down.error == "PublishedAgain"
        assert NAME in at_the_end.units

    def test_units_still_being_made_are_deleted_when_they_are_there(self, world: EventWorld):
        started("up-48h", world).run_until("Wait a minute")
        assert run("down", world).status == "SUCCEEDED"
        assert world.units == {}

    def test_units_that_do_not_go_wake_somebody(self, at_the_end: EventWorld):
        at_the_end.stays = True
        down = run("down", at_the_end)
        assert (down.status, down.error) == ("FAILED", "DeleteSlow")
        assert "event-scale-down" in at_the_end.said("page")[0]

    def test_what_cannot_be_deleted_wakes_somebody(self, at_the_end: EventWorld):
        at_the_end.fails["deleteProvisionedModelThroughput"] = ["Bedrock.AccessDeniedException"]
        down = run("down", at_the_end)
        assert (down.status, down.error) == ("FAILED", "DeleteFailed")


class TestSweep:
    def test_it_is_silent_when_there_is_nothing_left(self, at_the_end: EventWorld):
        run("down", at_the_end)
        at_the_end.messages.clear()
        assert run("sweep-12h", at_the_end).status == "SUCCEEDED"
        assert at_the_end.messages == []

    @pytest.mark.parametrize("purpose", ["sweep-12h", "sweep-22h"])
    @pytest.mark.parametrize("stopped_at", ["Withdraw the rung", "Drain", "Delete units"])
    def test_it_finishes_what_a_stopped_run_left_and_says_so(
        self, at_the_end: EventWorld, stopped_at: str, purpose: str
    ):
        started("down", at_the_end).run_until(stopped_at)
        sweep = run(purpose, at_the_end)
        assert sweep.status == "SUCCEEDED"
        assert (at_the_end.units, at_the_end.parameters) == ({}, {})
        assert "left" not in sweep.path[-1]
        (page,) = at_the_end.said("page")
        assert "still there long after the end" in page

    def test_units_that_came_too_late_are_swept(self, world: EventWorld):
        world.clock.now = PRIME_DAY.ends - 5 * MINUTE
        run("up-1h", world)
        run("sweep-12h", world)
        assert world.units == {}

    @pytest.mark.parametrize("kind", ["up-48h", "down"])
    def test_wherever_a_run_is_stopped_the_sweep_leaves_nothing(self, world: EventWorld, kind: str):
        for steps in range(40):
            world.units.clear()
            world.parameters.clear()
            if kind == "down":
                world.clock.now = PRIME_DAY.starts - 48 * HOUR
                run("up-48h", world)
            stopped = started(kind, world)
            for _ in range(steps):
                if stopped.status == "RUNNING":
                    stopped.step()
            world.clock.now = PRIME_DAY.ends + 12 * HOUR
            assert run("sweep-12h", world).status == "SUCCEEDED", steps
            assert (world.units, world.parameters) == ({}, {}), steps
            world.clock.now = PRIME_DAY.starts - 48 * HOUR


class TestTrouble:
    @pytest.mark.parametrize("purpose", ["up-48h", "down"])
    def test_messages_that_cannot_be_sent_stop_nothing(self, world: EventWorld, purpose: str):
        if purpose == "down":
            run("up-48h", world)
        world.fails["publish"] = ["Sns.InternalErrorException"] * 100
        assert run(purpose, world).status == "SUCCEEDED"

    def test_a_failure_that_cannot_be_told_is_still_a_failure(self, world: EventWorld):
        world.fails["createProvisionedModelThroughput"] = [SERVICE_QUOTA]
        world.fails["publish"] = ["Sns.AuthorizationErrorException"] * 100
        assert run("up-48h", world).error == "QuotaMissing"

    @pytest.mark.parametrize(
        ("call", "error"),
        [
            ("getProvisionedModelThroughput", "Bedrock.ThrottlingException"),
            ("createProvisionedModelThroughput", "Bedrock.InternalServerException"),
            ("createProvisionedModelThroughput", "States.Timeout"),
            ("putParameter", "Ssm.TooManyUpdatesException"),
        ],
    )
    def test_what_passes_by_itself_is_tried_again(self, world: EventWorld, call: str, error: str):
        world.fails[call] = [error, error]
        assert run("up-48h", world).status == "SUCCEEDED"
        assert world.bought == 1
        assert world.said("page") == []
