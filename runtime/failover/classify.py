"""What a call to a model came to: one pure function from an error to its class (design: failover).

The class alone decides whether to count it and whether to step down; beside it stands whether the same rung
may be asked once more. So this table is the whole policy on errors. What is not known counts as unavailable:
the next rung may do better, and somebody is told.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import aiohttp
from botocore import exceptions as boto
from botocore.eventstream import ParserError
from botocore.exceptions import EventStreamError as InStream

from contract.outcomes import Outcome


class Verdict(NamedTuple):
    """The class; whether one more try on the same rung makes sense; and whether we have never heard of it."""

    outcome: Outcome
    again: bool = False
    unknown: bool = False


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
# These pass by themselves: one short retry, if the budget has one (RUN-7). A 503 does not: step at once.
PASSING = frozenset({"modelnotready", "internalserver"})
PASSING_STATUSES = frozenset({500, 502, 504})
STATUSES: Mapping[int, Outcome] = {
    400: Outcome.BAD_REQUEST,
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    404: Outcome.DENIED,
    408: Outcome.SLOW,
    424: Outcome.UNAVAILABLE,
    429: Outcome.THROTTLED,
    **dict.fromkeys((500, 502, 503, 504), Outcome.UNAVAILABLE),
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
# A model that must be called through a profile or units says so as a validation error, and so does one that
# cannot go on from a begun answer, and a guardrail that is not there. The message is not at fault, the rung's
# set-up is: as with denied access, another rung may serve, and the last one always does.
WRONG_SET_UP = (
    "on-demand throughput",
    "model identifier is invalid",
    "guardrail identifier",
    "assistant message prefill",
)


def of_error(error: BaseException) -> Verdict:
    """What to make of whatever a port raised, before the stream or inside it."""
    if isinstance(error, boto.ClientError):
        return _of_service(cast("Mapping[str, Any]", error.response), in_stream=isinstance(error, InStream))
    for kind, outcome in KINDS:
        if isinstance(error, kind):
            return Verdict(outcome)
    return Verdict(Outcome.UNAVAILABLE, unknown=True)


def of_end(stop: str | None, *, spoke: bool) -> Outcome:
    """What a stream came to that ended without an error: with a stop reason, or cleanly without one.

    Without a stop it was cut, however clean its end; and an answer without a word is none.
    """
    outcome = Outcome.CUT if stop is None else STOPS.get(stop, Outcome.OK)
    return Outcome.CUT if outcome is Outcome.OK and not spoke else outcome


def _of_service(response: Mapping[str, Any], *, in_stream: bool) -> Verdict:
    error = response.get("Error", {})
    code = str(error.get("Code", "")).lower().removesuffix("exception").removesuffix("error")
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "model":
        # Bedrock passes on what the model's own server said.
        own = response.get("originalStatusCode")
        refused = own is not None and 400 <= own < 500
        return Verdict(Outcome.BAD_REQUEST if refused else Outcome.UNAVAILABLE)
    outcome = CODES.get(code) or STATUSES.get(status)
    if outcome is None:
        # Inside a stream an error may come without a code: then it is no news.
        return Verdict(Outcome.UNAVAILABLE, unknown=not (in_stream and not code))
    if outcome is Outcome.BAD_REQUEST and _wrong_set_up(str(error.get("Message", ""))):
        return Verdict(Outcome.DENIED)
    passing = code in PASSING or (code not in CODES and status in PASSING_STATUSES)
    return Verdict(outcome, again=passing)


def _wrong_set_up(message: str) -> bool:
    return any(part in message.lower() for part in WRONG_SET_UP)
