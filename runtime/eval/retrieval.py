"""How well help pages are found: labelled questions, and the usual measures of a ranked list.

A chunk answers by how much of a section it holds whole, so that bad cuts count. Asks nobody itself:
`rehearsal.retrieval_sweep` does, once for each way of cutting and searching.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from math import log2
from pathlib import Path
from typing import Literal, NamedTuple

import yaml
from pydantic import Field, ValidationError

from contract.base import Knobs, Shape
from contract.errors import WrongUseError
from runtime.eval import stats
from runtime.eval.golden import GoldenError

QUERIES = Path(__file__).with_name("queries.yaml")
WHOLE, PARTLY = 0.99, 0.5  # share of a section's sentences that a chunk holds: it answers, or helps
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])")


class Query(Knobs):
    """`relevant`: section -> 2 where it is the answer, 1 where it helps."""

    id: str
    text: str = Field(min_length=1)
    relevant: Mapping[str, int] = Field(min_length=1)
    lang: Literal["en", "ja"] = "en"


class Queries(Knobs):
    """queries.yaml"""

    queries: tuple[Query, ...] = Field(strict=False, min_length=1)


@cache
def queries(file: Path = QUERIES) -> Sequence[Query]:
    try:
        return Queries.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))).queries
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        raise GoldenError(f"{file.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (OSError, yaml.YAMLError) as wrong:
        raise GoldenError(f"{file.name}: {' '.join(str(wrong).split())}") from None


def grade(chunk: str, section: str, worth: int) -> int:
    """What a chunk is worth to a question that this section answers."""
    sentences = [one.strip() for one in _SENTENCE.split(section) if one.strip()]
    there = sum(one in chunk for one in sentences) / max(1, len(sentences))
    if there >= WHOLE:
        return worth
    return 1 if there >= PARTLY and worth > 1 else 0


class Scores(NamedTuple):
    """Of one question at a depth `k`."""

    precision: float
    recall: float
    reciprocal: float
    ndcg: float


def scores(grades: Sequence[int], wanted: Sequence[int], k: int) -> Scores:
    """`grades`: of what was found, in its order; `wanted`: of all that there is to find.

    An answer that stands in several chunks is found once: the others are as good as nothing.
    """
    best = sorted(wanted, reverse=True)
    shown = list(grades[:k])
    good = sum(one > 0 for one in shown)
    ideal = sum(_gain(one, place) for place, one in enumerate(best[:k]))
    gained = sum(_gain(one, place) for place, one in enumerate(_once(shown, best)))
    first = next((place for place, one in enumerate(grades, start=1) if one > 0), 0)
    return Scores(
        precision=good / k if k else 0.0,
        recall=min(1.0, sum(_once(shown, best)) / max(1, sum(best))),
        reciprocal=1 / first if first else 0.0,
        ndcg=gained / ideal if ideal else 0.0,
    )


class Result(Shape):
    """One way of cutting and searching: means over all questions, and what it takes.

    `usd`: of a thousand searches, the reranker's time and what a model reads of them included.
    """

    kind: str
    way: str
    chunks: int
    precision: float
    recall: float
    mrr: float
    ndcg: float
    ndcg_between: tuple[float, float]
    p50_ms: float
    p95_ms: float
    tokens: float
    usd: float
    by_query: Mapping[str, float] = Field(description="nDCG of each question")

    @property
    def missed(self) -> Sequence[str]:
        """Questions to which nothing was found."""
        return [name for name, ndcg in self.by_query.items() if not ndcg]


class Sweep(Shape):
    """All ways. `stand_ins`: vectors were hashes of letters, which is no quality."""

    stand_ins: bool
    results: tuple[Result, ...]


class Lost(Shape):
    """A way that got surely worse, by how much nDCG, and the questions that lost most."""

    kind: str
    way: str
    gap: tuple[float, float, float]
    queries: tuple[str, ...]


def worse(before: Sweep, after: Sweep) -> Sequence[Lost]:
    """Ways in both whose questions, paired, lose more than chance explains."""
    if before.stand_ins != after.stand_ins:
        raise WrongUseError("one sweep is of stand-ins and one of real vectors: they cannot be compared")
    known = {(one.kind, one.way): one.by_query for one in before.results}
    found = []
    for one in after.results:
        old = known.get((one.kind, one.way), {})
        gaps = {name: one.by_query[name] - old[name] for name in old if name in one.by_query}
        gap = stats.difference([(old[name], one.by_query[name]) for name in gaps])
        if gap[2] < 0:
            lost = sorted((name for name, by in gaps.items() if by < 0), key=lambda name: gaps[name])
            found.append(Lost(kind=one.kind, way=one.way, gap=gap, queries=tuple(lost)))
    return found


def read(file: Path) -> Sweep:
    """One that was kept with `--json`."""
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return Sweep.model_validate({name: said[name] for name in Sweep.model_fields})
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        what = wrong.strerror if isinstance(wrong, OSError) else "it is no sweep"
        raise WrongUseError(f"{file}: {what}: give what `concierge eval retrieval --json` printed") from None


def _once(shown: Sequence[int], wanted: Sequence[int]) -> Sequence[int]:
    """Grades, each taken from what there is to find: what is found again is worth nothing."""
    left = sum(wanted)
    kept = []
    for one in shown:
        kept.append(min(one, left))
        left -= kept[-1]
    return kept


def _gain(worth: int, place: int) -> float:
    return float(2**worth - 1) / log2(place + 2)
