"""How Bedrock says no: error code, HTTP status and message, in the shape its clients parse.

Outright, or within a stream that has begun. What is not Bedrock's own word (a balancer in front, a connection
that breaks) names no error code.
"""

import json
from collections.abc import Mapping

from aiohttp import web

from contract.faults import Fault, FaultKind
from rehearsal import eventstream

STATUS = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "InternalServerException": 500,
    "MissingAuthenticationTokenException": 403,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "SerializationException": 400,
    "ServiceQuotaExceededException": 400,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnknownOperationException": 404,
    "ValidationException": 400,
}
_INTERNAL = "The system encountered an unexpected error during processing. Try your request again."
_UNAVAILABLE = "Service is unavailable. Please try again later."
TOO_MANY_REQUESTS = "Too many requests, please wait before trying again."
TOO_MANY_TOKENS = "Too many tokens, please wait before trying again."
# kind of fault -> what Bedrock says
_SAID: Mapping[FaultKind, tuple[str, str]] = {
    FaultKind.THROTTLE: ("ThrottlingException", TOO_MANY_REQUESTS),
    FaultKind.NOT_READY: ("ModelNotReadyException", "Model is not ready for inference. Please try again."),
    FaultKind.ERROR: ("InternalServerException", _INTERNAL),
    FaultKind.UNAVAILABLE: ("ServiceUnavailableException", _UNAVAILABLE),
    FaultKind.MODEL_TIMEOUT: (
        "ModelTimeoutException",
        "Model has timed out in processing the request. Try your request again.",
    ),
    FaultKind.MODEL_ERROR: ("ModelErrorException", "The model returned the following errors: internal error"),
    FaultKind.INVALID: (
        "ValidationException",
        "The model returned the following errors: Malformed input request",
    ),
    FaultKind.QUOTA: (
        "ServiceQuotaExceededException",
        "Your request exceeds the service quota for your account.",
    ),
    FaultKind.DENIED: (
        "AccessDeniedException",
        "You don't have access to the model with the specified model ID.",
    ),
    FaultKind.EXPIRED_TOKEN: (
        "ExpiredTokenException",
        "The security token included in the request is expired",
    ),
    FaultKind.NOT_FOUND: (
        "ResourceNotFoundException",
        "Could not resolve the foundation model from the provided model identifier.",
    ),
}
# kind of fault -> status of a balancer that answers in Bedrock's place
_BALANCERS = {FaultKind.BARE_THROTTLE: 429, FaultKind.BAD_GATEWAY: 502, FaultKind.GATEWAY_TIMEOUT: 504}
REFUSING = (*_BALANCERS, *_SAID)
# kind of fault -> the stream's own names, and their fields
_STREAMED: Mapping[FaultKind, tuple[str, Mapping[str, object]]] = {
    FaultKind.STREAM_THROTTLE: ("throttlingException", {"message": TOO_MANY_REQUESTS}),
    FaultKind.STREAM_MODEL_ERROR: (
        "modelStreamErrorException",
        {
            "message": "An error occurred while streaming the response. Retry your request.",
            "originalStatusCode": 500,
            "originalMessage": "internal error",
        },
    ),
    FaultKind.STREAM_ERROR: ("internalServerException", {"message": _INTERNAL}),
    FaultKind.STREAM_UNAVAILABLE: ("serviceUnavailableException", {"message": _UNAVAILABLE}),
    FaultKind.STREAM_INVALID: ("validationException", {"message": "The model returned malformed output."}),
    FaultKind.STREAM_EMPTY: ("internalServerException", {}),
}
STREAMED = tuple(_STREAMED)


class RefusedError(Exception):
    """A call that gets an error instead of an answer. `more`: fields of the error beside its message."""

    def __init__(self, code: str, message: str, more: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.more = more or {}

    def response(self, request_id: str) -> web.Response:
        return web.Response(
            body=json.dumps({"message": str(self), **self.more}).encode(),
            status=STATUS[self.code],
            content_type="application/json",
            headers={
                "x-amzn-RequestId": request_id,
                "x-amzn-errortype": f"{self.code}:http://internal.amazon.com/coral/com.amazon.bedrock/",
            },
        )


class BalancerError(RefusedError):
    """Somebody in front answers: a page for people, no error code, no request id."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status), "")
        self._status = status

    def response(self, request_id: str) -> web.Response:  # noqa: ARG002 - the balancer does not know it
        page = f"<html><body><h1>{self._status}</h1></body></html>" if self._status >= 500 else ""
        return web.Response(text=page, status=self._status, content_type="text/html")


def invalid(message: str) -> RefusedError:
    return RefusedError("ValidationException", message)


def throttled(message: str = TOO_MANY_REQUESTS) -> RefusedError:
    return RefusedError("ThrottlingException", message)


def asked_for(fault: Fault, model_arn: str) -> RefusedError:
    """The refusal that a fault asks for."""
    if fault.kind in _BALANCERS:
        return BalancerError(_BALANCERS[fault.kind])
    code, message = _SAID[fault.kind]
    if fault.kind is FaultKind.MODEL_ERROR:
        original = {"originalStatusCode": round(fault.measure(500)), "resourceName": model_arn}
        return RefusedError(code, message, original)
    return RefusedError(code, message)


def frame(kind: FaultKind) -> bytes:
    """The event that ends a stream with an error."""
    name, fields = _STREAMED[kind]
    return eventstream.exception(name, fields)
