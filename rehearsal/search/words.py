"""Text as the standard analyser cuts it, and BM25 over one field."""

import re
from collections import Counter
from collections.abc import Mapping
from math import log

_TOKEN = re.compile(r"[\u3040-\u309f\u3400-\u9fff]|[\u30a0-\u30ff]+|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_K1, _B = 1.2, 0.75  # OpenSearch's own


def tokens(text: str) -> list[str]:
    """Words in lower case; ideographs and hiragana one by one, katakana by the word."""
    return _TOKEN.findall(text.lower())


class Words:
    """One field of all documents of an index."""

    def __init__(self) -> None:
        self._postings: dict[str, dict[int, int]] = {}
        self._lengths: dict[int, int] = {}
        self._total = 0

    def add(self, number: int, text: str) -> None:
        counts = Counter(tokens(text))
        for word, count in counts.items():
            self._postings.setdefault(word, {})[number] = count
        self._lengths[number] = sum(counts.values())
        self._total += self._lengths[number]

    def remove(self, number: int, text: str) -> None:
        for word in set(tokens(text)):
            self._postings.get(word, {}).pop(number, None)
        self._total -= self._lengths.pop(number, 0)

    def scores(self, text: str, *, every: bool = False) -> Mapping[int, float]:
        """Documents with any of the words, or with every one, and how well they fit."""
        wanted = list(dict.fromkeys(tokens(text)))
        found: Counter[int] = Counter()
        seen: Counter[int] = Counter()
        count, average = len(self._lengths), self._total / max(1, len(self._lengths))
        for word in wanted:
            postings = self._postings.get(word, {})
            rarity = log(1 + (count - len(postings) + 0.5) / (len(postings) + 0.5))
            for number, times in postings.items():
                length = 1 - _B + _B * self._lengths[number] / max(average, 1e-9)
                found[number] += rarity * times / (times + _K1 * length)  # type: ignore[assignment]
                seen[number] += 1
        return {n: score for n, score in found.items() if not every or seen[n] == len(wanted)}
