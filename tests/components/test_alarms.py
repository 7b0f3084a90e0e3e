"""Alarms as data become CloudWatch's: expressions, bands, composites, mutes; nothing that it would refuse."""

from collections.abc import Callable
from typing import Any

import pytest

from contract import alarm_rules
from contract.alarms import Alarm, Composite
from contract.runbooks import catalogue
from contract.slos import HIGHEST, LOWEST, WINDOWS, Slo, slos
from plan import Plan
from plan.model import Resource
from rehearsal import alarm_definitions
from stacks.stackfile import SettingsError
from tests.conftest import Planned

USUAL: dict[str, Any] = {
    "id": "throttled",
    "metric": "ModelThrottled",
    "dimensions": {"Rung": "sonnet"},
    "statistic": "Average",
    "threshold": 0.02,
    "datapoints": 2,
    "of": 3,
    "missing": "notBreaching",
    "severity": "page",
    "impact": "Sonnet refuses calls.",
    "runbook": "bedrock-throttled",
}
OVER: dict[str, Any] = {"id": "both", "impact": "Slow and failing.", "runbook": "bedrock-outage"}
THROTTLES: dict[str, Any] = {
    "namespace": "AWS/DynamoDB",
    "metric": "ReadThrottleEvents",
    "dimensions": {"TableName": "carts"},
    "statistic": "Sum",
}


def alarms(plan: Plan, region: str = "us-east-1") -> dict[str, Resource]:
    """Name without the environment -> alarm of either kind."""
    both = (*plan.of_type("cloudwatch.MetricAlarm"), *plan.of_type("cloudwatch.CompositeAlarm"))
    return {
        str(each.inputs.get("name") or each.inputs["alarmName"]).removeprefix(
            f"concierge-{plan.stack}-"
        ): each
        for each in both
        if each.region == region
    }


# --- The shape ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"expression": "m0 +"}, "not an expression"),
        ({"expression": "m0 / all"}, "its expression has no metric all"),
        ({"expression": "SEARCH(m0)"}, "SEARCH is no function"),
        ({"expression": "avg([m0])"}, "avg is no function"),
        (
            {
                "others": {f"o{n}": {"metric": "Failed", "statistic": "Sum"} for n in range(10)},
                "expression": "m0+o1",
            },
            "over 10 metrics",
        ),
        ({"others": {"all": {"metric": "Nobody", "statistic": "Sum"}}}, "nothing emits 'Nobody'"),
        (
            {"others": {"all": {"metric": "Failed", "dimensions": {"Rung": "x"}, "statistic": "Sum"}}},
            "not published",
        ),
        ({"band": 2.0}, "a band is a guess, and wakes nobody"),
        ({"fill": 0, "minimum_samples": 5}, "choose one"),
        ({"patient": True}, "only a bare percentile"),
        (THROTTLES, "would stay red in silence"),
        ({"period_s": 60, "of": 1_441, "datapoints": 1}, "looks further back"),
        ({"statistic": "p97"}, "statistic"),
        ({"impact": "x" * 1_000}, "at most 924"),
    ],
)
def test_what_cloudwatch_would_refuse_or_nobody_means_does_not_construct(change: dict[str, Any], why: str):
    with pytest.raises(ValueError, match=why):
        Alarm(**{**USUAL, **change})


def test_missing_data_must_be_decided():
    with pytest.raises(ValueError, match="missing"):
        Alarm(**{key: value for key, value in USUAL.items() if key != "missing"})


@pytest.mark.parametrize(
    ("change", "math"),
    [
        ({}, ""),
        ({"minimum_samples": 20}, "IF(n0 >= 20, m0)"),
        ({"fill": 0}, "FILL(m0, 0)"),
        ({"expression": "RATE(m0)", "fill": 1.5}, "FILL(RATE(m0), 1.5)"),
        ({"band": 2.5, "severity": "ticket"}, "ANOMALY_DETECTION_BAND(m0, 2.5)"),
        ({**THROTTLES, "missing": "ignore"}, ""),
        ({**THROTTLES, "fill": 0}, "FILL(m0, 0)"),
    ],
)
def test_what_is_compared(change: dict[str, Any], math: str):
    assert Alarm(**{**USUAL, **change}).math == math


def named(*there: str) -> Callable[[str], list[str]]:
    return lambda wanted: [name for name in there if name == wanted]


def test_the_rule_of_a_composite_is_made_of_what_a_region_has():
    both = Composite(**OVER, all_of=(("slow", "late"), ("failing",)), unless=("lost",))
    either = Composite(**OVER, any_of=(("a-long", "a-short"), ("b-long", "b-short")))

    assert both.rule(named("slow", "failing", "lost")) == (
        '((ALARM("slow")) AND (ALARM("failing"))) AND NOT ALARM("lost")'
    )
    assert both.rule(named("slow", "lost")) == ""  # errors alone would do otherwise
    assert either.rule(named("a-long", "a-short", "b-long")) == '((ALARM("a-long") AND ALARM("a-short")))'
    assert either.rule(named()) == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, "choose one of"),
        ({"by_hand": True, "all_of": (("a",),)}, "choose one of"),
        ({"all_of": (("a",),), "runbook": "call-bob"}, "no runbook 'call-bob'"),
    ],
)
def test_a_composite_that_cannot_work_does_not_construct(change: dict[str, Any], why: str):
    with pytest.raises(ValueError, match=why):
        Composite(**{**OVER, **change})


def test_a_composite_over_too_many_is_refused_while_planning():
    many = Composite(**OVER, all_of=(("x*",),))
    with pytest.raises(alarm_rules.RuleError, match="101 alarms"):
        many.rule(lambda _: [f"x{number}" for number in range(101)])


# --- Error budgets ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [94.9, 99.991, 100, 0])
def test_targets_that_no_burn_rate_could_watch_are_refused(target: float):
    with pytest.raises(ValueError, match="is not between 95 and"):
        Slo(**{**slos()[0].model_dump(), "target": target})


@pytest.mark.parametrize("target", [LOWEST, 99.0, 99.9, HIGHEST])
def test_each_budget_is_watched_in_four_pairs_of_windows(target: float):
    promised = Slo(**{**slos()[0].model_dump(), "target": target})
    found = {alarm.id.removeprefix("slo-answers-"): alarm for alarm in promised.alarms()}

    assert list(found) == ["14x-1h", "14x-5m", "6x-6h", "6x-30m", "3x-1d", "3x-2h", "1x-3d", "1x-6h"]
    for window in WINDOWS:
        pair = [alarm for name, alarm in found.items() if name.startswith(f"{window.name}-")]
        assert [alarm.period_s for alarm in pair] == [window.long_s, window.short_s]
        assert all(
            alarm.threshold == pytest.approx(window.burn * (1 - target / 100), abs=1e-5) for alarm in pair
        )
        assert all(alarm.part and alarm.threshold < 1 for alarm in pair)
        # Quiet at low traffic: so few messages that the bad ones would be a handful have no say.
        assert pair[0].minimum_samples * pair[0].threshold >= promised.least_bad


def test_a_promise_about_time_counts_the_share_within_the_limit():
    sonnet = next(slo for slo in slos() if slo.id == "sonnet-first-token")
    fast = sonnet.alarms()[0]

    assert (fast.statistic, fast.comparison) == ("PR(:2500)", "LessThanThreshold")
    assert fast.threshold == pytest.approx(100 - 14.4 * 5)  # 14.4 times five per cent may be late


def test_pages_are_of_fast_burns_and_tickets_of_slow_ones_and_both_windows_must_say_so():
    page, ticket = slos()[0].composites()
    assert page.any_of == (
        ("slo-answers-14x-1h", "slo-answers-14x-5m"),
        ("slo-answers-6x-6h", "slo-answers-6x-30m"),
    )
    assert ticket.any_of == (
        ("slo-answers-3x-1d", "slo-answers-3x-2h"),
        ("slo-answers-1x-3d", "slo-answers-1x-6h"),
    )
    assert (page.severity, ticket.severity) == ("page", "ticket")
    assert page.unless == ("canary-region",)


def test_which_budgets_are_watched_is_a_setting(planned: Planned):
    found = alarms(planned("dev", {"operations.error_budgets": '["answers"]'}))
    assert [
        name for name in found if name.startswith("slo-") and found[name].type.endswith("CompositeAlarm")
    ] == [
        "slo-answers-page",
        "slo-answers-ticket",
    ]
    with pytest.raises(
        SettingsError, match=r"error_budgets.* has 'luck', which nobody promised: there are answers"
    ):
        planned("dev", {"operations.error_budgets": '["luck"]'})


# --- What stands in CloudWatch ------------------------------------------------------------------------------


def test_alarms_of_tables_take_silence_for_what_it_is(prod: Plan):
    """CloudWatch would leave them red: DynamoDB publishes nothing while nothing is throttled."""
    found = [
        each for each in alarm_definitions.of_plan(prod) if isinstance(each, alarm_definitions.MetricAlarm)
    ]
    tables = [each for each in found if each.namespaces == {"AWS/DynamoDB"}]

    assert len(tables) > 100
    for each in tables:
        assert [step.text for step in each.steps.values()] == ["FILL(m0, 0)"]
        assert each.treats_missing == "notBreaching"


def test_parts_of_a_composite_tell_nobody_themselves(prod: Plan):
    found = alarms(prod)
    part, told = found["slo-answers-14x-1h"], found["slo-answers-page"]

    assert not part.inputs.get("alarmActions")
    assert part.inputs["tags"]["Severity"] == "part"
    assert len(told.inputs["alarmActions"]) == 1
    assert told.inputs["tags"] == {
        "Runbook": "bedrock-outage",
        "Severity": "page",
        "Component": "operations:Alarms",
        "Slo": "answers",
    }


def test_every_alarm_says_which_component_it_is_about(prod: Plan):
    kinds = {resource.type.removeprefix("concierge:") for resource in prod.resources if not resource.custom}
    for name, each in alarms(prod).items():
        if each.name.startswith("primary-alarms-"):
            assert each.inputs["tags"]["Component"] in kinds, name


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_composites_name_alarms_of_their_region_and_are_made_after_them(prod: Plan, region: str):
    found = alarms(prod, region)
    composites = [each for each in found.values() if each.type.endswith("CompositeAlarm")]
    assert len(composites) == 8

    for each in composites:
        children = alarm_rules.parse(each.inputs["alarmRule"]).children
        assert {child.removeprefix("concierge-prod-") for child in children} <= set(found)
        for child in children:
            assert found[child.removeprefix("concierge-prod-")].urn in each.dependencies


def test_maintenance_mutes_what_pages_over_others(prod: Plan):
    found = alarms(prod)
    assert found["maintenance"].inputs["alarmRule"] == "FALSE"
    assert not found["maintenance"].inputs.get("alarmActions")
    for name in ("shoppers-hurt", "slo-answers-page", "slo-sonnet-first-token-ticket"):
        assert found[name].inputs["actionsSuppressor"] == {
            "alarm": "concierge-prod-maintenance",
            "waitPeriod": 60,
            "extensionPeriod": 60,
        }


def test_what_is_usual_of_cost_is_learnt_and_only_a_ticket(prod: Plan):
    found = alarms(prod)["cost-unusual"].inputs
    metric, band = found["metricQueries"]

    assert found["thresholdMetricId"] == band["id"]
    assert "threshold" not in found
    assert (metric["returnData"], band["expression"]) == (True, "ANOMALY_DETECTION_BAND(m0, 3)")
    assert found["tags"]["Severity"] == "ticket"


def test_every_name_and_description_fits_into_cloudwatch(prod: Plan):
    for name, each in alarms(prod).items():
        assert len(each.inputs.get("name") or each.inputs["alarmName"]) <= 255
        assert len(each.inputs.get("alarmDescription", "")) <= 1_024, name
        assert len(each.inputs.get("alarmActions") or ()) <= 5


def test_every_alarm_links_a_runbook_of_the_catalogue(prod: Plan):
    for name, each in alarms(prod).items():
        if "alarmActions" in each.inputs and "Severity" in each.inputs.get("tags", {}):
            assert each.inputs["tags"]["Runbook"] in catalogue(), name
