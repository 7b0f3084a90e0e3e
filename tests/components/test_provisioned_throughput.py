"""MOD-2: units are bought beside the old ones, guarded where they commit, and watched for waste."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pulumi
import pytest

from components.alarms import Watch
from components.provisioned_throughput import ProvisionedThroughput, ProvisionedThroughputArgs
from contract.metrics import known
from contract.model_access import Provisioned
from plan import Plan, PlanError
from plan.changes import Kind
from plan.diff import diff
from tests.components.bedrock_helpers import TABLE, TODAY, UNITS, place, planned
from tests.components.data_helpers import Check, each, replaced, unnoticed

MONTH = UNITS.model_copy(update={"term": "OneMonth", "committed_until": date(2030, 1, 20)})


def bought(
    capacity: Provisioned = UNITS, rung: str = "aria-units", **changes: Any
) -> tuple[Plan, list[Watch]]:
    watched: list[Watch] = []
    settled: dict[str, Any] = {
        "environment": "test",
        "place": place(),
        "rung": rung,
        "model": TABLE["aria"],
        "capacity": capacity,
        "production": True,
        "today": TODAY,
    }

    def program(opts: pulumi.ResourceOptions) -> None:
        made = ProvisionedThroughput("units", ProvisionedThroughputArgs(**{**settled, **changes}), opts)
        made.widgets()
        watched[:] = made.alarms()

    return planned(program), watched


def units_are_bought_for_the_context_variant(plan: Plan) -> None:
    (made,) = each(plan, "bedrock.ProvisionedModelThroughput")
    assert made.inputs["modelArn"] == "arn:aws:bedrock:us-east-1::foundation-model/acme.aria-v1:0:200k"
    assert made.inputs["modelUnits"] == 2


def both_names_say_how_many_and_for_how_long(plan: Plan) -> None:
    (made,) = each(plan, "bedrock.ProvisionedModelThroughput")
    assert made.name.startswith("units-2x200k-1m-")
    assert made.inputs["provisionedModelName"].startswith("concierge-test-aria-units-2x200k-1m-")


def a_commitment_is_protected(plan: Plan) -> None:
    (made,) = each(plan, "bedrock.ProvisionedModelThroughput")
    assert made.inputs["commitmentDuration"] == "OneMonth"
    assert made.options.protect


def there_is_time_to_provision(plan: Plan) -> None:
    """It takes 10 to 20 minutes, and the provider waits ten."""
    (made,) = each(plan, "bedrock.ProvisionedModelThroughput")
    assert made.inputs["timeouts"] == {"create": "40m"}


CHECKS: list[Check] = [
    units_are_bought_for_the_context_variant,
    both_names_say_how_many_and_for_how_long,
    a_commitment_is_protected,
    there_is_time_to_provision,
]


@pytest.mark.parametrize("check", CHECKS)
def test_committed_units(check: Check):
    check(bought(MONTH)[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert unnoticed(bought(MONTH)[0], CHECKS) == []


def test_a_commitment_without_protection_is_found():
    plan = bought(MONTH)[0]
    (made,) = each(plan, "bedrock.ProvisionedModelThroughput")
    with pytest.raises(AssertionError):
        a_commitment_is_protected(
            replaced(plan, made, replace(made, options=replace(made.options, protect=False)))
        )


def test_hourly_units_commit_to_nothing_and_can_be_given_back():
    (made,) = each(bought()[0], "bedrock.ProvisionedModelThroughput")
    assert "commitmentDuration" not in made.inputs
    assert not made.options.protect


@pytest.mark.parametrize(
    "change", [{"units": 3}, {"variant": "18k"}, {"term": "OneMonth", "committed_until": date(2030, 1, 20)}]
)
def test_other_units_are_another_throughput_beside_the_old_one(change: dict[str, Any]):
    """They cannot be resized: the new one is added, the old one goes, and nothing is replaced in place."""
    before, after = bought()[0], bought(UNITS.model_copy(update=change))[0]
    found = diff(before, after)
    units = [c.kind for c in found.resources if c.resource.type.endswith(":ProvisionedModelThroughput")]
    assert sorted(units) == sorted([Kind.ADDED, Kind.REMOVED])
    names = [p.of_type("bedrock.ProvisionedModelThroughput")[0].inputs for p in (before, after)]
    assert names[0]["provisionedModelName"] != names[1]["provisionedModelName"]


def test_another_version_of_a_model_is_another_throughput():
    newer = TABLE["aria"].model_copy(
        update={
            "regions": {
                "us-east-1": TABLE["aria"]
                .regions["us-east-1"]
                .model_copy(update={"variants": ("acme.aria-v2:0:200k",)})
            }
        }
    )
    found = diff(bought()[0], bought(model=newer)[0])
    assert len(found.of(Kind.REPLACED)) == 0
    assert any(c.resource.type.endswith(":ProvisionedModelThroughput") for c in found.added)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: bought(MONTH, production=False), "provisioned.term: commits an unprotected environment"),
        (
            lambda: bought(UNITS.model_copy(update={"term": "SixMonths"})),
            "committed_until: write the last day of the term",
        ),
        (lambda: bought(UNITS, model=TABLE["ballad"]), "AWS lists no units of ballad"),
        (
            lambda: bought(UNITS.model_copy(update={"variant": "18k"}), model=TABLE["canon"]),
            "canon is legacy in us-east-1",
        ),
        (lambda: bought(UNITS.model_copy(update={"variant": "99k"})), "use 18k, 200k"),
        (lambda: bought(rung="aria--units"), "without doubled hyphens"),
        (lambda: bought(rung="a" * 40), "give the rung a shorter name"),
    ],
)
def test_money_is_not_spent_by_accident(build: Callable[[], object], words: str):
    """The component asks again what the settings asked."""
    with pytest.raises(PlanError, match=words):
        build()


def test_full_units_are_noticed_within_minutes():
    (busy, _) = bought()[1]
    alarm = busy.alarm
    assert (alarm.metric, alarm.statistic, alarm.period_s) == ("EstimatedTPMQuotaUsage", "Sum", 60)
    assert alarm.threshold == 0.8 * 2 * 10_000
    assert (alarm.severity, alarm.runbook) == ("ticket", "throughput-review")
    assert alarm.computed == ("ModelId",)


def test_idle_units_are_noticed_after_the_longest_that_an_alarm_sees():
    """Two weeks are asked for; CloudWatch looks back at seven days. A day without calls is idle."""
    (_, idle) = bought()[1]
    alarm = idle.alarm
    assert alarm.period_s * alarm.of == 7 * 86_400
    assert (alarm.datapoints, alarm.missing) == (alarm.of, "breaching")
    assert alarm.comparison == "LessThanThreshold"
    assert alarm.threshold == 0.5 * 2 * 10_000 * 24 * 60
    assert alarm.runbook == "throughput-review"


def test_the_metric_is_one_that_bedrock_has():
    assert known("AWS/Bedrock").keys() >= {w.alarm.metric for w in bought()[1]}
