"""A model as a judge: its rubric, how far it agrees with people, and whether it still judges as it did.

Its verdicts count only where they agree with a labelled sample beyond chance. It comes after the checks that
a program makes, never in their place. Calling the model is `rehearsal.judging`'s business.
"""

import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from contract.base import Knobs, Shape
from contract.errors import InconclusiveError
from runtime.eval import stats
from runtime.eval.answers import Answer
from runtime.eval.golden import GoldenError, Prompt

LABELLED = Path(__file__).with_name("labelled.yaml")


class Rubric(Knobs):
    """judge.toml"""

    model: str
    least_kappa: float = Field(gt=0, le=1)
    least_steady: float = Field(gt=0, le=1)
    rubric: str = Field(min_length=1)


@cache
def rubric() -> Rubric:
    text = Path(__file__).with_name("judge.toml").read_text(encoding="utf-8")
    return Rubric.model_validate(tomllib.loads(text))


class Sample(Knobs):
    """An answer that people have judged."""

    id: str
    asked: str = Field(min_length=1)
    answered: str = Field(min_length=1)
    known: str = ""
    passes: bool
    why: str = Field(min_length=1, description="what people saw in it")


class _Samples(Knobs):
    samples: tuple[Sample, ...] = Field(strict=False, min_length=1)


@cache
def labelled(file: Path = LABELLED) -> Sequence[Sample]:
    """The sample of this checkout."""
    try:
        return _Samples.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))).samples
    except (OSError, yaml.YAMLError, ValidationError) as wrong:
        raise GoldenError(f"{file.name}: {' '.join(str(wrong).split())[:200]}") from None


class Opinion(Shape):
    """What the judge says of one answer."""

    helpful: int = Field(ge=1, le=5)
    grounded: int = Field(ge=1, le=5)
    tone: int = Field(ge=1, le=5)
    passes: bool
    why: str = ""


# The input schema of the tool by which a judge answers.
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        **{name: {"type": "integer", "minimum": 1, "maximum": 5} for name in ("helpful", "grounded", "tone")},
        "passes": {"type": "boolean"},
        "why": {"type": "string"},
    },
    "required": ["helpful", "grounded", "tone", "passes", "why"],
}
# None: the judge said nothing that can be used.
Judge = Callable[[str], Awaitable[Opinion | None]]


class Calibration(Shape):
    """The judge beside people. `before`: the judge beside itself, the time before; None: the first time."""

    opinions: Mapping[str, bool]
    silent: int
    agreement: float
    kappa: float
    kappa_between: tuple[float, float]
    too_kind: tuple[str, ...]
    too_strict: tuple[str, ...]
    steady: float | None = None

    @property
    def refusal(self) -> str:
        """Why its verdicts are not used; empty where they may be."""
        wanted = rubric()
        if self.kappa < wanted.least_kappa:
            return (
                f"the judge agrees with people in {self.agreement:.0%}, kappa {self.kappa:.2f}: at least "
                f"{wanted.least_kappa:g} is needed, so its verdicts are not used"
            )
        if self.steady is not None and self.steady < wanted.least_steady:
            return f"the judge has drifted: kappa {self.steady:.2f} with its own verdicts of the time before"
        return ""


def question(asked: str, answered: str, known: str = "") -> str:
    """What the judge is shown. Nothing in it can close a tag."""
    parts = {"asked": asked, "answered": answered, "known": known or "nothing was looked up"}
    return "\n".join(f"<{name}>{escape(text, quote=False)}</{name}>" for name, text in parts.items())


def known_of(prompt: Prompt, answer: Answer) -> str:
    """What may be held against an answer: the cards that stand beside it, and what was expected."""
    cards = [
        f"{card.get('asin')} {card.get('title')}: {card.get('price_cents')} cents" for card in answer.cards
    ]
    wanted = prompt.expect.model_dump(mode="json", exclude_defaults=True, exclude={"never", "intent"})
    return "\n".join([*cards, *answer.sources, *(f"{name}: {value}" for name, value in wanted.items())])


async def calibrate(
    judge: Judge, samples: Sequence[Sample], before: Mapping[str, bool] | None = None
) -> Calibration:
    """Asks for an opinion of each. InconclusiveError, if there is none at all."""
    opinions: dict[str, bool] = {}
    for sample in samples:
        opinion = await judge(question(sample.asked, sample.answered, sample.known))
        if opinion is not None:
            opinions[sample.id] = opinion.passes
    judged = [sample for sample in samples if sample.id in opinions]
    if not judged:
        raise InconclusiveError("the judge said nothing that can be used")
    pairs = [(sample.passes, opinions[sample.id]) for sample in judged]
    again = (
        [(before[name], passes) for name, passes in opinions.items() if before and name in before]
        if before
        else []
    )
    return Calibration(
        opinions=opinions,
        silent=len(samples) - len(judged),
        agreement=sum(a == b for a, b in pairs) / len(pairs),
        kappa=stats.kappa(pairs),
        kappa_between=_between(pairs),
        too_kind=tuple(one.id for one in judged if opinions[one.id] and not one.passes),
        too_strict=tuple(one.id for one in judged if one.passes and not opinions[one.id]),
        steady=stats.kappa(again) if again else None,
    )


def _between(pairs: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    """Numbers in place of pairs, for the bootstrap draws numbers."""
    codes = [2.0 * a + b for a, b in pairs]
    return stats.bootstrap(codes, lambda drawn: stats.kappa([(code >= 2, code % 2 == 1) for code in drawn]))
