"""The two alarms that turn a new model back (MOD-5): more than 1 % errors, or twice as slow as allowed.

Only SageMaker listens to them, and only during a rollout; people hear of the endpoint's own alarms. Metrics
are of old and new instances together, as SageMaker publishes no others: a new model that fails every call
shows as the share of traffic it has, ten times the limit at the first step. Each looks at two minutes of
three, which fits into one step.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.base import Component
from contract.metrics import known

NAMESPACE = "AWS/SageMaker"
ERRORS_ABOVE_PERCENT = 1
# Below so many calls in a minute one bad answer would be more than 1 %.
ENOUGH_CALLS = 100


@dataclass(frozen=True, kw_only=True)
class RollbackArgs:
    """`latency_ms`: the 99th percentile above which a new model is too slow."""

    environment: str
    what: str
    endpoint: str
    variant: str
    latency_ms: int


class Rollback(Component):
    """Both alarms, by name."""

    kind = "models:Rollback"
    errors: Output[str]
    latency: Output[str]

    def __init__(self, name: str, args: RollbackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.errors = self._alarm(
            "errors", f"more than {ERRORS_ABOVE_PERCENT} % of calls fail", ERRORS_ABOVE_PERCENT, _rate(args)
        )
        slow = {
            "namespace": NAMESPACE,
            "metric_name": _published("ModelLatency"),
            "dimensions": _dimensions(args),
            "extended_statistic": "p99",
            "period": 60,
        }
        self.latency = self._alarm(
            "latency", f"one call in a hundred takes over {args.latency_ms} ms", args.latency_ms * 1000, slow
        )
        self.register_outputs({"errors": self.errors, "latency": self.latency})

    def _alarm(self, part: str, why: str, threshold: float, metric: dict[str, Any]) -> Output[str]:
        environment, what = self._args.environment, self._args.what
        return aws.cloudwatch.MetricAlarm(
            f"{self.name}-{part}",
            name=f"{self._args.endpoint}-rollback-{part}",
            alarm_description=f"Turns a rollout of {what} back: {why}. Do: concierge runbook run "
            f"deploy-rollback --stack {environment}",
            comparison_operator="GreaterThanThreshold",
            threshold=threshold,
            datapoints_to_alarm=2,
            evaluation_periods=3,
            treat_missing_data="notBreaching",
            tags={"Runbook": "deploy-rollback"},
            opts=self.child(),
            **metric,
        ).name


def _rate(args: RollbackArgs) -> dict[str, Any]:
    """Failures of the container and of SageMaker before it overlap: the larger of both counts."""
    counted = {"calls": "Invocations", "model": "InvocationModelErrors", "platform": "Invocation5XXErrors"}
    rate = "100 * MAX([FILL(model, 0), FILL(platform, 0)]) / calls"
    return {
        "metric_queries": [
            {
                "id": "rate",
                "label": "failed, %",
                "expression": f"IF(calls >= {ENOUGH_CALLS}, {rate}, 0)",
                "return_data": True,
            },
            *(
                {
                    "id": id_,
                    "metric": {
                        "namespace": NAMESPACE,
                        "metric_name": _published(metric),
                        "dimensions": _dimensions(args),
                        "stat": "Sum",
                        "period": 60,
                    },
                }
                for id_, metric in counted.items()
            ),
        ]
    }


def _published(metric: str) -> str:
    """The metric's name; one that nobody publishes would never turn anything back."""
    return known(NAMESPACE)[metric].name


def _dimensions(args: RollbackArgs) -> dict[str, str]:
    return {"EndpointName": args.endpoint, "VariantName": args.variant}
