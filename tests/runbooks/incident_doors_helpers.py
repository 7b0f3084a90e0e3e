"""Incidents of the ways in: sockets, balancers and their zones, the firewall."""

from collections.abc import Iterable
from typing import Any

from contract.logs import SOCKET_LOST
from tests.runbooks.estate_parts_helpers import beside, ecs, least_tasks
from tests.runbooks.place_helpers import Incident, Place, Said, Shown


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


INCIDENTS = (
    Incident(runbook="websocket-limit", shows=_rush, stands=(quotas,), reversible=False),
    Incident(runbook="az-loss", shows=_zone_down, stands=(ecs, zones)),
    Incident(runbook="connection-drops", shows=_drops, says=_lost_sockets, stands=(ecs,)),
    Incident(runbook="waf-blocks", shows=_refused, stands=(waf,)),
)
