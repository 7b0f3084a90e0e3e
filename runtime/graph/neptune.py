"""The same questions in openCypher, for a stack that has Neptune (off by default).

Neptune has no `shortestPath()`: the shortest is the first of the bounded variable-length matches by length.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import aiohttp
from pydantic import TypeAdapter
from pydantic_core import to_json

from runtime import aws
from runtime.downstream import Downstream, Why
from runtime.graph.port import FARTHEST, Edge, Kind
from runtime.signing import Signer

NEPTUNE = "neptune-db"
RELATED = (
    "MATCH (a:Product {asin: $product})-[e:RELATED {kind: $kind}]->(b:Product) "
    "RETURN a.asin AS product, e.kind AS kind, b.asin AS target, e.rank AS rank "
    "ORDER BY e.rank, b.asin LIMIT $limit"
)
PATH = (
    f"MATCH p = (a:Product {{asin: $start}})-[:RELATED*1..{FARTHEST}]->(b:Product {{asin: $end}}) "
    "WITH p ORDER BY length(p) LIMIT 1 UNWIND relationships(p) AS e "
    "RETURN startNode(e).asin AS product, e.kind AS kind, endNode(e).asin AS target, e.rank AS rank"
)


class NeptuneGraph:
    """`signer`: None where nobody checks signatures."""

    _reader = TypeAdapter(dict[str, list[dict[str, Any]]])

    def __init__(
        self, at: Downstream, session: aiohttp.ClientSession, url: str, signer: Signer | None
    ) -> None:
        self._at = at
        self._session = session
        self._url = f"{url.rstrip('/')}/openCypher"
        self._signer = signer

    async def related(self, product: str, kind: Kind, limit: int = 10) -> Sequence[Edge]:
        return await self._asked(RELATED, {"product": product, "kind": kind.value, "limit": limit})

    async def path(self, start: str, end: str) -> Sequence[Edge] | None:
        if start == end:
            return ()
        return await self._asked(PATH, {"start": start, "end": end}) or None

    async def _asked(self, query: str, values: Mapping[str, Any]) -> Sequence[Edge]:
        body = urlencode({"query": query, "parameters": to_json(values).decode()}).encode()

        async def once() -> Sequence[Edge]:
            said = aws.read_body(self._at, self._reader, await self._said(body))
            try:
                return [
                    Edge(row["product"], Kind(row["kind"]), row["target"], int(row["rank"]))
                    for row in said["results"]
                ]
            except (KeyError, ValueError, TypeError) as wrong:
                raise self._at.error(Why.BROKEN, f"{type(wrong).__name__}: {wrong}") from None

        return await self._at.ask(once)

    async def _said(self, body: bytes) -> bytes:
        headers: Mapping[str, str] = {"Content-Type": "application/x-www-form-urlencoded"}
        if self._signer is not None:
            headers = await self._signer.sign("POST", self._url, body, headers)
        try:
            async with self._session.post(self._url, data=body, headers=headers) as response:
                status, said = response.status, await response.read()
        except (aiohttp.ClientError, OSError) as lost:
            raise self._at.error(Why.UNAVAILABLE, type(lost).__name__, passing=True) from lost
        if status != 200:
            why = Why.THROTTLED if status == 429 else Why.UNAVAILABLE if status >= 500 else Why.REFUSED
            raise self._at.error(why, f"status {status}")
        return said
