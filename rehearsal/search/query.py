"""The query language, as far as retrieval and its filters use it: which documents, with what score."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rehearsal.search.errors import SearchError, parsing
from rehearsal.search.index import Index

Scores = dict[int, float]


def run(index: Index, query: Mapping[str, Any]) -> Scores:
    """Document number -> score."""
    if len(query) != 1:
        raise parsing("[query] must have exactly one query clause")
    ((kind, body),) = query.items()
    if kind not in _KINDS:
        raise parsing(f"unknown query [{kind}]")
    return _KINDS[kind](index, body)


def _all(index: Index, _: Mapping[str, Any]) -> Scores:
    return dict.fromkeys(index.visible, 1.0)


def _none(_: Index, __: Mapping[str, Any]) -> Scores:
    return {}


def _match(index: Index, body: Mapping[str, Any]) -> Scores:
    ((field, asked),) = body.items()
    asked = asked if isinstance(asked, Mapping) else {"query": asked}
    if field not in index.words:
        return dict.fromkeys(index.ids_where(field, [asked["query"]]), 1.0)
    every = str(asked.get("operator", "or")).lower() == "and"
    boost = float(asked.get("boost", 1.0))
    found = index.words[field].scores(str(asked["query"]), every=every)
    return {number: score * boost for number, score in found.items()}


def _multi_match(index: Index, body: Mapping[str, Any]) -> Scores:
    """The best field counts, as `best_fields` does."""
    best: Scores = {}
    for field in body.get("fields") or list(index.words):
        name, _, boost = field.partition("^")
        asked = {"query": body["query"], "operator": body.get("operator", "or"), "boost": boost or 1}
        for number, score in _match(index, {name: asked}).items():
            best[number] = max(best.get(number, 0.0), score)
    return best


def _term(index: Index, body: Mapping[str, Any]) -> Scores:
    ((field, asked),) = body.items()
    value = asked["value"] if isinstance(asked, Mapping) else asked
    return dict.fromkeys(index.ids_where(field, [value]), 1.0)


def _terms(index: Index, body: Mapping[str, Any]) -> Scores:
    ((field, values),) = ((name, value) for name, value in body.items() if name != "boost")
    return dict.fromkeys(index.ids_where(field, values), 1.0)


def _prefix(index: Index, body: Mapping[str, Any]) -> Scores:
    ((field, asked),) = body.items()
    begins = str(asked["value"] if isinstance(asked, Mapping) else asked)
    known = [value for value in index.exact.get(field, {}) if value.startswith(begins)]
    return dict.fromkeys(index.ids_where(field, known), 1.0)


def _ids(index: Index, body: Mapping[str, Any]) -> Scores:
    wanted = set(body.get("values", ()))
    return {number: 1.0 for number, document in index.ids.items() if document in wanted}


def _exists(index: Index, body: Mapping[str, Any]) -> Scores:
    return {n: 1.0 for n, source in index.visible.items() if source.get(body["field"]) is not None}


def _range(index: Index, body: Mapping[str, Any]) -> Scores:
    ((field, limits),) = body.items()
    tests: Mapping[str, Callable[[Any, Any], bool]] = {
        "gte": lambda a, b: a >= b,
        "gt": lambda a, b: a > b,
        "lte": lambda a, b: a <= b,
        "lt": lambda a, b: a < b,
    }
    chosen = [(tests[name], limit) for name, limit in limits.items() if name in tests]

    def within(value: Any) -> bool:
        return value is not None and all(test(value, limit) for test, limit in chosen)

    return {number: 1.0 for number, source in index.visible.items() if within(source.get(field))}


def _bool(index: Index, body: Mapping[str, Any]) -> Scores:
    must, filters = _clauses(index, body, "must"), _clauses(index, body, "filter")
    should, must_not = _clauses(index, body, "should"), _clauses(index, body, "must_not")
    kept = set(index.visible)
    for clause in (*must, *filters):
        kept &= clause.keys()
    for clause in must_not:
        kept -= clause.keys()
    needed = int(body.get("minimum_should_match", 0 if must or filters else 1)) if should else 0
    scores = {}
    for number in kept:
        hits = [clause[number] for clause in should if number in clause]
        if len(hits) >= needed:
            scores[number] = sum(clause[number] for clause in must) + sum(hits)
    return scores


def _clauses(index: Index, body: Mapping[str, Any], name: str) -> list[Scores]:
    asked = body.get(name, [])
    return [run(index, clause) for clause in (asked if isinstance(asked, list) else [asked])]


def _knn(index: Index, body: Mapping[str, Any]) -> Scores:
    ((field, asked),) = body.items()
    if field not in index.vectors:
        raise SearchError(
            400, "query_shard_exception", f"failed to create query: Field '{field}' is not knn_vector type."
        )
    if not 1 <= asked.get("k", 0) <= 10_000:
        raise parsing("[knn] requires k between 1 and 10000")
    among = run(index, asked["filter"]).keys() if "filter" in asked else None
    ef = asked.get("method_parameters", {}).get("ef_search") or index.settings.get("knn.algo_param.ef_search")
    return index.vectors[field].nearest(asked["vector"], asked["k"], among, int(ef) if ef else None)


def _constant(index: Index, body: Mapping[str, Any]) -> Scores:
    return dict.fromkeys(run(index, body["filter"]), float(body.get("boost", 1.0)))


def hybrid(index: Index, body: Mapping[str, Any], weights: Iterable[float]) -> Scores:
    """Each query's scores brought to 0..1, then their weighted mean (min_max, arithmetic_mean)."""
    parts = [_normal(run(index, query)) for query in body["queries"]]
    shares = list(weights) or [1.0] * len(parts)
    if len(shares) != len(parts):
        raise parsing(f"number of weights [{len(shares)}] must match number of sub-queries [{len(parts)}]")
    found = {number for part in parts for number in part}
    total = sum(shares)
    return {
        number: sum(share * part.get(number, 0.0) for share, part in zip(shares, parts, strict=True)) / total
        for number in found
    }


def _normal(scores: Scores) -> Scores:
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if high == low:
        return dict.fromkeys(scores, 1.0)
    return {number: max(0.001, (score - low) / (high - low)) for number, score in scores.items()}


_KINDS: Mapping[str, Callable[[Index, Mapping[str, Any]], Scores]] = {
    "match_all": _all,
    "match_none": _none,
    "match": _match,
    "multi_match": _multi_match,
    "term": _term,
    "terms": _terms,
    "prefix": _prefix,
    "ids": _ids,
    "exists": _exists,
    "range": _range,
    "bool": _bool,
    "knn": _knn,
    "constant_score": _constant,
    "hybrid": lambda index, body: hybrid(index, body, ()),
}
