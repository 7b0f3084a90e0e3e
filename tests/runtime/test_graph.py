"""How products belong together, on the table as the stack makes it, and in openCypher as it is sent."""

import asyncio
import json
import random
from collections import deque
from contextlib import AsyncExitStack
from itertools import pairwise
from urllib.parse import parse_qs

import boto3
import pytest
from aiohttp import web

from components.tables import definitions
from contract.runtime_settings import DownstreamSettings, ProvidersSettings
from rehearsal import standins
from rehearsal.processes import Processes
from rehearsal.serving import serving
from runtime.downstream import ProviderError
from runtime.graph import Edge, Kind
from runtime.graph.opening import open_graph
from runtime.graph.table import TableGraph
from runtime.ingest.reading import ReadingError
from runtime.ingest.relations import edges, write
from runtime.places import Places
from runtime.shop.item_to_item import ItemToItem
from tests.rehearsal.serving_helpers import in_thread
from tests.runtime.house_helpers import _schema

TABLE = "product-graph"
REGION = "us-east-1"
PATIENT = ProvidersSettings(graph_s=20.0)


@pytest.fixture(scope="module", autouse=True)
def _moto(tmp_path_factory):
    with Processes(tmp_path_factory.mktemp("moto")) as processes, pytest.MonkeyPatch.context() as patched:
        url = standins.url(standins.start_aws(processes))
        patched.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        patched.setenv("AWS_ACCESS_KEY_ID", "nobody")
        patched.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
        known = definitions()[TABLE]
        keys = dict.fromkeys([*known.key, *(key for index in known.indexes.values() for key in index)])
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=_schema(known.key),
            GlobalSecondaryIndexes=[
                {"IndexName": name, "KeySchema": _schema(index), "Projection": {"ProjectionType": "ALL"}}
                for name, index in known.indexes.items()
            ],
        )
        yield


def visit(scene, places: Places | None = None):
    async def main():
        async with AsyncExitStack() as stack:
            graph = await stack.enter_async_context(
                open_graph(
                    places or Places(product_graph_table=TABLE), PATIENT, DownstreamSettings(), region=REGION
                )
            )
            return await scene(graph)

    return asyncio.run(main())


def test_the_best_of_a_kind_come_first():
    some = [Edge("A", Kind.SIMILAR, target, rank) for target, rank in (("C", 12), ("B", 3), ("D", 100))]

    async def scene(graph: TableGraph):
        await graph.replace("A", [*some, Edge("A", Kind.COMPATIBLE, "E", 0)])
        return await graph.related("A", Kind.SIMILAR, 2), await graph.related("nobody", Kind.SIMILAR)

    found, none = visit(scene)
    assert [edge.target for edge in found] == ["B", "C"]
    assert none == []


def test_what_is_replaced_leaves_nothing_behind_and_costs_only_what_differs():
    async def scene(graph: TableGraph):
        one, two, three = (Edge("R", Kind.SIMILAR, target, 0) for target in ("S", "T", "U"))
        return (
            await graph.replace("R", [one, two]),
            await graph.replace("R", [two, three]),
            await graph.replace("R", [two, three]),
            [edge.target for edge in await graph.related("R", Kind.SIMILAR)],
        )

    assert visit(scene) == (2, 2, 0, ["T", "U"])


def shortest(pairs: set[tuple[str, str]], start: str, end: str) -> int | None:
    """Edges between two, by breadth; None: more than three, or none at all."""
    far, waiting = {start: 0}, deque([start])
    while waiting:
        here = waiting.popleft()
        for one, other in pairs:
            if one == here and other not in far:
                far[other] = far[here] + 1
                waiting.append(other)
    return far.get(end) if far.get(end, 9) <= 3 else None


def test_every_path_is_a_shortest_one_of_three_edges_at_most():
    draw = random.Random(5)
    names = [f"P{number}" for number in range(9)]
    pairs = {(draw.choice(names), draw.choice(names)) for _ in range(14)}
    pairs = {(one, other) for one, other in pairs if one != other}

    async def scene(graph: TableGraph):
        for name in names:
            some = [Edge(name, Kind.COMPATIBLE, other, 0) for one, other in sorted(pairs) if one == name]
            await graph.replace(name, some)
        return {(one, other): await graph.path(one, other) for one in names for other in names}

    for (start, end), way in visit(scene).items():
        assert (None if way is None else len(way)) == shortest(pairs, start, end), (start, end)
        if way:
            assert way[0].product == start
            assert way[-1].target == end
            assert all(one.target == other.product for one, other in pairwise(way))
            assert {(edge.product, edge.target) for edge in way} <= pairs


def test_a_file_of_edges():
    said = {
        "edges": [
            {"product": "F", "kind": "bought-with", "target": "G"},
            {"product": "F", "kind": "similar", "target": "H", "rank": 2},
        ]
    }

    async def scene(graph: TableGraph):
        return await write(graph, edges(json.dumps(said).encode())), await graph.all_of("F")

    count, found = visit(scene)
    assert count == 2
    assert [(edge.kind, edge.target) for edge in found] == [(Kind.BOUGHT_WITH, "G"), (Kind.SIMILAR, "H")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "is no JSON"),
        (b"{}", "edges"),
        (b'{"edges": [{"product": "a", "kind": "likes", "target": "b"}]}', "edges.0.kind"),
        (b'{"edges": [{"product": "a#1", "kind": "similar", "target": "b"}]}', "edges.0.product"),
        (b'{"edges": [{"product": "a", "kind": "similar", "target": "b", "rank": -1}]}', "edges.0.rank"),
    ],
)
def test_edges_that_are_none(content, why):
    with pytest.raises(ReadingError, match=why):
        edges(content)


# -- Recommendations -----------------------------------------------------------------------------------------


class Goods:
    """Knows every product, after a while."""

    def __init__(self, wait_s: float = 0.0) -> None:
        self.wait_s = wait_s

    async def products(self, asins):
        await asyncio.sleep(self.wait_s)
        return asins


def test_what_was_bought_with_it_comes_before_what_is_like_it():
    some = [("I", Kind.SIMILAR, "L"), ("I", Kind.BOUGHT_WITH, "J"), ("I", Kind.COMPATIBLE, "J")]

    async def scene(graph: TableGraph):
        await graph.replace("I", [Edge(product, kind, target) for product, kind, target in some])
        patient, hasty = ItemToItem(graph, Goods(), 20.0), ItemToItem(graph, Goods(5.0), 0.2)
        return await patient.recommend(asin="I"), await hasty.recommend(asin="I")

    assert visit(scene) == (["J", "L"], ())


# -- Neptune -------------------------------------------------------------------------------------------------


def neptune(rows, status: int = 200):
    asked = []

    async def handle(request: web.Request) -> web.Response:
        asked.append({name: value[0] for name, value in parse_qs(await request.text()).items()})
        return web.json_response({"results": rows}, status=status)

    app = web.Application()
    app.router.add_post("/openCypher", handle)
    return asked, lambda: serving(app)


def test_opencypher_is_bounded_and_carries_values_apart_from_the_query():
    row = {"product": "A", "kind": "similar", "target": "B'}) DETACH DELETE a //", "rank": 0}
    asked, app = neptune([row])
    with in_thread(app) as url:
        places = Places(neptune=url)
        near = visit(lambda graph: graph.related("A'", Kind.SIMILAR, 5), places)
        way = visit(lambda graph: graph.path("A", "B"), places)
    assert (near, way) == ([Edge("A", Kind.SIMILAR, row["target"])],) * 2
    assert json.loads(asked[0]["parameters"]) == {"product": "A'", "kind": "similar", "limit": 5}
    assert "A'" not in asked[0]["query"]
    assert "*1..3" in asked[1]["query"]
    assert "shortestPath" not in asked[1]["query"]


@pytest.mark.parametrize(("rows", "status"), [([{"product": "A"}], 200), ([], 500), ([], 400)])
def test_neptune_in_trouble_is_a_provider_that_does_not_answer(rows, status):
    _, app = neptune(rows, status)
    with in_thread(app) as url, pytest.raises(ProviderError):
        visit(lambda graph: graph.path("A", "B"), Places(neptune=url))


def test_without_a_place_there_is_no_graph():
    assert visit(lambda graph: asyncio.sleep(0, graph), Places()) is None
