"""A runbook as a document of SSM Automation, for those whose changes are plain API calls.

The document makes exactly the calls of a plan, one after another, after somebody has said yes; it stops at
the first that fails. What it cannot do is look first: so it is made from a plan of this moment, and says
until when it may be used. Controls are not exported: their document is read, changed in one place and written
back, which Automation cannot do.
"""

import re
from typing import Any

import yaml

from contract.errors import WrongUseError
from runbooks.engine import Change, Record

SCHEMA = "0.3"
# Doors that Automation does not have, and the document that only a program can change.
_ELSEWHERE = {"search": "the search domain answers inside the VPC only"}
VALID_MINUTES = 60


def fits(change: Change) -> str | None:
    """Why a change cannot be made by Automation; None when it can."""
    if change.call.service in _ELSEWHERE:
        return _ELSEWHERE[change.call.service]
    if change.subject.startswith("control "):
        return "controls are changed by a program, not by a call"
    return None


def document(record: Record) -> str:
    """YAML of the document; WrongUseError says why there is none."""
    if record.verdict != "planned":
        raise WrongUseError(
            f"{record.runbook}: nothing is planned ({record.note}): there is nothing to export"
        )
    unfit = {change.subject: why for change in record.changes if (why := fits(change))}
    if unfit:
        first = "; ".join(f"{subject}: {why}" for subject, why in unfit.items())
        raise WrongUseError(f"{record.runbook} does not fit SSM Automation: {first}")
    return str(yaml.safe_dump(_document(record), sort_keys=False, width=110, allow_unicode=True))


def _document(record: Record) -> dict[str, Any]:
    steps = [_approval(record), *(_step(number, change) for number, change in enumerate(record.changes, 1))]
    return {
        "schemaVersion": SCHEMA,
        "description": f"{record.runbook}, {record.environment} {record.region}: {record.note}. "
        f"Planned {record.started_at:%Y-%m-%d %H:%M} UTC; plan anew after {VALID_MINUTES} minutes.",
        "assumeRole": "{{ AutomationAssumeRole }}",
        "parameters": {
            "AutomationAssumeRole": {
                "type": "AWS::IAM::Role::Arn",
                "description": f"concierge-{record.environment}-runbook-{record.runbook}",
            },
            "Approvers": {"type": "StringList", "description": "ARNs of those who may say yes"},
        },
        "mainSteps": steps,
    }


def _approval(record: Record) -> dict[str, Any]:
    why = record.decision.why if record.decision else record.note
    return {
        "name": "SayYes",
        "action": "aws:approve",
        "timeoutSeconds": VALID_MINUTES * 60,
        "onFailure": "Abort",
        "inputs": {"Approvers": "{{ Approvers }}", "Message": why[:250], "MinRequiredApprovals": 1},
    }


def _step(number: int, change: Change) -> dict[str, Any]:
    return {
        "name": f"Step{number}_{re.sub('[^A-Za-z0-9]+', '_', change.step)}"[:60].rstrip("_"),
        "action": "aws:executeAwsApi",
        "description": f"{change.subject}: {change.before} -> {change.after}",
        "onFailure": "Abort",
        "inputs": {
            "Service": change.call.service,
            "Api": _api(change.call.operation),
            **change.call.request,
        },
    }


def _api(operation: str) -> str:
    """`update_service` -> `UpdateService`."""
    return "".join(part.capitalize() for part in operation.split("_"))
