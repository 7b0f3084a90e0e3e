"""Every fact of a run for programs: `report.json`."""

import json
from typing import Any

from loadtests import knee
from loadtests.gates import DIMENSIONS
from loadtests.histogram import Histogram
from loadtests.run import Run
from loadtests.tally import Cell
from loadtests.verdict import WORDS, judge

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


def text(run: Run) -> str:
    """The document."""
    return json.dumps(of(run), indent=2)


def of(run: Run) -> dict[str, Any]:
    """The document's content."""
    verdict, tally = judge(run), run.tally
    found: dict[str, Any] = {
        "scenario": run.scenario.name,
        "verdict": WORDS[verdict.exit_code],
        "exit_code": verdict.exit_code,
        "doubts": list(verdict.doubts),
        "gates": [{"gate": one.gate.text, "held": one.held, "measured": one.value} for one in verdict.gates],
        "host": run.host,
        "began_at": run.began_at,
        "length_s": run.scenario.length_s,
        "seed": run.seed,
        "planned": run.planned,
        "workers": run.health.workers,
        "switched_off": list(run.switched_off),
        "all": cell_facts(tally.select()),
        "cost_per_resolved_usd": tally.cost_per_resolved,
        "conversations": {"ended": tally.conversations, "resolved": tally.resolved},
        "connections": {"ms": _times(tally.connect), "refused": tally.unconnected.total()},
        "generator_lag_ms": _times(tally.lag),
        "errors": dict(tally.errors.most_common()),
        "slowest": [slow._asdict() for slow in tally.slowest],
        "notes": [note.model_dump(mode="json") for note in run.notes],
    }
    for dimension in DIMENSIONS:
        found[f"by_{dimension}"] = {name: cell_facts(cell) for name, cell in tally.by(dimension).items()}
    if run.scenario.knee:
        where = knee.find(run)
        found["knee"] = {"rate": where.rate, "at_s": where.at_s, "why": where.why}
    return found


def cell_facts(cell: Cell) -> dict[str, Any]:
    """Of some messages."""
    count = max(1, cell.messages)
    return {
        "messages": cell.messages,
        "failed_share": cell.failed / count,
        "goodput": cell.good / count,
        "dropped": cell.dropped,
        "refused": cell.refused,
        "first_token_ms": _times(cell.first_token),
        "end_to_end_ms": _times(cell.end_to_end),
        "chunk_gap_ms": _times(cell.chunk_gap),
        "late_ms": _times(cell.late),
        "stalls": cell.stalls,
        "sequence_gaps": cell.sequence_gaps,
        "ended_twice": cell.ended_twice,
        "corrections": cell.corrections,
        "resends": cell.resends,
        "reconnects": cell.reconnects,
        "text_differs": cell.text_differs,
        "cached": cell.cached,
        "usd_per_message": cell.usd / count,
    }


def _times(times: Histogram) -> dict[str, float | int | None]:
    found = {name: _rounded(times.at(share)) for name, share in _QUANTILES.items()}
    return {"count": times.count, **found, "max": _rounded(times.highest), "mean": _rounded(times.mean)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
