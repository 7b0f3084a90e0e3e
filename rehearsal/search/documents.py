"""Writing documents: one at a time, in bulk, and deleting what a query finds."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from aiohttp import web

from rehearsal.search.cluster import Cluster
from rehearsal.search.errors import SearchError, illegal
from rehearsal.search.index import Index
from rehearsal.search.query import run
from rehearsal.search.searching import chosen

_STATUS = {"created": 201, "updated": 200, "deleted": 200, "not_found": 404, "noop": 200}


class Documents:
    """The writes of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def one(self, request: web.Request) -> web.Response:
        name, document = request.match_info["index"], request.match_info.get("id", "")
        if request.method in ("GET", "HEAD"):
            return self._shown(name, document)
        body = json.loads(await request.text() or "{}")
        action = "delete" if request.method == "DELETE" else "index"
        if "/_update/" in request.path:
            action = "update"
        elif "/_create/" in request.path:
            action = "create"
        said = self._write(action, name, document or uuid4().hex[:20], body)
        self._refresh(request, {name})
        return web.json_response(said, status=_STATUS[said["result"]])

    async def bulk(self, request: web.Request) -> web.Response:
        """Each line its own fate: one that is refused says so and stops no other."""
        items, names = [], set()
        for action, meta, source in _lines(await request.text()):
            name = meta.get("_index", request.match_info.get("index", ""))
            if not name:
                raise illegal("explicit index in bulk is not given")
            document = str(meta.get("_id") or uuid4().hex[:20])
            names.add(name)
            try:
                said = self._write(action, name, document, source)
                items.append({action: {**said, "status": _STATUS[said["result"]]}})
            except SearchError as refused:
                error = {"_index": name, "_id": document, "status": refused.status, "error": refused.cause}
                items.append({action: error})
        self._refresh(request, names)
        failed = any("error" in item for line in items for item in line.values())
        return web.json_response({"took": len(items) // 10, "errors": failed, "items": items})

    async def several(self, request: web.Request) -> web.Response:
        """By ids, as they were last written: a refresh is not waited for."""
        body, usual = json.loads(await request.text() or "{}"), request.match_info.get("index", "")
        wanted = body.get("docs") or [{"_id": name} for name in body.get("ids", ())]
        excluded = [name for name in request.query.get("_source_excludes", "").split(",") if name]
        if not wanted:
            raise illegal("Validation Failed: 1: no documents to get;")
        docs = [self._got(one.get("_index", usual), str(one["_id"]), excluded) for one in wanted]
        return web.json_response({"docs": docs})

    def _got(self, name: str, document: str, excluded: list[str]) -> dict[str, Any]:
        for index in self._cluster.find(name):
            if document in index.documents:
                source = chosen(index.documents[document], {"excludes": excluded})
                said = {"_index": index.name, "_id": document, "_version": 1, "found": True}
                return {**said, "_source": source}
        return {"_index": name, "_id": document, "found": False}

    async def delete_by_query(self, request: web.Request) -> web.Response:
        body, deleted = json.loads(await request.text() or "{}"), 0
        for index in self._cluster.find(request.match_info["index"]):
            index.refresh()
            for number in list(run(index, body["query"])):
                index.delete(index.ids[number])
                deleted += 1
            index.refresh()
        return web.json_response(
            {"took": 1, "timed_out": False, "total": deleted, "deleted": deleted, "failures": []}
        )

    def _write(self, action: str, name: str, document: str, source: dict[str, Any]) -> dict[str, Any]:
        index = self._deletable(name) if action == "delete" else self._cluster.write_index(name)
        if index.shard_of(document) in self._cluster.lost_shards(index):
            reason = f"[{index.name}][{index.shard_of(document)}] primary shard is not active Timeout: [1m]"
            raise SearchError(503, "unavailable_shards_exception", reason)
        result, version = self._done(index, action, document, source)
        copies = 1 + index.replicas
        return {
            "_index": index.name,
            "_id": document,
            "_version": version,
            "result": result,
            "_shards": {"total": copies, "successful": min(copies, self._cluster.nodes), "failed": 0},
            "_seq_no": sum(index.counts[name] for name in ("index", "delete")) - 1,
            "_primary_term": 1,
        }

    def _done(self, index: Index, action: str, document: str, source: dict[str, Any]) -> tuple[str, int]:
        match action:
            case "delete":
                return index.delete(document)
            case "create" if document in index.documents:
                reason = f"[{document}]: version conflict, document already exists"
                raise SearchError(409, "version_conflict_engine_exception", reason)
            case "update":
                return index.put(document, self._updated(index, document, source))
            case "index" | "create":
                return index.put(document, source)
        raise illegal(f"Malformed action/metadata line, unknown action [{action}]")

    def _updated(self, index: Index, document: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        before = index.documents.get(document)
        if before is None:
            if asked.get("doc_as_upsert"):
                return dict(asked["doc"])
            if "upsert" in asked:
                return dict(asked["upsert"])
            raise SearchError(404, "document_missing_exception", f"[{document}]: document missing")
        return {**before, **asked["doc"]}

    def _deletable(self, name: str) -> Index:
        """Also of an index that takes no other write: that is how a full disk gets room."""
        return self._cluster.find(name)[0]

    def _shown(self, name: str, document: str) -> web.Response:
        """Seen at once, whatever was refreshed."""
        for index in self._cluster.find(name):
            if document in index.documents:
                said = {"_index": index.name, "_id": document, "_version": 1, "found": True}
                return web.json_response({**said, "_source": index.documents[document]})
        return web.json_response({"_index": name, "_id": document, "found": False}, status=404)

    def _refresh(self, request: web.Request, names: set[str]) -> None:
        if request.query.get("refresh", "false") in ("true", "wait_for", ""):
            for name in names:
                for index in self._cluster.find(name):
                    index.refresh()


def _lines(text: str) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(action, metadata, document)."""
    if not text.endswith("\n"):
        raise illegal("The bulk request must be terminated by a newline [\\n]")
    lines = iter(line for line in text.splitlines() if line.strip())
    for line in lines:
        ((action, meta),) = json.loads(line).items()
        source = {} if action == "delete" else json.loads(next(lines, "{}"))
        yield action, meta, source
