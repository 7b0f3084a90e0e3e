"""How evaluations are told: tables for people, plain data for `--json`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from concierge.output import Renderable
    from runtime.eval.compare import Comparison
    from runtime.eval.golden import Prompt
    from runtime.eval.judge import Calibration, Opinion
    from runtime.eval.retrieval import Lost, Sweep
    from runtime.eval.safety.suite import Suite, Worse
    from runtime.eval.stats import Share
    from runtime.eval.verdict import Judged, Verdict

_COLOURS = {
    "held": "green",
    "failed": "bold red",
    "in doubt": "yellow",
    "worse": "bold red",
    "better": "green",
    "same": "dim",
}
_MOST = 25


def prompts(found: "Sequence[Prompt]") -> "Renderable":
    """Counts by what they were written for."""
    table = _table("intent", "prompts", "Japanese", "other languages", "edge", "with earlier messages")
    groups: dict[str, list[Prompt]] = {}
    for prompt in found:
        groups.setdefault("(edges)" if prompt.group == "edge" else prompt.intent, []).append(prompt)
    for name, of_it in [*groups.items(), ("all", list(found))]:
        langs = Counter(prompt.lang for prompt in of_it)
        edges = sum(prompt.group == "edge" for prompt in of_it)
        before = sum(bool(prompt.before) for prompt in of_it)
        table.add_row(name, *map(str, (len(of_it), langs["ja"], langs["other"], edges, before)))
    return table


def verdict(found: "Verdict") -> "Sequence[Renderable]":
    """Gates, then what is wrong."""
    from rich.text import Text

    table = _table("dimension", "", "held", "share", "95 %", "least")
    for gate in found.gates:
        table.add_row(
            gate.dimension, Text(gate.came, _COLOURS[gate.came]), *_share(gate.share), f"{gate.least:.1%}"
        )
    wrong = [
        f"{one.prompt.id}: {'; '.join(f'{f.dimension}: {f.why}' for f in one.wrong)}"
        for one in found.judged
        if not one.held
    ]
    return [*_head(found, found.exit_code), table, *_list("does not hold", wrong)]


def comparison(found: "Comparison") -> "Sequence[Renderable]":
    """What moved, then the prompts that got worse."""
    from rich.text import Text

    table = _table("dimension", "", "against", "candidate", "worse", "better", "by chance")
    for moved in found.moved:
        table.add_row(
            moved.dimension,
            Text(moved.came, _COLOURS[moved.came]),
            f"{moved.before.value:.1%}",
            f"{moved.after.value:.1%}",
            str(len(moved.worse)),
            str(len(moved.better)),
            f"{moved.chance:.3f}",
        )
    worse = [
        f"{name}: {'; '.join(f'{c.dimension}: {c.why}' for c in changes)}"
        for name, changes in found.regressed.items()
    ]
    return [*_head(found.after, found.exit_code), table, *_list("got worse", worse)]


def judge(
    found: "Calibration", asked: "Sequence[Judged]", opinions: "Mapping[str, Opinion]"
) -> "Sequence[Renderable]":
    """How far the judge agrees, then what it says of a run."""
    from rich.text import Text

    from runtime.eval import stats

    low, high = found.kappa_between
    beside = (
        f"{found.agreement:.0%} of {len(found.opinions)}, kappa {found.kappa:.2f} ({low:.2f} to {high:.2f})"
    )
    steady = "first time" if found.steady is None else f"kappa {found.steady:.2f}"
    lines = [
        f"beside people: {beside}; {found.silent} without a verdict",
        f"beside itself the time before: {steady}",
        f"passes what people do not: {', '.join(found.too_kind) or 'nothing'}",
        f"turns down what people pass: {', '.join(found.too_strict) or 'nothing'}",
    ]
    told: list[Renderable] = [Text("\n".join(lines))]
    if found.refusal:
        return [*told, Text(found.refusal, "bold red")]
    if not asked:
        return told
    table = _table("intent", "passes", "share", "95 %", "helpful", "grounded", "tone")
    groups: dict[str, list[Opinion]] = {}
    for one in asked:
        if one.prompt.id in opinions:
            groups.setdefault(one.prompt.intent, []).append(opinions[one.prompt.id])
    for intent, those in groups.items():
        means = (
            sum(getattr(one, name) for one in those) / len(those) for name in ("helpful", "grounded", "tone")
        )
        passed = stats.share(sum(one.passes for one in those), len(those))
        table.add_row(intent, *_share(passed), *(f"{mean:.1f}" for mean in means))
    return [*told, table]


def retrieval(found: "Sweep", lost: "Sequence[Lost]") -> "Sequence[Renderable]":
    """Quality, time and cost of every way; then which got worse."""
    from rich.text import Text

    from runtime.eval.report import HONEST

    columns = (
        "precision",
        "recall",
        "MRR",
        "nDCG",
        "95 %",
        "p50 ms",
        "p95 ms",
        "tokens read",
        "$ a thousand",
    )
    table = _table("sweep", "way", "chunks", *columns, "found nothing")
    for one in found.results:
        low, high = one.ndcg_between
        figures = (f"{value:.3f}" for value in (one.precision, one.recall, one.mrr, one.ndcg))
        takes = (f"{one.p50_ms:.0f}", f"{one.p95_ms:.0f}", f"{one.tokens:,.0f}", f"{one.usd:.2f}")
        between = f"{low:.3f} to {high:.3f}"
        table.add_row(one.kind, one.way, str(one.chunks), *figures, between, *takes, str(len(one.missed)))
    lines = [
        f"{one.kind}, {one.way}: nDCG {one.gap[0]:+.3f} ({one.gap[1]:+.3f} to {one.gap[2]:+.3f}): "
        f"{', '.join(one.queries)}"
        for one in lost
    ]
    honest = [Text(HONEST, "yellow")] if found.stand_ins else []
    return [*honest, table, *_list("got worse", lines)]


def safety(found: "Suite", worse: "Sequence[Worse]") -> "Sequence[Renderable]":
    """Every table, then what is missed, or what got worse of a version before."""
    from rich.text import Text

    table = _table("table", "part", "", "found", "share", "95 %", "false", "share", "95 %")
    for row in found.rows:
        shares = (*_share(row.found), *(_share(row.false) if row.negatives else ("", "", "")))
        table.add_row(row.table, row.part, Text(row.came, _COLOURS[row.came]), *shares)
    lines = [f"{one.table}, {one.part}: {one.what}: {one.text!r}" for one in worse]
    if lines:
        return [table, *_list("got worse", lines)]
    wrong = [
        f"{row.table}, {row.part}: {what}: {text!r}"
        for row in found.rows
        for what, texts in (("missed", row.missed), ("wrongly found", row.wrong))
        for text in texts
    ]
    return [table, *_list("does not hold", wrong)]


def facts(found: "Verdict") -> Mapping[str, Any]:
    """For `--json`."""
    return {
        **_about(found, found.exit_code),
        "dimensions": {
            gate.dimension: {
                **gate.share._asdict(),
                "share": gate.share.value,
                "least": gate.least,
                "came": gate.came,
            }
            for gate in found.gates
        },
        "intents": {
            name: {**share._asdict(), "share": share.value} for name, share in found.by_intent().items()
        },
        "wrong": {
            one.prompt.id: [{"dimension": f.dimension, "why": f.why} for f in one.wrong]
            for one in found.judged
            if not one.held
        },
    }


def comparison_facts(found: "Comparison") -> Mapping[str, Any]:
    """For `--json`."""
    return {
        **_about(found.after, found.exit_code),
        "against": found.before.run.about.version,
        "dimensions": {
            one.dimension: {
                "came": one.came,
                "before": one.before.value,
                "after": one.after.value,
                "worse": [c.after.prompt.id for c in one.worse],
                "better": [c.after.prompt.id for c in one.better],
                "by_chance": one.chance,
            }
            for one in found.moved
        },
        "figures": {
            one.name: {"before": one.before, "after": one.after, "gap": one.gap} for one in found.figures
        },
        "regressed": {
            name: [
                {
                    "dimension": c.dimension,
                    "why": c.why,
                    "before": c.before.answer.text,
                    "after": c.after.answer.text,
                }
                for c in changes
            ]
            for name, changes in found.regressed.items()
        },
    }


def _about(found: "Verdict", code: int) -> dict[str, Any]:
    from runtime.eval.verdict import words

    about = found.run.about
    return {
        "version": about.version,
        "verdict": words(code, about),
        "stand_ins": about.stand_ins,
        "golden": about.golden,
        "asked": len(found.judged),
        "prompts": about.prompts,
        "usd": found.run.usd,
        "doubts": list(found.doubts),
    }


def _head(found: "Verdict", code: int) -> "Sequence[Renderable]":
    from rich.text import Text

    from runtime.eval.report import HONEST
    from runtime.eval.verdict import words

    lines = [Text(f"{found.run.about.version}: {words(code, found.run.about)}", "bold")]
    lines += [Text(doubt, "yellow") for doubt in found.doubts]
    return [*lines, Text(HONEST, "yellow")] if found.run.about.stand_ins else lines


def _list(title: str, lines: Sequence[str]) -> "Sequence[Renderable]":
    from rich.text import Text

    if not lines:
        return []
    more = [f"and {len(lines) - _MOST} more (all of them: --json)"] if len(lines) > _MOST else []
    return [
        Text("\n".join([f"{title}: {len(lines)}", *(f"  {line[:200]}" for line in lines[:_MOST]), *more]))
    ]


def _share(share: "Share") -> tuple[str, str, str]:
    return f"{share.held} of {share.all}", f"{share.value:.1%}", f"{share.low:.1%} to {share.high:.1%}"


def _table(*columns: str) -> "Table":
    from rich.table import Table

    return Table(*columns, box=None, pad_edge=False)
