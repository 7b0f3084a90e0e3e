"""Are bought units used (MOD-2, MOD-3)? Weekly, for two weeks: below half they cost more than they save.

Units cannot be resized, and committed ones not deleted early: for those this only says what to buy next time.
Units bought by the hour that hardly anybody used are withdrawn and deleted.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from contract.forecast import LOW_USE, LOW_WEEKS, Forecast
from contract.rungs import folder
from runbooks.engine import About, Alarmed, Call, Decision, Finding, Once, Runbook, Verify, World, calling
from runbooks.engine.watch import METRICS
from runbooks.parts import forecast

ID = "throughput-review"
WEEKS, LOW = LOW_WEEKS, LOW_USE
IDLE = 0.05
LIST = "bedrock.list_provisioned_model_throughputs"
RUNGS = "ssm.get_parameters_by_path"
P = 0.75


def _units(world: World) -> list[Mapping[str, Any]]:
    listed = world.aws.read("bedrock", "list_provisioned_model_throughputs")["provisionedModelSummaries"]
    ours = f"concierge-{world.environment}-"
    return [one for one in listed if str(one["provisionedModelName"]).startswith(ours)]


def _hours(world: World, arn: str) -> list[float]:
    """Tokens of each hour of the last two weeks."""
    end = world.clock.now().replace(minute=0, second=0, microsecond=0)
    queries = [
        {
            "Id": f"q{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Bedrock",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "ModelId", "Value": arn}],
                },
                "Period": 3600,
                "Stat": "Sum",
            },
        }
        for number, metric in enumerate(("InputTokenCount", "OutputTokenCount"))
    ]
    answer = world.aws.read(
        "cloudwatch", "get_metric_data", MetricDataQueries=queries, StartTime=end - timedelta(weeks=WEEKS),
        EndTime=end,
    )  # fmt: skip
    hours: dict[datetime, float] = {}
    for result in answer["MetricDataResults"]:
        for at, value in zip(result["Timestamps"], result["Values"], strict=True):
            hours[at] = hours.get(at, 0.0) + value
    return list(hours.values())


@calling(LIST, METRICS)
def use(world: World) -> Finding:
    """How much of what was bought was used, and how many units would P75 need?"""
    plan = forecast.expected(world)
    unit = float(world.given("unit_tpm", "how many tokens a minute one unit carries")) * 60
    evidence: dict[str, float | str] = {}
    low: list[str] = []
    for one in _units(world):
        name, units = str(one["provisionedModelName"]), int(one["modelUnits"])
        hours = sorted(_hours(world, str(one["provisionedModelArn"])))
        span = WEEKS * 7 * 24
        used = sum(hours) / (span * units * unit)
        need = math.ceil(hours[int(P * (len(hours) - 1))] / unit) if hours else 0
        evidence[name] = f"{used:.0%} of {units} units; P75 needs {need}"
        evidence[f"{name} share"] = round(used, 4)
        if used < LOW:
            low.append(name)
    if not evidence:
        return Finding(what="no units are bought", cause=False)
    words = "; ".join(
        f"{name}: {evidence[name]}" for name in (low or [str(k) for k in evidence if " " not in k])
    )
    if plan is not None:
        words = f"{words}; {_planned(plan)}"
    return Finding(what=words, evidence=evidence, cause=bool(low), subjects=tuple(low))


def _planned(plan: Forecast) -> str:
    """What sizing decided and expected of it."""
    told = (
        f"{model} {one.units} units at P{one.percentile * 100:g}, {one.utilisation:.0%} used"
        for model, one in plan.units.items()
    )
    return f"the forecast of {plan.made_on} expected {', '.join(told) or 'no units'}"


@calling(LIST)
def hourly(world: World) -> Finding:
    """Which units have no term, so that they may go?"""
    free = tuple(
        str(one["provisionedModelName"]) for one in _units(world) if not one.get("commitmentDuration")
    )
    what = f"bought by the hour: {', '.join(free)}" if free else "all units have a term"
    return Finding(what=what, cause=bool(free), subjects=free)


def idle(world: World) -> tuple[str, ...]:
    """Units without a term that hardly anybody used."""
    seen = world.findings["use"].evidence
    return tuple(name for name in world.subjects("hourly") if float(seen.get(f"{name} share", 1.0)) < IDLE)


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Delete what is idle and has no term; for the rest say how many units fit."""
    used, free = findings["use"], findings["hourly"]
    if used.cause is None:
        return Decision(course="unclear", why=used.what)
    if not used.cause:
        return Decision(course="leave", why=used.what)
    shares = {name: float(used.evidence[f"{name} share"]) for name in used.subjects}
    if any(shares[name] < IDLE for name in used.subjects if name in free.subjects):
        return Decision(course="act", why=f"{used.what}; {free.what}")
    return Decision(course="leave", why=f"{used.what}: buy what P75 needs when the term ends (models.access)")


def _arn(world: World, name: str) -> str:
    return next(
        (str(one["provisionedModelArn"]) for one in _units(world) if one["provisionedModelName"] == name), ""
    )


def _rungs(world: World, name: str) -> Iterator[str]:
    arn = _arn(world, name)
    listed = world.aws.read("ssm", "get_parameters_by_path", Path=folder(world.environment))["Parameters"]
    return (str(one["Name"]) for one in listed if arn and arn in str(one["Value"]))


def _withdraw(world: World, name: str) -> Call:
    parameter = next(_rungs(world, name), "")
    return Call(service="ssm", operation="delete_parameter", request={"Name": parameter})


def _delete(world: World, name: str) -> Call:
    request = {"provisionedModelId": _arn(world, name)}
    return Call(service="bedrock", operation="delete_provisioned_model_throughput", request=request)


WITHDRAW = Once(
    name="withdraw the rung",
    effect="the runtime stops calling the units within half a minute",
    subjects=idle,
    done=lambda world, name: next(_rungs(world, name), None) is None,
    call=_withdraw,
    calls=(LIST, RUNGS, "ssm.delete_parameter"),
    after="withdrawn",
    no_undo="publish it again with event-scale-up",
)
DELETE = Once(
    name="delete the units",
    effect="nothing is paid for them any more",
    subjects=idle,
    done=lambda world, name: not _arn(world, name),
    call=_delete,
    calls=(LIST, "bedrock.delete_provisioned_model_throughput"),
    after="deleted",
    no_undo="units cannot be brought back, only bought again",
)


@calling(LIST)
def count(world: World, _: datetime | None) -> float | None:
    """Units that were found idle and are still there."""
    names = {str(one["provisionedModelName"]) for one in _units(world)}
    return float(len(names & set(idle(world))))


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="none; unused units cost as much as used ones",
        severity="planned",
        budget_min=20,
        escalate="platform on-call and finance, before a term is renewed",
        inputs=(
            ("unit_tpm", "tokens a minute that one unit carries, as AWS granted it"),
            forecast.INPUT,
        ),
    ),
    diagnose={"use": use, "hourly": hourly, "alarms": Alarmed(ID)},
    decide=decide,
    mitigate=(WITHDRAW, DELETE),
    verify=Verify(
        what="idle units still paid for", within_s=900, measure=count, better=lambda _, after: after == 0
    ),
)
