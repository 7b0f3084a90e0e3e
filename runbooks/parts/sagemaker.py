"""SageMaker's endpoints: how they answer, how many instances serve, and what scaling may do."""

from collections.abc import Mapping
from typing import Any

from runbooks.engine.places import endpoints
from runbooks.engine.shape import Call, Finding, calling
from runbooks.engine.steps import Subjects, Switch
from runbooks.engine.watch import Watch
from runbooks.engine.world import World

VARIANT = "main"
DESCRIBE = "sagemaker.describe_endpoint"
BOUNDS = "application-autoscaling.describe_scalable_targets"
POLICIES = "application-autoscaling.describe_scaling_policies"
_DIMENSION = "sagemaker:variant:DesiredInstanceCount"

FAILING = Watch(
    what="share of calls that an endpoint fails",
    namespace="AWS/SageMaker",
    metric="Invocation5XXErrors",
    over="Invocations",
    of=endpoints,
    limit=0.05,
)
SLOW = Watch(
    what="time of the model, p99",
    namespace="AWS/SageMaker",
    metric="ModelLatency",
    of=endpoints,
    statistic="p99",
    limit=150_000,
    unit=" µs",
)
LOADED = Watch(
    what="calls a minute and instance",
    namespace="AWS/SageMaker",
    metric="InvocationsPerInstance",
    of=endpoints,
    statistic="Sum",
    limit=1800,
)


def _variant(world: World, name: str) -> Mapping[str, Any]:
    found = world.aws.read("sagemaker", "describe_endpoint", EndpointName=world.named("endpoints", name))
    return dict(found["ProductionVariants"][0])


@calling(DESCRIBE)
def instances(world: World) -> Finding:
    """How many instances serve, of how many that should?"""
    short, shown = [], {}
    for name, endpoint in world.all("endpoints").items():
        found = world.aws.read("sagemaker", "describe_endpoint", EndpointName=endpoint)
        variant = found["ProductionVariants"][0]
        has, should = variant.get("CurrentInstanceCount", 0), variant.get("DesiredInstanceCount", 0)
        shown[name] = f"{has} of {should}, {found['EndpointStatus']}"
        if has < should or found["EndpointStatus"] not in {"InService", "Updating"}:
            short.append(name)
    if not shown:
        return Finding(what="this environment has no endpoint", cause=None)
    words = ", ".join(f"{name} {text}" for name, text in shown.items())
    return Finding(what=f"instances: {words}", evidence=dict(shown), cause=bool(short), subjects=tuple(short))


def _resource(world: World, name: str) -> str:
    return f"endpoint/{world.named('endpoints', name)}/variant/{VARIANT}"


def _scalable(world: World, name: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": _resource(world, name),
        "ScalableDimension": _DIMENSION,
    }


def scale(count: int, subjects: Subjects) -> Switch:
    """So many instances, now."""

    def call(world: World, name: str, state: str) -> Call:
        variant = {"VariantName": VARIANT, "DesiredInstanceCount": int(state)}
        request = {
            "EndpointName": world.named("endpoints", name),
            "DesiredWeightsAndCapacities": [variant],
        }
        return Call(service="sagemaker", operation="update_endpoint_weights_and_capacities", request=request)

    return Switch(
        name="scale the endpoint",
        effect="new instances answer once they are warm",
        subjects=subjects,
        present=lambda world, name: str(_variant(world, name)["DesiredInstanceCount"]),
        wanted=lambda _, __, present: str(max(count, int(present))),
        call=call,
        calls=(DESCRIBE, "sagemaker.update_endpoint_weights_and_capacities"),
        unit=" instances",
    )


def least(count: int, subjects: Subjects) -> Switch:
    """Scaling in must not take back at once what was added."""

    def present(world: World, name: str) -> str:
        asked = {"ServiceNamespace": "sagemaker", "ResourceIds": [_resource(world, name)]}
        targets = world.aws.read("application-autoscaling", "describe_scalable_targets", **asked)
        return str(targets["ScalableTargets"][0]["MinCapacity"])

    def call(world: World, name: str, state: str) -> Call:
        request = {**_scalable(world, name), "MinCapacity": int(state)}
        return Call(service="application-autoscaling", operation="register_scalable_target", request=request)

    return Switch(
        name="raise the least number of instances",
        effect="scaling in does not take them back at once",
        subjects=subjects,
        present=present,
        wanted=lambda _, __, present: str(max(count, int(present))),
        call=call,
        calls=(BOUNDS, "application-autoscaling.register_scalable_target"),
        unit=" instances",
        keep=lambda _, name, state: f"concierge:inference {name}.minimum: {state}",
    )


def aim(calls_a_minute: int, subjects: Subjects) -> Switch:
    """Scaling out begins at fewer calls an instance."""

    def policy(world: World, name: str) -> Mapping[str, Any]:
        asked = {"ServiceNamespace": "sagemaker", "ResourceId": _resource(world, name)}
        found = world.aws.read("application-autoscaling", "describe_scaling_policies", **asked)
        tracking = [p for p in found["ScalingPolicies"] if p["PolicyType"] == "TargetTrackingScaling"]
        return dict(tracking[0])

    def present(world: World, name: str) -> str:
        return f"{policy(world, name)['TargetTrackingScalingPolicyConfiguration']['TargetValue']:g}"

    def call(world: World, name: str, state: str) -> Call:
        found = policy(world, name)
        configuration = {**found["TargetTrackingScalingPolicyConfiguration"], "TargetValue": float(state)}
        request = {
            **_scalable(world, name),
            "PolicyName": found["PolicyName"],
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        }
        return Call(service="application-autoscaling", operation="put_scaling_policy", request=request)

    return Switch(
        name="let scaling out begin earlier",
        effect="the next rush finds instances sooner",
        subjects=subjects,
        present=present,
        wanted=lambda _, __, present: f"{min(float(calls_a_minute), float(present)):g}",
        call=call,
        calls=(POLICIES, "application-autoscaling.put_scaling_policy"),
        unit=" calls a minute and instance",
        keep=lambda _, name, state: f"concierge:inference {name}.invocations_per_instance: {state}",
    )
