"""Incidents of the services, the doors, deliveries and what they cost."""

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from contract.logs import LOOP_STOPPED, PROVIDER_FAILED, SOCKET_LOST
from tests.runbooks.beside_moto_helpers import RefusedError
from tests.runbooks.estate_parts_helpers import (
    beside,
    deployment,
    ecs,
    least_tasks,
    revision,
    roll_out,
    run_tasks,
    sagemaker,
)
from tests.runbooks.place_helpers import Incident, Place, Said, Shown

ARN = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model"
ROLE = "arn:aws:iam::123456789012:role/r"
DEFINITION = '{"StartAt": "a", "States": {"a": {"Type": "Pass", "End": true}}}'


def quotas(place: Place) -> None:
    asked: list[dict[str, Any]] = []

    def ask(one: dict[str, Any]) -> dict[str, Any]:
        asked.append({"Status": "PENDING", "QuotaCode": one["QuotaCode"]})
        return {"RequestedQuota": asked[-1]}

    beside(place).answer("service-quotas", "GetServiceQuota", lambda _: {"Quota": {"Value": 500.0}})
    beside(place).answer(
        "service-quotas",
        "ListRequestedServiceQuotaChangeHistoryByQuota",
        lambda _: {"RequestedQuotas": asked},
    )
    beside(place).answer("service-quotas", "RequestServiceQuotaIncrease", ask)


def _rush(place: Place) -> Shown:
    return {"ConnectCount websocket": 29_000 if place.control("widget") is None else 12_000}


def _began(place: Place, name: str) -> str:
    """The deployment that serves when the incident begins."""
    return str(place.memory.setdefault(f"deployment {name}", deployment(place, name)))


def _pricing(place: Place) -> Iterable[Said]:
    """Other providers fail now and then; pricing fails until the connections to it are new."""
    yield Said("chat", PROVIDER_FAILED, "shipping", 3)
    if place.broken and deployment(place, "chat") == _began(place, "chat"):
        yield Said("chat", PROVIDER_FAILED, "pricing", 60)


def _catalogue(place: Place) -> Iterable[Said]:
    yield Said("tools", PROVIDER_FAILED, "pricing", 3)
    if place.broken and least_tasks(place, "tools") < 8:
        yield Said("tools", PROVIDER_FAILED, "catalogue", 45)


def _loops(place: Place) -> Iterable[Said]:
    yield Said("chat", LOOP_STOPPED, "search", 2)
    if place.broken and deployment(place, "tools") == _began(place, "tools"):
        yield Said("chat", LOOP_STOPPED, "inventory", 15)


def _old_tasks(place: Place) -> None:
    """Tasks are hours old when the incident begins."""
    from moto.ecs.models import ecs_backends

    for service in ecs_backends["123456789012"]["us-east-1"].services.values():
        deployments: list[dict[str, Any]] = service.deployments
        for one in deployments:
            one["createdAt"] -= timedelta(hours=5)
            one["updatedAt"] -= timedelta(hours=5)


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


PUBLISHED, EVENT = "winter-sale-00000000", "prime-day-1a2b3c4d"


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


def _errors(place: Place) -> Shown:
    """Messages fail while the second revision serves."""
    return {"Failed all": 0.08 if revision(place, "chat") == "2" else 0.001}


def _roll(place: Place) -> None:
    _old_tasks(place)
    roll_out(place, "chat")


def pipelines(place: Place) -> None:
    """The lines of delivery; what was started is known."""
    runs: list[dict[str, Any]] = place.memory.setdefault("runs", [])

    def start(asked: dict[str, Any]) -> dict[str, Any]:
        runs.append(
            {"pipelineExecutionId": "e", "status": "InProgress", "startTime": place.time, "of": asked["name"]}
        )
        return {"pipelineExecutionId": "e"}

    def show(asked: dict[str, Any]) -> dict[str, Any]:
        mine = [
            {k: v for k, v in run.items() if k != "of"} for run in runs if run["of"] == asked["pipelineName"]
        ]
        return {"pipelineExecutionSummaries": mine}

    beside(place).answer("codepipeline", "StartPipelineExecution", start)
    beside(place).answer("codepipeline", "ListPipelineExecutions", show)


def secrets(place: Place) -> None:
    for secret in place.inventory.primary.secrets.values():
        place.client("secretsmanager").create_secret(Name=secret, SecretString="s")


def _month_later(place: Place) -> None:
    place.time += timedelta(days=40)


def _next_generation(place: Place) -> None:
    """The line has run `up`: a further generation of each."""
    if place.memory["runs"] and "rotated" not in place.memory:
        place.memory["rotated"] = True
        from moto.secretsmanager.models import secretsmanager_backends

        kept = secretsmanager_backends["123456789012"]["us-east-1"].secrets
        for secret in place.inventory.primary.secrets.values():
            name = f"{secret[:-1]}2"
            place.client("secretsmanager").create_secret(Name=name, SecretString="t")
            made: Any = kept[name]
            made.created_date = place.time.timestamp()


def zones(place: Place) -> None:
    """Both balancers in two zones; zonal shifts, which moto does not have."""
    elb, ec2 = place.client("elbv2"), place.client("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    for name, kind in (("application", "application"), ("network", "network")):
        made = elb.create_load_balancer(Name=f"concierge-prod-{name}", Type=kind, Subnets=subnets)
        place.rename("balancers", name, made["LoadBalancers"][0]["LoadBalancerArn"])
    shifts: dict[str, dict[str, Any]] = place.memory.setdefault("shifts", {})

    def start(asked: dict[str, Any]) -> dict[str, Any]:
        at = place.time.timestamp()
        named = {"zonalShiftId": asked["resourceIdentifier"][-17:], "status": "ACTIVE"}
        shifts[asked["resourceIdentifier"]] = {
            **{key: asked[key] for key in ("resourceIdentifier", "awayFrom", "comment")},
            **named,
            "startTime": at,
            "expiryTime": at + 3 * 3600,
        }
        return shifts[asked["resourceIdentifier"]]

    def cancel(asked: dict[str, Any]) -> dict[str, Any]:
        arn = next(arn for arn, shift in shifts.items() if shift["zonalShiftId"] == asked["zonalShiftId"])
        return {**shifts.pop(arn), "status": "CANCELED"}

    def show(asked: dict[str, Any]) -> dict[str, Any]:
        found = shifts.get(asked["resourceIdentifier"])
        return {"items": [found] if found else []}

    answers = beside(place)
    answers.answer("arc-zonal-shift", "StartZonalShift", start)
    answers.answer("arc-zonal-shift", "CancelZonalShift", cancel)
    answers.answer("arc-zonal-shift", "ListZonalShifts", show)


def _zone_down(place: Place) -> Shown:
    return {"HTTPCode_ELB_5XX_Count us-east-1a": 3 if len(place.memory["shifts"]) == 2 else 600}


def _tasks_die(place: Place) -> None:
    _old_tasks(place)
    run_tasks(place, "rest", 0)


def _tasks_come(place: Place) -> None:
    """Scaling starts tasks once it must."""
    if place.broken and least_tasks(place, "rest") >= 6:
        run_tasks(place, "rest", 6)


def _drops(place: Place) -> Shown:
    helped = least_tasks(place, "chat") >= 10
    return {"IntegrationError websocket": 12 if helped else 900}


def _lost_sockets(place: Place) -> Iterable[Said]:
    """Phones that change networks, always; too few tasks, while it is bad."""
    yield Said("chat", SOCKET_LOST, "client gone", 5)
    if place.broken and least_tasks(place, "chat") < 10:
        yield Said("chat", SOCKET_LOST, "task full", 80)


def waf(place: Place) -> None:
    """A web ACL with two rules; sampled requests, which moto does not have."""
    rules = [
        {
            "Name": name,
            "Priority": number,
            "Statement": {"GeoMatchStatement": {"CountryCodes": ["KP"]}},
            "Action": {"Block": {}},
            "VisibilityConfig": _seen(name),
        }
        for number, name in enumerate(("body-size", "bad-agents"))
    ]
    place.client("wafv2").create_web_acl(
        Name="concierge-prod-regional",
        Scope="REGIONAL",
        DefaultAction={"Allow": {}},
        Rules=rules,
        VisibilityConfig=_seen("all"),
    )

    def sample(asked: dict[str, Any]) -> dict[str, Any]:
        addresses = [f"192.0.2.{n}" for n in range(40)] if place.broken else ["198.51.100.7"] * 5
        mine = addresses if asked["RuleMetricName"] == "body-size" else []
        return {
            "SampledRequests": [
                {"Request": {"ClientIP": ip, "Country": "US"}, "Weight": 1, "Action": "BLOCK"} for ip in mine
            ]
        }

    beside(place).answer("wafv2", "GetSampledRequests", sample)


def _seen(name: str) -> dict[str, Any]:
    return {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": name}


def _refused(place: Place) -> Shown:
    client = place.client("wafv2")
    one = client.list_web_acls(Scope="REGIONAL")["WebACLs"][0]
    rules = client.get_web_acl(Name=one["Name"], Scope="REGIONAL", Id=one["Id"])["WebACL"]["Rules"]
    count = 20 if "Count" in next(rule for rule in rules if rule["Name"] == "body-size")["Action"] else 2000
    return {"BlockedRequests regional": count + 50, "BlockedRequests body-size": count}


def contracts(place: Place) -> None:
    bucket = place.name("buckets", "agent")
    place.client("s3").create_bucket(Bucket=bucket)
    _verify(place)


def _verify(place: Place) -> None:
    for provider in ("pricing", "catalogue"):
        place.client("s3").put_object(
            Bucket=place.name("buckets", "agent"),
            Key=f"contracts/{provider}.json",
            Body=b"{}",
            Metadata={"verified-at": place.time.isoformat()},
        )


def _later(place: Place) -> None:
    place.time += timedelta(days=9)


def _verified(place: Place) -> None:
    if place.memory["runs"]:
        _verify(place)


def _soon(place: Place) -> None:
    place.inputs["until"] = (place.time + timedelta(days=2)).isoformat()


def _past(place: Place) -> None:
    place.inputs["until"] = (place.time - timedelta(hours=2)).isoformat()


UP = {"model_id": "sonnet:200k", "unit_tpm": "100000", "growth": "3"}
INCIDENTS = (
    Incident(runbook="websocket-limit", shows=_rush, stands=(quotas,), reversible=False),
    Incident(runbook="pricing-down", says=_pricing, stands=(ecs,), breaks=_old_tasks, reversible=False),
    Incident(runbook="catalogue-slow", says=_catalogue, stands=(ecs,)),
    Incident(runbook="agent-loop", says=_loops, stands=(ecs,), breaks=_old_tasks, reversible=False),
    Incident(runbook="cost-spike", shows=_dear, stands=(spend, units)),
    Incident(runbook="deploy-rollback", shows=_errors, stands=(ecs, sagemaker), breaks=_roll),
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
    Incident(
        runbook="secret-rotation",
        stands=(secrets, pipelines),
        breaks=_month_later,
        passes=_next_generation,
        reversible=False,
    ),
    Incident(runbook="az-loss", shows=_zone_down, stands=(ecs, zones)),
    Incident(
        runbook="task-kill-storm",
        stands=(ecs,),
        breaks=_tasks_die,
        passes=_tasks_come,
        reversible=False,
    ),
    Incident(runbook="connection-drops", shows=_drops, says=_lost_sockets, stands=(ecs,)),
    Incident(runbook="waf-blocks", shows=_refused, stands=(waf,)),
    Incident(
        runbook="stale-contracts",
        stands=(contracts, pipelines),
        breaks=_later,
        passes=_verified,
        reversible=False,
    ),
)
