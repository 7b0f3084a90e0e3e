"""What a call to a model came to: one pure function from an error to its class (design: failover).

The class alone decides what happens next, so this table is the whole policy on errors. What is not known
counts as unavailable: the next rung may do better.
"""

from collections.abc import Mapping
from typing import Any, cast

import aiohttp
from botocore import exceptions as boto
from botocore.eventstream import ParserError

from contract.outcomes import Outcome

# By error code, without its ending: in a stream the codes come in lower camel case.
CODES: Mapping[str, Outcome] = {
    "throttling": Outcome.THROTTLED,
    "toomanyrequests": Outcome.THROTTLED,
    "modelnotready": Outcome.UNAVAILABLE,
    "internalserver": Outcome.UNAVAILABLE,
    "serviceunavailable": Outcome.UNAVAILABLE,
    "modeltimeout": Outcome.SLOW,
    "modelstream": Outcome.CUT,
    "validation": Outcome.BAD_REQUEST,
    # The account's limits and keys are ours to mend: tell, and let another rung serve meanwhile.
    "servicequotaexceeded": Outcome.DENIED,
    "accessdenied": Outcome.DENIED,
    "resourcenotfound": Outcome.DENIED,
    "expiredtoken": Outcome.DENIED,
    "unrecognizedclient": Outcome.DENIED,
    "invalidsignature": Outcome.DENIED,
    "requestexpired": Outcome.DENIED,
}
STATUSES: Mapping[int, Outcome] = {
    400: Outcome.BAD_REQUEST,
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    404: Outcome.DENIED,
    408: Outcome.SLOW,
    429: Outcome.THROTTLED,
}
# The first match wins: narrower kinds stand first. Raw aiohttp errors come only from a stream that was open.
KINDS: tuple[tuple[type[Exception], Outcome], ...] = (
    (boto.ParamValidationError, Outcome.BAD_REQUEST),
    (boto.ConnectTimeoutError, Outcome.TIMEOUT),
    (boto.ReadTimeoutError, Outcome.TIMEOUT),
    (TimeoutError, Outcome.TIMEOUT),
    (boto.NoCredentialsError, Outcome.DENIED),
    (boto.PartialCredentialsError, Outcome.DENIED),
    (boto.CredentialRetrievalError, Outcome.DENIED),
    (boto.TokenRetrievalError, Outcome.DENIED),
    (boto.BotoCoreError, Outcome.UNAVAILABLE),
    (aiohttp.ClientError, Outcome.CUT),
    (ConnectionError, Outcome.CUT),
    (ParserError, Outcome.CUT),
)
STOPS: Mapping[str, Outcome] = {
    "guardrail_intervened": Outcome.BLOCKED,
    "content_filtered": Outcome.BLOCKED,
    "malformed_model_output": Outcome.CUT,
    "malformed_tool_use": Outcome.CUT,
}
# A model that must be called through a profile or units says so as a validation error, and so does a
# guardrail that is not there. The message is not at fault, the rung's set-up is: as with denied access,
# another rung may serve, and the last one always does.
WRONG_SET_UP = ("on-demand throughput", "model identifier is invalid", "guardrail identifier")


def of_error(error: Exception) -> Outcome:
    """The class of whatever a port raised, before the stream or inside it."""
    if isinstance(error, boto.ClientError):
        return _of_service(cast("Mapping[str, Any]", error.response))
    return next((outcome for kind, outcome in KINDS if isinstance(error, kind)), Outcome.UNAVAILABLE)


def of_stop(reason: str) -> Outcome:
    """The class of a stream that ended with a stop reason."""
    return STOPS.get(reason, Outcome.OK)


def _of_service(response: Mapping[str, Any]) -> Outcome:
    error = response.get("Error", {})
    code = str(error.get("Code", "")).lower().removesuffix("exception").removesuffix("error")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "model":
        # Bedrock passes on what the model's own server said.
        own = response.get("originalStatusCode")
        return Outcome.BAD_REQUEST if own is not None and 400 <= own < 500 else Outcome.UNAVAILABLE
    outcome = CODES.get(code) or STATUSES.get(status, Outcome.UNAVAILABLE)
    if outcome is Outcome.BAD_REQUEST and _wrong_set_up(str(error.get("Message", ""))):
        return Outcome.DENIED
    return outcome


def _wrong_set_up(message: str) -> bool:
    return any(part in message.lower() for part in WRONG_SET_UP)
