"""Whether traffic is still what a model learned (MOD-7): a look a day at captured calls, and its alarm.

A small function of ours rather than SageMaker Model Monitor: that is closed to accounts that did not use
it before (developer guide, "Model Monitor availability change"), so an `up` in a new account would fail on
it; it also starts an instance for each look.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.function import Function, FunctionArgs
from components.inference_model import VARIANT, Bucket, captured, endpoint_name
from components.place import Place
from components.private_bucket import through_s3
from contract.alarms import Alarm, Widget

NAMESPACE = "Concierge/Models"
DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class ModelDriftArgs:
    """`data` is the bucket of captures and baselines; `above`: the index that is too much."""

    environment: str
    place: Place
    what: str
    data: Bucket
    above: float
    log_days: int
    boundary_arn: Input[str] | None = None


class ModelDrift(Component):
    """The function, and the schedule that calls it every morning."""

    kind = "models:Drift"

    def __init__(self, name: str, args: ModelDriftArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        function = self._function()
        self._every_day(function)
        self.register_outputs({"function": function.arn})

    @property
    def _captures(self) -> str:
        """SageMaker writes below the endpoint's and the variant's name."""
        what = self._args.what
        return f"{captured(what)}/{endpoint_name(self._args.environment, what)}/{VARIANT}"

    @property
    def _baseline(self) -> str:
        return f"baselines/{self._args.what}.json"

    def _function(self) -> Function:
        args, data = self._args, self._args.data
        return Function(
            f"{self.name}-look",
            FunctionArgs(
                environment=args.environment,
                part="model_drift",
                description=f"Holds yesterday's answers of {args.what} against those of its training.",
                account_id=args.place.account_id,
                variables={
                    "ENVIRONMENT": args.environment,
                    "MODEL": args.what,
                    "BUCKET": data.name,
                    "CAPTURES": self._captures,
                    "BASELINE": self._baseline,
                },
                allow=[
                    {
                        "Sid": "SeeCaptures",
                        "Effect": "Allow",
                        "Action": ["s3:ListBucket"],
                        "Resource": data.arn,
                        "Condition": {"StringLike": {"s3:prefix": f"{self._captures}/*"}},
                    },
                    {
                        "Sid": "ReadCaptures",
                        "Effect": "Allow",
                        "Action": ["s3:GetObject"],
                        "Resource": [
                            Output.concat(data.arn, f"/{self._captures}/*"),
                            Output.concat(data.arn, f"/{self._baseline}"),
                        ],
                    },
                    {
                        "Sid": "OpenCaptures",
                        "Effect": "Allow",
                        "Action": ["kms:Decrypt"],
                        "Resource": data.key_arn,
                        "Condition": through_s3(args.place.region, data.arn),
                    },
                ],
                timeout_s=600,
                memory_mb=512,
                log_days=args.log_days,
                boundary_arn=args.boundary_arn,
            ),
            self.child(),
        )

    def _every_day(self, function: Function) -> None:
        args = self._args
        name = f"concierge-{args.environment}-model-drift"
        role = aws.iam.Role(
            f"{self.name}-schedule-role",
            assume_role_policy=Output.json_dumps(_trust(args.place)),
            permissions_boundary=args.boundary_arn,
            opts=self.child(),
        )
        invoke = {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": function.arn}
        aws.iam.RolePolicy(
            f"{self.name}-schedule-may",
            role=role.id,
            policy=Output.json_dumps({"Version": "2012-10-17", "Statement": [invoke]}),
            opts=self.child(),
        )
        aws.scheduler.Schedule(
            f"{self.name}-schedule",
            name=name,
            description="Holds a model's answers of yesterday against its training",
            schedule_expression="cron(30 1 * * ? *)",
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": function.arn,
                "role_arn": role.arn,
                "retry_policy": {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 3600},
            },
            opts=self.child(),
        )

    def alarms(self) -> list[Watch]:
        what = self._args.what
        return [
            self._alarm(
                f"{what}-drift",
                metric="Drift",
                statistic="Maximum",
                threshold=self._args.above,
                datapoints=1,
                of=1,
                missing="notBreaching",
                impact=f"Messages are not those {what} was trained with: it errs more often. Train anew.",
            ),
            self._alarm(
                f"{what}-drift-unseen",
                metric="Calls",
                statistic="SampleCount",
                comparison="LessThanThreshold",
                threshold=1,
                datapoints=2,
                of=2,
                missing="breaching",
                impact=f"For two days nobody has looked whether {what} still fits its messages.",
            ),
        ]

    def widgets(self) -> list[Widget]:
        return [
            Widget(
                title=f"{self._args.what}: drift",
                namespace=NAMESPACE,
                metric="Drift",
                statistic="Maximum",
                dimensions=(self._dimensions,),
            )
        ]

    @property
    def _dimensions(self) -> dict[str, str]:
        return {"Environment": self._args.environment, "Model": self._args.what}

    def _alarm(self, id_: str, **parts: Any) -> Watch:
        usual = {
            "namespace": NAMESPACE,
            "dimensions": self._dimensions,
            "period_s": DAY_S,
            "severity": "ticket",
            "runbook": "irrelevant-results",
        }
        return Watch(Alarm(**{**usual, "id": id_, **parts}))


def _trust(place: Place) -> dict[str, Any]:
    """Only the scheduler, and only for this account."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
            }
        ],
    }
