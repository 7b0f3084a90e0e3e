"""The OpenSearch stand-in through opensearch-py: what retrieval, ingest and runbooks ask of a domain."""

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import ConflictError, NotFoundError, RequestError, TransportError
from opensearchpy.helpers import bulk

from rehearsal import serving
from rehearsal.embedding import embed
from rehearsal.search import corpus
from rehearsal.search.cluster import Cluster
from rehearsal.search.server import Search
from rehearsal.search.vectors import VectorField, Vectors
from rehearsal.shop.goods import Catalogue
from rehearsal.shop.knowledge import documents
from tests.rehearsal.serving_helpers import fault, http, in_thread

DIMS = 1024
PIPELINE = {
    "phase_results_processors": [
        {
            "normalization-processor": {
                "normalization": {"technique": "min_max"},
                "combination": {"technique": "arithmetic_mean", "parameters": {"weights": [0.3, 0.7]}},
            }
        }
    ]
}


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Search]]:
    search = Search(seed=7, speed=60)
    with in_thread(lambda: serving.serving(search.app())) as url:
        corpus.fill(search.cluster, seed=7)
        yield url, search


@pytest.fixture
def url(served: tuple[str, Search]) -> str:
    return served[0]


@pytest.fixture
def client(url: str) -> Iterator[OpenSearch]:
    client = OpenSearch(url, max_retries=0)
    yield client
    http("DELETE", f"{url}/_concierge/faults")
    client.indices.delete(index="t-*")
    client.close()


def asked(text: str, k: int = 5, **filters: str) -> dict[str, Any]:
    narrowed = {"bool": {"filter": [{"term": {name: value}} for name, value in filters.items()]}}
    vector = {"vector": [float(value) for value in embed(text, DIMS)], "k": k}
    return {"size": k, "query": {"knn": {"vector": {**vector, **({"filter": narrowed} if filters else {})}}}}


def sources(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [hit["_source"] for hit in answer["hits"]["hits"]]


# --- Searching ----------------------------------------------------------------------------------------


def test_the_nearest_documents_are_found_by_their_vector(client: OpenSearch) -> None:
    answer = client.search(index="documents", body=asked("Aurora laptop warranty", language="en"))

    assert answer["hits"]["hits"][0]["_score"] > answer["hits"]["hits"][-1]["_score"]
    assert "arranty" in sources(answer)[0]["title"]
    assert {source["language"] for source in sources(answer)} == {"en"}
    assert answer["_shards"] == {"total": 2, "successful": 2, "skipped": 0, "failed": 0}


def test_a_filter_narrows_and_takes_nothing_away(client: OpenSearch) -> None:
    answer = client.search(index="documents", body=asked("returns", k=10, genre="policy", language="ja"))

    assert len(sources(answer)) == 6  # every Japanese policy: the graph is not asked first and filtered then
    assert {(s["genre"], s["language"]) for s in sources(answer)} == {("policy", "ja")}


def test_words_and_vectors_are_weighed_together(client: OpenSearch) -> None:
    client.transport.perform_request("PUT", "/_search/pipeline/both", body=PIPELINE)
    words = {"match": {"text": "gift wrapped"}}
    body = {"size": 3, "query": {"hybrid": {"queries": [words, asked("gift wrapping")["query"]]}}}

    answer = client.search(index="documents", body=body, params={"search_pipeline": "both"})

    assert all(hit["_score"] <= 1 for hit in answer["hits"]["hits"])
    assert "gift wrapping" in sources(answer)[0]["title"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"match_all": {}}, 364),
        ({"term": {"genre": "policy"}}, 12),
        ({"terms": {"genre": ["policy", "faq"]}}, 92),
        ({"bool": {"must": [{"match": {"text": "返金"}}], "filter": [{"term": {"genre": "policy"}}]}}, 2),
        ({"bool": {"must_not": [{"term": {"genre": "manual"}}], "filter": {"term": {"language": "en"}}}}, 46),
        ({"range": {"chunk": {"gte": 1}}}, 0),
        ({"exists": {"field": "section"}}, 364),
        ({"ids": {"values": ["policy-membership-en"]}}, 1),
        ({"multi_match": {"query": "membership", "fields": ["title^2", "text"]}}, 1),
        ({"match": {"text": {"query": "refund parcel label", "operator": "and"}}}, 8),
    ],
)
def test_queries_count_what_they_should(client: OpenSearch, query: dict[str, Any], count: int) -> None:
    assert client.count(index="documents", body={"query": query})["count"] == count


@pytest.mark.parametrize(
    ("body", "type_", "words"),
    [
        ({"query": {"fuzzy": {}}}, "parsing_exception", r"unknown query \[fuzzy\]"),
        ({"quary": {}}, "parsing_exception", r"Unknown key .* \[quary\]"),
        ({"size": 20_000}, "illegal_argument_exception", "Result window is too large"),
        (
            {"query": {"knn": {"vector": {"vector": [1, 2], "k": 1}}}},
            "illegal_argument_exception",
            "invalid dimension: 2",
        ),
        ({"query": {"knn": {"text": {"vector": [1], "k": 1}}}}, "query_shard_exception", "not knn_vector"),
    ],
)
def test_a_wrong_search_is_refused_in_opensearchs_words(
    client: OpenSearch, body: dict[str, Any], type_: str, words: str
) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        client.search(index="documents", body=body)

    assert caught.value.error == type_


def test_an_index_that_is_not_there_is_told(client: OpenSearch) -> None:
    with pytest.raises(NotFoundError, match="index_not_found_exception"):
        client.search(index="nowhere", body={})


def test_nine_of_ten_neighbours_are_those_of_an_exact_search() -> None:
    """recall@10 on everything the shop has: documents and products."""
    texts = [f"{d.title} {d.text}" for d in documents(7)]
    texts += [product.search_text for product in Catalogue(7).products.values()][:1_200]
    vectors = Vectors(VectorField("vector", 256, "cosinesimil", 16, 512, 512))
    rows = [vectors.checked(embed(text, 256).tolist()) for text in texts]
    vectors.add(range(len(rows)), rows)
    found = 0
    questions = Random(7).sample(texts, 100)
    for text in questions:
        query = embed(" ".join(text.split()[:6]), 256)
        exact = vectors.exact(query, 10, range(len(rows)))
        found += len(exact.keys() & vectors.nearest(query.tolist(), 10, None, None).keys())

    assert found / (10 * len(questions)) >= 0.95


# --- Writing ------------------------------------------------------------------------------------------


def test_bulk_writes_are_seen_after_a_refresh_and_each_has_its_own_fate(client: OpenSearch) -> None:
    mapping = {"dynamic": "strict", "properties": {"n": {"type": "integer"}}}
    client.indices.create(index="t-1", body={"mappings": mapping, "settings": {"refresh_interval": "-1"}})
    actions = [{"_index": "t-1", "_id": str(n), "n": n} for n in range(5)]
    actions.append({"_index": "t-1", "_id": "wrong", "m": 1})

    written, errors = bulk(client, actions, raise_on_error=False)

    assert (written, [e["index"]["status"] for e in errors]) == (5, [400])
    assert "strict_dynamic_mapping_exception" in str(errors)
    assert client.count(index="t-1")["count"] == 0
    assert client.get(index="t-1", id="3")["_source"] == {"n": 3}
    client.indices.refresh(index="t-1")
    assert client.count(index="t-1")["count"] == 5


def test_documents_are_changed_deleted_and_found_accordingly(client: OpenSearch) -> None:
    client.index(index="t-2", id="a", body={"text": "red kettle"}, refresh=True)
    client.update(index="t-2", id="a", body={"doc": {"text": "blue kettle"}}, refresh=True)
    assert client.count(index="t-2", body={"query": {"match": {"text": "red"}}})["count"] == 0
    assert client.count(index="t-2", body={"query": {"match": {"text": "blue"}}})["count"] == 1
    with pytest.raises(ConflictError):
        client.create(index="t-2", id="a", body={"text": "again"})
    assert client.delete(index="t-2", id="a")["result"] == "deleted"
    with pytest.raises(NotFoundError):
        client.get(index="t-2", id="a")


def test_a_deleted_vector_is_not_found_any_more(client: OpenSearch) -> None:
    vector = {"type": "knn_vector", "dimension": 2, "method": {"name": "hnsw", "space_type": "l2"}}
    client.indices.create(index="t-3", body={"mappings": {"properties": {"v": vector}}})
    for number in range(3):
        client.index(index="t-3", id=str(number), body={"v": [float(number), 0.0]}, refresh=True)
    client.delete(index="t-3", id="1", refresh=True)

    answer = client.search(index="t-3", body={"query": {"knn": {"v": {"vector": [1.0, 0.0], "k": 3}}}})

    assert [(hit["_id"], hit["_score"]) for hit in answer["hits"]["hits"]] == [("0", 0.5), ("2", 0.5)]


def test_an_alias_moves_from_one_generation_to_the_next(client: OpenSearch) -> None:
    for number in (1, 2):
        client.index(index=f"t-gen{number}", id="x", body={"n": number}, refresh=True)
    client.indices.update_aliases(body={"actions": [{"add": {"index": "t-gen1", "alias": "t-read"}}]})
    moves = [
        {"remove": {"index": "t-gen1", "alias": "t-read"}},
        {"add": {"index": "t-gen2", "alias": "t-read"}},
    ]
    client.indices.update_aliases(body={"actions": moves})

    assert [s["n"] for s in sources(client.search(index="t-read", body={}))] == [2]


# --- Operating ----------------------------------------------------------------------------------------


def test_health_and_tables_tell_the_same(client: OpenSearch) -> None:
    health = client.cluster.health()
    assert (health["status"], health["active_shards"], health["unassigned_shards"]) == ("green", 6, 0)
    (row,) = client.cat.indices(index="documents-000001", format="json")
    assert (row["health"], row["pri"], row["rep"], row["docs.count"]) == ("green", "2", "2", "364")
    assert len(client.cat.shards(format="json")) == 6
    assert client.cat.health(params={"v": "true"}).splitlines()[0].startswith("cluster")
    assert client.nodes.stats()["nodes"]["node-0"]["fs"]["total"]["total_in_bytes"] > 0
    graph = client.transport.perform_request("GET", "/_plugins/_knn/stats")
    assert graph["nodes"]["node-0"]["graph_memory_usage"] > 1_000
    assert (
        client.indices.stats(index="documents")["indices"]["documents-000001"]["total"]["docs"]["count"]
        == 364
    )


def test_a_red_index_finds_a_part_and_takes_no_write_for_the_rest(client: OpenSearch, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", fault("search", "red"))

    assert client.cluster.health()["status"] == "red"
    answer = client.search(index="documents", body={"size": 0})
    assert answer["_shards"]["failed"] == 1
    assert 100 < answer["hits"]["total"]["value"] < 264
    actions = [{"_index": "documents-000001", "_id": f"new{n}", "title": "x"} for n in range(8)]
    _, errors = bulk(client, actions, raise_on_error=False)
    assert {e["index"]["status"] for e in errors} == {503}
    assert 0 < len(errors) < 8
    for n in range(8):
        http("DELETE", f"{url}/documents-000001/_doc/new{n}?refresh=true")


def test_without_any_shard_a_search_fails(client: OpenSearch, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", fault("search", "red", magnitude=2))

    with pytest.raises(TransportError, match="all shards failed") as caught:
        client.search(index="documents", body={})

    assert caught.value.status_code == 503


def test_a_full_disk_stops_writes_and_lets_deletes_pass(client: OpenSearch, url: str) -> None:
    client.index(index="t-4", id="a", body={"n": 1}, refresh=True)
    http("POST", f"{url}/_concierge/faults", fault("search", "disk-full"))

    with pytest.raises(TransportError, match="flood-stage watermark") as caught:
        client.index(index="t-4", id="b", body={"n": 2})
    assert caught.value.status_code == 429
    assert client.cat.allocation(format="json")[0]["disk.percent"] == "96"
    assert client.delete(index="t-4", id="a")["result"] == "deleted"


def test_a_yellow_cluster_lacks_copies_only(client: OpenSearch, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", fault("search", "yellow"))

    health = client.cluster.health()
    assert (health["status"], health["active_primary_shards"], health["unassigned_shards"]) == (
        "yellow",
        2,
        4,
    )
    with pytest.raises(TransportError):
        client.cluster.health(params={"wait_for_status": "green"})


def test_slow_searches_stand_in_the_slow_log(client: OpenSearch, url: str) -> None:
    http("POST", f"{url}/_concierge/faults", fault("search", "slow", magnitude=2, route="search"))
    client.search(index="documents", body={"query": {"term": {"genre": "slowly"}}})

    line = http("GET", f"{url}/_concierge/slowlog")[1][-1]
    assert line["took_ms"] >= 2_000
    assert "slowly" in line["source"]


@pytest.mark.parametrize(("kind", "status"), [("throttle", 429), ("error", 500), ("unavailable", 503)])
def test_a_cluster_in_trouble_says_so(client: OpenSearch, url: str, kind: str, status: int) -> None:
    http("POST", f"{url}/_concierge/faults", fault("search", kind, route="search"))

    with pytest.raises(TransportError) as caught:
        client.search(index="documents", body={})

    assert caught.value.status_code == status
    assert client.cluster.health()["status"] == "green"


def test_a_snapshot_is_restored_under_another_name(client: OpenSearch) -> None:
    client.index(index="t-5", id="a", body={"n": 1}, refresh=True)
    client.snapshot.create_repository(repository="ours", body={"type": "s3", "settings": {"bucket": "b"}})
    made = client.snapshot.create(
        repository="ours", snapshot="one", body={"indices": "t-5"}, params={"wait_for_completion": "true"}
    )
    assert made["snapshot"]["state"] == "SUCCESS"
    with pytest.raises(TransportError, match="open index with same name"):
        client.snapshot.restore(repository="ours", snapshot="one", body={"indices": "t-5"})

    renamed = {"indices": "t-5", "rename_pattern": "t-(.+)", "rename_replacement": "t-restored-$1"}
    client.snapshot.restore(repository="ours", snapshot="one", body=renamed)

    assert client.get(index="t-restored-5", id="a")["_source"] == {"n": 1}
    assert [s["snapshot"] for s in client.snapshot.get(repository="ours", snapshot="_all")["snapshots"]] == [
        "one"
    ]
    client.snapshot.delete(repository="ours", snapshot="one")
    with pytest.raises(NotFoundError, match="snapshot_missing_exception"):
        client.snapshot.get(repository="ours", snapshot="one")


def test_replicas_without_a_node_leave_a_small_cluster_yellow() -> None:
    search = Search(nodes=1)
    cluster: Cluster = search.cluster
    cluster.create("one", {"settings": {"number_of_shards": 1, "number_of_replicas": 2}})

    assert cluster.health()["status"] == "yellow"


def test_scores_are_those_of_opensearch() -> None:
    rows = [[1.0, 0.0], [0.0, 1.0]]
    for space, scores in (("cosinesimil", [1.0, 0.5]), ("innerproduct", [2.0, 1.0]), ("l2", [1.0, 1 / 3])):
        vectors = Vectors(VectorField("v", 2, space, 16, 100, 100))
        vectors.add([0, 1], [np.asarray(row, np.float32) for row in rows])
        assert list(vectors.nearest([1.0, 0.0], 2, None, None).values()) == pytest.approx(scores)
