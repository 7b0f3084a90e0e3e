"""Why AWS did not answer, as a verdict: never a guess about what it would have said."""

import re
from typing import TYPE_CHECKING

from plan.preflight.model import Check, Verdict, unknown

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_DENIED = ("AccessDenied", "UnauthorizedOperation", "NotAuthorized", "Forbidden", "403", "AuthFailure")
_BUSY = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "LimitExceeded")
_NAMED = re.compile(r"perform:? (?P<action>[\w-]+:\w+)")
# IAM calls some operations by another name.
_RENAMED = {"HeadBucket": "s3:ListBucket"}


def verdict(check: Check, error: Exception) -> Verdict:
    """`unknown`, with what would let the check be made."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError

    match error:
        case ClientError():
            return _refused(check, error)
        case NoConnectionError() | HTTPClientError():
            return unknown(f"no answer ({_first_line(error)})", "Look at the network and the endpoint.")
        case BotoCoreError():
            return unknown(_first_line(error), "Update boto3, or look at its configuration.")
    return unknown(f"{type(error).__name__}: {_first_line(error)}", "A defect of this check: report it.")


def code(error: Exception) -> str:
    """The code AWS gave its refusal; empty for any other error."""
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def _refused(check: Check, error: "ClientError") -> Verdict:
    said = code(error)
    if any(said.startswith(word) for word in _DENIED):
        action = _action(check, error)
        return unknown(f"access denied to {action}", f"Grant {action} (`concierge preflight --policy`).")
    if any(word in said for word in _BUSY):
        return unknown(f"AWS was asked too often ({said})", "Run again in a minute.")
    if said in {"NotImplemented", "InternalFailure", "404", "500", "501", "UnknownOperationException", ""}:
        return unknown(f"{error.operation_name} is not answered here", "Look at it in the console.")
    return unknown(f"{error.operation_name}: {_first_line(error)}", "Look at it in the console.")


def _action(check: Check, error: "ClientError") -> str:
    if named := _NAMED.search(str(error)):
        return named["action"]
    wanted = _RENAMED.get(error.operation_name, error.operation_name)
    fitting = [action for action in check.actions if wanted in {action, action.partition(":")[2]}]
    return ", ".join(fitting or check.actions)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
