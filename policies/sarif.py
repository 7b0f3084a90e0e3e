"""Findings in SARIF 2.1.0, which code review tools show beside the change.

A plan has no lines: every finding points at the stack's file, and names its resource as a logical location.
"""

import json
from pathlib import Path
from typing import Any

from plan.files import write_atomic
from policies.finding import Finding, Severity
from policies.rules import RULES
from policies.sources import Report

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: dict[Severity, str] = {"mandatory": "error", "advisory": "warning"}


def write(report: Report, path: Path) -> None:
    """Writes the file whole or not at all."""
    write_atomic(path, (json.dumps(document(report), indent=2) + "\n").encode())


def document(report: Report) -> dict[str, Any]:
    """One run a source, because each has rules of its own."""
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [_run(name, report) for name in report.answers],
    }


def _run(source: str, report: Report) -> dict[str, Any]:
    findings = [f for f in report.findings if f.source == source]
    rules = sorted({finding.rule for finding in findings})
    return {
        "tool": {
            "driver": {"name": f"concierge policy ({source})", "rules": [_rule(rule) for rule in rules]}
        },
        "results": [_result(finding, rules.index(finding.rule), report.stack) for finding in findings],
    }


def _rule(identifier: str) -> dict[str, Any]:
    rule = RULES.get(identifier)
    if rule is None:
        return {"id": identifier}
    return {
        "id": identifier,
        "shortDescription": {"text": rule.what},
        "fullDescription": {"text": rule.why},
        "help": {"text": rule.fix},
        "properties": {"requirement": rule.requirement},
    }


def _result(finding: Finding, index: int, stack: str) -> dict[str, Any]:
    name = finding.urn.rpartition("::")[2]
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{name}: {finding.message}. {finding.fix}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": f"Pulumi.{stack}.yaml"}},
                "logicalLocations": [{"name": name, "fullyQualifiedName": finding.urn, "kind": "resource"}],
            }
        ],
    }
