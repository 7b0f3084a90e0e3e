"""How documents come into the search: the queue, and the bulk run that fills it (VEC-4)."""

from typing import Literal, Self

from pydantic import Field, model_validator

from stacks.problems import rule
from stacks.section import Section

LogDays = Literal[1, 3, 7, 14, 30, 60, 90, 180, 365]


class Bulk(Section):
    """The Step Functions run over a whole prefix."""

    enabled: bool = Field(True, description="declare the state machine; a run costs only while it lasts")
    log_days: LogDays = Field(90, description="days the log of failed runs stays in CloudWatch")


class Ingest(Section):
    """The queue between a written document and the ingest service."""

    enabled: bool = Field(True, description="declare the queue and the rule that fills it")
    visible_s: int = Field(
        900,
        ge=30,
        le=43_200,
        description="seconds a worker has for one document before another worker gets it",
    )
    tries: int = Field(
        5, ge=1, le=1000, description="times a document is tried before it lies in the dead-letter queue"
    )
    keep_days: int = Field(7, ge=1, le=14, description="days a document may wait in the queue")
    late_s: int = Field(
        3_600,
        ge=60,
        description="age of the oldest waiting document, in seconds, above which somebody is told",
    )
    backlog: int = Field(10_000, ge=1, description="waiting documents above which somebody is told")
    bulk: Bulk = Bulk()

    @model_validator(mode="after")
    def _sound(self) -> Self:
        whole = self.visible_s * self.tries
        if whole >= self.keep_days * 86_400:
            raise rule(
                "tries",
                f"{self.tries} tries of {self.visible_s} s outlast keep_days: a document would vanish "
                "before it is dead; raise keep_days, or lower tries or visible_s",
            )
        return self
