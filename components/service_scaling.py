"""How many tasks a service runs (RUN-20): at least so many, at most so many, by CPU.

Target tracking only adds: by itself it would take tasks away from 54 % on. Taking away is the step below
30 %, and a task that is busy keeps itself (`grants.protect_task`).
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component

TARGET_CPU = 60.0
OUT_ABOVE, OUT_MINUTES = 70.0, 2
IN_BELOW, IN_MINUTES = 30.0, 5
# Above 70 % a fifth more tasks, above 85 % half as many again: a flash crowd does not wait for small steps.
STEPS_OUT = [
    {"metric_interval_lower_bound": "0", "metric_interval_upper_bound": "15", "scaling_adjustment": 20},
    {"metric_interval_lower_bound": "15", "scaling_adjustment": 50},
]
STEPS_IN = [{"metric_interval_upper_bound": "0", "scaling_adjustment": -10}]


@dataclass(frozen=True, kw_only=True)
class ServiceScalingArgs:
    """`cluster` and `service` are names; `service_id` makes the service come first."""

    cluster: str
    service: str
    service_id: Input[str]
    minimum: int
    maximum: int


class ServiceScaling(Component):
    """Bounds, a target, a step out and a step in."""

    kind = "agent:ServiceScaling"

    def __init__(
        self, name: str, args: ServiceScalingArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args = args
        target = aws.appautoscaling.Target(
            f"{name}-bounds",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=Output.from_input(args.service_id).apply(
                lambda _: f"service/{args.cluster}/{args.service}"
            ),
            min_capacity=args.minimum,
            max_capacity=args.maximum,
            opts=self.child(),
        )
        self._policy(
            "cpu",
            target,
            policy_type="TargetTrackingScaling",
            target_tracking_scaling_policy_configuration={
                "target_value": TARGET_CPU,
                "predefined_metric_specification": {
                    "predefined_metric_type": "ECSServiceAverageCPUUtilization"
                },
                "scale_out_cooldown": 60,
                "disable_scale_in": True,
            },
        )
        out = self._steps("out", target, cooldown=60, least=1, adjustments=STEPS_OUT)
        back = self._steps("in", target, cooldown=300, least=1, adjustments=STEPS_IN)
        self._alarm("out", "GreaterThanThreshold", OUT_ABOVE, OUT_MINUTES, out)
        self._alarm("in", "LessThanThreshold", IN_BELOW, IN_MINUTES, back)
        self.register_outputs({"minimum": args.minimum, "maximum": args.maximum})

    def _policy(
        self, part: str, target: aws.appautoscaling.Target, **configuration: Any
    ) -> aws.appautoscaling.Policy:
        return aws.appautoscaling.Policy(
            f"{self.name}-{part}",
            name=f"{self._args.service}-{part}",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            opts=self.child(),
            **configuration,
        )

    def _steps(
        self,
        part: str,
        target: aws.appautoscaling.Target,
        *,
        cooldown: int,
        least: int,
        adjustments: list[dict[str, Any]],
    ) -> aws.appautoscaling.Policy:
        return self._policy(
            part,
            target,
            policy_type="StepScaling",
            step_scaling_policy_configuration={
                "adjustment_type": "PercentChangeInCapacity",
                "metric_aggregation_type": "Average",
                "min_adjustment_magnitude": least,
                "cooldown": cooldown,
                "step_adjustments": adjustments,
            },
        )

    def _alarm(
        self, part: str, comparison: str, threshold: float, minutes: int, policy: aws.appautoscaling.Policy
    ) -> None:
        """It calls the policy and nobody else; at the lower bound the one for `in` is always in alarm."""
        aws.cloudwatch.MetricAlarm(
            f"{self.name}-{part}-alarm",
            name=f"{self._args.service}-scale-{part}",
            alarm_description=f"Scales {self._args.service} {part}. Nothing to do for people.",
            namespace="AWS/ECS",
            metric_name="CPUUtilization",
            dimensions={"ClusterName": self._args.cluster, "ServiceName": self._args.service},
            statistic="Average",
            comparison_operator=comparison,
            threshold=threshold,
            period=60,
            evaluation_periods=minutes,
            datapoints_to_alarm=minutes,
            treat_missing_data="notBreaching",
            alarm_actions=[policy.arn],
            opts=self.child(),
        )
