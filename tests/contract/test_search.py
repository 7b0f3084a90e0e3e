"""The index as data: the body OpenSearch gets, and what is refused before it gets anything (VEC-2)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.search import SearchError, SearchIndex, embedders, engines, index, template
from contract.search_setup import Domain, calls, setup

DOMAIN = Domain(
    version="2.19",
    replicas=2,
    region="us-east-1",
    bucket="snapshots",
    snapshot_role_arn="arn:aws:iam::123456789012:role/snapshots",
    readers=["arn:aws:iam::123456789012:role/chat"],
    writers=["arn:aws:iam::123456789012:role/ingest"],
)


def changed(**parts: Any) -> SearchIndex:
    return SearchIndex.model_validate({**index().model_dump(), **parts})


def sent(path: str) -> Any:
    (body,) = [call.body for call in calls(index(), DOMAIN) if call.path == path]
    return body


def test_the_vector_is_what_the_requirement_says() -> None:
    body = template(index(), version="2.19", replicas=2)["template"]

    assert body["mappings"]["properties"]["vector"] == {
        "type": "knn_vector",
        "dimension": 1024,
        "method": {
            "name": "hnsw",
            "engine": "faiss",
            "space_type": "cosinesimil",
            "parameters": {"m": 16, "ef_construction": 512, "ef_search": 512},
        },
    }


def test_shards_copies_and_refresh_are_what_the_requirement_says() -> None:
    settings = template(index(), version="2.19", replicas=index().replicas)["template"]["settings"]["index"]

    assert settings["knn"] is True
    assert settings["number_of_shards"] == 2
    assert settings["number_of_replicas"] == 2
    assert settings["refresh_interval"] == "30s"


def test_development_has_no_further_copies() -> None:
    body = template(index(), version="2.19", replicas=0)

    assert body["template"]["settings"]["index"]["number_of_replicas"] == 0


def test_every_generation_is_made_alike_and_the_alias_is_no_generation() -> None:
    assert template(index(), version="2.19", replicas=2)["index_patterns"] == ["documents-*"]


def test_the_index_says_whose_vectors_it_holds() -> None:
    meta = template(index(), version="2.19", replicas=2)["template"]["mappings"]["_meta"]

    assert meta == {"embedder": "titan", "model": "amazon.titan-embed-text-v2:0", "dims": 1024}


def test_what_narrows_a_search_and_where_a_chunk_came_from_are_fields() -> None:
    mappings = template(index(), version="2.19", replicas=2)["template"]["mappings"]
    kinds = {name: field["type"] for name, field in mappings["properties"].items()}

    assert {kinds[name] for name in ("genre", "category", "language", "tenant")} == {"keyword"}
    assert {kinds[name] for name in ("source", "section", "hash", "document")} == {"keyword"}
    assert (kinds["text"], kinds["page"], kinds["deleted"]) == ("text", "integer", "boolean")


def test_a_misspelt_field_is_an_error() -> None:
    assert template(index(), version="2.19", replicas=2)["template"]["mappings"]["dynamic"] == "strict"


def test_slow_logs_have_thresholds() -> None:
    settings = template(index(), version="2.19", replicas=2)["template"]["settings"]["index"]

    assert settings["search.slowlog.threshold.query.warn"] == "500ms"
    assert settings["indexing.slowlog.threshold.index.warn"] == "1000ms"


@pytest.mark.parametrize(
    ("version", "engine", "space"),
    [
        ("2.17", "faiss", "innerproduct"),
        ("2.19", "faiss", "cosinesimil"),
        ("3.1", "faiss", "cosinesimil"),
        ("2.11", "lucene", "cosinesimil"),
        ("2.19", "nmslib", "cosinesimil"),
    ],
)
def test_where_an_engine_has_no_cosine_the_normalised_inner_product_stands_in(
    version: str, engine: str, space: str
) -> None:
    assert changed(engine=engine).space_in(version) == space


def test_a_version_is_compared_by_number() -> None:
    assert changed(space="innerproduct", engine="lucene").space_in("2.13") == "innerproduct"
    with pytest.raises(SearchError, match=r"lucene has no innerproduct in OpenSearch 2\.9: use faiss"):
        changed(space="innerproduct", engine="lucene").space_in("2.9")


def test_an_engine_the_version_refuses_is_named_with_others_that_do() -> None:
    with pytest.raises(
        SearchError, match=r"nmslib makes no index in OpenSearch 3\.1: use faiss or lucene in contract/search"
    ):
        changed(engine="nmslib").space_in("3.1")


@pytest.mark.parametrize(
    ("engine", "in_method", "in_settings"),
    [("faiss", True, False), ("nmslib", False, True), ("lucene", False, False)],
)
def test_how_far_a_search_looks_stands_where_the_engine_reads_it(
    engine: str, in_method: bool, in_settings: bool
) -> None:
    """Lucene takes it only with each query; in the wrong place the template is refused."""
    body = template(changed(engine=engine), version="2.19", replicas=2)["template"]
    method = body["mappings"]["properties"]["vector"]["method"]

    assert ("ef_search" in method["parameters"]) is in_method
    assert ("knn.algo_param.ef_search" in body["settings"]["index"]) is in_settings


@pytest.mark.parametrize(
    ("parts", "fix"),
    [
        ({"dims": 768}, "dims 768: titan makes vectors of 1024, write that"),
        ({"embedder": "ada"}, "embedder 'ada' is none of titan, bge-large"),
        ({"engine": "scann"}, "engine 'scann' is none of faiss, lucene, nmslib"),
        ({"space": "hamming"}, "Input should be"),
        ({"replicas": "2"}, "valid integer"),
        ({"shards": 4}, "Extra inputs"),
        ({"fields": {"vector": {"type": "text", "what": "mine"}}}, "made from dims and hnsw"),
    ],
)
def test_an_index_that_contradicts_itself_does_not_load(parts: dict[str, Any], fix: str) -> None:
    with pytest.raises(ValidationError, match=fix):
        changed(**parts)


@given(st.integers(1, 20_000).filter(lambda dims: dims != 1024))
def test_no_other_length_than_the_embedders_loads(dims: int) -> None:
    with pytest.raises(ValidationError, match="makes vectors of 1024"):
        changed(dims=dims)


def test_a_vector_of_another_model_is_refused_although_it_is_as_long() -> None:
    assert embedders()["bge-large"].dims == index().dims
    index().accept("titan")
    with pytest.raises(SearchError, match="vectors of titan, not of bge-large: embed with titan, or rebuild"):
        index().accept("bge-large")


def test_the_memory_of_a_vector_is_the_documented_estimate() -> None:
    """1.1 * (4 * 1024 + 8 * 16)."""
    assert index().vector_bytes == pytest.approx(4646.4)


@given(st.sampled_from(["faiss", "lucene", "nmslib"]), st.integers(1, 4096), st.integers(2, 100))
def test_more_numbers_or_more_links_never_need_less(engine: str, dims: int, m: int) -> None:
    of = engines()[engine].vector_bytes

    assert of(dims, m) > 4 * dims
    assert of(dims + 1, m) > of(dims, m)
    assert of(dims, m + 1) > of(dims, m)


def test_rights_come_before_anything_else_and_only_two_roles_have_any() -> None:
    made = [call.path for call in calls(index(), DOMAIN)]

    assert made == [
        "_plugins/_security/api/roles/documents-reader",
        "_plugins/_security/api/rolesmapping/documents-reader",
        "_plugins/_security/api/roles/documents-writer",
        "_plugins/_security/api/rolesmapping/documents-writer",
        "_plugins/_security/api/audit",
        "_index_template/documents",
        "_snapshot/ours",
        "_plugins/_sm/policies/documents",
    ]


def test_the_agent_may_search_the_index_and_change_nothing() -> None:
    role = sent("_plugins/_security/api/roles/documents-reader")

    assert role["cluster_permissions"] == ["cluster_composite_ops_ro"]
    assert role["index_permissions"] == [
        {
            "index_patterns": ["documents", "documents-*"],
            "allowed_actions": ["read", "indices:admin/mappings/get*"],
        }
    ]


def test_rights_are_held_by_iam_roles_and_by_no_user() -> None:
    for word, arn in (("reader", "chat"), ("writer", "ingest")):
        mapping = sent(f"_plugins/_security/api/rolesmapping/documents-{word}")
        assert mapping["backend_roles"] == [f"arn:aws:iam::123456789012:role/{arn}"]
        assert mapping["users"] == mapping["hosts"] == []


def test_the_audit_is_switched_on() -> None:
    """The log group alone stays empty."""
    (change,) = sent("_plugins/_security/api/audit")

    assert (change["op"], change["path"], change["value"]) == ("replace", "/config/enabled", True)


def test_snapshots_are_hourly_and_kept_for_thirty_days() -> None:
    policy = sent("_plugins/_sm/policies/documents")

    assert policy["creation"]["schedule"]["cron"]["expression"] == "15 * * * *"
    assert policy["deletion"]["condition"] == {"max_age": "30d", "min_count": 1}
    assert policy["snapshot_config"]["repository"] == setup().snapshots.repository == "ours"


def test_snapshots_are_encrypted_with_the_buckets_key() -> None:
    """Asking for S3's own key, as the usual example does, would be refused by the bucket's policy."""
    settings = sent("_snapshot/ours")["settings"]

    assert settings == {
        "bucket": "snapshots",
        "region": "us-east-1",
        "role_arn": "arn:aws:iam::123456789012:role/snapshots",
    }
