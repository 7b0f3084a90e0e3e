"""Synthetic conversations every minute (NET-7): what tells us, and Route 53, that people get answers.

A small Lambda function rather than CloudWatch Synthetics: a run of the latter costs a tenth of a cent,
about 50 dollars a month and entry at one a minute, and brings a browser that this needs as little as its
screenshots.

The alarm `canary-region` feeds the region's health check. Route 53 reads the metric behind an alarm by
itself, and understands neither M of N, nor percentiles, nor periods below a minute: so it has none of
these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.function import Function, FunctionArgs
from contract.alarms import Alarm, Widget
from contract.frames import PROTOCOL

NAMESPACE = "Concierge/Canary"
LIBRARY = "websocket"  # websocket-client: pure Python, shipped with the function


@dataclass(frozen=True)
class Door:
    """An entry by its two URLs: `https://.../v1` and `wss://.../ws`."""

    rest: Input[str]
    ws: Input[str]


@dataclass(frozen=True, kw_only=True)
class CanaryArgs:
    """`region_door` is this region's own, `public_door` what customers use; the first asks for the header.

    `key_arn`: what secrets of this region are encrypted with.
    """

    environment: str
    region: str
    partition: Input[str]
    account_id: Input[str]
    region_door: Door
    public_door: Door | None
    api_key: Input[str]
    origin_secret_name: str
    key_arn: Input[str]
    every_minutes: int
    log_days: int
    boundary_arn: Input[str] | None = None


class Canary(Component):
    """The function, and the schedule that calls it."""

    kind = "operations:Canary"

    def __init__(self, name: str, args: CanaryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        function = self._function()
        self._call(function)
        self.register_outputs({"function": function.arn})

    def _doors(self) -> Mapping[str, Door]:
        args = self._args
        return {"region": args.region_door} | ({"public": args.public_door} if args.public_door else {})

    def _function(self) -> Function:
        args = self._args
        urls = {name: {"rest": door.rest, "ws": door.ws} for name, door in self._doors().items()}
        parameter = self._key_parameter()
        return Function(
            f"{self.name}-talk",
            FunctionArgs(
                environment=args.environment,
                part="canary",
                description="Holds a guest conversation and reports how it went.",
                account_id=args.account_id,
                variables={
                    "ENVIRONMENT": args.environment,
                    "ENTRIES": Output.json_dumps(urls),
                    "API_KEY_PARAMETER": parameter.name,
                    "ORIGIN_SECRET": args.origin_secret_name,
                    "VERSION": str(PROTOCOL),
                },
                allow=[
                    {
                        "Effect": "Allow",
                        "Action": ["secretsmanager:GetSecretValue"],
                        # AWS ends a secret's ARN with six letters of its own, in every region others.
                        "Resource": Output.concat(
                            "arn:",
                            args.partition,
                            f":secretsmanager:{args.region}:",
                            args.account_id,
                            f":secret:{args.origin_secret_name}-??????",
                        ),
                    },
                    {"Effect": "Allow", "Action": ["ssm:GetParameter"], "Resource": parameter.arn},
                    {
                        "Effect": "Allow",
                        "Action": ["kms:Decrypt"],
                        "Resource": args.key_arn,
                        "Condition": {
                            "StringEquals": {
                                "kms:ViaService": [
                                    f"{service}.{args.region}.amazonaws.com"
                                    for service in ("secretsmanager", "ssm")
                                ]
                            }
                        },
                    },
                ],
                timeout_s=55,
                log_days=args.log_days,
                libraries=_library(),
                boundary_arn=args.boundary_arn,
            ),
            self.child(),
        )

    def _key_parameter(self) -> aws.ssm.Parameter:
        """The key by which the REST API knows it: no secret stands in a function's environment."""
        return aws.ssm.Parameter(
            f"{self.name}-key",
            name=f"/concierge/{self._args.environment}/canary-api-key",
            description="What the canary shows the REST API; written by pulumi only.",
            type="SecureString",
            key_id=self._args.key_arn,
            value=self._args.api_key,
            opts=self.child(),
        )

    def _call(self, function: Function) -> None:
        args = self._args
        role = aws.iam.Role(
            f"{self.name}-schedule-role",
            name_prefix=f"concierge-{args.environment}-canary-schedule-",
            assume_role_policy=Output.json_dumps(_trust(args.account_id)),
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
        unit = "minute" if args.every_minutes == 1 else "minutes"
        aws.scheduler.Schedule(
            f"{self.name}-schedule",
            name=f"concierge-{args.environment}-canary",
            schedule_expression=f"rate({args.every_minutes} {unit})",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": function.arn,
                "role_arn": role.arn,
                # A conversation of ten minutes ago says nothing about now.
                "retry_policy": {"maximum_retry_attempts": 0, "maximum_event_age_in_seconds": 60},
            },
            opts=self.child(),
        )

    def alarms(self) -> list[Watch]:
        return [
            self._alarm(
                f"canary-{name}",
                "Answered",
                name,
                statistic="Average",
                comparison="LessThanThreshold",
                threshold=0.5,
                missing="missing" if name == "region" else "breaching",
                severity="page",
                impact="Guests get no answer: synthetic conversations fail three times in a row.",
                runbook="region-failover",
            )
            for name in self._doors()
        ] + [
            self._alarm(
                "canary-slow",
                "FirstToken",
                "region",
                statistic="Average",
                threshold=2_500,
                missing="notBreaching",
                severity="ticket",
                impact="The first words of an answer take longer than 2.5 seconds to come.",
                runbook="bedrock-latency",
            )
        ]

    def widgets(self) -> list[Widget]:
        by_entry = tuple(self._dimensions(name) for name in self._doors())
        return [
            Widget(
                title=title,
                namespace=NAMESPACE,
                metric=metric,
                statistic="Average",
                dimensions=by_entry,
            )
            for title, metric in (("Availability", "Answered"), ("First token, canary", "FirstToken"))
        ]

    def _dimensions(self, entry: str) -> dict[str, str]:
        return {"Environment": self._args.environment, "Entry": entry}

    def _alarm(self, id_: str, metric: str, entry: str, **more: Any) -> Watch:
        return Watch(
            Alarm(
                id=id_,
                namespace=NAMESPACE,
                metric=metric,
                dimensions=self._dimensions(entry),
                period_s=60 * self._args.every_minutes,
                datapoints=3,
                of=3,
                **more,
            )
        )


def _library() -> dict[str, str]:
    """The WebSocket client's own files, as they are installed."""
    return {
        f"{LIBRARY}/{file.name}": file.read_text(encoding="utf-8")
        for file in sorted(resources.files(LIBRARY).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".py")
    }


def _trust(account_id: Input[str]) -> dict[str, Any]:
    """Only schedules of this account."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "scheduler.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            }
        ],
    }
