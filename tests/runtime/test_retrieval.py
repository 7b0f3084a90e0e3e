"""Retrieval against the stand-ins: what it finds, and what it does without when something is down."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from contract import search
from contract.intents import Intent
from contract.model_access import ModelCalls
from contract.runtime_settings import BreakerSettings, DownstreamSettings, RetrievalSettings
from contract.search import SearchError
from rehearsal.serving import serving
from runtime.downstream import ProviderError
from runtime.places import Places
from runtime.retrieval.passages import Filters, Lacking
from runtime.retrieval.retrieval import Retrieval
from tests.rehearsal.serving_helpers import in_thread
from tests.runtime.retrieval_helpers import Library, open_library

QUESTION = "How long do I have to return an item?"


@pytest.fixture(scope="module")
def standing() -> Iterator[Library]:
    with open_library() as library:
        yield library


@pytest.fixture
def library(standing: Library) -> Iterator[Library]:
    yield standing
    standing.mend()


def find(library: Library, question: str = QUESTION, filters: Filters | None = None, **how: Any) -> Any:
    return library.visit(lambda parts: parts.retrieval.find(question, filters or Filters()), **how)


def test_the_best_three_of_ten_with_where_they_come_from(library):
    found = find(library)

    assert (found.how, found.lacking, found.degraded) == ("vectors", (), False)
    assert len(found.passages) == 3
    assert "return" in found.passages[0].text.lower()
    assert all(p.id and p.document and p.title and p.section for p in found.passages)
    ranks = [passage.rank for passage in found.passages]
    assert ranks == sorted(ranks, reverse=True)
    assert all(passage.score > 0 for passage in found.passages)
    assert library.seen.calls == [("embed", "ok"), ("search", "ok"), ("rerank", "ok")]


def test_filters_narrow_it(library):
    narrowed = find(library, "カメラ", Filters(language="ja", genres=("manual",)))

    assert {(p.language, p.genre) for p in narrowed.passages} == {("ja", "manual")}
    assert find(library, QUESTION, Filters(category="nothing")).passages == ()


def test_words_and_vectors_together(library):
    found = find(library, hybrid=True, words_share=0.5)

    assert found.how == "hybrid"
    assert len(found.passages) == 3


def test_another_tenants_documents_are_not_found(library):
    assert find(library, tenant="another").passages == ()


def test_without_a_reranker_the_order_found_stays_and_nothing_is_lacking(library):
    found = find(library, places=replace(library.places, rerank_endpoint=None))

    assert found.lacking == ()
    scores = [passage.score for passage in found.passages]
    assert scores == sorted(scores, reverse=True)
    assert [passage.rank for passage in found.passages] == [None] * 3


def test_no_question_is_no_search(library):
    assert find(library, "  ").how == "nothing"
    assert library.seen.calls == []


def test_one_question_of_a_crowd_is_one_search(library):
    async def scene(parts):
        return await asyncio.gather(*(parts.retrieval.find(QUESTION) for _ in range(50)))

    assert len({found.passages for found in library.visit(scene)}) == 1
    assert len(library.seen.calls) == 3


# --- Without what is down --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["throttle", "error", "unavailable", "model-error", "reset"])
def test_without_the_reranker_the_order_found_stays(library, kind):
    plain = find(library, places=replace(library.places, rerank_endpoint=None))
    library.breaks("sagemaker", kind, model="rerank")

    found = find(library)

    assert found.lacking == (Lacking.RERANK,)
    assert found.passages == plain.passages


@pytest.mark.parametrize("kind", ["throttle", "error", "unavailable", "reset", "denied"])
def test_without_a_vector_the_words_are_searched_for(library, kind):
    library.breaks("bedrock", kind, route="InvokeModel")

    found = find(library)

    assert (found.how, found.lacking) == ("words", (Lacking.EMBED,))
    assert len(found.passages) == 3


@pytest.mark.parametrize("kind", ["throttle", "error", "unavailable", "reset", "bad-gateway"])
def test_without_the_index_there_is_nothing_and_it_is_said(library, kind):
    library.breaks("search", kind, route="search")

    found = find(library)

    assert (found.how, found.lacking, found.passages) == ("nothing", (Lacking.SEARCH,), ())


def test_a_red_index_gives_what_it_has(library):
    """Shards without a copy: all of them, or some."""
    library.breaks("search", "red", magnitude=1)
    found = find(library)
    assert found.lacking in ((Lacking.SHARDS,), (Lacking.SEARCH,))
    assert bool(found.passages) == (found.lacking == (Lacking.SHARDS,))


@pytest.mark.parametrize(
    ("target", "how", "deadline", "lacking"),
    [
        ("bedrock", {"route": "InvokeModel"}, "embed_s", Lacking.EMBED),
        ("search", {"route": "search"}, "search_s", Lacking.SEARCH),
        ("sagemaker", {"model": "rerank"}, "rerank_s", Lacking.RERANK),
    ],
)
def test_what_is_late_is_done_without(library, target, how, deadline, lacking):
    library.breaks(target, "hang", magnitude=600, **how)

    shortened: dict[str, Any] = {deadline: 0.05}
    assert find(library, **shortened).lacking == (lacking,)


def test_all_steps_together_keep_the_budget(library):
    """Each would have its own time; what the first has used up, the last has not."""
    library.breaks("bedrock", "hang", magnitude=600, route="InvokeModel")
    library.breaks("sagemaker", "hang", magnitude=600, model="rerank")

    found = find(library, embed_s=0.1, rerank_s=60.0, total_s=1.0)

    assert found.lacking == (Lacking.EMBED, Lacking.RERANK)
    assert found.passages


def test_a_dead_embedder_is_not_waited_for_again_and_again(library):
    library.breaks("bedrock", "error", route="InvokeModel")

    async def scene(parts):
        return [await parts.retrieval.find(f"{QUESTION} {n}") for n in range(8)]

    answers = library.visit(scene, asking=DownstreamSettings(breaker=BreakerSettings(open_s=60.0)))

    assert {found.how for found in answers} == {"words"}
    outcomes = [outcome for stage, outcome in library.seen.calls if stage == "embed"]
    assert outcomes == ["unavailable"] * 3 + ["skipped"] * 5


# --- What is refused -------------------------------------------------------------------------------------


def test_vectors_of_another_model_are_refused():
    class Other:
        key = "bge-large"

        async def embed(self, *_):
            raise AssertionError("is never asked")

    with pytest.raises(SearchError, match="index documents holds vectors of titan, not of bge-large"):
        Retrieval(None, Other(), None, RetrievalSettings())  # type: ignore[arg-type]


def test_the_embedder_is_called_as_the_stack_publishes_it(library):
    """A modelId that nobody has is refused by Bedrock: so it was this one that was called."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/none"

    assert find(library, calls=ModelCalls(rungs={}, embed=arn)).lacking == (Lacking.EMBED,)
    assert find(library, calls=ModelCalls(rungs={}, embed=None)).lacking == ()


def says(bodies):
    """A service that answers in turn, and what it was asked."""
    asked = []

    async def answer(request):
        asked.append((request.method, str(request.url), dict(request.headers), await request.read()))
        return web.json_response(bodies[min(len(asked), len(bodies)) - 1])

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    return asked, lambda: serving(app)


@pytest.mark.parametrize("body", [{}, {"hits": {"hits": []}}, [], {"hits": 7}])
def test_an_answer_that_is_none_of_a_search_is_as_good_as_none(library, body):
    _, app = says([body])
    with in_thread(app) as url:
        found = find(library, places=Places(search=url))

    assert found.lacking == (Lacking.SEARCH,)


def test_every_search_is_signed_for_the_domain(library):
    """Checked by signing what has arrived once more."""
    asked, app = says([{"timed_out": False, "_shards": {"failed": 0}, "hits": {"hits": []}}])
    with in_thread(app) as url:
        find(library, places=Places(search=url))

    ((method, arrived, headers, body),) = [one for one in asked if one[0] == "POST"]
    assert arrived.endswith(f"/{search.index().name}/_search")
    kept = {name: headers[name] for name in ("X-Amz-Date", "Content-Type")}
    again = AWSRequest(method=method, url=arrived, data=body, headers=kept)
    signer = SigV4Auth(Credentials("nobody", "nobody"), "es", "us-east-1")
    again.context["timestamp"] = headers["X-Amz-Date"]
    signature = signer.signature(signer.string_to_sign(again, signer.canonical_request(again)), again)
    assert headers["Authorization"].endswith(f"Signature={signature}")


# --- Intent ----------------------------------------------------------------------------------------------


def test_the_classifier_says_what_is_likely(library):
    async def scene(parts):
        return await parts.intent.classify("where is my order ORD-20001")

    likely = library.visit(scene)

    assert likely[0].intent is Intent.ORDER_STATUS
    assert {one.intent for one in likely} == set(Intent)
    assert sum(one.score for one in likely) == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("throttle", "throttled"),
        ("error", "unavailable"),
        ("model-error", "unavailable"),
        ("hang", "timeout"),
        ("cold", "timeout"),
        ("invalid", "refused"),
    ],
)
def test_a_classifier_in_trouble_is_an_error_that_says_why(library, kind, why):
    more = {"magnitude": 600} if kind in {"hang", "cold"} else {}
    library.breaks("sagemaker", kind, model="intent", **more)
    deadline = 0.05 if why == "timeout" else 1.0

    with pytest.raises(ProviderError) as refused:
        library.visit(lambda parts: parts.intent.classify("hello"), intent_s=deadline)
    assert (refused.value.provider, refused.value.why) == ("intent", why)


def test_what_has_no_place_is_off(library):
    async def scene(parts):
        return parts

    parts = library.visit(scene, Places())
    assert (parts.retrieval, parts.intent) == (None, None)
