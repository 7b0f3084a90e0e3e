"""A small intent classifier: softmax regression over words, pairs of words and pieces of words.

It learns from `utterances.tsv` which of them speak for which intent, in any language it has seen.
Deterministic: the same utterances give the same weights.
"""

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from contract.intents import Intent

FILE = Path(__file__).with_name("utterances.tsv")
LABELS = tuple(intent.value for intent in Intent)
_DIMS = 8_192
_WORD, _PAIR, _PIECE = 1.5, 1.0, 0.5
_PIECES = (2, 3, 4, 5)  # letters
_STEPS, _RATE, _DECAY = 300, 8.0, 1e-4
_SHARPNESS = 2.0  # of the scores: a model this small is otherwise too modest
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Utterance:
    """What somebody said, and what they wanted."""

    label: str
    text: str


@dataclass(frozen=True)
class Classifier:
    """Trained weights, and how rare each feature was."""

    weights: Floats
    rarity: Mapping[str, float]

    def scores(self, texts: Sequence[str]) -> Floats:
        """One row a text, one column a label; each row adds up to 1."""
        return _softmax(np.float32(_SHARPNESS) * _rows(texts, self.rarity) @ self.weights)

    def label(self, text: str) -> str:
        return LABELS[int(self.scores([text])[0].argmax())]


def utterances(file: Path = FILE) -> list[Utterance]:
    """The labelled file, checked."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [Utterance(*row) for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)]
    if unknown := {row.label for row in rows} - set(LABELS):
        raise ValueError(f"no such intent: {', '.join(sorted(unknown))}")
    return rows


def train(rows: Sequence[Utterance]) -> Classifier:
    """By gradient descent over all at once, on how alike the utterances are: fewer numbers than features."""
    seen = Counter(feature for row in rows for feature in _features(row.text))
    rarity = {feature: log((len(rows) + 1) / (count + 0.5)) for feature, count in seen.items()}
    inputs = _rows([row.text for row in rows], rarity)
    alike = inputs @ inputs.T
    wanted = np.zeros((len(rows), len(LABELS)), np.float32)
    wanted[np.arange(len(rows)), [LABELS.index(row.label) for row in rows]] = 1
    shares: Floats = np.zeros_like(wanted)
    for _ in range(_STEPS):
        error = (_softmax(alike @ shares) - wanted) / np.float32(len(rows))
        shares -= np.float32(_RATE) * (error + np.float32(_DECAY) * shares)
    return Classifier(inputs.T @ shares, rarity)


@cache
def trained() -> Classifier:
    """On the whole file."""
    return train(utterances())


def split(rows: Sequence[Utterance], held_out: float, seed: int) -> tuple[list[Utterance], list[Utterance]]:
    """(to learn from, to be asked), the same share of every label in both."""
    random = Random(seed)  # noqa: S311 - repeatable
    learn: list[Utterance] = []
    ask: list[Utterance] = []
    for label in LABELS:
        mine = [row for row in rows if row.label == label]
        random.shuffle(mine)
        count = round(len(mine) * held_out)
        ask += mine[:count]
        learn += mine[count:]
    return learn, ask


def accuracy(model: Classifier, rows: Sequence[Utterance]) -> float:
    """Share of utterances that get their own label."""
    best = model.scores([row.text for row in rows]).argmax(axis=1)
    right = sum(LABELS[int(n)] == row.label for n, row in zip(best, rows, strict=True))
    return right / len(rows)


def _features(text: str) -> Counter[str]:
    """Numbers and ids are all alike: what they are says nothing of what is wanted."""
    plain = re.sub(r"\b(?=\w*\d)\w[\w-]{4,}\b", " _id_ ", text.lower())
    words = re.findall(r"\w+", re.sub(r"\d+", " _n_ ", plain))
    found: Counter[str] = Counter()
    for word in words:
        found[f"w:{word}"] += _WORD  # type: ignore[assignment]
        edged = f"^{word}$"
        for length in _PIECES:
            for start in range(len(edged) - length + 1):
                found[f"p:{edged[start : start + length]}"] += _PIECE  # type: ignore[assignment]
    for first, second in zip(["^", *words], [*words, "$"], strict=True):
        found[f"b:{first} {second}"] += _PAIR  # type: ignore[assignment]
    return found


def _rows(texts: Sequence[str], rarity: Mapping[str, float]) -> Floats:
    """Unit vectors of hashed features, the rare ones longer."""
    rows = np.zeros((len(texts), _DIMS), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for feature, count in _features(text).items():
            if (weight := rarity.get(feature)) is not None:
                place = crc32(feature.encode())
                row[place % _DIMS] += count * weight * (1 if place >> 31 else -1)
    made: Floats = rows / (np.linalg.norm(rows, axis=1, keepdims=True) + np.float32(1e-9))
    return made


def _softmax(values: NDArray[Any]) -> Floats:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    made: Floats = raised / raised.sum(axis=1, keepdims=True)
    return made
