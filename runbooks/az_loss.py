"""One zone does not serve: both balancers stop sending traffic there, for three hours.

ECS starts the lost tasks in the other zones by itself. A zonal shift needs no capacity and ends by itself;
the other zones must carry everybody meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime

from runbooks.engine import About, Alarmed, Call, Decision, Finding, Runbook, Switch, Verify, World, calling
from runbooks.engine.places import Dimensions
from runbooks.engine.watch import METRICS, Watch
from runbooks.parts.ecs import cpu

ID = "az-loss"
LISTED = "elbv2.describe_load_balancers"
SHIFTS, START, STOP = (
    "arc-zonal-shift.list_zonal_shifts",
    "arc-zonal-shift.start_zonal_shift",
    "arc-zonal-shift.cancel_zonal_shift",
)
LASTS = "3h"


def _zones(world: World) -> Mapping[str, Dimensions]:
    """The application balancer in each zone, as CloudWatch names them."""
    arn = world.named("balancers", "application")
    found = world.aws.read("elbv2", "describe_load_balancers", LoadBalancerArns=[arn])["LoadBalancers"][0]
    name = arn.partition(":loadbalancer/")[2]
    return {
        zone["ZoneName"]: {"LoadBalancer": name, "AvailabilityZone": zone["ZoneName"]}
        for zone in found["AvailabilityZones"]
    }


ERRORS = Watch(
    what="5xx of the balancer's own, a minute and zone",
    namespace="AWS/ApplicationELB",
    metric="HTTPCode_ELB_5XX_Count",
    of=_zones,
    statistic="Sum",
    limit=20,
    calls=(METRICS, LISTED),
)


@calling("ec2.describe_availability_zones")
def zones(world: World) -> Finding:
    """What does AWS say of the zones, and what are their ids?"""
    listed = world.aws.read("ec2", "describe_availability_zones")["AvailabilityZones"]
    ill = tuple(zone["ZoneName"] for zone in listed if zone["State"] != "available")
    return Finding(
        what=f"AWS says impaired: {', '.join(ill)}" if ill else "AWS says that all zones are available",
        evidence={zone["ZoneName"]: zone["ZoneId"] for zone in listed},
        cause=bool(ill),
        subjects=ill,
    )


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Away from one zone; two at once is no zone's fault."""
    errors, busy = findings["errors"], findings["cpu"]
    if errors.cause is None:
        return Decision(course="unclear", why=errors.what)
    if not errors.cause:
        return Decision(course="leave", why=errors.what)
    if len(errors.subjects) > 1:
        return Decision(course="leave", why=f"{errors.what}: more than one zone", see="region-failover")
    if busy.cause:
        return Decision(
            course="leave", why=f"{busy.what}: the other zones could not carry it", see="task-kill-storm"
        )
    return Decision(course="act", why=f"{errors.what}; {findings['zones'].what}")


def _shift(world: World, balancer: str) -> Mapping[str, str] | None:
    arn = world.named("balancers", balancer)
    listed = world.aws.read("arc-zonal-shift", "list_zonal_shifts", status="ACTIVE", resourceIdentifier=arn)
    return next(iter(listed["items"]), None)


def _present(world: World, balancer: str) -> str:
    shift = _shift(world, balancer)
    return f"away from {shift['awayFrom']}" if shift else "all zones"


def _wanted(world: World, _: str, __: str) -> str:
    lost = world.subjects("errors")[0]
    return f"away from {world.findings['zones'].evidence[lost]}"


def _call(world: World, balancer: str, state: str) -> Call:
    shift = _shift(world, balancer)
    if state == "all zones" and shift:
        request = {"zonalShiftId": shift["zonalShiftId"]}
        return Call(service="arc-zonal-shift", operation="cancel_zonal_shift", request=request)
    request = {
        "resourceIdentifier": world.named("balancers", balancer),
        "awayFrom": state.removeprefix("away from "),
        "expiresIn": LASTS,
        "comment": f"az-loss by {world.operator}: {world.why or 'planned only'}",
    }
    return Call(service="arc-zonal-shift", operation="start_zonal_shift", request=request)


SHIFT = Switch(
    name="send traffic",
    effect="new connections go to the other zones within a minute",
    subjects=lambda _: ("application", "network"),
    present=_present,
    wanted=_wanted,
    call=_call,
    calls=(SHIFTS, START, STOP),
)


@calling(METRICS, LISTED)
def still_sent(world: World, since: datetime | None) -> float | None:
    """5xx a minute in the zone that is lost."""
    return ERRORS.measure(world, since)


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="a third of the people are refused or slow",
        budget_min=15,
        escalate="platform on-call; AWS Health dashboard for when the zone is back",
    ),
    diagnose={"errors": ERRORS, "zones": zones, "cpu": cpu("chat", "rest", limit=70), "alarms": Alarmed(ID)},
    decide=decide,
    mitigate=(SHIFT,),
    verify=Verify(
        what=ERRORS.what,
        within_s=600,
        measure=still_sent,
        better=lambda _, after: after <= ERRORS.limit,
    ),
)
