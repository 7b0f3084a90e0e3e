"""MOD-7: a day's answers against the training's; as plain Python, and as a schedule with an alarm."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.functions.model_drift import ENOUGH_CALLS, MOST_FILES, Found, index, intents, look, report
from plan import Plan
from tests.components.data_helpers import ACCOUNT, Check, each, statements, unnoticed
from tests.components.inference_helpers import BOUNDARY, key
from tests.components.training_helpers import drift

DAY = datetime(2026, 11, 19, 15, tzinfo=UTC)
BASELINE = {"order_status": 0.5, "product_info": 0.4, "refund": 0.1}
CAPTURES = "captures/intent/concierge-shop-intent/live"


class Shelf:
    """Files by key."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = {"baselines/intent.json": json.dumps({"intents": BASELINE}), **files}
        self.opened: list[str] = []

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.files if key.startswith(prefix)]

    def read(self, key: str) -> str:
        self.opened.append(key)
        return self.files[key]


def call(intent: str) -> str:
    """One captured call, as SageMaker writes it."""
    data = json.dumps({"intent": intent, "confidence": 0.9})
    output = {"observedContentType": "application/json", "mode": "OUTPUT", "data": data, "encoding": "JSON"}
    return json.dumps({"captureData": {"endpointOutput": output}, "eventMetadata": {}, "eventVersion": "0"})


def day(told: Mapping[str, int]) -> Found:
    lines = [call(intent) for intent, count in told.items() for _ in range(count)]
    return look(
        Shelf({f"{CAPTURES}/2026/11/19/07/a.jsonl": "\n".join(lines)}), CAPTURES, "baselines/intent.json", DAY
    )


def test_the_same_shares_are_no_drift():
    found = day({"order_status": 500, "product_info": 400, "refund": 100})
    assert found.calls == 1000
    assert found.drift == pytest.approx(0, abs=0.01)


def test_other_shares_are_drift():
    found = day({"order_status": 100, "product_info": 300, "refund": 600})
    assert found.drift is not None
    assert found.drift > 0.2


def test_an_intent_that_training_never_saw_is_drift():
    found = day({"order_status": 400, "product_info": 320, "refund": 80, "gift": 200})
    assert found.drift is not None
    assert found.drift > 0.2


def test_few_calls_say_nothing():
    found = day({"refund": ENOUGH_CALLS - 1})
    assert (found.calls, found.drift) == (ENOUGH_CALLS - 1, None)


def test_a_day_without_calls_is_told_as_such():
    assert day({}) == Found(calls=0, unread=0, drift=None)


def test_answers_that_cannot_be_read_are_counted_apart():
    broken = ["", "no json", "{}", json.dumps({"captureData": {"endpointOutput": {"data": "[1]"}}})]
    assert list(intents([*broken, call("refund")])) == [None, None, None, None, "refund"]


def test_only_that_day_is_read():
    shelf = Shelf({f"{CAPTURES}/2026/11/{n}/07/a.jsonl": call("refund") for n in (18, 19, 20)})
    assert look(shelf, CAPTURES, "baselines/intent.json", DAY).calls == 1


def test_of_very_many_files_some_are_read():
    files = {f"{CAPTURES}/2026/11/19/07/{n}.jsonl": call("refund") for n in range(3 * MOST_FILES)}
    shelf = Shelf(files)
    look(shelf, CAPTURES, "baselines/intent.json", DAY)
    assert len(shelf.opened) == MOST_FILES + 1


@given(st.dictionaries(st.sampled_from([*BASELINE, "gift"]), st.integers(1, 10_000), min_size=1))
def test_drift_is_a_number_and_never_negative(counts: dict[str, int]):
    assert index(counts, BASELINE) >= 0


def test_the_report_is_a_metric_by_environment_and_model():
    line = report("shop", "intent", Found(calls=900, unread=3, drift=0.123456), 1_700_000_000)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Concierge/Models"
    assert directive["Dimensions"] == [["Environment", "Model"]]
    assert {m["Name"] for m in directive["Metrics"]} == {"Calls", "Unread", "Drift"}
    assert (line["Environment"], line["Model"], line["Drift"]) == ("shop", "intent", 0.1235)


def test_too_few_calls_leave_the_drift_out():
    line = report("shop", "intent", Found(calls=9, unread=0, drift=None), 0)
    assert "Drift" not in line
    assert line["Calls"] == 9


def somebody_looks_every_day(plan: Plan) -> None:
    (schedule,) = each(plan, "scheduler.Schedule")
    (function,) = each(plan, "lambda.Function")
    assert schedule.inputs["name"] == "concierge-shop-model-drift"
    assert schedule.inputs["scheduleExpression"] == "cron(30 1 * * ? *)"
    assert schedule.inputs["scheduleExpressionTimezone"] == "UTC"
    assert schedule.inputs["flexibleTimeWindow"] == {"mode": "OFF"}
    assert schedule.inputs["target"]["arn"] == function.outputs["arn"]
    role = plan.get("primary-drift-schedule-role")
    assert schedule.inputs["target"]["roleArn"] == role.outputs["arn"]
    assert role.inputs["permissionsBoundary"] == BOUNDARY
    (trust,) = statements(role, "assumeRolePolicy").values()
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    may = plan.get("primary-drift-schedule-may")
    assert may.inputs["role"] == role.id
    (said,) = statements(may).values()
    assert (said["Action"], said["Resource"]) == (["lambda:InvokeFunction"], function.outputs["arn"])


def the_look_is_at_what_the_endpoint_captured(plan: Plan) -> None:
    (function,) = each(plan, "lambda.Function")
    assert function.inputs["environment"]["variables"] == {
        "ENVIRONMENT": "shop",
        "MODEL": "intent",
        "BUCKET": "training",
        "CAPTURES": CAPTURES,
        "BASELINE": "baselines/intent.json",
    }
    assert function.inputs["handler"] == "model_drift.handler"
    assert function.inputs["timeout"] <= 900, "Lambda's longest"


def it_reads_captures_and_nothing_else(plan: Plan) -> None:
    said = statements(plan.get("primary-drift-look-may"))
    assert said["SeeCaptures"]["Action"] == ["s3:ListBucket"]
    assert said["SeeCaptures"]["Condition"] == {"StringLike": {"s3:prefix": f"{CAPTURES}/*"}}
    assert said["ReadCaptures"]["Action"] == ["s3:GetObject"]
    assert said["ReadCaptures"]["Resource"] == [
        f"arn:aws:s3:::training/{CAPTURES}/*",
        "arn:aws:s3:::training/baselines/intent.json",
    ]
    assert said["OpenCaptures"]["Action"] == ["kms:Decrypt"]
    assert said["OpenCaptures"]["Resource"] == key("objects")
    assert said["OpenCaptures"]["Condition"]["StringEquals"] == {
        "kms:ViaService": "s3.us-east-1.amazonaws.com"
    }


CHECKS: list[Check] = [
    somebody_looks_every_day,
    the_look_is_at_what_the_endpoint_captured,
    it_reads_captures_and_nothing_else,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_drift_check(check: Check):
    check(drift()[0])


def test_nothing_of_ours_can_go_missing_unseen():
    """The function's own parts (log, role, code) are held where functions are made."""
    missing = unnoticed(drift()[0], CHECKS)
    assert [found for found in missing if "primary-drift-look" not in found] == []


def test_drift_and_the_lack_of_a_look_are_told():
    alarms = {watch.alarm.id: watch.alarm for watch in drift()[1]}
    assert (alarms["intent-drift"].metric, alarms["intent-drift"].threshold) == ("Drift", 0.2)
    unseen = alarms["intent-drift-unseen"]
    assert (unseen.missing, unseen.period_s * unseen.of) == ("breaching", 2 * 86_400)
