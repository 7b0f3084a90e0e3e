"""Incidents of what is paid for: the bill, and units bought, used and given back."""

import json
from datetime import timedelta
from typing import Any

from tests.runbooks.beside_moto_helpers import RefusedError
from tests.runbooks.estate_parts_helpers import beside, ecs
from tests.runbooks.place_helpers import Incident, Place, Shown

ARN = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model"
ROLE = "arn:aws:iam::123456789012:role/r"
DEFINITION = '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}}'
PUBLISHED, EVENT = "winter-sale-00000000", "prime-day-1a2b3c4d"
UP = {"model_id": "sonnet:200k", "unit_tpm": "100000", "growth": "3"}


def spend(place: Place) -> None:
    """Cost Explorer, and one volume that hangs on nothing."""

    def costs(asked: dict[str, Any]) -> dict[str, Any]:
        bedrock = 4000 if place.broken else 900
        return {"ResultsByTime": [_day(900)] * 7 + [_day(bedrock)]}

    beside(place).answer("cost-explorer", "GetCostAndUsage", costs)
    place.client("ec2").create_volume(AvailabilityZone="us-east-1a", Size=500)


def _day(bedrock: float) -> dict[str, Any]:
    rows = {"Amazon Bedrock": bedrock, "Amazon DynamoDB": 120.0}
    groups = [
        {"Keys": [name], "Metrics": {"UnblendedCost": {"Amount": str(usd), "Unit": "USD"}}}
        for name, usd in rows.items()
    ]
    return {"Groups": groups, "TimePeriod": {"Start": "2031-01-01", "End": "2031-01-02"}}


def _dear(place: Place) -> Shown:
    helped = place.control("cache_mode") == "aggressive" and place.control("canned_first")
    return {"CostUsd all": 24.0 if helped else 70.0}


def units(place: Place) -> None:
    """Bedrock's provisioned throughput, which moto does not have."""
    kept: dict[str, dict[str, Any]] = place.memory.setdefault("units", {})

    def show(asked: dict[str, Any]) -> dict[str, Any]:
        named = asked["provisionedModelId"].rpartition("/")[2]
        if named not in kept:
            raise RefusedError("ResourceNotFoundException")
        return kept[named]

    def delete(asked: dict[str, Any]) -> dict[str, Any]:
        kept.pop(asked["provisionedModelId"].rpartition("/")[2])
        return {}

    listed = {"provisionedModelSummaries": kept.values()}
    answers = beside(place)
    answers.answer("bedrock", "GetProvisionedModelThroughput", show)
    answers.answer("bedrock", "DeleteProvisionedModelThroughput", delete)
    answers.answer(
        "bedrock", "ListProvisionedModelThroughputs", lambda _: {k: list(v) for k, v in listed.items()}
    )


def buy(place: Place, name: str, **more: Any) -> None:
    at = place.time.timestamp()
    place.memory["units"][name] = {
        "provisionedModelName": name,
        "provisionedModelArn": f"{ARN}/{name}",
        "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/sonnet",
        "desiredModelArn": "arn:aws:bedrock:us-east-1::foundation-model/sonnet",
        "foundationModelArn": "arn:aws:bedrock:us-east-1::foundation-model/sonnet",
        "modelUnits": 2,
        "desiredModelUnits": 2,
        "status": "InService",
        "creationTime": at,
        "lastModifiedTime": at,
        **more,
    }


def machines(place: Place) -> None:
    for name in ("event-up", "event-down"):
        place.client("stepfunctions").create_state_machine(
            name=f"concierge-prod-{name}", definition=DEFINITION, roleArn=ROLE
        )
    buy(place, f"concierge-prod-{PUBLISHED}")
    _publish(place, PUBLISHED)


def _publish(place: Place, event: str) -> None:
    told = {
        "name": event,
        "model": "sonnet",
        "arn": f"{ARN}/concierge-prod-{event}",
        "units": 2,
        "who": "machine",
        "why": "event",
        "expires_at": "2031-12-31T00:00:00Z",
    }
    place.client("ssm").put_parameter(
        Name=f"/concierge/prod/rungs/{event}", Value=json.dumps(told), Type="String", Overwrite=True
    )


def _executed(place: Place, machine: str) -> bool:
    arn = place.name("machines", machine)
    return bool(place.client("stepfunctions").list_executions(stateMachineArn=arn)["executions"])


def _stop(place: Place, machine: str) -> None:
    """The machine has done its work."""
    states, arn = place.client("stepfunctions"), place.name("machines", machine)
    for one in states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
        states.stop_execution(executionArn=one["executionArn"])


def _bought(place: Place) -> None:
    if _executed(place, "event-up") and "bought" not in place.memory:
        place.memory["bought"] = True
        buy(place, f"concierge-prod-{EVENT}")
        _publish(place, EVENT)
        _stop(place, "event-up")


def _sold(place: Place) -> None:
    if _executed(place, "event-down") and "sold" not in place.memory:
        place.memory["sold"] = True
        place.memory["units"].pop(f"concierge-prod-{EVENT}")
        place.client("ssm").delete_parameter(Name=f"/concierge/prod/rungs/{EVENT}")
        _stop(place, "event-down")


def _over(place: Place) -> None:
    buy(place, f"concierge-prod-{EVENT}")
    _publish(place, EVENT)


def _tokens(place: Place) -> None:
    """400,000 tokens a minute in the last hour."""
    model = place.name("models", "sonnet").rpartition("/")[2]
    data = [
        {
            "MetricName": f"{kind}TokenCount",
            "Dimensions": [{"Name": "ModelId", "Value": model}],
            "Timestamp": place.time - timedelta(minutes=ago),
            "Value": 200_000.0,
        }
        for kind in ("Input", "Output")
        for ago in range(20)
    ]
    place.client("cloudwatch").put_metric_data(Namespace="AWS/Bedrock", MetricData=data)


def _used(place: Place, name: str, tokens: float) -> None:
    """So many tokens every hour, for two weeks."""
    hour = place.time.replace(minute=0)
    data = [
        {
            "MetricName": "InputTokenCount",
            "Dimensions": [{"Name": "ModelId", "Value": f"{ARN}/{name}"}],
            "Timestamp": hour - timedelta(hours=ago),
            "Value": tokens,
        }
        for ago in range(1, 14 * 24)
    ]
    for start in range(0, len(data), 100):
        place.client("cloudwatch").put_metric_data(
            Namespace="AWS/Bedrock", MetricData=data[start : start + 100]
        )


def well_used(place: Place) -> None:
    """Units with a term, used to nine tenths."""
    buy(place, "concierge-prod-always", commitmentDuration="OneMonth")
    _used(place, "concierge-prod-always", 0.9 * 2 * 60_000)


def _idle(place: Place) -> None:
    buy(place, "concierge-prod-forgotten")
    _used(place, "concierge-prod-forgotten", 500.0)
    _publish(place, "forgotten")


def _soon(place: Place) -> None:
    place.inputs["until"] = (place.time + timedelta(days=2)).isoformat()


def _past(place: Place) -> None:
    place.inputs["until"] = (place.time - timedelta(hours=2)).isoformat()


INCIDENTS = (
    Incident(runbook="cost-spike", shows=_dear, stands=(spend, units)),
    Incident(
        runbook="event-scale-up",
        stands=(ecs, units, machines, _tokens, _soon),
        breaks=lambda place: place.inputs.update(event=EVENT),
        passes=_bought,
        inputs={**UP, "event": PUBLISHED},
        reversible=False,
    ),
    Incident(
        runbook="event-scale-down",
        stands=(units, machines, _past),
        breaks=_over,
        passes=_sold,
        inputs={"event": EVENT},
        reversible=False,
    ),
    Incident(
        runbook="throughput-review",
        stands=(units, well_used),
        breaks=_idle,
        inputs={"unit_tpm": "1000"},
        reversible=False,
    ),
)
