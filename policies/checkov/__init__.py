"""Checkov's verdict on a plan of Pulumi: `judge(plan) -> Judgement`.

    plan --tfplan--> Terraform plan --run--> checkov in .venvs/checkov --judge--> findings with urns and files

`tfplan` writes the document, with `sdk` (what the SDK's annotations say of blocks) and `names` (what
Terraform calls things: registry.txt, types.toml). `run` starts the program. `checks/` are checks of ours that
checkov loads. A type nobody has named stops it: what is not shown to checkov is not judged by it.
`registry` writes registry.txt. Nothing is waived here; that is `policies.suppressions`.
"""

from dataclasses import dataclass

from plan.model import Plan
from policies.checkov import run, tfplan
from policies.checkov.run import CheckovError
from policies.finding import Finding
from policies.source import file_of

__all__ = ["CheckovError", "Judgement", "judge"]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What checkov said, and how much it looked at: the counts are of checks, not of resources."""

    findings: tuple[Finding, ...]
    passed: int
    failed: int
    skipped: int
    version: str


def judge(plan: Plan) -> Judgement:
    """Every check of checkov and of ours on every resource of the plan."""
    rendered = tfplan.render(plan)
    report = run.checkov(rendered.document)
    findings = [_finding(plan, rendered.urns[each.address], each) for each in report.failures]
    return Judgement(
        findings=tuple(sorted(findings)),
        passed=report.passed,
        failed=report.failed,
        skipped=report.skipped,
        version=report.version,
    )


def _finding(plan: Plan, urn: str, failure: run.Failure) -> Finding:
    where = f" ({', '.join(failure.inputs)})" if failure.inputs else ""
    place = file_of(plan, urn)
    return Finding(
        rule=failure.check,
        severity="mandatory",
        urn=urn,
        message=failure.says,
        fix=f"mend it in {place}{where}, or waive it with a reason in policies/suppressions.toml",
        source="checkov",
    )
