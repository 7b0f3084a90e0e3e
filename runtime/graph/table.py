"""Edges as items of a DynamoDB table: `product` and `edge`, which is `<kind>#<rank>#<target>`.

The best of a kind are one query, and what leads to a product is one on the index `reverse`. A path is three
rounds at most: what leads away from its start, what leads to its end, and what leads on from the first.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from runtime import aws
from runtime.downstream import Downstream
from runtime.graph.port import Edge, Kind

BETWEEN = "#"
MOST_RANK = 9_999
AT_ONCE, MOST_TARGETS = 16, 64  # of the third round
PAGE = 100  # items of one transaction


class TableGraph:
    """`client`: that of DynamoDB."""

    def __init__(self, at: Downstream, client: Any, table: str) -> None:
        self._at = at
        self._client = client
        self._table = table

    async def related(self, product: str, kind: Kind, limit: int = 10) -> Sequence[Edge]:
        return await self._query(
            "product = :of AND begins_with(edge, :kind)",
            {":of": product, ":kind": f"{kind}{BETWEEN}"},
            Limit=limit,
        )

    async def all_of(self, product: str) -> Sequence[Edge]:
        """Every edge that leads away from it."""
        return await self._query("product = :of", {":of": product})

    async def path(self, start: str, end: str) -> Sequence[Edge] | None:
        if start == end:
            return ()
        away, back = await asyncio.gather(self.all_of(start), self._leading_to(end))
        for edge in away:
            if edge.target == end:
                return (edge,)
        last = {edge.product: edge for edge in reversed(back)}
        for edge in away:
            if edge.target in last:
                return (edge, last[edge.target])
        return await self._three(away, last)

    async def _three(self, away: Sequence[Edge], last: Mapping[str, Edge]) -> Sequence[Edge] | None:
        """Each first edge with what leads on from it, a few at a time: most ways are found early."""
        firsts = list({edge.target: edge for edge in reversed(away)}.values())[::-1][:MOST_TARGETS]
        if not last:
            return None
        for begin in range(0, len(firsts), AT_ONCE):
            some = firsts[begin : begin + AT_ONCE]
            onward = await asyncio.gather(*(self.all_of(edge.target) for edge in some))
            for first, edges in zip(some, onward, strict=True):
                for edge in edges:
                    if edge.target in last:
                        return (first, edge, last[edge.target])
        return None

    async def _leading_to(self, product: str) -> Sequence[Edge]:
        return await self._query("target = :of", {":of": product}, IndexName="reverse")

    async def replace(self, product: str, edges: Sequence[Edge]) -> int:
        """Makes these the edges of a product, and no others; how many items that took."""
        before = {_name(edge) for edge in await self.all_of(product)}
        wanted = {_name(edge): edge for edge in edges}
        steps = [
            {"Put": {"TableName": self._table, "Item": _item(edge)}}
            for name, edge in wanted.items()
            if name not in before
        ]
        steps += [
            {"Delete": {"TableName": self._table, "Key": {"product": {"S": product}, "edge": {"S": name}}}}
            for name in sorted(before - wanted.keys())
        ]
        for start in range(0, len(steps), PAGE):
            await self._write(steps[start : start + PAGE])
        return len(steps)

    async def _write(self, steps: Sequence[Mapping[str, Any]]) -> None:
        async def once() -> None:
            try:
                await self._client.transact_write_items(TransactItems=steps)
            except (ClientError, BotoCoreError) as error:
                raise aws.provider_error(self._at, error) from error

        await self._at.ask(once)

    async def _query(self, condition: str, values: Mapping[str, str], **more: Any) -> Sequence[Edge]:
        asked = {
            "TableName": self._table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
            **more,
        }
        return await self._at.ask(lambda: self._pages(asked))

    async def _pages(self, asked: dict[str, Any]) -> Sequence[Edge]:
        found: list[Edge] = []
        while True:
            try:
                page = await self._client.query(**asked)
            except (ClientError, BotoCoreError) as error:
                raise aws.provider_error(self._at, error) from error
            found += [_edge(item) for item in page["Items"]]
            if not page.get("LastEvaluatedKey") or "Limit" in asked:
                return found
            asked = {**asked, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def _name(edge: Edge) -> str:
    return f"{edge.kind}{BETWEEN}{edge.rank:04}{BETWEEN}{edge.target}"


def _item(edge: Edge) -> Mapping[str, Any]:
    return {"product": {"S": edge.product}, "edge": {"S": _name(edge)}, "target": {"S": edge.target}}


def _edge(item: Mapping[str, Any]) -> Edge:
    kind, rank, target = item["edge"]["S"].split(BETWEEN, 2)
    return Edge(item["product"]["S"], Kind(kind), target, int(rank))
