"""Spend is far above its course: name the top movers and what nobody uses; save model calls if it is those.

Cost Explorer is a day late; what the runtime measures itself is of this minute. Nothing is deleted here: what
is orphaned is named, with what it costs to keep.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from contract.forecast import Forecast
from contract.rungs import folder
from runbooks.engine import About, Alarmed, Decision, Finding, Runbook, Watch, World, calling
from runbooks.engine.places import ours
from runbooks.parts import forecast, relief

ID = "cost-spike"
DAYS = 8
TIMES = 1.5  # against the mean of the week before
COST = Watch(
    what="model cost a minute",
    namespace="Concierge",
    metric="CostUsd",
    of=ours(),
    statistic="Sum",
    limit=30.0,
    unit=" $",
    needed=3,
)


@calling("ce.get_cost_and_usage")
def movers(world: World) -> Finding:
    """Which services cost most more than in the week before, or than was forecast?"""
    plan = forecast.expected(world)
    today = world.clock.now().date()
    period = {"Start": f"{today - timedelta(days=DAYS)}", "End": f"{today}"}
    answer = world.aws.elsewhere("us-east-1").read(
        "ce",
        "get_cost_and_usage",
        TimePeriod=period,
        Granularity="DAILY",
        Metrics=["UnblendedCost"],
        GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
    )
    days = [dict(_costs(day)) for day in answer["ResultsByTime"]]
    if len(days) < 2:
        return Finding(what="Cost Explorer has no days to compare", cause=None)
    *week, last = days
    if plan is not None:
        return _beyond(plan, last)
    usual = {name: sum(day.get(name, 0.0) for day in week) / len(week) for name in last}
    more = sorted(((last[name] - usual[name], name) for name in last), reverse=True)
    top = tuple(name for gain, name in more if gain > 0 and last[name] > TIMES * usual[name])
    words = ", ".join(f"{name} {usual[name]:.0f} -> {last[name]:.0f} $ a day" for name in top[:3])
    return Finding(
        what=f"top movers: {words}" if top else "no service costs much more than in the week before",
        evidence={name: round(last[name] - usual[name], 2) for name in top[:5]},
        cause=bool(top),
        subjects=top,
    )


def _beyond(plan: Forecast, last: Mapping[str, float]) -> Finding:
    """An event costs more than an ordinary week and is no surprise: a forecast knows of it."""
    more = sorted(
        (
            (last[name] - usd, name)
            for name, usd in plan.day_usd.items()
            if last.get(name, 0.0) > usd * plan.spread
        ),
        reverse=True,
    )
    words = ", ".join(f"{name} {plan.day_usd[name]:.0f} -> {last[name]:.0f} $ a day" for _, name in more[:3])
    return Finding(
        what=f"beyond the forecast of {plan.made_on}: {words}"
        if more
        else "no service is beyond its forecast",
        evidence={name: round(gain, 2) for gain, name in more[:5]},
        cause=bool(more),
        subjects=tuple(name for _, name in more),
    )


def _costs(day: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    groups: list[Mapping[str, object]] = day.get("Groups", [])  # type: ignore[assignment]
    for group in groups:
        keys, metrics = group["Keys"], group["Metrics"]
        yield str(keys[0]), float(metrics["UnblendedCost"]["Amount"])  # type: ignore[index]


@calling("ec2.describe_volumes", "ec2.describe_addresses")
def orphans(world: World) -> Finding:
    """Which volumes and addresses hang on nothing?"""
    unused = [{"Name": "status", "Values": ["available"]}]
    volumes = world.aws.read("ec2", "describe_volumes", Filters=unused)["Volumes"]
    addresses = world.aws.read("ec2", "describe_addresses")["Addresses"]
    named = [f"{one['VolumeId']} ({one['Size']} GB)" for one in volumes]
    named += [str(one["AllocationId"]) for one in addresses if not one.get("AssociationId")]
    return Finding(
        what=f"hang on nothing: {', '.join(named)}" if named else "no volume or address hangs on nothing",
        cause=bool(named),
        subjects=tuple(named),
    )


@calling("bedrock.list_provisioned_model_throughputs", "ssm.get_parameters_by_path")
def units(world: World) -> Finding:
    """Which bought units does no rung name?"""
    found = world.aws.read("bedrock", "list_provisioned_model_throughputs")["provisionedModelSummaries"]
    path = folder(world.environment)
    rungs = world.aws.read("ssm", "get_parameters_by_path", Path=path)["Parameters"]
    known = " ".join([*(str(rung["Value"]) for rung in rungs), *world.all("models").values()])
    idle = tuple(str(one["provisionedModelName"]) for one in found if one["provisionedModelArn"] not in known)
    return Finding(
        what=f"units that no rung names: {', '.join(idle)}" if idle else "every bought unit has a rung",
        cause=bool(idle),
        subjects=idle,
    )


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Save model calls when those are what costs; orphans and units have people or runbooks of their own."""
    cost, top, idle = findings["cost"], findings["movers"], findings["units"]
    if cost.cause is None:
        return Decision(course="unclear", why=cost.what)
    if cost.cause:
        return Decision(course="act", why=f"{cost.what}; {top.what}; {findings['orphans'].what}")
    if idle.cause:
        return Decision(course="leave", why=idle.what, see="event-scale-down")
    return Decision(course="leave", why=f"{cost.what}; {top.what}; {findings['orphans'].what}")


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="nobody notices but the budget",
        severity="ticket",
        budget_min=30,
        escalate="platform on-call and whoever owns the top mover; agent-loop when loops are the cause",
        inputs=(forecast.INPUT,),
    ),
    diagnose={
        "cost": COST,
        "movers": movers,
        "orphans": orphans,
        "units": units,
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(relief.cache("aggressive", minutes=120), relief.canned_first(minutes=120)),
    verify=COST.well(within_s=900),
)
