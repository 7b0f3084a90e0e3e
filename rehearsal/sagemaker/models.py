"""What the three models answer. Bodies are those of the containers that would serve them.

intent: Hugging Face's text classification; embed and rerank: Text Embeddings Inference.
"""

import json
from collections.abc import Sequence
from math import exp
from typing import Any

from rehearsal.embedding import embed
from rehearsal.sagemaker import classifier

_DIMS = 1024
_MODEL = "bge-large"
_STEEP = 6.0  # how far apart good and bad candidates score


class UnreadableError(Exception):
    """A body the container cannot read."""


def parse(kind: str, body: bytes) -> tuple[str, list[str]]:
    """(query, texts); only a rerank has a query."""
    try:
        asked = json.loads(body)
        if kind == "rerank":
            query, texts = asked["query"], asked["texts"]
        else:
            inputs = asked["inputs"]
            query, texts = "", inputs if isinstance(inputs, list) else [inputs]
    except (ValueError, KeyError, TypeError) as wrong:
        raise UnreadableError(f"{type(wrong).__name__}: {wrong}") from None
    if not isinstance(query, str) or not texts or not all(isinstance(text, str) for text in texts):
        raise UnreadableError("inputs must be a text or a list of texts")
    return query, texts


def answer(kind: str, query: str, texts: Sequence[str]) -> Any:
    match kind:
        case "intent":
            return [_labels(row) for row in classifier.trained().scores(texts).tolist()]
        case "embed":
            return [[float(value) for value in embed(text, _DIMS, _MODEL)] for text in texts]
        case _:
            return _ranked(query, texts)


def _labels(scores: Sequence[float]) -> list[dict[str, Any]]:
    """All labels, the likeliest first."""
    pairs = sorted(zip(scores, classifier.LABELS, strict=True), reverse=True)
    return [{"label": label, "score": round(score, 6)} for score, label in pairs]


def _ranked(query: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    wanted = embed(query, _DIMS, _MODEL)
    found = [
        {"index": n, "score": 1 / (1 + exp(-_STEEP * (float(wanted @ embed(text, _DIMS, _MODEL)) - 0.3)))}
        for n, text in enumerate(texts)
    ]
    return sorted(found, key=lambda row: (-row["score"], row["index"]))
