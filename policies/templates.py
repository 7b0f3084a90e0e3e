"""Documents in languages of AWS's own, judged without AWS: `judge(plan) -> list[Finding]`.

CloudFormation templates (`stacks/bootstrap.yaml`, and any that a plan deploys), Step Functions machines and
Systems Manager documents by cfn-lint, EventBridge patterns by `patterns`. What is no template is handed to
cfn-lint within one. Policy documents are the business of `policies.iam`, those of the bootstrap excepted.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from plan.model import Plan, Resource, Secret, short_type
from policies import patterns
from policies.finding import Finding, Severity
from policies.source import file_of

ROOT = Path(__file__).resolve().parent.parent
BOOTSTRAP = ROOT / "stacks" / "bootstrap.yaml"
# Input that holds a whole template: of a stack, a stack set, a conformance pack.
_TEMPLATE = "templateBody"
_ROLE = "arn:aws:iam::123456789012:role/any"


def judge(plan: Plan) -> list[Finding]:
    """Everything of the kind that the plan deploys, and the template everything stands on."""
    return [*bootstrap(plan), *deployed(plan)]


def deployed(plan: Plan) -> list[Finding]:
    """Everything of the kind that the plan deploys."""
    return [*_templates(plan), *_wrapped(plan), *_patterns(plan)]


def bootstrap(plan: Plan, file: Path = BOOTSTRAP) -> list[Finding]:
    """The bootstrap's template; its findings hang on the stack, because nothing in the plan makes it."""
    name = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else file.name
    found = _lint(file.read_text(encoding="utf-8"), every=True)
    return [
        _finding(plan.root.urn, match, f"{name}:{match.linenumber}: {match.message}", f"mend {name}")
        for match in found
    ]


def _templates(plan: Plan) -> Iterator[Finding]:
    """Templates that resources of the plan carry."""
    for resource in plan.cloud:
        body = resource.inputs.get(_TEMPLATE)
        if isinstance(body, str):
            for match in _lint(body, every=True):
                yield _finding(
                    resource.urn, match, f"{_path(match.path)}: {match.message}", _in(plan, resource)
                )


def _wrapped(plan: Plan) -> list[Finding]:
    """State machines and automation documents, all in one template around them."""
    inside = {
        f"R{number}": (resource, wrapped)
        for number, resource in enumerate(plan.cloud)
        if (wrapped := _wrap(resource)) is not None
    }
    if not inside:
        return []
    template = {"Resources": {key: wrapped for key, (_, wrapped) in inside.items()}}
    findings = []
    for match in _lint(json.dumps(template), every=False):
        resource = inside[match.path[1]][0]
        where = _path(match.path[3:])
        findings.append(_finding(resource.urn, match, f"{where}: {match.message}", _in(plan, resource)))
    return findings


def _wrap(resource: Resource) -> Mapping[str, Any] | None:
    inputs = {key: each.value if isinstance(each, Secret) else each for key, each in resource.inputs.items()}
    match short_type(resource.type):
        case "sfn.StateMachine":
            machine = {"RoleArn": _ROLE, "DefinitionString": inputs["definition"]}
            return {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}
        case "ssm.Document" if inputs.get("documentFormat", "JSON") == "JSON":
            document = {"DocumentType": inputs["documentType"], "Content": json.loads(inputs["content"])}
            return {"Type": "AWS::SSM::Document", "Properties": document}
    return None


def _patterns(plan: Plan) -> Iterator[Finding]:
    for rule in plan.of_type("cloudwatch.EventRule"):
        pattern = rule.inputs.get("eventPattern")
        for fault in patterns.faults(pattern) if isinstance(pattern, str) else ():
            yield Finding(
                rule="event-pattern",
                severity="mandatory",
                urn=rule.urn,
                message=fault,
                fix=_in(plan, rule),
                source="cfn-lint",
            )


@cache
def _lint(text: str, *, every: bool) -> list[Any]:
    """What cfn-lint finds. `every`: hints too; a wrapping that we made ourselves needs none."""
    from cfnlint.api import ManualArgs, lint

    return list(lint(text, config=ManualArgs(include_checks=["I"] if every else [], regions=["us-east-1"])))


def _finding(urn: str, match: Any, message: str, fix: str) -> Finding:
    severity: Severity = "mandatory" if match.rule.severity == "error" else "advisory"
    fix = f"{fix}: {match.rule.shortdesc} ({match.rule.source_url})"
    return Finding(
        rule=match.rule.id, severity=severity, urn=urn, message=message, fix=fix, source="cfn-lint"
    )


def _in(plan: Plan, resource: Resource) -> str:
    return f"mend it in {file_of(plan, resource.urn)}"


def _path(path: list[Any]) -> str:
    return ".".join(str(part) for part in path)
