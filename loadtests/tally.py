"""What a run came to, in a form that workers send and a master adds up: nothing is lost by adding, nothing
averaged.

A cell is all messages that were due in one stretch of time and share stage, channel, persona, intent and
tier; any
question is answered by putting cells together. Beside them: what was due and what came to its end when,
connections, conversations, errors in words, the slowest messages.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

from loadtests.histogram import Histogram
from loadtests.samples import Sample
from loadtests.scenario import Limits

SLOWEST = 25
NOBODY = "no answer"
_ERROR_KINDS = 60
_OTHER = "other errors"
TIMES = ("first_token", "end_to_end", "chunk_gap", "late")


class Key(NamedTuple):
    """What the messages of a cell have in common. `bin`: number of the stretch of time they were due in."""

    bin: int
    stage: str
    channel: str
    persona: str
    intent: str
    tier: str


@dataclass(slots=True)
class Cell:
    """Some messages. Counts are of messages, but for gaps, stalls, corrections and the like."""

    messages: int = 0
    failed: int = 0
    dropped: int = 0
    refused: int = 0
    good: int = 0
    sequence_gaps: int = 0
    ended_twice: int = 0
    corrections: int = 0
    resends: int = 0
    reconnects: int = 0
    stalls: int = 0
    text_differs: int = 0
    cached: int = 0
    usd: float = 0.0
    first_token: Histogram = field(default_factory=Histogram)
    end_to_end: Histogram = field(default_factory=Histogram)
    chunk_gap: Histogram = field(default_factory=Histogram)
    late: Histogram = field(default_factory=Histogram)

    def add(self, sample: Sample, limits: Limits) -> None:
        """One more message."""
        self.messages += 1
        self.failed += sample.error is not None
        self.dropped += sample.dropped
        self.refused += sample.refused
        self.good += sample.good(limits)
        self.sequence_gaps += sample.sequence_gaps
        self.ended_twice += sample.finals > 1
        self.corrections += sample.corrections
        self.resends += sample.resends
        self.reconnects += sample.reconnects
        self.stalls += sample.stalls
        self.text_differs += sample.text_differs
        self.cached += sample.cached
        self.usd += sample.usd
        if sample.first_token_ms is not None:
            self.first_token.add(sample.first_token_ms)
        if sample.end_to_end_ms is not None:
            self.end_to_end.add(sample.end_to_end_ms)
        if sample.gap_ms is not None:
            self.chunk_gap.add(sample.gap_ms)
        self.late.add(max(0.0, sample.late_ms))

    def merge(self, other: "Cell", times: int = 1) -> None:
        """All of another's, too, each so many times."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name) * times)
        for name in TIMES:
            mine: Histogram = getattr(self, name)
            mine.merge(getattr(other, name), times)

    def as_data(self) -> dict[str, Any]:
        """For the wire: only what is not 0."""
        found: dict[str, Any] = {name: value for name in _COUNTS if (value := getattr(self, name))}
        return found | {name: value for name in TIMES if (value := getattr(self, name).counts)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Cell":
        """What `as_data` made. Keys of histograms may have become text on the way."""
        made = cls()
        for name, value in data.items():
            setattr(made, name, Histogram(_whole(value)) if name in TIMES else value)
        return made


_COUNTS = tuple(one.name for one in fields(Cell) if one.name not in TIMES)


class Slow(NamedTuple):
    """A message worth looking up. `took_ms` is the time until its end, or until it was given up."""

    took_ms: float
    request_id: str
    at_s: float
    persona: str
    intent: str
    tier: str
    first_token_ms: float | None
    error: str | None


class Tally:
    """Everything of a run, or of a part of it."""

    def __init__(self, limits: Limits, bin_s: float) -> None:
        self.limits = limits
        self.bin_s = bin_s
        self.cells: dict[Key, Cell] = {}
        self.done: Counter[int] = Counter()  # answers by the stretch of time they ended in
        self.connect = Histogram()
        self.unconnected: Counter[int] = Counter()  # by the stretch of time
        self.lag = Histogram()
        self.errors: Counter[str] = Counter()
        self.slowest: list[Slow] = []
        self.conversations = self.resolved = 0
        self._open: dict[int, bool] = {}  # whether all went well so far

    @classmethod
    def of(cls, samples: Iterable[Sample], limits: Limits, bin_s: float) -> "Tally":
        """Of any samples."""
        made = cls(limits, bin_s)
        for sample in samples:
            made.add(sample)
        return made

    def add(self, sample: Sample) -> None:
        """One more message."""
        key = Key(
            int(sample.at_s // self.bin_s),
            sample.stage,
            sample.channel,
            sample.persona,
            sample.intent,
            str(sample.tier) if sample.tier else NOBODY,
        )
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = Cell()
        cell.add(sample, self.limits)
        took_ms = sample.end_to_end_ms
        if took_ms is not None and sample.error is None:
            self.done[int((sample.at_s + took_ms / 1_000) // self.bin_s)] += 1
        if sample.error is not None:
            self._error(sample.error)
        self._slow(sample, key.tier)
        self._converse(sample)

    def merge(self, other: "Tally") -> None:
        """All of another's, too."""
        for key, cell in other.cells.items():
            if (mine := self.cells.get(key)) is None:
                mine = self.cells[key] = Cell()
            mine.merge(cell)
        self.done.update(other.done)
        self.connect.merge(other.connect)
        self.unconnected.update(other.unconnected)
        self.lag.merge(other.lag)
        for error, count in other.errors.items():
            self._error(error, count)
        self.slowest = sorted((*self.slowest, *other.slowest), reverse=True, key=_order)[:SLOWEST]
        self.conversations += other.conversations
        self.resolved += other.resolved

    def select(self, where: Mapping[str, str] | None = None) -> Cell:
        """All messages with these in common: {"tier": "T0", "stage": "plateau"}."""
        return _together(cell for key, cell in self.cells.items() if _is(key, where or {}))

    def by(self, dimension: str, where: Mapping[str, str] | None = None) -> dict[Any, Cell]:
        """The same, apart for each value of a dimension."""
        groups: dict[Any, list[Cell]] = {}
        for key, cell in self.cells.items():
            if _is(key, where or {}):
                groups.setdefault(getattr(key, dimension), []).append(cell)
        return {value: _together(cells) for value, cells in sorted(groups.items())}

    @property
    def cost_per_resolved(self) -> float | None:
        """All dollars by the conversations that came to a good end; None where none did."""
        return self.select().usd / self.resolved if self.resolved else None

    def as_data(self) -> dict[str, Any]:
        """For the wire, and for a file."""
        return {
            "limits": self.limits.model_dump(),
            "bin_s": self.bin_s,
            "cells": [[*key, cell.as_data()] for key, cell in self.cells.items()],
            "done": dict(self.done),
            "connect": self.connect.counts,
            "unconnected": dict(self.unconnected),
            "lag": self.lag.counts,
            "errors": dict(self.errors),
            "slowest": [list(slow) for slow in self.slowest],
            "conversations": self.conversations,
            "resolved": self.resolved,
        }

    def drain(self) -> dict[str, Any]:
        """Everything since the last drain, as data: conversations that are under way stay here."""
        data, under_way = self.as_data(), self._open
        self.__init__(self.limits, self.bin_s)  # type: ignore[misc]
        self._open = under_way
        return data

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Tally":
        """What `as_data` made."""
        made = cls(Limits.model_validate(data["limits"]), data["bin_s"])
        for *key, cell in data["cells"]:
            made.cells[Key(*key)] = Cell.from_data(cell)
        made.done = Counter(_whole(data["done"]))
        made.connect = Histogram(_whole(data["connect"]))
        made.unconnected = Counter(_whole(data["unconnected"]))
        made.lag = Histogram(_whole(data["lag"]))
        made.errors = Counter(data["errors"])
        made.slowest = [Slow(*slow) for slow in data["slowest"]]
        made.conversations, made.resolved = data["conversations"], data["resolved"]
        return made

    def _error(self, words: str, count: int = 1) -> None:
        """By kind, of which there are not endlessly many."""
        known = words in self.errors or len(self.errors) < _ERROR_KINDS
        self.errors[words if known else _OTHER] += count

    def _slow(self, sample: Sample, tier: str) -> None:
        gave_up = (sample.sent_at - sample.intended_at) * 1_000
        took = sample.end_to_end_ms if sample.end_to_end_ms is not None else max(gave_up, 0.0)
        if len(self.slowest) == SLOWEST and took < self.slowest[-1].took_ms:
            return
        whose = (sample.at_s, sample.persona, sample.intent, tier, sample.first_token_ms, sample.error)
        self.slowest.append(Slow(took, sample.request_id, *whose))
        self.slowest.sort(reverse=True, key=_order)
        del self.slowest[SLOWEST:]

    def _converse(self, sample: Sample) -> None:
        """A conversation is resolved when every message of it was answered, and none by a tier without a
        model."""
        if sample.conversation is None:
            return
        well = sample.error is None and sample.tier not in {"T2", "T3"}
        so_far = self._open.pop(sample.conversation, True) and well
        if sample.last:
            self.conversations += 1
            self.resolved += so_far
        else:
            self._open[sample.conversation] = so_far


def _is(key: Key, where: Mapping[str, str]) -> bool:
    return all(getattr(key, dimension) == value for dimension, value in where.items())


def _together(cells: Iterable[Cell]) -> Cell:
    made = Cell()
    for cell in cells:
        made.merge(cell)
    return made


def _whole(data: Mapping[Any, int]) -> dict[int, int]:
    """Numbers that JSON has made texts of."""
    return {int(key): count for key, count in data.items()}


def _order(slow: Slow) -> tuple[float, str]:
    """The slowest first; of equal ones always the same first, whoever adds them up."""
    return slow.took_ms, str(slow)
