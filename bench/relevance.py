"""How good what is found is, on questions labelled by hand: python bench/relevance.py

By vectors, and by vectors and words together; before reranking (of ten) and after it (of three); in English
and Japanese. Embedder and reranker are stand-ins that know letters and no meaning: this shows what our part
loses or gains, and not how good the real models are.
"""

import asyncio
import os
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from contract.runtime_settings import DownstreamSettings, RetrievalSettings
from rehearsal import clients, standins
from rehearsal.processes import Processes
from runtime.places import Places
from runtime.retrieval import Filters
from runtime.retrieval.opening import open_retrieval

REGION = "us-east-1"
PATIENT: Mapping[str, Any] = {"embed_s": 30.0, "search_s": 30.0, "rerank_s": 30.0, "total_s": 90.0}
WAYS: Mapping[str, Mapping[str, Any]] = {"vectors": {}, "hybrid": {"hybrid": True}}
LEAST = 0.8  # of what answers a question is among the three a model reads, the way that is set by default


@dataclass(frozen=True)
class Quality:
    """Means over all questions of a language. Most have one document that answers them."""

    precision: float  # share of questions whose first document answers them
    recall: float  # share of what answers that was found
    first: float  # 1 / place of the first that answers


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, Processes(Path(folder)) as processes:
        more = {"search": ["--corpus"]}
        started = {
            name: standins.start(processes, name, seed=7, speed=3.0, more=more.get(name, ()))
            for name in ("search", standins.BEDROCK, "sagemaker")
        }
        urls = {name: next(iter(standins.ready(process).urls.values())) for name, process in started.items()}
        os.environ |= {
            "AWS_ACCESS_KEY_ID": clients.NOBODY,
            "AWS_SECRET_ACCESS_KEY": clients.NOBODY,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": urls[standins.BEDROCK],
            "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": urls["sagemaker"],
        }
        places = Places(search=urls["search"], rerank_endpoint="concierge-dev-rerank")
        return asyncio.run(_measured(places))


async def _measured(places: Places) -> int:
    print("language  way      kept  precision@1  recall@kept  1/first")
    worst = 1.0
    for way, knobs in WAYS.items():
        for kept, there in (
            (10, Places(search=places.search)),
            (3, Places(search=places.search)),
            (3, places),
        ):
            reranked = "reranked" if there.rerank_endpoint else ""
            settings = RetrievalSettings(**{**PATIENT, **knobs, "kept": kept})
            for language, labelled in questions().items():
                quality = await measure(there, settings, language, labelled)
                print(
                    f"{language:8}  {way:7}  {kept:4}  {quality.precision:11.2f}  {quality.recall:11.2f}  "
                    f"{quality.first:7.2f}  {reranked}"
                )
                if reranked and way == "vectors":
                    worst = min(worst, quality.recall)
    print(f"recall of the three that a model reads, at worst: {worst:.2f} (limit {LEAST})")
    return 0 if worst >= LEAST else 1


def questions() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Language -> question -> ids of the documents that answer it."""
    said = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return {
        language: {text: [f"{name}-{language}" for name in names] for text, names in labelled.items()}
        for language, labelled in said.items()
    }


async def measure(
    places: Places, settings: RetrievalSettings, language: str, labelled: Mapping[str, Sequence[str]]
) -> Quality:
    async with open_retrieval(places, settings, DownstreamSettings(), region=REGION) as parts:
        if parts.retrieval is None:
            raise RuntimeError("search has a place")
        rows = []
        for text, wanted in labelled.items():
            found = await parts.retrieval.find(text, Filters(language=language))
            rows.append(_judged([one.document for one in found.passages], wanted))
    count = len(rows)
    return Quality(*(sum(row[number] for row in rows) / count for number in range(3)))


def _judged(found: Sequence[str], wanted: Sequence[str]) -> tuple[float, float, float]:
    right = [name in wanted for name in found]
    first = right.index(True) + 1 if any(right) else 0
    return float(first == 1), sum(right) / len(wanted), 1 / first if first else 0.0


if __name__ == "__main__":
    sys.exit(main())
