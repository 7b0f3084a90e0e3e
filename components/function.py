"""A small Lambda function of one file from `components/functions`: its code, role, and log group.

ARM64, logs kept for a while in a group of its own, a role that may write there and do what is listed; nothing
else. The code is given as text: a plan and an `up` from any machine see the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component

RUNTIME = "python3.13"
_CODE = Path(__file__).parent / "functions"


@dataclass(frozen=True, kw_only=True)
class FunctionArgs:
    """`part` is the file's name without `.py`; `allow` the statements of the role besides logging.

    `libraries`: further files by their path in the package.
    """

    environment: str
    part: str
    description: str
    account_id: Input[str]
    variables: Mapping[str, Input[str]]
    allow: Sequence[Mapping[str, Any]]
    timeout_s: int
    log_days: int
    memory_mb: int = 256
    libraries: Mapping[str, str] = field(default_factory=dict)
    boundary_arn: Input[str] | None = None


class Function(Component):
    """One function and what belongs to it."""

    kind = "compute:Function"
    arn: Output[str]
    invoke_arn: Output[str]
    function_name: str

    def __init__(self, name: str, args: FunctionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.function_name = f"concierge-{args.environment}-{args.part}"
        group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/aws/lambda/{self.function_name}",
            retention_in_days=args.log_days,
            opts=self.child(),
        )
        role = self._role(args, group)
        function = aws.lambda_.Function(
            f"{name}-function",
            name=self.function_name,
            description=args.description,
            role=role.arn,
            runtime=RUNTIME,
            architectures=["arm64"],
            handler=f"{args.part}.handler",
            code=pulumi.AssetArchive(_package(args)),
            timeout=args.timeout_s,
            memory_size=args.memory_mb,
            environment={"variables": dict(args.variables)},
            logging_config={"log_format": "JSON", "log_group": group.name},
            opts=self.child(),
        )
        self.arn = function.arn
        self.invoke_arn = function.invoke_arn
        self.register_outputs({"arn": self.arn})

    def _role(self, args: FunctionArgs, group: aws.cloudwatch.LogGroup) -> aws.iam.Role:
        role = aws.iam.Role(
            f"{self.name}-role",
            # Deployers may make roles of this name only (stacks/bootstrap.yaml).
            name_prefix=f"{self.function_name}-",
            assume_role_policy=Output.json_dumps(_trust(args.account_id)),
            permissions_boundary=args.boundary_arn,
            opts=self.child(),
        )
        write = {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": Output.concat(group.arn, ":*"),
        }
        aws.iam.RolePolicy(
            f"{self.name}-may",
            role=role.id,
            policy=Output.json_dumps({"Version": "2012-10-17", "Statement": [write, *args.allow]}),
            opts=self.child(),
        )
        return role


def _package(args: FunctionArgs) -> dict[str, pulumi.Asset | pulumi.Archive]:
    code = (_CODE / f"{args.part}.py").read_text(encoding="utf-8")
    files = {f"{args.part}.py": code, **args.libraries}
    return {path: pulumi.StringAsset(text) for path, text in sorted(files.items())}


def _trust(account_id: Input[str]) -> dict[str, Any]:
    """Only Lambda, and only for functions of this account."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": account_id}},
            }
        ],
    }
