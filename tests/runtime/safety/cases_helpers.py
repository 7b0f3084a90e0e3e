"""Cases as data, in two halves by their hash: one to write rules with, one that shows what they are worth."""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

Half = Literal["open", "kept"]
HALVES: tuple[Half, ...] = ("open", "kept")
CASES = Path(__file__).with_name("cases")


def half(seed: str) -> Half:
    """Where a case belongs; all forms of one line to the same half."""
    return HALVES[hashlib.sha256(seed.encode()).digest()[0] % 2]


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"))


class Case(NamedTuple):
    """A text, whether something is to be found in it, and in which way it is read."""

    seed: str
    text: str
    positive: bool
    where: Any = "said"


@dataclass(frozen=True)
class Score:
    """What a check made of the cases of one half."""

    positives: int
    negatives: int
    missed: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / max(1, self.positives)

    @property
    def precision(self) -> float:
        found = self.positives - len(self.missed)
        return found / max(1, found + len(self.wrong))

    @property
    def false_share(self) -> float:
        """Of what should have passed, how much did not."""
        return len(self.wrong) / max(1, self.negatives)


def score(cases: Iterable[Case], finds: Callable[[Case], bool], which: Half) -> Score:
    mine = [case for case in cases if half(case.seed) == which]
    found = {case: finds(case) for case in mine}
    return Score(
        sum(case.positive for case in mine),
        sum(not case.positive for case in mine),
        tuple(case.text for case in mine if case.positive and not found[case]),
        tuple(case.text for case in mine if not case.positive and found[case]),
    )


def injection() -> Iterator[Case]:
    """Every line as a message and inside a product; what is planted in products only there."""
    data = read("injection")
    for kind, positive in (("attempts", True), ("benign", False)):
        for language, lines in data[kind].items():
            yield from _both(lines, data["products"][language], positive=positive)
    for language, lines in data["planted"].items():
        frames = data["products"][language]
        yield from (
            Case(line, frame.replace("{}", line), True, "found") for line in lines for frame in frames
        )
    for language, frames in data["products"].items():
        yield from (
            Case(f"{language}{n}", frame.replace("{}", ""), False, "found") for n, frame in enumerate(frames)
        )


def _both(lines: Sequence[str], frames: Sequence[str], *, positive: bool) -> Iterator[Case]:
    for number, line in enumerate(lines):
        yield Case(line, line, positive)
        yield Case(line, frames[number % len(frames)].replace("{}", line), positive, "found")
