"""What a run is worth: findings by dimension and intent, with intervals, held against thresholds."""

import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field

from contract.base import Knobs
from contract.errors import DONE, FAILED, INCONCLUSIVE
from runtime.eval import stats
from runtime.eval.answers import Answer
from runtime.eval.checks import DIMENSIONS, Finding, judge
from runtime.eval.golden import Prompt, digest
from runtime.eval.run import About, Run, RunError
from runtime.eval.stats import Share
from runtime.eval.truth import Truth

Came = Literal["held", "in doubt", "failed"]
WORDS = {DONE: "may be released", FAILED: "must not be released", INCONCLUSIVE: "not decided"}


class Thresholds(Knobs):
    """thresholds.toml: dimension -> least share."""

    bedrock: Mapping[str, float]
    stand_ins: Mapping[str, float] = Field(alias="stand-ins")


@cache
def thresholds() -> Thresholds:
    text = Path(__file__).with_name("thresholds.toml").read_text(encoding="utf-8")
    found = Thresholds.model_validate(tomllib.loads(text))
    for table in (found.bedrock, found.stand_ins):
        if wrong := set(DIMENSIONS) ^ table.keys():
            raise ValueError(f"thresholds.toml: {min(wrong)}: name every dimension once and no other")
    return found


def words(exit_code: int, about: About) -> str:
    """What a verdict is called. Stand-ins can speak against a release, and never for one."""
    if exit_code == DONE and about.stand_ins:
        return "nothing speaks against a release"
    return WORDS[exit_code]


@dataclass(frozen=True)
class Judged:
    """One prompt with its answer and what was found."""

    prompt: Prompt
    answer: Answer
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if not finding.held)

    @property
    def held(self) -> bool:
        return not self.wrong


@dataclass(frozen=True)
class Gate:
    """One dimension against its threshold."""

    dimension: str
    share: Share
    least: float

    @property
    def came(self) -> Came:
        if self.share.value >= self.least:
            return "held"
        return "failed" if self.share.high < self.least else "in doubt"


@dataclass(frozen=True)
class Verdict:
    """All of one run. `doubts`: why it says less than it should."""

    run: Run
    judged: tuple[Judged, ...]
    gates: tuple[Gate, ...]
    doubts: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        came = {gate.came for gate in self.gates}
        if "failed" in came:
            return FAILED
        return INCONCLUSIVE if self.doubts or "in doubt" in came else DONE

    @property
    def good(self) -> Share:
        """Prompts of which every finding held."""
        return stats.share(sum(one.held for one in self.judged), len(self.judged))

    def by_intent(self) -> Mapping[str, Share]:
        """The same for each intent, and for the edges together."""
        groups: dict[str, list[bool]] = defaultdict(list)
        for one in self.judged:
            groups[one.prompt.intent if one.prompt.group == "usual" else "edge"].append(one.held)
        return {name: stats.share(sum(held), len(held)) for name, held in groups.items()}


def verdict(prompts: Sequence[Prompt], run: Run, truth: Truth) -> Verdict:
    """`prompts`: those that the run was about."""
    known = {prompt.id for prompt in prompts}
    if strange := [name for name in run.answers if name not in known]:
        raise RunError(f"the run answers {strange[0]}, which is no golden prompt now: run again")
    judged = [
        Judged(prompt, run.answers[prompt.id], judge(prompt, run.answers[prompt.id], truth))
        for prompt in prompts
        if prompt.id in run.answers
    ]
    least = thresholds().stand_ins if run.about.stand_ins else thresholds().bedrock
    doubts = _doubts(run, judged)
    gates = tuple(Gate(name, found, least[name]) for name, found in shares(judged).items())
    return Verdict(run, tuple(judged), gates, tuple(doubts))


def shares(judged: Sequence[Judged]) -> Mapping[str, Share]:
    """By dimension, of those that were looked at. A prompt counts once: it holds if all its findings do."""
    counts: dict[str, list[bool]] = defaultdict(list)
    for one in judged:
        for dimension, held in by_dimension(one.findings).items():
            counts[dimension].append(held)
    found = {name: counts[name] for name in DIMENSIONS if counts[name]}
    return {name: stats.share(sum(held), len(held)) for name, held in found.items()}


def by_dimension(findings: Sequence[Finding]) -> Mapping[str, bool]:
    """Whether all findings of each dimension held."""
    held: dict[str, bool] = {}
    for finding in findings:
        held[finding.dimension] = held.get(finding.dimension, True) and finding.held
    return held


def _doubts(run: Run, judged: Sequence[Judged]) -> list[str]:
    if not run.whole:
        why = f": {run.stopped}" if run.stopped else ""
        return [f"{len(run.answers)} of {run.about.prompts} prompts were asked{why}"]
    if digest([one.prompt for one in judged]) != run.about.golden:
        return ["what is expected has changed since it was asked"]
    return []
