"""What a load is: how many messages a second when, who sends them, what they ask, and what must hold.

One TOML file each in `scenarios/`; the texts are in `data/prompts.toml`. Nothing here sends anything.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from contract.base import Shape
from contract.runtime_settings import RoutingSettings
from loadtests import documents
from loadtests.documents import DocumentError

FOLDER = Path(__file__).with_name("scenarios")
PROMPTS = Path(__file__).with_name("data") / "prompts.toml"

Kind = Literal["simple", "complex"]


class Stage(Shape):
    """A stretch of time with one rate, or with one that climbs or falls evenly."""

    name: str = ""
    for_s: float = Field(gt=0, le=86_400, description="how long it lasts, in seconds")
    rate: float = Field(ge=0, le=100_000, description="messages a second, at its end if it began elsewhere")
    from_rate: float | None = Field(
        None, ge=0, le=100_000, description="messages a second at its beginning; none: `rate` throughout"
    )

    @property
    def first_rate(self) -> float:
        """Messages a second when the stage begins."""
        return self.rate if self.from_rate is None else self.from_rate

    @property
    def messages(self) -> float:
        """How many are expected in it."""
        return self.for_s * (self.first_rate + self.rate) / 2


class Mix(Shape):
    """Shares of the two kinds of prompts."""

    simple: float = Field(0.6, ge=0, le=1)
    complex: float = Field(0.4, ge=0, le=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if abs(self.simple + self.complex - 1) > 1e-9:
            raise ValueError(f"shares make {self.simple + self.complex:g}: they must make 1")
        return self


class Limits(Shape):
    """What a person would call a good answer; goodput is the share of messages that got one."""

    first_token_ms: float = Field(2_500, gt=0)
    end_to_end_ms: float = Field(8_000, gt=0)


class Gates(Shape):
    """Beyond these a run has failed."""

    failed_share: float = Field(0.01, ge=0, le=1, description="messages without an answer")
    first_token_p95_ms: float = Field(2_500, gt=0, description="95 of 100 answers begin within")
    sequence_gaps: int = Field(0, ge=0, description="frames that did not follow the one before")


class Scenario(Shape):
    """One load, and when a run of it counts and passes."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="what reports call it, such as prime-day")
    users: int = Field(
        gt=0, le=100_000, description="people with an open socket, each with one message at a time"
    )
    arrivals: Literal["poisson", "exact"] = Field(
        "poisson", description="moments by chance, as people come, or evenly spread"
    )
    answer_within_s: float = Field(30.0, gt=0, description="a message without its end by then has failed")
    lag_limit_ms: float = Field(
        100.0,
        gt=0,
        description="a generator later than this in 1 of 100 moments measured itself: run invalid",
    )
    mix: Mix = Mix()
    good: Limits = Limits()
    gates: Gates = Gates()
    stages: tuple[Stage, ...] = Field(description="[[stages]] with for_s and rate, in order")

    @model_validator(mode="after")
    def _has_messages(self) -> Self:
        if self.messages < 1:
            raise ValueError("stages: send no message at all: give one of them a rate")
        return self

    @property
    def length_s(self) -> float:
        """From the first moment to the last."""
        return sum(stage.for_s for stage in self.stages)

    @property
    def messages(self) -> float:
        """How many are expected in all."""
        return sum(stage.messages for stage in self.stages)

    def lasting(self, seconds: float) -> Self:
        """The same story at the same rates, stretched or shrunk to another length."""
        if not seconds > 0:
            raise DocumentError(f"length {seconds:g}: must be a number of seconds above 0")
        scale = seconds / self.length_s
        stages = tuple(stage.model_copy(update={"for_s": stage.for_s * scale}) for stage in self.stages)
        return self.model_copy(update={"stages": stages})


class Prompts(Shape):
    """What people ask. The runtime routes by length (RUN-4), so the kinds are told apart by it."""

    simple: tuple[str, ...] = Field(description="short questions")
    complex: tuple[str, ...] = Field(description="longer ones")

    @field_validator("simple")
    @classmethod
    def _short(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            if not 1 <= len(text.split()) <= _SIMPLE_WORDS:
                raise ValueError(
                    f"{text!r} must have 1 to {_SIMPLE_WORDS} words: shorten it, or call it complex"
                )
        return texts

    @field_validator("complex")
    @classmethod
    def _long(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            if len(text.split()) <= _SIMPLE_WORDS:
                raise ValueError(f"{text!r} needs over {_SIMPLE_WORDS} words: lengthen it, or call it simple")
        return texts

    @field_validator("simple", "complex")
    @classmethod
    def _some(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        if not texts:
            raise ValueError("is empty: write at least one text")
        return texts

    def of(self, kind: Kind) -> tuple[str, ...]:
        """The texts of one kind."""
        return self.simple if kind == "simple" else self.complex


_SIMPLE_WORDS = RoutingSettings().simple_words


def known() -> tuple[str, ...]:
    """Names of the scenarios that have a file here."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def load(name: str) -> Scenario:
    """A scenario by its name, or by the path of a TOML file."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise DocumentError(
            f"scenario {name!r}: there is no such file; name one of {', '.join(known())}, or a .toml file"
        )
    return documents.read(path, Scenario)


def prompts(path: Path = PROMPTS) -> Prompts:
    """What people ask."""
    return documents.read(path, Prompts)
