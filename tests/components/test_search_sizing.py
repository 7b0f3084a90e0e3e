"""Whether an index fits its nodes: the sum is done before anything is built (VEC-2)."""

import importlib.resources
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.search_sizing import GB, Fleet, families, most_documents, node, too_small
from contract.search import index

NODES = [
    f"{name}.{size}.search"
    for name, family in families().items()
    if family.holds != "state"
    for size in family.memory_gb
]
fleets = st.builds(
    Fleet,
    st.sampled_from(NODES).map(node),
    nodes=st.integers(1, 30),
    replicas=st.integers(0, 5),
    documents=st.integers(1, 100_000_000),
)


def with_documents(fleet: Fleet, documents: int) -> Fleet:
    return Fleet(fleet.node, fleet.nodes, fleet.replicas, documents)


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_every_node_we_know_is_one_aws_offers(region: str) -> None:
    schemas = importlib.resources.files("cfnlint") / "data" / "schemas" / "extensions"
    file = schemas / "aws_opensearchservice_domain" / "clusterconfig_instancetype_enum.json"
    offered = set(json.loads(file.read_text(encoding="utf-8"))[region]["enum"])
    known = {f"{name}.{size}.search" for name, family in families().items() for size in family.memory_gb}

    assert known <= offered


@pytest.mark.parametrize(
    ("kind", "room_gb"),
    [
        ("t3.small.search", 0.5),
        ("r6g.large.search", 4),
        ("r7g.2xlarge.search", 16),
        # From here on the heap grows no more, and what it leaves goes to the graphs.
        ("r7g.4xlarge.search", 48),
        ("r8g.16xlarge.search", 240),
    ],
)
def test_graphs_may_take_half_of_what_the_heap_leaves(kind: str, room_gb: float) -> None:
    assert node(kind).room(index()) == room_gb * GB


def test_a_million_documents_with_two_further_copies() -> None:
    """Two of six shards on a node, half a million vectors of 4,646.4 bytes in each, twice."""
    fleet = Fleet(node("r7g.2xlarge.search"), nodes=3, replicas=2, documents=1_000_000)

    assert fleet.need(index()) == pytest.approx(2 * 500_000 * 4646.4 * 2)
    assert too_small(index(), fleet) is None


def test_the_busiest_node_counts_and_not_the_average() -> None:
    """Six shards on four nodes: two of them have two, as if there were three nodes."""
    four, three = (Fleet(node("r7g.large.search"), nodes=n, replicas=2, documents=400_000) for n in (4, 3))

    assert four.need(index()) == three.need(index())


@given(fleets)
def test_it_fits_exactly_up_to_the_number_it_says(fleet: Fleet) -> None:
    most = most_documents(index(), fleet)

    assert too_small(index(), with_documents(fleet, most + 1)) is not None
    if most:
        assert too_small(index(), with_documents(fleet, most)) is None


@given(fleets, st.integers(1, 1_000_000))
def test_more_documents_never_fit_where_fewer_did_not(fleet: Fleet, more: int) -> None:
    larger = with_documents(fleet, fleet.documents + more)

    assert larger.need(index()) >= fleet.need(index())
    assert too_small(index(), larger) is not None or too_small(index(), fleet) is None


@given(fleets)
def test_another_copy_never_needs_less_and_another_node_never_more(fleet: Fleet) -> None:
    copied = Fleet(fleet.node, fleet.nodes, fleet.replicas + 1, fleet.documents)
    spread = Fleet(fleet.node, fleet.nodes + 1, fleet.replicas, fleet.documents)

    assert copied.need(index()) >= fleet.need(index()) >= spread.need(index())


@given(fleets)
def test_all_copies_fit_twice_in_what_all_nodes_have(fleet: Fleet) -> None:
    """While a re-index runs, the old and the new index are both there (VEC-5)."""
    if too_small(index(), fleet) is None:
        everything = fleet.documents * (1 + fleet.replicas) * index().vector_bytes * 2
        assert everything <= fleet.nodes * fleet.node.room(index())


@given(fleets)
def test_the_node_it_proposes_would_do(fleet: Fleet) -> None:
    said = too_small(index(), fleet)
    if said is None or "use more nodes" in said:
        return
    proposed = said.split(": use ")[1].split(",")[0]
    assert too_small(index(), Fleet(node(proposed), fleet.nodes, fleet.replicas, fleet.documents)) is None


@pytest.mark.parametrize("kind", ["", "r7g", "r7g.large", "r7g.huge.search", "x9.large.search", "a.b.c.d"])
def test_a_node_nobody_described_is_named_with_some_that_are(kind: str) -> None:
    with pytest.raises(ValueError, match=r"use one such as t3\.small\.search, r6g\.large\.search"):
        node(kind)
