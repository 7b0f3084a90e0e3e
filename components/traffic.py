"""How requests of a balancer reach a service, and what ECS may change of it during a rollout (RUN-20)."""

from dataclasses import dataclass

from pulumi import Input

from components.grants import EVERYTHING, Grant, here
from components.place import Place

_SEEN = ("Listeners", "Rules", "TargetGroups", "TargetHealth")


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Both target groups, and the rules that name one of them: for everybody, and for a test."""

    target_group_arn: Input[str]
    alternate_target_group_arn: Input[str]
    rule_arn: Input[str]
    test_rule_arn: Input[str]


def may_shift(place: Place, traffic: Traffic) -> list[Grant]:
    """For ECS itself: this service's rules and groups only. Looking at balancers takes no ARN."""
    looks = [f"elasticloadbalancing:Describe{what}" for what in _SEEN]
    return [
        Grant("SeeTargets", looks, [EVERYTHING], here(place)),
        Grant("ShiftTraffic", ["elasticloadbalancing:ModifyRule"], [traffic.rule_arn, traffic.test_rule_arn]),
        Grant(
            "MoveTargets",
            ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
            [traffic.target_group_arn, traffic.alternate_target_group_arn],
        ),
    ]
