"""What a conversation works with beside the models. Each part may be missing: then it is answered without.

On a person's own machine, or where a stack does not deploy something, a part is simply not there. One that is
there and does not answer is its own business: a message never fails for it.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from contract.base import Shape
from contract.frames import Action, Card, Source
from contract.tiers import Tier
from runtime.agents.crew import Crew
from runtime.answer.gather import Gather
from runtime.caches import Answers, Codec
from runtime.experiment import Trial
from runtime.limits import Limits, Shedding
from runtime.measures import Measures
from runtime.sessions.sessions import Sessions
from runtime.tracing import Stages
from runtime.understand.intent import Classify
from runtime.vault.vault import Vault


class Shelved(Shape):
    """An answer as a cache keeps it: everything that does not depend on who asks."""

    tier: Tier
    text: str
    cards: tuple[Card, ...] = ()
    actions: tuple[Action, ...] = ()
    sources: tuple[Source, ...] = ()


# Another number makes every answer of before a miss.
CODEC: Codec[Shelved] = Codec(1, lambda kept: kept.model_dump_json().encode(), Shelved.model_validate_json)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """None: it is not there."""

    limits: Limits | None = None
    shedding: Shedding | None = None
    sessions: Sessions | None = None
    gather: Gather | None = None
    classify: Classify | None = None
    answers: Answers[Shelved] | None = None
    stages: Stages | None = None
    measures: Measures | None = None
    trial: Trial | None = None
    crew: Crew | None = None
    vault: Vault | None = None

    def stage(self, name: str) -> AbstractContextManager[Any]:
        """Surrounds a stage: one span and one metric."""
        return self.stages.stage(name) if self.stages is not None else nullcontext()
