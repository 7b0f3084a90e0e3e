"""What a change of the calendar changes, and what is watched (MOD-3, OPS-2)."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from components.event_capacity import CapacityEvent
from contract.runbooks import catalogue
from plan.diff import Kind, diff
from tests.components.event_estate_helpers import FLASH_SALE, MODEL, PRIME_DAY, of, prime_day

KEY = PRIME_DAY.key
SCHEDULES = 7  # four up, one down, two sweeps


class TestCalendar:
    def test_a_new_event_adds_schedules_and_touches_nothing_else(self):
        found = diff(prime_day(), of([PRIME_DAY, FLASH_SALE])[0])
        changed = [change for change in found.resources if change.kind is not Kind.UNCHANGED]
        assert {change.kind for change in changed} == {Kind.ADDED}
        assert {change.resource.type for change in changed} == {"aws:scheduler/schedule:Schedule"}
        assert len(changed) == SCHEDULES

    def test_no_event_leaves_the_machines_ready(self):
        plan, alarms, _ = of([])
        assert plan.of_type("scheduler.Schedule") == ()
        assert len(plan.of_type("sfn.StateMachine")) == 2
        assert len(alarms) == 11

    @pytest.mark.parametrize(
        "changed",
        [
            replace(PRIME_DAY, units=5),
            replace(PRIME_DAY, model_id=f"{MODEL}:18k"),
            replace(PRIME_DAY, starts=PRIME_DAY.starts - timedelta(hours=1)),
            replace(PRIME_DAY, ends=PRIME_DAY.ends + timedelta(hours=1)),
        ],
        ids=["units", "variant", "starts", "ends"],
    )
    def test_a_changed_event_is_another_one_and_the_old_is_still_taken_down(self, changed: CapacityEvent):
        assert changed.key != KEY
        found = diff(prime_day(), of([changed])[0])
        gone = [change for change in found.resources if change.kind is Kind.REMOVED]
        assert len(gone) == SCHEDULES
        staying = {change.resource.name for change in gone if change.note == "stays in AWS (retainOnDelete)"}
        assert staying == {f"primary-events-{KEY}-{word}" for word in ("down", "sweep-12h", "sweep-22h")}

    @pytest.mark.parametrize(
        ("lead", "purposes"),
        [(48, ["up-48h", "up-24h", "up-6h", "up-1h"]), (10, ["up-10h", "up-6h", "up-1h"]), (1, ["up-1h"])],
    )
    def test_an_event_added_late_asks_for_no_time_that_is_past(self, lead: int, purposes: list[str]):
        late = replace(PRIME_DAY, lead_hours=lead)
        assert late.key == KEY, "the same units, bought later"
        made = [s.name for s in of([late])[0].of_type("scheduler.Schedule") if "-up-" in s.name]
        assert sorted(made) == sorted(f"primary-events-{KEY}-{purpose}" for purpose in purposes)

    def test_names_fit_what_aws_takes(self):
        long = replace(PRIME_DAY, name="a" * 24)
        plan = of([long])[0]
        for made in plan.of_type("scheduler.Schedule"):
            assert len(made.inputs["name"]) <= 64
            asked = json.loads(json.loads(made.inputs["target"]["input"])["Input"])
            assert len(asked["name"]) <= 63, "a throughput's name"


class TestWatching:
    def test_every_bad_end_of_every_machine_is_watched(self):
        _, watches, _ = of([])
        seen = {(w.alarm.metric, w.computed.get("StateMachineArn") is not None) for w in watches}
        assert seen == {
            *((f"Executions{end}", True) for end in ("Failed", "TimedOut", "Aborted")),
            ("ExecutionThrottled", True),
            ("InvocationDroppedCount", False),
            ("InvocationsSentToDeadLetterCount", False),
            ("InvocationsFailedToBeSentToDeadLetterCount", False),
        }
        assert all(w.alarm.threshold == 0 and w.alarm.missing == "notBreaching" for w in watches)

    def test_failures_wake_somebody_and_name_their_runbook(self):
        _, watches, _ = of([])
        by_id = {watch.alarm.id: watch.alarm for watch in watches}
        assert by_id["event-up-failed"].severity == by_id["event-down-timed-out"].severity == "page"
        assert by_id["event-up-failed"].runbook == "event-scale-up"
        assert by_id["event-down-aborted"].runbook == "event-scale-down"
        assert {alarm.runbook for alarm in by_id.values()} <= set(catalogue())

    def test_widgets_show_the_group_of_the_schedules(self):
        _, _, widgets = of([])
        assert {dict(w.dimensions[0])["ScheduleGroup"] for w in widgets} == {"concierge-shop-events"}
