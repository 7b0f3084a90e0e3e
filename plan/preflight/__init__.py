"""What must be true of an AWS account before `pulumi up` (OPS-10): asked of AWS, held against the plan.

Only reads, and the one room under `plan` that talks to AWS. A check is data and one function; `catalogue`
lists them, `runner` asks them all at once. What cannot be asked is `unknown`, never taken to be in order.
"""

from collections.abc import Sequence

from plan.preflight import runner
from plan.preflight.catalogue import catalogue, chosen
from plan.preflight.facts import CannotAskError, Facts, Wishes, open_session, verify
from plan.preflight.model import Check, Finding, Report, Status, Verdict
from plan.preflight.runner import Limits

__all__ = [
    "CannotAskError",
    "Check",
    "Facts",
    "Finding",
    "Limits",
    "Report",
    "Status",
    "Verdict",
    "Wishes",
    "catalogue",
    "chosen",
    "open_session",
    "run",
    "verify",
]


def run(facts: Facts, checks: Sequence[Check] | None = None, limits: Limits | None = None) -> Report:
    """Every finding of these checks; all of them when none are named."""
    asked = tuple(catalogue().values()) if checks is None else tuple(checks)
    findings = runner.run(asked, facts, limits or Limits())
    return Report(facts.plan.stack, facts.known_account, findings)
