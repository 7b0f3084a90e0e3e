"""Every row of Bedrock's errors as botocore's own client sees it: code, status, kind of exception."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EventStreamError, ReadTimeoutError

from contract.models import models
from contract.outcomes import Outcome
from rehearsal.bedrock import refusals, streams
from rehearsal.bedrock.server import Bedrock, serving
from runtime.failover import classify
from tests.rehearsal.serving_helpers import client_of, fault, http, in_thread

HAIKU = models()["haiku"].callable_id("us-east-1")
ASK: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "Which tripod is light?"}]}]
REFUSALS = [
    ("throttle", "ThrottlingException", 429, Outcome.THROTTLED),
    ("bare-throttle", "429", 429, Outcome.THROTTLED),
    ("not-ready", "ModelNotReadyException", 429, Outcome.UNAVAILABLE),
    ("error", "InternalServerException", 500, Outcome.UNAVAILABLE),
    ("bad-gateway", "502", 502, Outcome.UNAVAILABLE),
    ("unavailable", "ServiceUnavailableException", 503, Outcome.UNAVAILABLE),
    ("gateway-timeout", "504", 504, Outcome.UNAVAILABLE),
    ("model-timeout", "ModelTimeoutException", 408, Outcome.SLOW),
    ("model-error", "ModelErrorException", 424, Outcome.UNAVAILABLE),
    ("invalid", "ValidationException", 400, Outcome.BAD_REQUEST),
    ("quota", "ServiceQuotaExceededException", 400, Outcome.DENIED),
    ("denied", "AccessDeniedException", 403, Outcome.DENIED),
    ("expired-token", "ExpiredTokenException", 403, Outcome.DENIED),
    ("not-found", "ResourceNotFoundException", 404, Outcome.DENIED),
]
IN_STREAM = [
    ("stream-throttle", "throttlingException", Outcome.THROTTLED),
    ("stream-model-error", "modelStreamErrorException", Outcome.CUT),
    ("stream-error", "internalServerException", Outcome.UNAVAILABLE),
    ("stream-unavailable", "serviceUnavailableException", Outcome.UNAVAILABLE),
    ("stream-invalid", "validationException", Outcome.BAD_REQUEST),
    ("stream-empty", "internalServerException", Outcome.UNAVAILABLE),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with in_thread(lambda: serving(Bedrock(seed=7, speed=300))) as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Any]:
    with client_of("bedrock-runtime", url, read_timeout=0.5) as client:
        yield client


@pytest.fixture(autouse=True)
def _whole_again(url: str) -> Iterator[None]:
    yield
    http("DELETE", f"{url}/_concierge/faults")


def inject(url: str, kind: str, magnitude: float | None = None) -> None:
    assert http("POST", f"{url}/_concierge/faults", fault("bedrock", kind, magnitude=magnitude))[0] == 201


def test_every_refusal_and_every_error_in_a_stream_has_its_row() -> None:
    assert {kind for kind, *_ in REFUSALS} == set(refusals.REFUSING)
    assert {kind for kind, *_ in IN_STREAM} == set(refusals.STREAMED)


@pytest.mark.parametrize(("kind", "code", "status", "outcome"), REFUSALS)
def test_a_refusal_is_parsed_as_it_is_in_aws(
    client: Any, url: str, kind: str, code: str, status: int, outcome: Outcome
) -> None:
    inject(url, kind)

    with pytest.raises(ClientError) as caught:
        client.converse_stream(modelId=HAIKU, messages=ASK)

    response = caught.value.response
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    declared = {
        shape.name: (shape.metadata["error"]["httpStatusCode"], type(caught.value).__name__)
        for shape in client.meta.service_model.operation_model("InvokeModelWithResponseStream").error_shapes
    }
    if code in declared:
        assert declared[code] == (status, code)
    assert classify.of_error(caught.value).outcome == outcome


def test_an_error_of_the_model_says_what_the_model_said(client: Any, url: str) -> None:
    inject(url, "model-error", magnitude=400)

    with pytest.raises(client.exceptions.ModelErrorException) as caught:
        client.converse(modelId=HAIKU, messages=ASK)

    assert caught.value.response["originalStatusCode"] == 400
    assert "foundation-model/anthropic" in caught.value.response["resourceName"]


@pytest.mark.parametrize(("kind", "code", "outcome"), IN_STREAM)
@pytest.mark.parametrize("after", [0, 3])
def test_an_error_within_a_stream_ends_it(
    client: Any, url: str, kind: str, code: str, outcome: Outcome, after: int
) -> None:
    inject(url, kind, magnitude=after)
    seen: list[str] = []

    stream = client.converse_stream(modelId=HAIKU, messages=ASK)["stream"]
    with closing(stream), pytest.raises(EventStreamError) as caught:
        for event in stream:
            seen.extend(event)

    assert seen == ["messageStart", *["contentBlockDelta"] * after]
    assert caught.value.response["Error"]["Code"] == code
    assert bool(caught.value.response["Error"]["Message"]) is (kind != "stream-empty")
    assert classify.of_error(caught.value).outcome == outcome


def test_a_stream_may_end_in_good_order_and_without_its_end(client: Any, url: str) -> None:
    inject(url, "unfinished", magnitude=5)

    events = [next(iter(event)) for event in client.converse_stream(modelId=HAIKU, messages=ASK)["stream"]]

    assert events == ["messageStart", *["contentBlockDelta"] * 5]


def test_a_connection_may_break_before_a_word(client: Any, url: str) -> None:
    inject(url, "reset")

    with pytest.raises(ConnectionClosedError) as caught:
        client.converse(modelId=HAIKU, messages=ASK)

    assert classify.of_error(caught.value).outcome == Outcome.UNAVAILABLE


def test_a_call_may_hang_until_the_client_gives_up(client: Any, url: str) -> None:
    inject(url, "hang")

    with pytest.raises(ReadTimeoutError) as caught:
        client.converse(modelId=HAIKU, messages=ASK)

    assert classify.of_error(caught.value).outcome == Outcome.TIMEOUT


def test_a_late_break_comes_at_the_end_of_a_short_answer(client: Any, url: str) -> None:
    inject(url, "stream-error", magnitude=500)

    stream = client.converse_stream(modelId=HAIKU, messages=ASK)["stream"]
    with closing(stream), pytest.raises(EventStreamError):
        list(stream)


def test_what_breaks_a_stream_leaves_other_operations_alone(client: Any, url: str) -> None:
    for kind in ("cut", "stream-error"):
        inject(url, kind)

    assert client.converse(modelId=HAIKU, messages=ASK)["stopReason"] == "end_turn"
    assert {*streams.BREAKING} >= {"cut", "stream-error"}


def test_a_fault_may_hit_one_route_or_one_customer(client: Any, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", fault("bedrock", "throttle", route="ConverseStream"))
    http("POST", f"{url}/_concierge/faults", fault("bedrock", "denied", customer="c-17"))

    assert client.converse(modelId=HAIKU, messages=ASK, requestMetadata={"customer": "c-18"})
    with pytest.raises(client.exceptions.ThrottlingException):
        client.converse_stream(modelId=HAIKU, messages=ASK)
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.converse(modelId=HAIKU, messages=ASK, requestMetadata={"customer": "c-17"})


def test_what_was_done_to_faults_is_written_down_with_times(client: Any, url: str) -> None:
    _, injected = http("POST", f"{url}/_concierge/faults", fault("bedrock", "throttle", 0.5))
    for _ in range(4):
        try:
            client.converse(modelId=HAIKU, messages=ASK)
        except ClientError:
            continue
    http("DELETE", f"{url}/_concierge/faults/{injected['id']}")

    lines = [line for line in http("GET", f"{url}/_concierge/injections")[1] if line["id"] == injected["id"]]

    assert [(line["what"], line["seen"], line["hit"]) for line in lines] == [
        ("injected", 0, 0),
        ("cleared", 4, 2),
    ]
    assert lines[0]["at"] == injected["injected_at"] < lines[1]["at"]
    assert lines[0]["fault"] == injected["fault"]
