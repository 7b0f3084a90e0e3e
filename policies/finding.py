"""What every check of a plan reports, whoever made the check."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["mandatory", "advisory"]
Source = Literal["ours", "checkov", "cfn-lint", "iam"]


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One thing wrong with one resource. `message` says what is wrong here, `fix` what to do about it."""

    rule: str
    severity: Severity
    urn: str
    message: str
    fix: str
    source: Source = "ours"
