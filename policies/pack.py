"""The rules as a pack of Pulumi's own: `pulumi up --policy-pack policies` stops at what is mandatory.

Four policies, not one a rule: Pulumi's SDK unpacks every resource once more for each policy, which with a
policy a rule is minutes of waiting. The rule that fired begins the message.
"""

import json
from collections.abc import Callable, Iterable, Mapping

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from plan.model import short_type
from policies import view
from policies.finding import Severity
from policies.rule import Rule
from policies.rules import RULES

NAME = "concierge"
_ENVIRONMENT = "concierge:environment"
_LEVELS: Mapping[Severity, EnforcementLevel] = {
    "mandatory": EnforcementLevel.MANDATORY,
    "advisory": EnforcementLevel.ADVISORY,
}


def protected(config: Mapping[str, str]) -> bool:
    """Whether the stack is one to be strict with; without its settings it is."""
    try:
        environment = json.loads(config.get(_ENVIRONMENT, "{}"))
    except ValueError:
        return True
    return not (isinstance(environment, dict) and environment.get("protect") is False)


def policies(*, protected: bool) -> list[Policy]:
    """Rules about one resource are asked before it is touched, the others when the stack is known."""
    made: list[Policy] = []
    for severity, level in _LEVELS.items():
        rules = [rule for rule in RULES.values() if rule.severity(protected=protected) == severity]
        alone = [rule for rule in rules if rule.alone]
        among = [rule for rule in rules if not rule.alone]
        made.append(
            ResourceValidationPolicy(
                name=f"resource-{severity}",
                description="A resource is not as a rule wants it (docs/policies.md).",
                validate=_of_resource(alone),
                enforcement_level=level,
            )
        )
        made.append(
            StackValidationPolicy(
                name=f"stack-{severity}",
                description="Resources are not together as a rule wants them (docs/policies.md).",
                validate=_of_stack(among),
                enforcement_level=level,
            )
        )
    return made


def _of_resource(rules: Iterable[Rule]) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    by_type: dict[str, list[Rule]] = {}
    for rule in rules:
        for short in rule.types:
            by_type.setdefault(short, []).append(rule)

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        chosen = [*by_type.get(short_type(args.resource_type), ()), *by_type.get("*", ())]
        if chosen:
            _report(chosen, view.of_resource(args), report)

    return validate


def _of_stack(rules: Iterable[Rule]) -> Callable[[StackValidationArgs, ReportViolation], None]:
    chosen = list(rules)

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        _report(chosen, view.of_stack(args), report)

    return validate


def _report(rules: Iterable[Rule], seen: view.View, report: ReportViolation) -> None:
    for rule in rules:
        for node, message in rule.faults(seen):
            report(f"{rule.id} ({rule.requirement}): {message}. Fix: {rule.fix}", node.urn)
