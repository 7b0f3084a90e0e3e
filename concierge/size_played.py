"""What `concierge size simulate` and `size compare` print."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from concierge.size_fixes import fix
from concierge.size_tables import dollars, share, table

if TYPE_CHECKING:
    from concierge.output import Renderable
    from sizing.case import Case
    from sizing.compare import Row
    from sizing.simulate import Simulated

QUANTILES = (0.50, 0.95, 0.99)


def simulated_facts(found: "Simulated", case: "Case") -> dict[str, Any]:
    """As a document."""
    return {
        "seed": found.seed,
        "messages": round(found.messages),
        "unsent": round(found.unsent),
        "followed": len(found.seen.at),
        "answered_by": found.answered,
        "first_text_s": {f"p{q * 100:g}": found.quantile("first", q) for q in QUANTILES},
        "whole_answer_s": {f"p{q * 100:g}": found.quantile("whole", q) for q in QUANTILES},
        "throttled": {rung: found.throttled(rung) for rung in sorted({rung for rung, _ in found.seen.calls})},
        "model_usd": found.usd,
        "patch_usd_an_hour": case.patch_usd_an_hour(),
        "tasks": {"first": float(found.flow.tasks[0]), "most": float(found.flow.tasks.max())},
        "bottlenecks": [
            {
                "part": p.name,
                "full_at_s": p.full_at,
                "peak": p.peak,
                "beyond": p.beyond,
                "effect": p.effect,
                "fix": fix(p, found, case),
            }
            for p in found.bottlenecks
        ],
        "breakers": [{"at_s": at, "rung": rung, "state": state} for at, rung, state in found.seen.opened],
    }


def simulated(found: "Simulated", case: "Case") -> "Sequence[Renderable]":
    """On a page."""
    parts = table(">full from", "part", ">peak use", ">beyond it", "that is", "what fixes it")
    for part in found.bottlenecks:
        full = part.full_at or 0.0
        parts.add_row(
            f"{int(full // 60)}:{int(full % 60):02d}",
            part.name,
            f"{part.peak:.0%}",
            share(part.beyond),
            part.effect,
            fix(part, found, case),
        )
    rest = [part for part in found.parts if part.full_at is None]
    people = table("answered by", ">share", ">of its calls throttled")
    for rung, of_all in found.answered.items():
        throttled = found.throttled(rung)
        people.add_row(rung, share(of_all), "" if throttled is None else share(throttled))
    tasks = found.flow.tasks
    lines = [
        f"{found.messages:,.0f} came, {found.unsent:,.0f} could not; followed {len(found.seen.at):,}",
        _times(found),
        f"models: {dollars(found.usd)}; chat tasks {tasks[0]:,.0f} at first, {tasks.max():,.0f} at most",
    ]
    usd, unknown = case.patch_usd_an_hour()
    lines.append(
        f"the patch (size capacity) stands for {dollars(usd)} an hour more"
        + (f"; not counted: {'; '.join(unknown)}" if unknown else "")
    )
    head = (
        f"first bottleneck: {found.bottlenecks[0].name}"
        if found.bottlenecks
        else "no bottleneck: everything carried it"
    )
    spare = ", ".join(f"{part.name} {part.peak:.0%}" for part in sorted(rest, key=lambda part: -part.peak))
    shown: list[Renderable] = [head, *([parts] if found.bottlenecks else []), people, "\n".join(lines)]
    return [*shown, f"never full: {spare}"] if spare else shown


def _times(found: "Simulated") -> str:
    told = []
    for title, what in (("first text", "first"), ("whole answer", "whole")):
        values = [found.quantile(what, q) for q in QUANTILES]
        if None not in values:
            told.append(
                f"{title} "
                + ", ".join(f"p{q * 100:g} {v:.2f} s" for q, v in zip(QUANTILES, values, strict=True))
            )
    return "; ".join(told) or "nobody got an answer"


# -- compare -----------------------------------------------------------------------------------------------


def compared_facts(rows: "Sequence[Row]") -> dict[str, Any]:
    """As a document."""
    from sizing.compare import whole

    return {
        "hold_in_every_figure": sorted(whole(rows)),
        "rows": [
            {
                "rehearsal": row.rehearsal,
                "what": row.what,
                "measured": row.measured,
                "simulated": row.simulated,
                "low": row.low,
                "high": row.high,
                "least_of_a_run": row.least,
                "most_of_a_run": row.most,
                "holds": row.holds,
            }
            for row in rows
        ],
    }


def compared(rows: "Sequence[Row]") -> "Sequence[Renderable]":
    """On a page."""
    found = table(
        "rehearsal", "figure", ">measured", ">simulated", ">at least", ">at most", ">single runs", ""
    )
    last = ""
    for row in rows:
        figures = (row.measured, row.simulated, row.low, row.high, row.least, row.most)
        *shown, least, most = [share(value) if row.is_share else f"{value:,.0f}" for value in figures]
        found.add_row(
            row.rehearsal if row.rehearsal != last else "",
            row.what,
            *shown,
            f"{least} to {most}",
            "" if row.holds else "OUTSIDE",
        )
        last = row.rehearsal
    return [_verdict(rows), found]


def _verdict(rows: "Sequence[Row]") -> str:
    from sizing.compare import ENOUGH, whole

    rehearsals = len({row.rehearsal for row in rows})
    return (
        f"{len(whole(rows))} of {rehearsals} rehearsals hold in every figure (at least {ENOUGH} must); "
        f"{sum(row.holds for row in rows)} of {len(rows)} figures hold"
    )
