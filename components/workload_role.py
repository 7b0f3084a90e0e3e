"""The role one workload runs as (RUN-17). Whoever may assume it, and for what, is all that stands here.

Roles are global, and both regions have the same workloads: the region is part of the name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_aws as aws
from pulumi import Output

from components.base import Component
from components.grants import Grant, policy
from components.place import Place

Host = Literal["task", "ecs", "agentcore"]
# host -> (principal that assumes the role, service in the ARN of what it assumes it for)
_HOSTS: Mapping[Host, tuple[str, str]] = {
    "task": ("ecs-tasks.amazonaws.com", "ecs"),
    "ecs": ("ecs.amazonaws.com", "ecs"),
    "agentcore": ("bedrock-agentcore.amazonaws.com", "bedrock-agentcore"),
}


@dataclass(frozen=True, kw_only=True)
class WorkloadRoleArgs:
    """`workload` is part of the role's name; `boundary` is the ARN of a permission boundary."""

    environment: str
    workload: str
    place: Place
    host: Host
    grants: Sequence[Grant]
    boundary: str | None


class WorkloadRole(Component):
    """One role and its one policy."""

    kind = "identity:WorkloadRole"
    arn: Output[str]

    def __init__(self, name: str, args: WorkloadRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        _check_sids(name, args.grants)
        role = aws.iam.Role(
            f"{name}-role",
            name=f"concierge-{args.environment}-{args.place.region}-{args.workload}",
            assume_role_policy=Output.json_dumps(_trust(args.place, args.host)),
            permissions_boundary=args.boundary,
            opts=self.child(),
        )
        self.arn = role.arn
        if args.grants:
            granted = aws.iam.RolePolicy(
                f"{name}-grants", role=role.id, policy=policy(args.grants), opts=self.child()
            )
            # Whoever runs as this role has to wait until it may do something.
            self.arn = Output.all(role.arn, granted.id).apply(lambda both: str(both[0]))
        self.register_outputs({"arn": self.arn})


def _check_sids(name: str, grants: Sequence[Grant]) -> None:
    """IAM refuses two statements of one name only when it is too late."""
    sids = [grant.sid for grant in grants]
    if twice := sorted({sid for sid in sids if sids.count(sid) > 1}):
        raise ValueError(f"role {name}: granted twice: {', '.join(twice)}")


def _trust(place: Place, host: Host) -> dict[str, Any]:
    """Only that service, and only for what is ours: nobody else's task can borrow the role through it."""
    principal, service = _HOSTS[host]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": principal},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": place.account_id},
                    "ArnLike": {"aws:SourceArn": place.arn(service, "*")},
                },
            }
        ],
    }
