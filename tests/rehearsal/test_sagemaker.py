"""The SageMaker stand-in through botocore: three models, and instances that are cold, full or broken."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal import serving
from rehearsal.sagemaker import classifier, train
from rehearsal.sagemaker.server import SageMaker, kind_of
from tests.rehearsal.serving_helpers import client_of, fault, http, in_thread

SPEED = 60
INTENT, EMBED, RERANK = (f"concierge-dev-{kind}" for kind in ("intent", "embed", "rerank"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with in_thread(lambda: serving.serving(SageMaker(seed=7, speed=SPEED).app())) as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Any]:
    with client_of("sagemaker-runtime", url, max_pool_connections=80) as client:
        yield client


@pytest.fixture(autouse=True)
def _whole_again(url: str) -> Iterator[None]:
    yield
    http("DELETE", f"{url}/_concierge/faults")


def invoke(client: Any, endpoint: str, body: object) -> Any:
    answer = client.invoke_endpoint(
        EndpointName=endpoint, Body=json.dumps(body), ContentType="application/json"
    )
    assert answer["InvokedProductionVariant"] == "main"
    return json.loads(answer["Body"].read())


def test_the_intent_model_is_right_about_most_of_what_it_never_saw() -> None:
    found = train.report(classifier.utterances(), splits=1)

    assert found["utterances"] >= 600
    assert found["worst_split"] > 0.8


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("Where is my parcel?", "delivery"),
        ("I want my money back", "refund"),
        ("人と話したいです", "escalation"),
    ],
)
def test_an_utterance_gets_its_intent(client: Any, text: str, intent: str) -> None:
    (labels,) = invoke(client, INTENT, {"inputs": text})

    assert labels[0]["label"] == intent
    assert sum(label["score"] for label in labels) == pytest.approx(1, abs=1e-3)
    assert {label["label"] for label in labels} == set(classifier.LABELS)


def test_vectors_come_one_for_each_text(client: Any) -> None:
    one, other, far = invoke(client, EMBED, {"inputs": ["travel tripod", "travel tripods", "refund"]})

    def dot(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert len(one) == 1024
    assert dot(one, other) > 0.7 > 0.2 > dot(one, far)


def test_candidates_are_ranked_by_how_well_they_fit(client: Any) -> None:
    texts = ["Refunds are paid in five days.", "The tripod weighs 900 g.", "Gift wrapping costs $3.50."]

    ranked = invoke(client, RERANK, {"query": "how heavy is the tripod", "texts": texts})

    assert ranked[0]["index"] == 1
    assert all(0 < row["score"] < 1 for row in ranked)


@pytest.mark.parametrize("body", [{}, {"inputs": []}, {"inputs": [1]}, {"query": 1, "texts": ["a"]}])
def test_a_body_the_container_cannot_read_is_its_error(client: Any, body: object) -> None:
    with pytest.raises(client.exceptions.ModelError) as caught:
        invoke(client, RERANK if "query" in str(body) else EMBED, body)

    assert caught.value.response["OriginalStatusCode"] == 400
    assert caught.value.response["LogStreamArn"].endswith(("embed", "rerank"))


def test_an_endpoint_that_is_not_there_is_told(client: Any) -> None:
    with pytest.raises(ClientError, match="not found") as caught:
        invoke(client, "concierge-dev-intend", {"inputs": "a"})

    assert caught.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("throttle", "ThrottlingException", 400),
        ("not-ready", "ModelNotReadyException", 429),
        ("error", "InternalFailure", 500),
        ("unavailable", "ServiceUnavailable", 503),
        ("invalid", "ValidationError", 400),
        ("model-error", "ModelError", 424),
    ],
)
def test_every_error_is_parsed_as_in_aws(client: Any, url: str, kind: str, code: str, status: int) -> None:
    http("POST", f"{url}/_concierge/faults", fault("sagemaker", kind, model="embed"))

    with pytest.raises(ClientError) as caught:
        invoke(client, EMBED, {"inputs": "a"})

    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert invoke(client, INTENT, {"inputs": "hello"})


def test_a_new_instance_is_cold_for_its_first_call(client: Any, url: str) -> None:
    assert http("PUT", f"{url}/_concierge/endpoints/{RERANK}", {"instances": 2})[0] == 204
    assert http("GET", f"{url}/_concierge/endpoints")[1][RERANK]["warm"] == 1
    body = {"query": "a", "texts": ["a"]}
    # Calls long enough that the warm instance's two slots are taken when the third comes.
    http("POST", f"{url}/_concierge/faults", fault("sagemaker", "saturated", magnitude=400, model="rerank"))

    with ThreadPoolExecutor(6) as pool:
        times = sorted(pool.map(lambda _: timed(client, RERANK, body), range(6)))

    assert times[-1] > 45 / SPEED * 0.9
    assert http("GET", f"{url}/_concierge/endpoints")[1][RERANK]["warm"] == 2
    http("PUT", f"{url}/_concierge/endpoints/{RERANK}", {"instances": 1})


def timed(client: Any, endpoint: str, body: object) -> float:
    began = time.monotonic()
    invoke(client, endpoint, body)
    return time.monotonic() - began


def test_more_candidates_take_more_than_proportionally_longer(client: Any) -> None:
    few = min(timed(client, RERANK, {"query": "a", "texts": ["a"] * 10}) for _ in range(3))
    many = min(timed(client, RERANK, {"query": "a", "texts": ["a"] * 150}) for _ in range(3))

    assert many > 15 * 0.003 / SPEED * 10  # far beyond 150 candidates one after another
    assert many > 3 * few


def test_calls_beyond_the_queue_are_refused(client: Any, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", fault("sagemaker", "saturated", magnitude=400, model="rerank"))

    def call(_: int) -> bool:
        try:
            invoke(client, RERANK, {"query": "a", "texts": ["a"]})
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == "ServiceUnavailable"
            return False
        return True

    with ThreadPoolExecutor(40) as pool:
        answered = list(pool.map(call, range(40)))

    assert 2 + 16 <= sum(answered) < 40  # two slots, sixteen in the queue


def test_an_endpoints_name_says_its_kind() -> None:
    assert kind_of("concierge-prod-rerank") == "rerank"
    with pytest.raises(ValueError, match="must contain one of intent, embed, rerank"):
        kind_of("concierge-prod-model")
