"""The report of a rehearsal: one HTML file that needs nothing else, and the same facts as JSON.

What is on the page is `report_page`'s; here are the facts, and both files are written whole or not at all.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from contract.errors import DONE, FAILED, InconclusiveError
from loadtests.samples import summary
from rehearsal import lessons, live, scenes
from rehearsal.played import Result

WORDS = {DONE: "survived", FAILED: "not survived"}
FILE, DATA = "report.html", "report.json"
FORMAT = 2


class ReportError(InconclusiveError):
    """The report cannot be written."""


def headline(result: Result) -> str:
    """The verdict in a few words."""
    return f"{result.story.title}: {WORDS.get(result.exit_code, 'inconclusive')}"


def write(result: Result, compared: Mapping[str, Any] | None = None) -> Path:
    """report.html and report.json in the run's folder; the page's path. `compared`: facts of the same event
    without its protection."""
    from rehearsal import report_page  # with it everything that draws: only where there is something to draw

    facts = as_json(result)
    page = report_page.html(facts, report_page.pictures(result), compared)
    _replace(
        {
            result.folder / DATA: json.dumps({**facts, "compared": compared}, indent=2),
            result.folder / FILE: page,
        }
    )
    return result.folder / FILE


def _replace(files: Mapping[Path, str]) -> None:
    """Writes all of them beside their places, then moves them there."""
    drafts = {path: path.with_name(f".{path.name}.draft") for path in files}
    try:
        for path, text in files.items():
            drafts[path].write_text(text, encoding="utf-8")
        for path, draft in drafts.items():
            draft.replace(path)
    except OSError as refused:
        for draft in drafts.values():
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        where = next(iter(files)).parent
        raise ReportError(
            f"the report cannot be written to {where}: {refused.strerror}: mend that and rehearse again"
        ) from None


def as_json(result: Result) -> dict[str, Any]:
    """Every fact of the page."""
    seen, story = result.evidence, result.story
    spent, each = lessons.cost(seen)
    return {
        "format": FORMAT,
        "story": story.id,
        "headline": headline(result),
        "verdict": WORDS.get(result.exit_code, "inconclusive"),
        "exit_code": result.exit_code,
        "about": story.teller,
        "stack": result.stack,
        "seed": result.options.seed,
        "speed": result.timeline.clock.speed,
        "rate": result.options.rate,
        "length_s": story.length_s,
        "changes": dict(result.options.changes),
        "without": list(result.options.without),
        "gates": [{"gate": gate.name, "held": gate.held, "measured": gate.measured} for gate in result.gates],
        "promises": [{**asdict(one), "kept": one.kept} for one in lessons.promises(seen, story)],
        "alarms": [asdict(one) for one in lessons.alarms(seen, story)],
        "runbooks": [
            asdict(run)
            | {"begun_s": _second(run.mitigated_at, seen.zero), "ended_s": _second(run.ended_at, seen.zero)}
            for run in seen.runbooks
        ],
        "times": [asdict(one) for one in lessons.times(seen, story)],
        "bounds": [asdict(one) for one in lessons.bounds(seen)],
        "cost": {"usd": spent, "usd_a_message": each},
        "machine": asdict(seen.machine),
        "scenes": [
            {"title": scene.title, "at_s": scene.at_s, "end_s": scene.end_s} for scene in story.scenes
        ],
        "faults": [
            {
                "text": scenes.words(stage.fault),
                "at_s": stage.start - seen.zero,
                "end_s": stage.end - seen.zero,
                "hit": stage.hit,
            }
            for stage in seen.stages
        ],
        "load": summary(seen.samples).model_dump(mode="json"),
        "bins": [
            one.model_dump(mode="json") for one in live.bins(seen.samples, seen.zero, story.length_s + 1)
        ],
        "events": [
            {"second": _second(event.at, seen.zero), "kind": event.kind, "text": event.text}
            for event in result.timeline.events
        ],
    }


def _second(at: float | None, zero: float) -> float | None:
    return None if at is None or at < zero else round(at - zero, 1)
