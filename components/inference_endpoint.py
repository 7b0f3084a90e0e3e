"""One endpoint (MOD-5): what stays while its models come and go, and how one takes over from another.

The endpoint itself is a CloudFormation stack of one resource (`inference_rollout.json`), for one word in it:
`RetainAllVariantProperties`. Without it every update puts the number of instances back to the configuration's
initial one, in the middle of an event. The AWS provider does not send it, nor can it be told to; Cloud
Control sends a write-only property only when it changes, so not with the next update. CloudFormation sends
it each time. The initial count is the smallest: it is used once, when the endpoint is made.

A new model takes traffic in ten steps of 10 % with 200 s between them: 10 % at first, half after a quarter of
an hour, all after thirty minutes. SageMaker's canary has two steps only and its first may not pass 50 %, so
10 -> 50 -> 100 % cannot be said as such. Steps are capacity, thus whole instances: below ten instances the
first is one of them, with two instances half of the traffic. An alarm during a step turns everything back;
the old fleet stays for ten minutes more. With an alarm red already no rollout gets through, not even the
mend: `guarded: false` for that one `up`.

SageMaker refuses an update that changes the instance type while auto scaling holds the variant: `scaling:
false`, `up`, the new type, `up`, `scaling: true`, `up`. The count stays through all of it.
"""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.alarms import Watch
from components.base import Component
from components.inference_instances import instances
from components.inference_model import (
    VARIANT,
    InferenceGround,
    InferenceModel,
    InferenceModelArgs,
    Served,
    endpoint_name,
)
from components.inference_rollback import Rollback, RollbackArgs
from components.inference_scaling import InferenceScaling, InferenceScalingArgs
from components.inference_watches import Watched, watches, widgets
from contract.alarms import Widget

_HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class InferenceEndpointArgs:
    """`what` names the endpoint: intent, embed or rerank."""

    what: str
    served: Served
    ground: InferenceGround


class InferenceEndpoint(Component):
    """An endpoint and all it needs. `arn` is known once the endpoint answers."""

    kind = "models:Endpoint"
    endpoint_name: str
    arn: Output[str]

    def __init__(
        self, name: str, args: InferenceEndpointArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self._args, self._served, self._ground = args, args.served, args.ground
        self.endpoint_name = endpoint_name(args.ground.environment, args.what)
        group = self._log_group()
        model = InferenceModel(
            f"{name}-serves",
            InferenceModelArgs(what=args.what, served=args.served, ground=args.ground, log_arn=group.arn),
            self.child(),
        )
        stack = self._rollout(model, self._rollback())
        ready = stack.id.apply(lambda _: self.endpoint_name)
        if self._served.scaling:
            self._scale(ready)
        self.arn = self._ground.place.arn("sagemaker", Output.concat("endpoint/", ready))
        self.register_outputs({"endpoint": self.endpoint_name, "arn": self.arn})

    def alarms(self) -> list[Watch]:
        return watches(self._watched())

    def widgets(self) -> list[Widget]:
        return widgets(self._watched())

    def _watched(self) -> Watched:
        return Watched(
            what=self._args.what,
            endpoint=self.endpoint_name,
            variant=VARIANT,
            latency_ms=self._served.latency_ms,
            instance=instances()[self._served.instance_type],
            busy=self._served.busy,
        )

    def _log_group(self) -> aws.cloudwatch.LogGroup:
        """SageMaker would make it, without a key and for ever."""
        return aws.cloudwatch.LogGroup(
            f"{self.name}-log",
            name=f"/aws/sagemaker/Endpoints/{self.endpoint_name}",
            retention_in_days=self._ground.log_days,
            kms_key_id=self._ground.log_key_arn,
            opts=self.child(),
        )

    def _rollback(self) -> Rollback:
        return Rollback(
            f"{self.name}-rollback",
            RollbackArgs(
                environment=self._ground.environment,
                what=self._args.what,
                endpoint=self.endpoint_name,
                variant=VARIANT,
                latency_ms=2 * self._served.latency_ms,
            ),
            self.child(),
        )

    def _rollout(self, model: InferenceModel, rollback: Rollback) -> aws.cloudformation.Stack:
        return aws.cloudformation.Stack(
            f"{self.name}-rollout",
            name=f"{self.endpoint_name}-endpoint",
            template_body=_text("inference_rollout.json"),
            policy_body=_text("inference_rollout_policy.json"),
            parameters={
                "Endpoint": self.endpoint_name,
                "Configuration": model.configuration,
                "Guarded": "true" if self._served.guarded else "false",
                "ErrorsAlarm": rollback.errors,
                "LatencyAlarm": rollback.latency,
            },
            # A first try that fails leaves nothing behind that the next one would stumble over.
            on_failure="DELETE",
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._ground.protect,
                # The provider gives up after half an hour; a rollout takes longer.
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="240m", delete="60m"),
            ),
        )

    def _scale(self, ready: Output[str]) -> None:
        served = self._served
        InferenceScaling(
            f"{self.name}-scaling",
            InferenceScalingArgs(
                endpoint=self.endpoint_name,
                ready=ready,
                variant=VARIANT,
                minimum=served.minimum,
                maximum=served.maximum,
                invocations_per_instance=served.invocations_per_instance,
            ),
            self.child(),
        )


def _text(file: str) -> str:
    return (_HERE / file).read_text(encoding="utf-8")
