"""How many instances an endpoint has (MOD-5): by calls in a minute for each of them, quick up and slow down.

SageMaker suspends this while an endpoint is updated, and takes it up again at the count it left.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component

OUT_S, IN_S = 60, 300
NAMESPACE, DIMENSION = "sagemaker", "sagemaker:variant:DesiredInstanceCount"


@dataclass(frozen=True, kw_only=True)
class InferenceScalingArgs:
    """`ready`: the endpoint's name once it serves; a target of an endpoint that is not there is refused."""

    endpoint: str
    ready: Input[str]
    variant: str
    minimum: int
    maximum: int
    invocations_per_instance: int


class InferenceScaling(Component):
    """Bounds and a target."""

    kind = "models:Scaling"

    def __init__(
        self, name: str, args: InferenceScalingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        target = aws.appautoscaling.Target(
            f"{name}-bounds",
            service_namespace=NAMESPACE,
            scalable_dimension=DIMENSION,
            resource_id=Output.concat("endpoint/", args.ready, f"/variant/{args.variant}"),
            min_capacity=args.minimum,
            max_capacity=args.maximum,
            opts=self.child(),
        )
        aws.appautoscaling.Policy(
            f"{name}-invocations",
            name=f"{args.endpoint}-invocations",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            policy_type="TargetTrackingScaling",
            target_tracking_scaling_policy_configuration={
                "target_value": args.invocations_per_instance,
                "predefined_metric_specification": {
                    "predefined_metric_type": "SageMakerVariantInvocationsPerInstance"
                },
                "scale_out_cooldown": OUT_S,
                "scale_in_cooldown": IN_S,
            },
            opts=self.child(),
        )
        self.register_outputs({"minimum": args.minimum, "maximum": args.maximum})
