"""What operators do to a cluster: indices, aliases, templates, pipelines, settings, snapshots."""

import json
from typing import Any

from aiohttp import web

from rehearsal.search.cluster import Cluster
from rehearsal.search.errors import SearchError, illegal
from rehearsal.search.index import Index, flat

_DONE = {"acknowledged": True}


class Admin:
    """The administration of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def settings(self, request: web.Request) -> web.Response:
        kept = self._cluster.settings
        if request.method == "GET":
            return web.json_response(kept)
        body = await body_of(request)
        for scope in kept:
            kept[scope] = _changed(kept[scope], flat(body.get(scope, {})))
        return web.json_response({**_DONE, **kept})

    async def template(self, request: web.Request) -> web.Response:
        return await _named(request, self._cluster.templates, "name", listed="index_template")

    async def pipeline(self, request: web.Request) -> web.Response:
        return await _named(request, self._cluster.pipelines, "name")

    async def repository(self, request: web.Request) -> web.Response:
        return await _named(request, self._cluster.repositories, "repository")

    async def aliases(self, request: web.Request) -> web.Response:
        if request.method != "POST":
            return self._shown_aliases(request.match_info.get("name"))
        for action in (await body_of(request))["actions"]:
            ((kind, said),) = action.items()
            for index in self._cluster.find(said["index"]):
                if kind == "add":
                    index.aliases[said["alias"]] = {k: v for k, v in said.items() if k == "is_write_index"}
                elif kind == "remove":
                    index.aliases.pop(said["alias"], None)
                else:
                    raise illegal(f"the stand-in has no action [{kind}]")
        return web.json_response(_DONE)

    def _shown_aliases(self, wanted: str | None) -> web.Response:
        told = {
            index.name: {"aliases": index.aliases}
            for index in self._cluster.indices.values()
            if wanted is None or wanted in index.aliases
        }
        if wanted is not None and not told:
            return web.json_response({"error": f"alias [{wanted}] missing", "status": 404}, status=404)
        return web.json_response(told)

    async def snapshot(self, request: web.Request) -> web.Response:
        cluster, repository, name = (
            self._cluster,
            request.match_info["repository"],
            request.match_info["name"],
        )
        match request.method:
            case "GET" if name in ("_all", "*"):
                kept = [
                    found["info"] for (where, _), found in cluster.snapshots.items() if where == repository
                ]
                return web.json_response({"snapshots": kept})
            case "GET":
                return web.json_response({"snapshots": [cluster.found_snapshot(repository, name)["info"]]})
            case "DELETE":
                cluster.found_snapshot(repository, name)
                del cluster.snapshots[repository, name]
                return web.json_response(_DONE)
        info = cluster.snapshot(repository, name, (await body_of(request)).get("indices", "_all"))
        waited = request.query.get("wait_for_completion") == "true"
        return web.json_response({"snapshot": info} if waited else {"accepted": True})

    async def restore(self, request: web.Request) -> web.Response:
        repository, name = request.match_info["repository"], request.match_info["name"]
        restored = self._cluster.restore(repository, name, await body_of(request))
        total = sum(self._cluster.indices[index].primaries for index in restored)
        shards = {"total": total, "failed": 0, "successful": total}
        return web.json_response({"snapshot": {"snapshot": name, "indices": restored, "shards": shards}})

    async def mapping(self, request: web.Request) -> web.Response:
        found = self._cluster.find(request.match_info["index"])
        if request.method == "GET":
            return web.json_response({index.name: {"mappings": index.mappings} for index in found})
        body = await body_of(request)
        for index in found:
            index.change_mapping(body)
        return web.json_response(_DONE)

    async def index_settings(self, request: web.Request) -> web.Response:
        found = self._cluster.find(request.match_info["index"])
        if request.method == "GET":
            return web.json_response({index.name: {"settings": {"index": _texts(index)}} for index in found})
        body = flat(await body_of(request))
        for index in found:
            index.settings = _changed(index.settings, body)
        return web.json_response(_DONE)

    async def index(self, request: web.Request) -> web.Response:
        name = request.match_info["index"]
        match request.method:
            case "PUT":
                self._cluster.create(name, await body_of(request))
                return web.json_response({**_DONE, "shards_acknowledged": True, "index": name})
            case "DELETE":
                for index in self._cluster.find(name):
                    del self._cluster.indices[index.name]
                return web.json_response(_DONE)
        return web.json_response({index.name: _described(index) for index in self._cluster.find(name)})


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON body; nothing for none."""
    text = await request.text()
    return dict(json.loads(text)) if text.strip() else {}


async def _named(
    request: web.Request, kept: dict[str, dict[str, Any]], key: str, listed: str | None = None
) -> web.Response:
    """Something that is put, shown and deleted by its name."""
    name = request.match_info[key]
    if request.method in ("PUT", "POST"):
        kept[name] = await body_of(request)
        return web.json_response(_DONE)
    if name not in kept:
        raise SearchError(404, "resource_not_found_exception", f"[{name}] not found")
    if request.method == "DELETE":
        del kept[name]
        return web.json_response(_DONE)
    if listed:
        return web.json_response({f"{listed}s": [{"name": name, listed: kept[name]}]})
    return web.json_response({name: kept[name]})


def _changed(before: dict[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
    """A setting of null is a setting no more."""
    return {key: value for key, value in {**before, **fresh}.items() if value is not None}


def _described(index: Index) -> dict[str, Any]:
    settings = {"index": _texts(index)}
    return {"aliases": index.aliases, "mappings": index.mappings, "settings": settings}


def _texts(index: Index) -> dict[str, str]:
    """Settings are told as text, whatever they were given as."""
    own = {"provided_name": index.name, "uuid": index.uuid, "creation_date": index.created_ms}
    told = {**own, **index.settings}
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in told.items()}
