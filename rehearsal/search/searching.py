"""`_search` and `_count`: from a body to hits, over all indices a name stands for."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from rehearsal.search.cluster import Cluster
from rehearsal.search.errors import SearchError, illegal, parsing
from rehearsal.search.index import Index
from rehearsal.search.query import Scores, hybrid, run

_MOST = 10_000
_KNOWN = {
    "query", "size", "from", "_source", "track_total_hits", "min_score", "search_pipeline", "timeout",
    "explain", "fields", "stored_fields", "version", "track_scores", "sort", "search_after",
}  # fmt: skip


def search(
    cluster: Cluster, expression: str, body: Mapping[str, Any], pipeline: str | None
) -> dict[str, Any]:
    """The answer but for its times, which are the server's to tell."""
    if unknown := body.keys() - _KNOWN:
        raise parsing(f"Unknown key for a START_OBJECT in [{min(unknown)}].")
    order = _order(body.get("sort", "_score"))
    size, start = int(body.get("size", 10)), int(body.get("from", 0))
    if size + start > _MOST:
        raise illegal(f"Result window is too large, from + size must be less than or equal to: [{_MOST}]")
    indices = cluster.find(expression)
    shards = sum(index.primaries for index in indices)
    failed = sum(len(cluster.lost_shards(index)) for index in indices)
    if shards and failed == shards:
        raise SearchError(503, "search_phase_execution_exception", "all shards failed", phase="query")
    found = [hit for index in indices for hit in _hits(cluster, index, body, pipeline)]
    found.sort(key=lambda hit: (-hit[0], hit[1].name, hit[2]))
    least = float(body.get("min_score", 0.0))
    found = [hit for hit in found if hit[0] >= least]
    total = len(found)
    if order is not None:
        found = _after(sorted(found, key=lambda hit: _value(hit, order)), order, body.get("search_after"))
    return {
        "_shards": {"total": shards, "successful": shards - failed, "skipped": 0, "failed": failed},
        "hits": {
            "total": {"value": min(total, _MOST), "relation": "eq" if total <= _MOST else "gte"},
            "max_score": found[0][0] if found and order is None else None,
            "hits": [_shown(hit, body.get("_source", True), order) for hit in found[start : start + size]],
        },
    }


def count(cluster: Cluster, expression: str, body: Mapping[str, Any]) -> dict[str, Any]:
    said = search(cluster, expression, {**body, "size": 0}, None)
    return {"count": said["hits"]["total"]["value"], "_shards": said["_shards"]}


_Hit = tuple[float, Index, int]


def _hits(cluster: Cluster, index: Index, body: Mapping[str, Any], pipeline: str | None) -> list[_Hit]:
    index.refresh_if_due()
    query = body.get("query", {"match_all": {}})
    lost = cluster.lost_shards(index)
    scores = _scores(cluster, index, query, body.get("search_pipeline", pipeline))
    return [
        (score, index, number)
        for number, score in scores.items()
        if not lost or index.shard_of(index.ids[number]) not in lost
    ]


def _scores(cluster: Cluster, index: Index, query: Mapping[str, Any], pipeline: Any) -> Scores:
    if list(query) != ["hybrid"]:
        return run(index, query)
    name = pipeline or index.settings.get("search.default_pipeline")
    return hybrid(index, query["hybrid"], _weights(cluster, name))


def _weights(cluster: Cluster, pipeline: Any) -> Sequence[float]:
    """Of a normalisation processor, by the pipeline's name or given with the search."""
    if pipeline is None:
        return ()
    found = pipeline if isinstance(pipeline, Mapping) else cluster.pipelines.get(str(pipeline))
    if found is None:
        raise illegal(f"Pipeline {pipeline} is not defined")
    for processor in found.get("phase_results_processors", ()):
        combination = processor.get("normalization-processor", {}).get("combination", {})
        return list(combination.get("parameters", {}).get("weights", ()))
    return ()


def _order(asked: Any) -> str | None:
    """The field to sort by, upwards; None for the score."""
    first = asked[0] if isinstance(asked, list) and len(asked) == 1 else asked
    match first:
        case "_score" | {"_score": "desc"}:
            return None
        case {**fields} if len(fields) == 1 and list(fields.values()) in (["asc"], [{"order": "asc"}]):
            return str(next(iter(fields)))
    raise illegal("the stand-in sorts by _score, or by one field upwards")


def _value(hit: _Hit, field: str) -> str:
    """What has none comes last."""
    value = hit[1].visible[hit[2]].get(field)
    return "\uffff" if value is None else str(value)


def _after(found: list[_Hit], field: str, last: Sequence[Any] | None) -> list[_Hit]:
    return found if not last else [hit for hit in found if _value(hit, field) > str(last[0])]


def _shown(hit: _Hit, wanted: Any, order: str | None = None) -> dict[str, Any]:
    score, index, number = hit
    shown: dict[str, Any] = {"_index": index.name, "_id": index.ids[number], "_score": score}
    if order is not None:
        shown |= {"_score": None, "sort": [_value(hit, order)]}
    source = chosen(index.visible[number], wanted)
    return shown if source is None else {**shown, "_source": source}


def chosen(source: Mapping[str, Any], wanted: Any) -> dict[str, Any] | None:
    """`_source`: true, false, a list of patterns, or includes and excludes."""
    if wanted is False:
        return None
    included, excluded = ["*"], []
    if isinstance(wanted, Mapping):
        included, excluded = wanted.get("includes", ["*"]), wanted.get("excludes", [])
    elif isinstance(wanted, str | list):
        included = [wanted] if isinstance(wanted, str) else wanted
    return {
        name: value
        for name, value in source.items()
        if any(fnmatchcase(name, p) for p in included) and not any(fnmatchcase(name, p) for p in excluded)
    }
