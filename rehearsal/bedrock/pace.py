"""How long a call takes: first text, gaps, refusals. Drawn from a seed, data in `pace.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path
from random import Random
from typing import Literal, Self

from pydantic import Field, model_validator

from contract.base import Shape
from contract.models import models

Quick = Literal["embed", "guardrail", "count"]


class ModelPace(Shape):
    """One model's medians in seconds."""

    first_token_s: float = Field(gt=0)
    total_s: float = Field(gt=0)
    spread: float = Field(ge=0, lt=1)


class RefusedPace(Shape):
    """A refusal is quick: nothing was generated."""

    after_s: float = Field(gt=0)
    spread: float = Field(ge=0, lt=1)


class StreamPace(Shape):
    """Where within the wait for the first text the response opens, and from how many chunks on it is a whole
    answer: what is shorter, as a word to a tool, is over sooner."""

    opens_at: float = Field(gt=0, lt=1)
    whole_chunks: int = Field(gt=0)


class QuickPace(Shape):
    """What needs no model that writes."""

    embed: float = Field(gt=0)
    guardrail: float = Field(gt=0)
    count: float = Field(gt=0)
    spread: float = Field(ge=0, lt=1)


class Paces(Shape):
    """The whole file."""

    refused: RefusedPace
    quick: QuickPace
    stream: StreamPace
    models: Mapping[str, ModelPace]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := models().keys() - self.models.keys():
            raise ValueError(
                f"no pace for {', '.join(sorted(missing))}: add it to rehearsal/bedrock/pace.toml"
            )
        return self


@cache
def paces() -> Paces:
    """The file, checked."""
    return Paces.model_validate(tomllib.loads(Path(__file__).with_name("pace.toml").read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class Pace:
    """One call's times in seconds after its arrival: the response opens, then each chunk is due."""

    opens_s: float
    chunks_s: tuple[float, ...]


def refusal_s(random: Random) -> float:
    """How long a refusal takes."""
    refused = paces().refused
    return _around(random, refused.after_s, refused.spread)


def quick_s(random: Random, what: Quick) -> float:
    """How long one of the quick operations takes."""
    quick = paces().quick
    return _around(random, getattr(quick, what), quick.spread)


def pace(random: Random, model: str, chunks: int) -> Pace:
    """The times of an answer of so many chunks; gaps differ by up to three times, as a model's do."""
    speed = paces().models[model]
    first = _around(random, speed.first_token_s, speed.spread)
    rest = _around(random, speed.total_s - speed.first_token_s, speed.spread)
    rest *= min(1.0, chunks / paces().stream.whole_chunks)
    draw = random.random
    weights = [0.5 + draw() for _ in range(chunks - 1)]
    share = rest / sum(weights) if weights else 0.0
    due, times = first, [first]
    for weight in weights:
        due += weight * share
        times.append(due)
    return Pace(first * paces().stream.opens_at, tuple(times))


def _around(random: Random, median: float, spread: float) -> float:
    return median * exp(random.gauss(0.0, spread))
