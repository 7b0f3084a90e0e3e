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


# Rows whose trouble passes by itself: the same rung may be asked once more.
PASSING = {
    "ModelNotReadyException",
    "InternalServerException",
    "500",
    "502",
    "504",
    "internalServerException",
}
UNKNOWN = {("SomethingNewException", 418), ("", 0)}


@pytest.mark.parametrize(("code", "status", "outcome"), SERVICE)
def test_errors_of_the_service_go_by_code_then_by_status(code, status, outcome):
    verdict = classify.of_error(refusal(code, status))
    assert verdict == (outcome, code in PASSING, (code, status) in UNKNOWN)


@pytest.mark.parametrize(("code", "outcome"), IN_STREAM)
def test_errors_inside_a_stream_have_only_a_code(code, outcome):
    """And sometimes not even that: no news, only no reason."""
    assert classify.of_error(in_stream(code)) == (outcome, code in PASSING, False)


@pytest.mark.parametrize(("error", "outcome"), OTHERS, ids=lambda value: type(value).__name__)
def test_errors_of_the_connection_and_of_ours(error, outcome):
    assert classify.of_error(error) == (outcome, False, isinstance(error, RuntimeError))


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
    assert classify.of_error(error) == (outcome, False, False)


@pytest.mark.parametrize("message", [ON_DEMAND, "The provided model identifier is invalid.", NO_GUARDRAIL])
def test_a_rung_that_is_set_up_wrongly_is_not_the_messages_fault(message):
    """Another rung may serve, the breaker stays out of it, and people are told."""
    assert classify.of_error(refusal("ValidationException", 400, message)).outcome is Outcome.DENIED


@pytest.mark.parametrize(
    ("stop", "spoke", "outcome"),
    [
        ("end_turn", True, Outcome.OK),
        ("max_tokens", True, Outcome.OK),
        ("end_turn", False, Outcome.CUT),
        ("guardrail_intervened", True, Outcome.BLOCKED),
        ("guardrail_intervened", False, Outcome.BLOCKED),
        ("content_filtered", True, Outcome.BLOCKED),
        ("malformed_model_output", True, Outcome.CUT),
        (None, True, Outcome.CUT),
        (None, False, Outcome.CUT),
    ],
)
def test_a_finished_stream_goes_by_its_stop_reason_and_without_one_it_was_cut(stop, spoke, outcome):
    assert classify.of_end(stop, spoke=spoke) is outcome


def test_every_class_has_an_error_or_an_ending_that_leads_to_it():
    led = {row[-1] for row in (*SERVICE, *IN_STREAM, *OTHERS)} | {Outcome.OK, Outcome.BLOCKED}
    assert led == set(Outcome)
