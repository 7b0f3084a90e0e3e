"""Errors or latency rose with a rollout: go back to the revision before, on whichever host it was rolled out.

ECS turns back by itself while the rollout bakes. This is for afterwards, and for AgentCore and SageMaker.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from runbooks.engine import About, Alarmed, Call, Decision, Finding, Runbook, Switch, World, calling
from runbooks.engine.steps import found
from runbooks.parts.bedrock import UNANSWERED, failing
from runbooks.parts.ecs import DESCRIBE, described
from runbooks.parts.sagemaker import FAILING

ID = "deploy-rollback"
YOUNG = timedelta(hours=2)
REVISIONS = "ecs.list_task_definitions"
GET_LIVE, PUT_LIVE = (
    "bedrock-agentcore-control.get_agent_runtime_endpoint",
    "bedrock-agentcore-control.update_agent_runtime_endpoint",
)
LIVE = "live"
ENDPOINT, CONFIGS = "sagemaker.describe_endpoint", "sagemaker.list_endpoint_configs"


def _young(world: World, at: datetime) -> bool:
    return world.clock.now() - at < YOUNG


@calling(DESCRIBE, REVISIONS)
def services(world: World) -> Finding:
    """Which services got a new revision in the last two hours, and what ran before?"""
    before: dict[str, float | str] = {}
    for name, service in described(world).items():
        now = str(service["taskDefinition"])
        began = [d["createdAt"] for d in service["deployments"] if d["status"] == "PRIMARY"]
        if not began or not _young(world, max(began)):
            continue
        family = now.rpartition("/")[2].rpartition(":")[0]
        listed = world.aws.read("ecs", "list_task_definitions", familyPrefix=family, sort="DESC")
        older = [arn for arn in listed["taskDefinitionArns"] if _revision(arn) < _revision(now)]
        if older:
            before[name] = older[0]
    return _rolled_out("services", before)


def _revision(arn: str) -> int:
    return int(arn.rpartition(":")[2])


@calling(GET_LIVE)
def runtimes(world: World) -> Finding:
    """Which AgentCore runtimes got a new version in the last two hours?"""
    before: dict[str, float | str] = {}
    for name, runtime in world.all("runtimes").items():
        found = world.aws.read(
            "bedrock-agentcore-control",
            "get_agent_runtime_endpoint",
            agentRuntimeId=runtime,
            endpointName=LIVE,
        )
        version = int(found["liveVersion"])
        if _young(world, found["lastUpdatedAt"]) and version > 1:
            before[name] = str(version - 1)
    return _rolled_out("runtimes", before)


@calling(ENDPOINT, CONFIGS)
def endpoints(world: World) -> Finding:
    """Which endpoints got a new model in the last two hours?"""
    before: dict[str, float | str] = {}
    for name, endpoint in world.all("endpoints").items():
        found = world.aws.read("sagemaker", "describe_endpoint", EndpointName=endpoint)
        if not _young(world, found["LastModifiedTime"]):
            continue
        listed = world.aws.read(
            "sagemaker", "list_endpoint_configs", NameContains=endpoint, SortBy="CreationTime",
            SortOrder="Descending",
        )  # fmt: skip
        names = [str(one["EndpointConfigName"]) for one in listed["EndpointConfigs"]]
        now = str(found["EndpointConfigName"])
        older = names[names.index(now) + 1 :] if now in names else []
        if older:
            before[name] = older[0]
    return _rolled_out("endpoints", before)


def _rolled_out(what: str, before: dict[str, float | str]) -> Finding:
    words = f"{what} rolled out in the last two hours: {', '.join(before)}" if before else f"no young {what}"
    return Finding(what=words, evidence=before, cause=bool(before), subjects=tuple(before))


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Back, when people are failed and something was rolled out; only what fits the failure."""
    people, models = findings["people"], findings["models"]
    if models.cause:
        return Decision(course="leave", why=f"{models.what}: no rollout of ours", see="bedrock-outage")
    if findings["inference"].cause and findings["endpoints"].cause:
        why = f"{findings['inference'].what}; {findings['endpoints'].what}"
        return Decision(course="act", why=why, steps=(BACK_ENDPOINT.name,))
    if people.cause is None:
        return Decision(course="unclear", why=people.what)
    if not people.cause:
        return Decision(course="leave", why=people.what)
    young = [findings[name] for name in ("services", "runtimes") if findings[name].cause]
    if not young:
        return Decision(
            course="leave", why=f"{people.what}, but nothing was rolled out in the last two hours"
        )
    why = "; ".join((people.what, *(one.what for one in young)))
    return Decision(course="act", why=why, steps=(BACK_SERVICE.name, BACK_RUNTIME.name))


def _before(check: str, world: World, name: str, present: str) -> str:
    return str(world.findings[check].evidence.get(name, present))


def _service_call(world: World, name: str, state: str) -> Call:
    request = {
        "cluster": world.named("clusters", "agent"),
        "service": world.named("services", name),
        "taskDefinition": state,
    }
    return Call(service="ecs", operation="update_service", request=request)


def _live(world: World, name: str) -> str:
    found = world.aws.read(
        "bedrock-agentcore-control",
        "get_agent_runtime_endpoint",
        agentRuntimeId=world.named("runtimes", name),
        endpointName=LIVE,
    )
    return str(found.get("targetVersion") or found["liveVersion"])


def _runtime_call(world: World, name: str, state: str) -> Call:
    request = {
        "agentRuntimeId": world.named("runtimes", name),
        "endpointName": LIVE,
        "agentRuntimeVersion": state,
    }
    return Call(
        service="bedrock-agentcore-control", operation="update_agent_runtime_endpoint", request=request
    )


def _endpoint_config(world: World, name: str) -> str:
    endpoint = world.named("endpoints", name)
    found = world.aws.read("sagemaker", "describe_endpoint", EndpointName=endpoint)
    return str(found["EndpointConfigName"])


def _endpoint_call(world: World, name: str, state: str) -> Call:
    request = {
        "EndpointName": world.named("endpoints", name),
        "EndpointConfigName": state,
        # Without it the number of instances would fall back to the configuration's first one.
        "RetainAllVariantProperties": True,
    }
    return Call(service="sagemaker", operation="update_endpoint", request=request)


BACK_SERVICE = Switch(
    name="go back to the revision before",
    effect="tasks of the revision before replace the new ones, behind the same balancer",
    subjects=found("services"),
    present=lambda world, name: str(described(world)[name]["taskDefinition"]),
    wanted=lambda world, name, present: _before("services", world, name, present),
    call=_service_call,
    calls=(DESCRIBE, "ecs.update_service"),
    keep=lambda _, __, ___: "concierge:agent image_digest: the digest that ran before",
)
BACK_RUNTIME = Switch(
    name="point live at the version before",
    effect="new sessions run the version before; running ones end by themselves",
    subjects=found("runtimes"),
    present=_live,
    wanted=lambda world, name, present: _before("runtimes", world, name, present),
    call=_runtime_call,
    calls=(GET_LIVE, PUT_LIVE),
    keep=lambda _, __, ___: "concierge:agent image_digest: the digest that ran before",
)
BACK_ENDPOINT = Switch(
    name="serve the model before",
    effect="a fleet with the model before takes over; the number of instances stays",
    subjects=found("endpoints"),
    present=_endpoint_config,
    wanted=lambda world, name, present: _before("endpoints", world, name, present),
    call=_endpoint_call,
    calls=(ENDPOINT, "sagemaker.update_endpoint"),
    keep=lambda _, name, __: f"concierge:inference {name}.artifact: the model that served before",
)

RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="people get no answers, or worse ones, since a rollout",
        budget_min=20,
        escalate="whoever rolled out, with the revision and the first error of its log",
    ),
    diagnose={
        "people": UNANSWERED,
        "services": services,
        "runtimes": runtimes,
        "endpoints": endpoints,
        "inference": FAILING,
        "models": failing("sonnet"),
        "alarms": Alarmed(ID),
    },
    decide=decide,
    mitigate=(BACK_SERVICE, BACK_RUNTIME, BACK_ENDPOINT),
    verify=UNANSWERED.well(within_s=900),
)
