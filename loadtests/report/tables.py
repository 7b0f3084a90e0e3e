"""A run as tables for a spreadsheet: one line a stretch of time, and one line a group of messages."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any

from loadtests import profile
from loadtests.gates import DIMENSIONS
from loadtests.run import Run
from loadtests.tally import Cell

_FIGURES = (
    "messages", "failed", "dropped", "good",
    "first_token_p50_ms", "first_token_p95_ms", "first_token_p99_ms",
    "end_to_end_p50_ms", "end_to_end_p95_ms", "end_to_end_p99_ms",
    "chunk_gap_p99_ms", "stalls", "sequence_gaps", "corrections", "resends", "usd",
)  # fmt: skip


def intervals(run: Run) -> str:
    """Over time."""
    tally, by_bin = run.tally, run.tally.by("bin")
    rows = []
    for number in range(max(by_bin, default=-1) + 1):
        begin = number * tally.bin_s
        due = profile.expected(run.scenario.segments, begin, begin + tally.bin_s)
        stage = profile.stage_at(run.scenario.segments, begin)
        ended = tally.done[number]
        rows.append([f"{begin:.3f}", stage, f"{due:.2f}", ended, *_figures(by_bin.get(number, Cell()))])
    return _csv(["begin_s", "stage", "due", "ended", *_FIGURES], rows)


def groups(run: Run) -> str:
    """By tier, intent, persona, way in and stage."""
    rows = [
        [dimension, value, *_figures(cell)]
        for dimension in DIMENSIONS
        for value, cell in run.tally.by(dimension).items()
    ]
    return _csv(["dimension", "value", *_FIGURES], [["all", "", *_figures(run.tally.select())], *rows])


def _figures(cell: Cell) -> list[Any]:
    times = [
        _number(getattr(cell, measure).at(share))
        for measure in ("first_token", "end_to_end")
        for share in (0.5, 0.95, 0.99)
    ]
    return [
        *(cell.messages, cell.failed, cell.dropped, cell.good),
        *times,
        *(_number(cell.chunk_gap.at(0.99)), cell.stalls, cell.sequence_gaps),
        *(cell.corrections, cell.resends, f"{cell.usd:.6f}"),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()
