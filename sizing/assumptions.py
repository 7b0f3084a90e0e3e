"""What one message asks of the estate (`data/assumptions.toml`): who answers, tokens, work beside models."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from contract.base import Shape
from contract.intents import Intent
from contract.models import models
from sizing import documents

FILE = documents.DATA / "assumptions.toml"
Share = Annotated[float, Field(ge=0, le=1)]
LARGE, SMALL = "sonnet", "haiku"  # keys of contract/models.toml that the ladder begins with
SLACK = 1e-6


class Conversation(Shape):
    """Messages that belong together, and what a good end is worth."""

    turns: float = Field(ge=1)
    message_every_s: float = Field(gt=0)
    connected_s: float = Field(gt=0)
    resolved_share: float = Field(gt=0, le=1)
    human_usd: float = Field(gt=0)


class Asked(Shape):
    """One intent: how often, and who answers it."""

    share: Share
    own: Share
    light: Share
    simple: Share
    cached: Share

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if self.own + self.light + self.simple > 1 + SLACK:
            raise ValueError("own, light and simple make more than 1")
        return self

    @property
    def complex(self) -> float:
        return max(0.0, 1 - self.own - self.light - self.simple)


class Call(Shape):
    """Tokens of one call to a model; with tools, that is several requests (`rounds`) to it."""

    input: float = Field(gt=0)
    output: float = Field(gt=0)
    rounds: float = Field(1.0, ge=1)


class Work(Shape):
    """What else a message does, in calls, units and bytes of each kind."""

    classify: float = Field(ge=0)
    embed: float = Field(ge=0)
    search: float = Field(ge=0)
    rerank: float = Field(ge=0)
    catalogue: float = Field(ge=0)
    valkey: float = Field(ge=0)
    table_reads: float = Field(ge=0)
    table_writes: float = Field(ge=0)
    log_bytes: float = Field(ge=0)
    frames: float = Field(ge=0)
    bytes_out: float = Field(ge=0)
    bytes_models: float = Field(ge=0)
    guardrail_units: float = Field(ge=0)


class Assumptions(Shape):
    """The whole file."""

    spread: float = Field(ge=1)
    hours: tuple[Annotated[float, Field(ge=0)], ...] = Field(min_length=24, max_length=24)
    conversation: Conversation
    intents: Mapping[Intent, Asked]
    calls: Mapping[str, Call]
    work: Work

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = sum(asked.share for asked in self.intents.values())
        if abs(total - 1) > 1e-3:
            raise ValueError(f"intents: shares make {total:g}: they must make 1")
        if missing := [name for name in (LARGE, SMALL) if name not in self.calls]:
            raise ValueError(f"calls: {missing[0]} is missing")
        if unknown := sorted(set(self.calls) - set(models())):
            raise ValueError(f"calls.{unknown[0]}: is not in contract/models.toml: {', '.join(models())}")
        if not max(self.hours) > 0:
            raise ValueError("hours: are all 0")
        return self

    def calls_of(self, intent: Intent) -> Mapping[str, float]:
        """Model -> calls of a message of this intent: after routing and caches, on a healthy day."""
        asked = self.intents[intent]
        left = 1 - asked.cached
        return {SMALL: asked.light * left, LARGE: (asked.simple + asked.complex) * left}

    @property
    def calls_a_message(self) -> Mapping[str, float]:
        """Model -> calls of an average message."""
        found = dict.fromkeys((SMALL, LARGE), 0.0)
        for intent, asked in self.intents.items():
            for model, calls in self.calls_of(intent).items():
                found[model] += asked.share * calls
        return found


@cache
def usual() -> Assumptions:
    """The file of this checkout."""
    return read(FILE)


def read(path: Path) -> Assumptions:
    """Another such file."""
    return documents.read(path, Assumptions)
