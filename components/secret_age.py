"""Secrets are due after thirty days (OPS-9): who forgets is told.

Ours are generated values that requests are compared with (`components.generated_secret`). Secrets
Manager cannot rotate them by itself: the value also stands in CloudFront's distribution, in the web ACLs and
in the keys of clients, which only `up` writes. So a rotation is a setting raised by one and an `up`, the
runbook secret-rotation leads through it, and this says when. The cache and the databases know no password:
roles sign in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input

from components.alarms import Watch
from components.base import Component
from components.function import Function, FunctionArgs
from components.functions.secret_age import NAMESPACE
from components.grants import Grant, tell_metrics
from components.place import Place
from components.service_role import ServiceRole, ServiceRoleArgs
from contract.alarms import Alarm, Widget

# Nobody needs to know to the hour.
DAILY = "rate(1 day)"


@dataclass(frozen=True, kw_only=True)
class SecretAgeArgs:
    """`secrets`: names of secrets in this region. `days`: when one is due."""

    environment: str
    place: Place
    secrets: Sequence[str]
    days: int
    log_days: int
    boundary_arn: str | None = None


class SecretAge(Component):
    """A look at every secret, once a day."""

    kind = "security:SecretAge"

    def __init__(self, name: str, args: SecretAgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        function = Function(
            f"{name}-look",
            FunctionArgs(
                environment=args.environment,
                part="secret_age",
                description="Says how old each secret is.",
                account_id=args.place.account_id,
                variables={"ENVIRONMENT": args.environment, "SECRETS": ",".join(args.secrets)},
                allow=[self._look().statement(), tell_metrics(NAMESPACE).statement()],
                timeout_s=30,
                log_days=args.log_days,
                boundary_arn=args.boundary_arn,
            ),
            self.child(),
        )
        self._call(function)
        self.register_outputs({"function": function.arn})

    def alarms(self) -> list[Watch]:
        """Missing data counts: a look that fails must not look like young secrets."""
        return [
            Watch(
                Alarm(
                    id=f"secret-due-{number}",
                    namespace=NAMESPACE,
                    metric="Age",
                    dimensions=self._dimensions(secret),
                    statistic="Maximum",
                    threshold=self._args.days,
                    period_s=86_400,
                    datapoints=2,
                    of=2,
                    missing="breaching",
                    severity="ticket",
                    impact=f"{secret} is older than {self._args.days} days: who got it once still has it.",
                    runbook="secret-rotation",
                )
            )
            for number, secret in enumerate(self._args.secrets, 1)
        ]

    def widgets(self) -> list[Widget]:
        return [
            Widget(
                title="Age of secrets, days",
                namespace=NAMESPACE,
                metric="Age",
                statistic="Maximum",
                dimensions=tuple(self._dimensions(secret) for secret in self._args.secrets),
            )
        ]

    def _dimensions(self, secret: str) -> dict[str, str]:
        return {"Environment": self._args.environment, "Secret": secret}

    def _look(self) -> Grant:
        """When versions were made, never what is in them. AWS ends a secret's ARN with letters of its own."""
        place = self._args.place
        arns: list[Input[str]] = [
            place.arn("secretsmanager", f"secret:{secret}-??????") for secret in self._args.secrets
        ]
        return Grant("SeeVersions", ["secretsmanager:ListSecretVersionIds"], arns)

    def _call(self, function: Function) -> None:
        args = self._args
        role = ServiceRole(
            f"{self.name}-caller",
            ServiceRoleArgs(
                environment=args.environment,
                place=args.place,
                part="secret-age-schedule",
                service="scheduler",
                for_arns=[args.place.arn("scheduler", "schedule-group/default")],
                grants=[Grant("CallLook", ["lambda:InvokeFunction"], [function.arn])],
                boundary=args.boundary_arn,
            ),
            self.child(),
        )
        aws.scheduler.Schedule(
            f"{self.name}-schedule",
            name=f"concierge-{args.environment}-secret-age",
            schedule_expression=DAILY,
            flexible_time_window={"mode": "FLEXIBLE", "maximum_window_in_minutes": 60},
            target={
                "arn": function.arn,
                "role_arn": role.arn,
                "retry_policy": {"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 3600},
            },
            opts=self.child(),
        )
