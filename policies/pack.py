"""The rules as a pack of Pulumi's own: `pulumi up --policy-pack policies` stops at what is mandatory.

Four policies, not one a rule: Pulumi's SDK unpacks every resource once more for each policy, which with a
policy a rule is minutes of waiting. The rule that fired begins the message.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from contract.errors import ConciergeError
from plan.model import short_type
from policies import view
from policies.finding import Severity
from policies.rule import Rule
from policies.rules import RULES
from stacks import settings

NAME = "concierge"
_LEVELS: Mapping[Severity, EnforcementLevel] = {
    "mandatory": EnforcementLevel.MANDATORY,
    "advisory": EnforcementLevel.ADVISORY,
}


def protected(stack: str) -> bool:
    """Whether the stack is one to be strict with; one whose settings cannot be read is.

    The engine tells a pack the stack's name and nothing of its settings: they are read from beside the pack.
    """
    try:
        return settings.load(stack, Path(__file__).resolve().parent.parent).environment.protect
    except ConciergeError:
        return True


def policies() -> list[Policy]:
    """Rules about one resource are asked before it is touched, the others when the stack is known."""
    made: list[Policy] = []
    for severity, level in _LEVELS.items():
        made.append(
            ResourceValidationPolicy(
                name=f"resource-{severity}",
                description="A resource is not as a rule wants it (docs/policies.md).",
                validate=_of_resource(severity),
                enforcement_level=level,
            )
        )
        made.append(
            StackValidationPolicy(
                name=f"stack-{severity}",
                description="Resources are not together as a rule wants them (docs/policies.md).",
                validate=_of_stack(severity),
                enforcement_level=level,
            )
        )
    return made


@cache
def _rules(urn_start: str, severity: Severity, *, alone: bool) -> tuple[Rule, ...]:
    strict = protected(urn_start.removeprefix("urn:pulumi:"))
    return tuple(
        rule for rule in RULES.values() if rule.alone == alone and rule.severity(protected=strict) == severity
    )


def _asked(urn: str, severity: Severity, *, alone: bool) -> tuple[Rule, ...]:
    """The rules that are this strict in the stack of this resource."""
    return _rules(urn.partition("::")[0], severity, alone=alone)


def _of_resource(severity: Severity) -> Callable[[ResourceValidationArgs, ReportViolation], None]:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        short = short_type(args.resource_type)
        rules = _asked(args.urn, severity, alone=True)
        if chosen := [rule for rule in rules if short in rule.types or rule.types == ("*",)]:
            _report(chosen, view.of_resource(args), report)

    return validate


def _of_stack(severity: Severity) -> Callable[[StackValidationArgs, ReportViolation], None]:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        if args.resources:
            rules = _asked(args.resources[0].urn, severity, alone=False)
            _report(rules, view.of_stack(args), report)

    return validate


def _report(rules: Iterable[Rule], seen: view.View, report: ReportViolation) -> None:
    for rule in rules:
        for node, message in rule.faults(seen):
            report(f"{rule.id} ({rule.requirement}): {message}. Fix: {rule.fix}", node.urn)
