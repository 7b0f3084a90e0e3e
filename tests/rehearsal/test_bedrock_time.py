"""How long the Bedrock stand-in takes to answer, and that it stops when nobody listens."""

import statistics
import time
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.bedrock import pace
from rehearsal.bedrock.server import Bedrock
from tests.rehearsal.bedrock_helpers import ASK, SONNET, standing_in
from tests.rehearsal.serving_helpers import client_of, http


def test_a_client_reads_text_while_the_answer_is_made_and_leaving_ends_it() -> None:
    """At full length, so that seconds of generation remain when the first text is here."""
    with standing_in(Bedrock(speed=1)) as url, client_of("bedrock-runtime", url) as client:
        stream = client.converse_stream(modelId=SONNET, messages=ASK)["stream"]
        next(event for event in stream if "contentBlockDelta" in event)
        calls = f"{url}/_concierge/calls"

        assert http("GET", calls)[1]["sonnet"] == {
            "open": 1, "answered": 0, "abandoned": 0, "broken": 0, "throttled": 0, "refused": 0
        }  # fmt: skip
        stream.close()

        until(lambda: http("GET", calls)[1]["sonnet"]["abandoned"] == 1)
        assert http("GET", calls)[1]["sonnet"]["open"] == 0
        assert http("GET", calls)[1]["sonnet"]["answered"] == 0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in 20 s"
        time.sleep(0.01)


@pytest.mark.parametrize(("model", "first_token_s", "total_s"), [("sonnet", 0.6, 3.5), ("haiku", 0.25, 1.2)])
def test_half_of_the_answers_are_faster_than_the_median(
    model: str, first_token_s: float, total_s: float
) -> None:
    paces = [pace.pace(Random(seed), model, chunks=40) for seed in range(2_000)]

    assert statistics.median(p.chunks_s[0] for p in paces) == pytest.approx(first_token_s, rel=0.03)
    assert statistics.median(p.chunks_s[-1] for p in paces) == pytest.approx(total_s, rel=0.03)


@given(st.integers(0, 10_000), st.integers(1, 60))
def test_chunks_come_one_after_another(seed: int, chunks: int) -> None:
    drawn = pace.pace(Random(seed), "haiku", chunks)

    assert len(drawn.chunks_s) == chunks
    assert 0 < drawn.opens_s < drawn.chunks_s[0]
    assert list(drawn.chunks_s) == sorted(drawn.chunks_s)
