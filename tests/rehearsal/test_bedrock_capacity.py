"""What the Bedrock stand-in counts and lets through: tokens, quotas, and units of one's own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rehearsal.bedrock.account import Units
from rehearsal.bedrock.quotas import Pool, Quota
from rehearsal.bedrock.refusals import RefusedError
from tests.rehearsal.bedrock_account_helpers import ACCOUNT, PROFILE, UNITS, of_the_account, restore
from tests.rehearsal.bedrock_helpers import HAIKU, SONNET, TOOLS, asking
from tests.rehearsal.serving_helpers import client_of, http


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with of_the_account() as url:
        yield url


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Any]:
    with client_of("bedrock-runtime", url) as client:
        yield client


@pytest.fixture(autouse=True)
def _whole_again(url: str) -> Iterator[None]:
    yield
    restore(url)


def test_counted_tokens_are_those_a_call_is_charged_for(client: Any) -> None:
    messages = asking("Which camera is good for travel?")
    counted = client.count_tokens(
        modelId=HAIKU, input={"converse": {"messages": messages, "toolConfig": TOOLS}}
    )["inputTokens"]

    answer = client.converse(modelId=HAIKU, messages=messages, toolConfig=TOOLS)

    assert answer["usage"]["inputTokens"] == counted


def change(url: str, **more: Any) -> None:
    account = ACCOUNT.model_copy(update=more)
    assert http("PUT", f"{url}/_concierge/account", json.loads(account.model_dump_json()))[0] == 204


def ask(client: Any, max_tokens: int, model_id: str = HAIKU) -> Any:
    return client.converse(
        modelId=model_id, messages=asking("Which camera?"), inferenceConfig={"maxTokens": max_tokens}
    )


def test_max_tokens_is_reserved_before_a_word_is_written(client: Any, url: str) -> None:
    change(url, quotas={"haiku": Quota(requests=100, tokens=5_000, most_output=8_000)})

    with pytest.raises(client.exceptions.ThrottlingException, match="Too many tokens"):
        ask(client, 6_000)
    assert ask(client, 3_000)
    assert ask(client, 3_000)  # the first has given back what it did not use


class Minute:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_answers_burn_down_several_tokens_each() -> None:
    pool = Pool(Quota(requests=None, tokens=5_000, burndown=5, most_output=4_000), clock := Minute())
    taken = pool.reserve(asked=100, max_tokens=1_000)
    assert (taken, pool.left["tokens"]) == (1_100, 3_900)

    pool.settle(taken, asked=100, answered=300)

    assert pool.left["tokens"] == 5_000 - 100 - 5 * 300
    clock.now += 12
    assert pool.left["tokens"] == 5_000 - 1_600 + 1_000  # a fifth of a minute refills a fifth


def test_without_max_tokens_everything_a_model_can_say_is_reserved() -> None:
    pool = Pool(Quota(requests=None, tokens=5_000, most_output=4_000), Minute())

    assert pool.reserve(asked=100, max_tokens=None) == 4_100
    with pytest.raises(RefusedError, match="Too many tokens"):
        pool.reserve(asked=100, max_tokens=None)


def test_requests_are_counted_too() -> None:
    pool = Pool(Quota(requests=2, tokens=1_000_000, most_output=100), clock := Minute())
    for _ in range(2):
        pool.reserve(10, 10)
    with pytest.raises(RefusedError, match="Too many requests"):
        pool.reserve(10, 10)

    clock.now += 30
    assert pool.reserve(10, 10) == 20


def test_units_have_a_capacity_of_their_own(client: Any, url: str) -> None:
    with pytest.raises(client.exceptions.ThrottlingException):
        ask(client, 11_000, UNITS)

    assert ask(client, 11_000, SONNET)
    assert ask(client, 1_000, UNITS)
    assert set(http("GET", f"{url}/_concierge/quotas")[1]) == {"sonnet", UNITS}


def test_units_that_are_being_made_are_not_ready(client: Any, url: str) -> None:
    change(url, units={UNITS: Units(model="sonnet", units=1, state="Creating")})

    with pytest.raises(client.exceptions.ModelNotReadyException):
        ask(client, 100, UNITS)


def test_units_that_were_deleted_are_not_found(client: Any, url: str) -> None:
    change(url, units={})

    with pytest.raises(client.exceptions.ResourceNotFoundException):
        ask(client, 100, UNITS)


def test_an_application_profile_leads_to_its_model(client: Any, url: str) -> None:
    before = http("GET", f"{url}/_concierge/calls")[1]["haiku"]["answered"]

    assert ask(client, 100, PROFILE)
    assert http("GET", f"{url}/_concierge/calls")[1]["haiku"]["answered"] == before + 1
