"""Two versions on the same prompts: what got better or worse, how sure that is, and with which prompts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contract.errors import DONE, FAILED, INCONCLUSIVE
from runtime.eval import stats
from runtime.eval.answers import Answer
from runtime.eval.checks import DIMENSIONS
from runtime.eval.run import RunError
from runtime.eval.stats import Share
from runtime.eval.verdict import Judged, Verdict, by_dimension, shares

SURE = 0.05  # how likely a change may be chance and still count
# Never by chance: of these one prompt that got worse is enough.
STRICT = ("price true", "never", "refusal", "tools")
Came = Literal["worse", "better", "same"]


@dataclass(frozen=True)
class Changed:
    """One prompt of which a dimension holds in one version and not in the other."""

    dimension: str
    before: Judged
    after: Judged

    @property
    def why(self) -> str:
        """What is wrong with the one that does not hold."""
        found = [
            one for side in (self.after, self.before) for one in side.wrong if one.dimension == self.dimension
        ]
        return found[0].why


@dataclass(frozen=True)
class Moved:
    """One dimension in both versions."""

    dimension: str
    before: Share
    after: Share
    worse: tuple[Changed, ...]
    better: tuple[Changed, ...]

    @property
    def chance(self) -> float:
        return stats.mcnemar(len(self.worse), len(self.better))

    @property
    def came(self) -> Came:
        if self.worse and self.dimension in STRICT:
            return "worse"
        if self.chance > SURE:
            return "same"
        return "worse" if len(self.worse) > len(self.better) else "better"


@dataclass(frozen=True)
class Figure:
    """A figure of every answer: the mean of both versions, and the gap with its interval."""

    name: str
    unit: str
    before: float
    after: float
    gap: tuple[float, float, float]

    @property
    def sure(self) -> bool:
        return self.gap[1] > 0 or self.gap[2] < 0


@dataclass(frozen=True)
class Comparison:
    """The whole of it."""

    before: Verdict
    after: Verdict
    moved: tuple[Moved, ...]
    figures: tuple[Figure, ...]
    doubts: tuple[str, ...]

    @property
    def worse(self) -> Sequence[Moved]:
        return [one for one in self.moved if one.came == "worse"]

    @property
    def exit_code(self) -> int:
        """That of the candidate alone, but for what got worse."""
        if self.worse or self.after.exit_code == FAILED:
            return FAILED
        return INCONCLUSIVE if self.doubts or self.after.exit_code == INCONCLUSIVE else DONE

    @property
    def regressed(self) -> Mapping[str, Sequence[Changed]]:
        """Prompt -> what got worse of it, also where a whole dimension did not."""
        found: dict[str, list[Changed]] = {}
        for moved in self.moved:
            for changed in moved.worse:
                found.setdefault(changed.after.prompt.id, []).append(changed)
        return found


def compare(before: Verdict, after: Verdict) -> Comparison:
    """On the prompts that both were asked."""
    if before.run.about.golden != after.run.about.golden:
        raise RunError("the two runs are of different golden prompts: run the older one again")
    if before.run.about.stand_ins != after.run.about.stand_ins:
        raise RunError("one run is of stand-ins and one of real models: they cannot be compared")
    old, new = ({one.prompt.id: one for one in side.judged} for side in (before, after))
    both = [name for name in old if name in new]
    pairs = [(old[name], new[name]) for name in both]
    left_out = len(old) + len(new) - 2 * len(both)
    doubts = [f"{left_out} prompts were answered by one version alone"] if left_out else []
    return Comparison(before, after, tuple(_moved(pairs)), tuple(_figures(pairs)), tuple(doubts))


def _moved(pairs: Sequence[tuple[Judged, Judged]]) -> list[Moved]:
    before, after = shares([one for one, _ in pairs]), shares([one for _, one in pairs])
    nothing = stats.share(0, 0)
    flips: dict[str, tuple[list[Changed], list[Changed]]] = {name: ([], []) for name in DIMENSIONS}
    for one, other in pairs:
        for dimension, was, is_ in _both(one, other):
            if was != is_:
                flips[dimension][0 if was else 1].append(Changed(dimension, one, other))
    return [
        Moved(name, before.get(name, nothing), after.get(name, nothing), tuple(worse), tuple(better))
        for name, (worse, better) in flips.items()
        if name in before or name in after
    ]


def _both(one: Judged, other: Judged) -> list[tuple[str, bool, bool]]:
    """A dimension that one answer alone shows counts as held in the other: no price is no wrong price."""
    was, is_ = by_dimension(one.findings), by_dimension(other.findings)
    return [
        (name, was.get(name, True), is_.get(name, True)) for name in DIMENSIONS if name in was or name in is_
    ]


_FIGURES: Mapping[str, tuple[str, Callable[[Answer], float]]] = {
    "cost": ("m$", lambda answer: answer.usd * 1_000),
    "tokens": ("", lambda answer: float(answer.tokens)),
    "first text": ("s", lambda answer: answer.first_s or 0.0),
    "whole answer": ("s", lambda answer: answer.took_s),
    "letters": ("", lambda answer: float(len(answer.text))),
}


def _figures(pairs: Sequence[tuple[Judged, Judged]]) -> list[Figure]:
    both = [(one.answer, other.answer) for one, other in pairs if one.answer.final and other.answer.final]
    found = []
    for name, (unit, of) in _FIGURES.items():
        values = [(of(one), of(other)) for one, other in both]
        count = max(1, len(values))
        before, after = sum(v for v, _ in values) / count, sum(v for _, v in values) / count
        found.append(Figure(name, unit, before, after, stats.difference(values)))
    return found
