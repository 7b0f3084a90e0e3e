"""Faults put into the Bedrock stand-in: whom they hit, how often, how long, and what a client sees."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiobotocore.session
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from contract.faults import ActiveFault, Fault, FaultKind
from rehearsal.bedrock.server import Bedrock
from rehearsal.faults import FaultError, Faults
from tests.rehearsal.bedrock_helpers import ASK, HAIKU, SONNET, assert_declared, refused, standing_in
from tests.rehearsal.serving_helpers import CALLER, client_of, http


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A stand-in whose waits are thirty times shorter; a test that injects faults clears them."""
    with standing_in(Bedrock(seed=7, speed=30)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[Any]:
    with client_of("bedrock-runtime", url) as client:
        yield client
    http("DELETE", f"{url}/_concierge/faults")


def throttle(rate: float, **match: str) -> dict[str, Any]:
    return {"target": "bedrock", "kind": "throttle", "rate": rate, "match": match, "lease_s": 60}


def test_a_throttled_model_refuses_with_429_and_the_other_answers(client: Any, url: str) -> None:
    assert http("POST", f"{url}/_concierge/faults", throttle(1.0, model="sonnet"))[0] == 201

    with pytest.raises(client.exceptions.ThrottlingException, match="Too many requests") as caught:
        client.converse_stream(modelId=SONNET, messages=ASK)

    assert_declared(client, caught.value)
    assert not refused(client, HAIKU)


def test_aiobotocore_sees_a_throttled_call_as_such(client: Any, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", throttle(1.0))

    async def ask() -> None:
        config = Config(retries={"total_max_attempts": 1})
        session = aiobotocore.session.get_session()
        async with session.create_client(
            "bedrock-runtime", endpoint_url=url, config=config, **CALLER
        ) as asynchronous:
            with pytest.raises(asynchronous.exceptions.ThrottlingException):
                await asynchronous.converse_stream(modelId=HAIKU, messages=ASK)

    asyncio.run(ask())


def test_a_rate_is_spread_evenly_and_counts_only_what_it_matches(client: Any, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", throttle(0.25, model="haiku"))

    sequence = [(refused(client, SONNET), refused(client, HAIKU)) for _ in range(8)]

    assert [haiku for _, haiku in sequence] == [False, False, False, True] * 2
    assert not any(sonnet for sonnet, _ in sequence)


@pytest.mark.parametrize(("kind", "status"), [("error", 500), ("unavailable", 503)])
def test_a_fault_may_refuse_calls_as_a_broken_service_does(url, client, kind, status):
    assert http("POST", f"{url}/_concierge/faults", {**throttle(1.0), "kind": kind})[0] == 201
    with pytest.raises(client.exceptions.ClientError) as refused:
        client.converse_stream(modelId=HAIKU, messages=ASK)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_fault_may_cut_an_answer_in_its_middle(url, client):
    assert http("POST", f"{url}/_concierge/faults", {**throttle(1.0), "kind": "cut"})[0] == 201
    stream = client.converse_stream(modelId=HAIKU, messages=ASK)
    texts = []
    with pytest.raises(Exception, match=r"(?i)connection|incomplete|premature") as cut:
        for event in stream["stream"]:
            if "contentBlockDelta" in event:
                texts.append(event["contentBlockDelta"]["delta"]["text"])
            assert "messageStop" not in event
    assert cut.value is not None
    assert 0 < len(texts) <= 3


def test_a_fault_may_hold_the_first_text_back(url, client):
    assert http("POST", f"{url}/_concierge/faults", {**throttle(1.0), "kind": "slow"})[0] == 201
    began = time.monotonic()
    stream = client.converse_stream(modelId=HAIKU, messages=ASK)
    next(event for event in stream["stream"] if "contentBlockDelta" in event)
    stream["stream"].close()
    assert time.monotonic() - began > 12.0 / 30


def test_faults_are_listed_and_cleared_over_http(client: Any, url: str) -> None:
    _, first = http("POST", f"{url}/_concierge/faults", throttle(1.0, model="haiku"))
    _, second = http("POST", f"{url}/_concierge/faults", throttle(0.5))
    active = ActiveFault.model_validate(first)
    assert active.fault == Fault.model_validate(throttle(1.0, model="haiku"))
    assert active.expires_at - active.injected_at == timedelta(seconds=60)
    assert http("GET", f"{url}/_concierge/faults") == (200, [first, second])

    assert http("DELETE", f"{url}/_concierge/faults/{first['id']}") == (204, None)
    assert http("GET", f"{url}/_concierge/faults") == (200, [second])
    assert http("DELETE", f"{url}/_concierge/faults/{first['id']}")[0] == 404  # gone, and told so

    assert http("DELETE", f"{url}/_concierge/faults") == (204, None)
    assert http("GET", f"{url}/_concierge/faults") == (200, [])
    assert not refused(client)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"target": "search"}, "target: this is bedrock, not 'search'"),
        ({"match": {"modell": "haiku"}}, "match: bedrock knows model, route, customer, region, not 'modell'"),
        (
            {"match": {"model": "opera"}},
            "match: model is one of sonnet, haiku, opus, titan-embed, guardrails, not 'opera'",
        ),
        ({"rate": 0}, "rate: Input should be greater than 0"),
        ({"lease_s": 7_200}, "lease_s: Input should be less than or equal to 3600"),
        ({"kind": "red"}, "kind: bedrock knows reset, "),
        ({"kind": "earthquake"}, "kind: Input should be 'reset', "),
    ],
)
def test_a_fault_that_could_never_hit_is_refused(url: str, wrong: dict[str, Any], problem: str) -> None:
    status, said = http("POST", f"{url}/_concierge/faults", throttle(1.0) | wrong)
    assert status == 400
    assert said["message"].startswith(problem)


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 27, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def faults(clock: Clock | None = None) -> Faults:
    return Faults("bedrock", [FaultKind.THROTTLE], {"model": ["sonnet", "haiku"]}, clock or Clock())


def fault(rate: float = 1.0, lease_s: float = 10, **match: str) -> Fault:
    return Fault(target="bedrock", kind=FaultKind.THROTTLE, rate=rate, match=match, lease_s=lease_s)


def test_a_fault_dies_with_its_lease_though_nobody_clears_it() -> None:
    clock = Clock()
    bedrock = faults(clock)
    bedrock.inject(fault(lease_s=10))

    clock.now += timedelta(seconds=9.9)
    assert bedrock.hit(FaultKind.THROTTLE, {"model": "sonnet"})
    clock.now += timedelta(seconds=0.1)
    assert not bedrock.hit(FaultKind.THROTTLE, {"model": "sonnet"})
    assert bedrock.active() == []


@given(st.integers(1, 100))
def test_n_percent_of_a_hundred_calls_are_n(percent: int) -> None:
    bedrock = faults()
    bedrock.inject(fault(rate=percent / 100))

    hits = [bedrock.hit(FaultKind.THROTTLE, {"model": "sonnet"}) for _ in range(300)]

    assert [sum(hits[start : start + 100]) for start in (0, 100, 200)] == [percent] * 3


def test_a_second_fault_adds_to_the_first_and_both_count_every_call() -> None:
    bedrock = faults()
    bedrock.inject(fault(rate=0.5))
    bedrock.inject(fault(rate=0.25, model="sonnet"))

    assert [bedrock.hit(FaultKind.THROTTLE, {"model": "sonnet"}) for _ in range(8)] == [
        False, True, False, True, False, True, False, True
    ]  # fmt: skip
    assert [bedrock.hit(FaultKind.THROTTLE, {"model": "haiku"}) for _ in range(4)] == [False, True] * 2


def test_ids_of_faults_are_never_used_twice() -> None:
    bedrock = faults()
    first = bedrock.inject(fault())
    bedrock.clear_all()

    assert bedrock.inject(fault()).id != first.id


def test_a_stand_in_refuses_what_it_does_not_know_how_to_do() -> None:
    nothing = Faults("bedrock", [], {})

    with pytest.raises(FaultError, match="kind"):
        nothing.inject(fault())
