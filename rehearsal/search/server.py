"""The cluster as an HTTP application: which path is which operation, and how long a search takes."""

import json
import tomllib
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from aiohttp import web

from contract.faults import FaultKind
from rehearsal.clock import Clock
from rehearsal.faulty import LATE_S, Handler, Pace, application, faults_of
from rehearsal.search import errors, searching, showing
from rehearsal.search.admin import Admin, body_of
from rehearsal.search.cluster import STATES, Cluster
from rehearsal.search.documents import Documents
from rehearsal.search.errors import SearchError, illegal
from rehearsal.search.index import Index

SLOW_LOG_PATH = "/_concierge/slowlog"
_SEARCH_S, _SATURATED_TIMES = 0.018, 8.0
_LARGEST_BODY = 100 * 1024 * 1024
_LOG_LINES = 1_000
_LOGGED = 1_000  # letters of a query
_TABLES: Mapping[str, Callable[[Cluster], showing.Rows]] = {
    "health": showing.health,
    "indices": showing.indices,
    "shards": showing.shards,
    "allocation": showing.allocation,
    "nodes": showing.nodes,
    "aliases": showing.aliases,
}


@cache
def operations() -> Mapping[str, list[str]]:
    """operations.toml: name -> "METHOD /path"."""
    return tomllib.loads(Path(__file__).with_name("operations.toml").read_text("utf-8"))


class Search:
    """One domain on loopback. `nodes`: data nodes; fewer leave replicas without a place."""

    def __init__(self, *, seed: int = 0, speed: float = 1.0, nodes: int = 3) -> None:
        self._clock = Clock(speed)
        self._pace = Pace(_SEARCH_S, f"{seed}/search", self._clock)
        self._faults = faults_of("search", operations(), (*STATES, FaultKind.SATURATED))
        self.cluster = Cluster(self._faults, self._clock.now, nodes)
        self._slow: deque[dict[str, Any]] = deque(maxlen=_LOG_LINES)

    def app(self) -> web.Application:
        """What to serve."""
        handlers = self._handlers()
        places = [(name, *place.split(" ")) for name, some in operations().items() for place in some]
        app = application(
            self._faults,
            {f"{name} {how} {path}": (how, path, _guarded(handlers[name])) for name, how, path in places},
            self._clock,
            refuse=errors.injected,
            largest_body=_LARGEST_BODY,
            named=lambda route: route.partition(" ")[0],  # faults know operations, not paths
        )
        app.router.add_get(SLOW_LOG_PATH, self._show_slow)
        return app

    def _handlers(self) -> Mapping[str, Handler]:
        admin, documents = Admin(self.cluster), Documents(self.cluster)
        return {
            "info": self._root,
            "search": self._search,
            "count": self._count,
            "mget": documents.several,
            "bulk": documents.bulk,
            "document": documents.one,
            "delete_by_query": documents.delete_by_query,
            "refresh": self._refresh,
            "health": self._health,
            "settings": admin.settings,
            "cat": self._cat,
            "stats": self._stats,
            "nodes": self._nodes,
            "knn": self._knn,
            "template": admin.template,
            "pipeline": admin.pipeline,
            "aliases": admin.aliases,
            "repository": admin.repository,
            "snapshot": admin.snapshot,
            "restore": admin.restore,
            "mapping": admin.mapping,
            "index_settings": admin.index_settings,
            "index": admin.index,
        }

    async def _root(self, _: web.Request) -> web.Response:
        return web.json_response(showing.root(self.cluster))

    async def _search(self, request: web.Request) -> web.Response:
        began, body, name = self._clock.now(), await body_of(request), _index_of(request)
        saturated = self._faults.standing(FaultKind.SATURATED)
        await self._pace.wait(saturated.measure(_SATURATED_TIMES) if saturated else 1.0)
        said = searching.search(self.cluster, name, body, request.query.get("search_pipeline"))
        took_ms = round(1_000 * (self._clock.now() - began + request.get(LATE_S, 0.0)))
        for index in self.cluster.find(name):
            index.counts["query"] += 1
            index.counts["query_ms"] += took_ms
            self._note_slow(index, took_ms, body)
        return web.json_response({"took": took_ms, "timed_out": False, **said})

    def _note_slow(self, index: Index, took_ms: int, body: Mapping[str, Any]) -> None:
        limit = str(index.settings.get("search.slowlog.threshold.query.warn", "-1"))
        if limit.endswith("ms") and took_ms >= float(limit.removesuffix("ms")):
            shown = json.dumps(body.get("query", {}))[:_LOGGED]
            self._slow.append({"level": "WARN", "index": index.name, "took_ms": took_ms, "source": shown})

    async def _show_slow(self, _: web.Request) -> web.Response:
        return web.json_response(list(self._slow))

    async def _count(self, request: web.Request) -> web.Response:
        return web.json_response(searching.count(self.cluster, _index_of(request), await body_of(request)))

    async def _refresh(self, request: web.Request) -> web.Response:
        found = self.cluster.find(_index_of(request))
        for index in found:
            index.refresh()
        total = sum(index.primaries * (1 + index.replicas) for index in found)
        return web.json_response({"_shards": {"total": total, "successful": total, "failed": 0}})

    async def _health(self, request: web.Request) -> web.Response:
        """`wait_for_status` is answered at once: `timed_out` says that it is not so."""
        said = self.cluster.health(_index_of(request))
        order = ("red", "yellow", "green")
        wanted = request.query.get("wait_for_status", "red")
        late = order.index(said["status"]) < order.index(wanted)
        return web.json_response({**said, "timed_out": late}, status=408 if late else 200)

    async def _cat(self, request: web.Request) -> web.Response:
        what = request.match_info["what"]
        if what not in _TABLES:
            raise illegal(f"the stand-in has no _cat/{what}: {', '.join(_TABLES)}")
        rows = _TABLES[what](self.cluster)
        if "index" in request.match_info and what in ("indices", "shards"):
            names = {index.name for index in self.cluster.find(request.match_info["index"])}
            rows = [row for row in rows if row["index"] in names]
        return showing.table(request, rows)

    async def _stats(self, request: web.Request) -> web.Response:
        return web.json_response(showing.stats(self.cluster, _index_of(request)))

    async def _nodes(self, _: web.Request) -> web.Response:
        return web.json_response(showing.node_stats(self.cluster))

    async def _knn(self, request: web.Request) -> web.Response:
        if "index" not in request.match_info:
            return web.json_response(showing.knn_stats(self.cluster))
        total = sum(index.primaries for index in self.cluster.find(_index_of(request)))
        return web.json_response({"_shards": {"total": total, "successful": total, "failed": 0}})


def _index_of(request: web.Request) -> str:
    return request.match_info.get("index", "_all")


def _guarded(handler: Handler) -> Handler:
    """Every refusal in OpenSearch's words; what cannot be read is the client's mistake."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except SearchError as refused:
            return refused.response()
        except (KeyError, TypeError, ValueError, AttributeError) as wrong:
            reason = f"the request cannot be read: {type(wrong).__name__}: {wrong}"
            return SearchError(400, "parse_exception", reason).response()

    return handle
