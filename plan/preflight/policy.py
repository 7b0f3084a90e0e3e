"""The IAM policy that lets every check be made, and nothing else: made from what the checks declare."""

from collections.abc import Iterable, Mapping
from typing import Any

from plan.preflight.model import Check

# Reading is not harmless everywhere: API keys lie behind apigateway:GET, names of objects behind ListBucket.
_NARROW: Mapping[str, str] = {
    "apigateway:GET": "arn:aws:apigateway:*::/account",
    "s3:ListBucket": "arn:aws:s3:::concierge-*",
    "s3:GetBucketTagging": "arn:aws:s3:::concierge-*",
}


def document(checks: Iterable[Check]) -> dict[str, Any]:
    """One statement for each set of resources: all, where an action reads mere descriptions."""
    allowed: dict[str, list[str]] = {}
    for action in sorted({action for check in checks for action in check.actions}):
        allowed.setdefault(_NARROW.get(action, "*"), []).append(action)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": actions, "Resource": resource}
            for resource, actions in sorted(allowed.items())
        ],
    }
