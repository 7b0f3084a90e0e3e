"""Every row of the table of Bedrock's errors, as the libraries raise them (design: failover)."""

import aiohttp
import pytest
from botocore import exceptions as boto
from botocore.eventstream import ChecksumMismatch

from contract.outcomes import Outcome
from runtime.failover import classify
from runtime.testing.models import in_stream, refusal

URL = "https://bedrock-runtime.us-east-1.amazonaws.com"
ON_DEMAND = "Invocation of model ID x with on-demand throughput isn't supported."
NO_GUARDRAIL = "The guardrail identifier or version provided in the request does not exist."

SERVICE = [
    ("ThrottlingException", 429, Outcome.THROTTLED),
    ("", 429, Outcome.THROTTLED),
    ("ModelNotReadyException", 429, Outcome.UNAVAILABLE),
    ("InternalServerException", 500, Outcome.UNAVAILABLE),
    ("500", 500, Outcome.UNAVAILABLE),
    ("502", 502, Outcome.UNAVAILABLE),
    ("504", 504, Outcome.UNAVAILABLE),
    ("ServiceUnavailableException", 503, Outcome.UNAVAILABLE),
    ("", 503, Outcome.UNAVAILABLE),
    ("ModelTimeoutException", 408, Outcome.SLOW),
    ("", 408, Outcome.SLOW),
    ("ModelStreamErrorException", 424, Outcome.CUT),
    ("ValidationException", 400, Outcome.BAD_REQUEST),
    ("", 400, Outcome.BAD_REQUEST),
    ("ServiceQuotaExceededException", 400, Outcome.DENIED),
    ("AccessDeniedException", 403, Outcome.DENIED),
    ("ResourceNotFoundException", 404, Outcome.DENIED),
    ("ExpiredTokenException", 403, Outcome.DENIED),
    ("ExpiredToken", 400, Outcome.DENIED),
    ("UnrecognizedClientException", 403, Outcome.DENIED),
    ("SomethingNewException", 418, Outcome.UNAVAILABLE),
    ("", 0, Outcome.UNAVAILABLE),
]
IN_STREAM = [
    ("throttlingException", Outcome.THROTTLED),
    ("internalServerException", Outcome.UNAVAILABLE),
    ("serviceUnavailableException", Outcome.UNAVAILABLE),
    ("modelStreamErrorException", Outcome.CUT),
    ("modelTimeoutException", Outcome.SLOW),
    ("validationException", Outcome.BAD_REQUEST),
    ("", Outcome.UNAVAILABLE),
]
OTHERS = [
    (boto.ReadTimeoutError(endpoint_url=URL), Outcome.TIMEOUT),
    (boto.ConnectTimeoutError(endpoint_url=URL), Outcome.TIMEOUT),
    (aiohttp.SocketTimeoutError("read"), Outcome.TIMEOUT),
    (TimeoutError(), Outcome.TIMEOUT),
    (boto.ConnectionClosedError(endpoint_url=URL), Outcome.UNAVAILABLE),
    (boto.EndpointConnectionError(endpoint_url=URL), Outcome.UNAVAILABLE),
    (boto.HTTPClientError(error="reset"), Outcome.UNAVAILABLE),
    (aiohttp.ClientPayloadError("cut"), Outcome.CUT),
    (aiohttp.ServerDisconnectedError(), Outcome.CUT),
    (ConnectionResetError(), Outcome.CUT),
    (ChecksumMismatch(1, 2), Outcome.CUT),
    (boto.ParamValidationError(report="x"), Outcome.BAD_REQUEST),
    (boto.NoCredentialsError(), Outcome.DENIED),
    (boto.CredentialRetrievalError(provider="ecs", error_msg="x"), Outcome.DENIED),
    (RuntimeError("nobody knows"), Outcome.UNAVAILABLE),
]


@pytest.mark.parametrize(("code", "status", "outcome"), SERVICE)
def test_errors_of_the_service_go_by_code_then_by_status(code, status, outcome):
    assert classify.of_error(refusal(code, status)) is outcome


@pytest.mark.parametrize(("code", "outcome"), IN_STREAM)
def test_errors_inside_a_stream_have_only_a_code(code, outcome):
    assert classify.of_error(in_stream(code)) is outcome


@pytest.mark.parametrize(("error", "outcome"), OTHERS, ids=lambda value: type(value).__name__)
def test_errors_of_the_connection_and_of_ours(error, outcome):
    assert classify.of_error(error) is outcome


@pytest.mark.parametrize(
    ("original", "outcome"),
    [
        (500, Outcome.UNAVAILABLE),
        (503, Outcome.UNAVAILABLE),
        (400, Outcome.BAD_REQUEST),
        (None, Outcome.UNAVAILABLE),
    ],
)
def test_a_model_error_goes_by_what_the_model_itself_said(original, outcome):
    error = refusal("ModelErrorException", 424, original_status=original)
    assert classify.of_error(error) is outcome


@pytest.mark.parametrize("message", [ON_DEMAND, "The provided model identifier is invalid.", NO_GUARDRAIL])
def test_a_rung_that_is_set_up_wrongly_is_not_the_messages_fault(message):
    """Another rung may serve, the breaker stays out of it, and people are told."""
    assert classify.of_error(refusal("ValidationException", 400, message)) is Outcome.DENIED


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("end_turn", Outcome.OK),
        ("max_tokens", Outcome.OK),
        ("guardrail_intervened", Outcome.BLOCKED),
        ("content_filtered", Outcome.BLOCKED),
        ("malformed_model_output", Outcome.CUT),
    ],
)
def test_a_stream_that_ended_goes_by_its_stop_reason(reason, outcome):
    assert classify.of_stop(reason) is outcome
