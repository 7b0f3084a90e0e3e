"""What became of each message: one JSON line a message, and what a whole run of them says.

Every time is measured from the moment the message was *due*, so that a stalled client or a full pool of users
shows as waiting and not as silence. Pure, but for reading and writing lines.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError

from contract.base import Shape
from contract.errors import InconclusiveError, WrongUseError
from contract.tiers import Tier
from loadtests.arrivals import Arrival
from loadtests.scenario import Limits
from loadtests.transcript import Transcript


class SamplesError(WrongUseError):
    """A file that holds no samples."""


class SamplesLostError(InconclusiveError):
    """A file that could be written at first, and then could not: the lines in it are not all there were."""


class Sample(Shape):
    """One message."""

    request_id: str
    intended_at: float = Field(description="when it was due, seconds since 1970")
    sent_at: float = Field(description="when it was sent, or given up unsent")
    at_s: float = Field(0.0, description="when it was due, seconds after the beginning")
    first_token_ms: float | None = Field(None, description="from due to the first text")
    end_to_end_ms: float | None = Field(None, description="from due to the final frame")
    gap_ms: float | None = Field(None, description="the longest silence between two pieces of text")
    tier: Tier | None = None
    rung: str | None = None
    error: str | None = Field(None, description="why it failed; none: it was answered")
    dropped: bool = Field(False, description="never sent: nobody was free in time")
    refused: bool = Field(False, description="told to come again later")
    sequence_gaps: int = 0
    corrections: int = 0
    finals: int = 0
    stalls: int = 0
    resends: int = 0
    reconnects: int = 0
    text_differs: bool = False
    cached: bool = False
    usd: float = 0.0
    intent: str = ""
    persona: str = ""
    channel: str = ""
    stage: str = ""
    conversation: int | None = None
    last: bool = Field(False, description="the last message of its conversation")
    over_ms: float = Field(0.0, description="from due until nothing more was waited for, however it ended")
    busy_ms: float = Field(0.0, description="since it was due, its conversation waited for the answer before")

    @property
    def late_ms(self) -> float:
        """From due to sent."""
        return (self.sent_at - self.intended_at) * 1_000

    def since_free(self) -> Self:
        """The same, timed from when its customer could send it: due, and no answer under way."""
        if not self.busy_ms:
            return self

        def less(found: float | None) -> float | None:
            return None if found is None else found - self.busy_ms

        changed = {
            "intended_at": self.intended_at + self.busy_ms / 1_000,
            "first_token_ms": less(self.first_token_ms),
            "end_to_end_ms": less(self.end_to_end_ms),
            "over_ms": self.over_ms - self.busy_ms,
            "busy_ms": 0.0,
        }
        return self.model_copy(update=changed)

    def good(self, limits: Limits) -> bool:
        """Whether it was answered in time and in order."""
        return (
            self.error is None
            and self.sequence_gaps == 0
            and _within(self.first_token_ms, limits.first_token_ms)
            and _within(self.end_to_end_ms, limits.end_to_end_ms)
        )

    @property
    def over_at(self) -> float:
        """When it had come to its end, good or bad, seconds since 1970."""
        return self.intended_at + self.over_ms / 1_000

    @classmethod
    def of(cls, seen: Transcript, due: float, epoch: float, arrival: Arrival | None = None) -> Self:
        """From a transcript, when it was due, and what to add to its clock for seconds since 1970."""

        def after_due(at: float | None) -> float | None:
            return None if at is None else round((at - due) * 1_000, 3)

        whose = {} if arrival is None else _whose(arrival)
        return cls(
            request_id=seen.request_id,
            intended_at=round(due + epoch, 6),
            sent_at=round(seen.sent_at + epoch, 6),
            first_token_ms=after_due(seen.first_token_at),
            end_to_end_ms=after_due(seen.ended_at) if seen.finals else None,
            gap_ms=round(seen.longest_gap_s * 1_000, 3) if seen.longest_gap_s else None,
            tier=seen.tier,
            rung=seen.rung,
            error=seen.problem,
            refused=seen.code == "too_many_requests",
            sequence_gaps=seen.sequence_gaps,
            corrections=seen.corrections,
            finals=seen.finals,
            stalls=seen.stalls,
            resends=seen.resends,
            reconnects=seen.reconnects,
            text_differs=seen.text_differs,
            cached=seen.cached,
            usd=seen.usd,
            **whose,
        )


def _whose(arrival: Arrival) -> dict[str, Any]:
    return {
        "at_s": round(arrival.at_s, 6),
        "intent": str(arrival.intent),
        "persona": arrival.person.persona,
        "channel": arrival.person.channel,
        "stage": arrival.stage,
        "conversation": arrival.conversation,
        "last": arrival.last,
    }


class Writer:
    """Appends samples to a new file, each at once, so that others may read along."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")
        except OSError as refused:
            raise SamplesError(f"samples {path}: cannot be written: {refused.strerror}") from None

    def write(self, sample: Sample) -> None:
        """One line. After SamplesLostError there is nothing more to write, nor to close."""
        try:
            self._file.write(sample.model_dump_json() + "\n")
            self._file.flush()
        except OSError as refused:
            with suppress(OSError):  # it tries to write the same line once more
                self._file.close()
            raise self._lost(refused) from None

    def close(self) -> None:
        """No more lines."""
        try:
            self._file.close()
        except OSError as refused:
            raise self._lost(refused) from None

    def _lost(self, refused: OSError) -> SamplesLostError:
        why = f"{refused.strerror}: make room, then run again"
        return SamplesLostError(f"samples {self._path}: cannot be written any more: {why}")


def read(path: Path) -> tuple[Sample, ...]:
    """The samples of a file. A last line without its end is still being written, and left out."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    except OSError as missing:
        raise SamplesError(f"samples {path}: cannot be read: {missing.strerror}") from None
    return tuple(_parse(line, f"{path.name}:{number}") for number, line in enumerate(lines, 1))


def _parse(line: str, place: str) -> Sample:
    try:
        return Sample.model_validate_json(line)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "line"
        raise SamplesError(f"{place}: {key}: {first['msg']}") from None


class Percentiles(Shape):
    """How long it took 50, 95 and 99 of 100."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Self | None:
        """Of those values that there are; None of none."""
        found = sorted(value for value in values if value is not None)
        return cls(p50=_rank(found, 0.50), p95=_rank(found, 0.95), p99=_rank(found, 0.99)) if found else None


class Times(Shape):
    """The answers of one tier, or all."""

    count: int
    first_token_ms: Percentiles | None
    end_to_end_ms: Percentiles | None


class Summary(Shape):
    """What a run came to. Shares are of all messages: one that failed is in every denominator."""

    count: int
    failed_share: float
    goodput: float = Field(description="share answered in time and in order")
    answered: Times
    tiers: Mapping[Tier, Times]
    late_ms: Percentiles | None = Field(description="sent after due")
    sequence_gaps: int
    corrections: int
    ended_twice: int
    errors: Mapping[str, int]


def summary(samples: Sequence[Sample], limits: Limits | None = None) -> Summary:
    """Of any samples, in any order; `limits` say what is good."""
    good = limits or Limits()
    count = len(samples)
    errors = Counter(sample.error for sample in samples if sample.error is not None)
    return Summary(
        count=count,
        failed_share=errors.total() / count if count else 0.0,
        goodput=_count(samples, lambda sample: sample.good(good)) / count if count else 0.0,
        answered=_times([sample for sample in samples if sample.tier is not None]),
        tiers={
            tier: _times(served)
            for tier in Tier
            if (served := [sample for sample in samples if sample.tier is tier])
        },
        late_ms=Percentiles.of(sample.late_ms for sample in samples),
        sequence_gaps=sum(sample.sequence_gaps for sample in samples),
        corrections=sum(sample.corrections for sample in samples),
        ended_twice=_count(samples, lambda sample: sample.finals > 1),
        errors=dict(errors.most_common()),
    )


def _times(samples: Sequence[Sample]) -> Times:
    return Times(
        count=len(samples),
        first_token_ms=Percentiles.of(sample.first_token_ms for sample in samples),
        end_to_end_ms=Percentiles.of(sample.end_to_end_ms for sample in samples),
    )


def _count(samples: Sequence[Sample], holds: Callable[[Sample], bool]) -> int:
    return sum(1 for sample in samples if holds(sample))


def _within(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _rank(ordered: Sequence[float], share: float) -> float:
    """The nearest rank: always a value that was measured."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
