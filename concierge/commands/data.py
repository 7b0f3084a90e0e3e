"""`concierge data`: whether a file may be trained on, and one made of it that may."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output

if TYPE_CHECKING:
    from training.check import Report
    from training.repair import Repaired

app = typer.Typer(no_args_is_help=True, help="Training data: check a fine-tune file, repair it, split it.")

DataFile = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="JSON lines: prompt and completion, messages, or text and label."),
]


@app.command()
def check(
    file: DataFile,
    held_out: Annotated[
        Path | None, typer.Option(help="What the model is judged by: nothing of it may be in FILE.")
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Hold a file against what Bedrock takes and a model needs; exit code 1: it must not be trained on."""
    from training import check as checking

    report = checking.check(file, held_out, _progress)
    if json:
        output.document(_facts(report))
    else:
        _show(report)
    raise typer.Exit(report.exit_code)


@app.command()
def repair(
    file: DataFile,
    out: Annotated[Path, typer.Argument(help="Where the repaired file goes. Nothing there is overwritten.")],
    split: Annotated[float, typer.Option(help="Share that goes to OUT's .held-out file, to judge by.")] = 0.0,
    json: output.JsonFlag = False,
) -> None:
    """Write a file that may be trained on, and beside it what was left out and why. FILE stays as it is."""
    from training import repair as repairing

    done = repairing.repair(file, out, split=split, listener=_progress)
    if json:
        output.document(_repaired(done))
        return
    print(f"{done.out}: {done.kept:,} examples")
    if done.held_out is not None:
        print(f"{done.held_out}: {done.held:,} examples to judge by")
    for what, count in done.mended.items():
        print(f"mended: {what}: {count:,}")
    for why, count in done.left_out.items():
        print(f"left out: {why}: {count:,} (see {done.rejected})")


def _progress(read: int, size: int, lines: int) -> None:
    output.progress(f"{read / max(1, size):4.0%} of {size / 1e6:,.0f} MB, {lines:,} lines")


def _show(report: "Report") -> None:
    from rich.table import Table
    from rich.text import Text

    shapes = ", ".join(f"{count:,} of {shape}" for shape, count in report.shapes.items()) or "none"
    size = f"{report.bytes / 1e6:,.1f} MB, {report.lines:,} lines"
    print(f"{report.file}: {size}, {report.examples:,} examples ({shapes})")
    usual, most = report.percentile(0.5), report.percentile(0.95)
    print(f"tokens, estimated: p50 {usual:,}, p95 {most:,}, all {report.all_tokens:,}")
    if report.labels:
        print("labels: " + ", ".join(f"{label} {count:,}" for label, count in report.labels.most_common()))
    table = Table("", "problem", "how often", "line", "first of them", box=None, pad_edge=False)
    for one in report.problems.values():
        for number, (line, detail) in enumerate(one.lines):
            head = (
                Text(one.weight, "bold red" if one.weight == "error" else "yellow"),
                one.kind,
                f"{one.count:,}",
            )
            table.add_row(*(head if number == 0 else ("", "", "")), str(line or ""), detail)
    if report.problems:
        output.show(table)
    print(
        "may be trained on"
        if report.exit_code == 0
        else "must not be trained on: concierge data repair mends what can be"
    )


def _facts(report: "Report") -> dict[str, object]:
    return {
        "file": str(report.file),
        "bytes": report.bytes,
        "lines": report.lines,
        "examples": report.examples,
        "shapes": dict(report.shapes),
        "tokens": {"p50": report.percentile(0.5), "p95": report.percentile(0.95), "all": report.all_tokens},
        "labels": dict(report.labels) if report.labels else None,
        "problems": [
            {"kind": one.kind, "weight": one.weight, "count": one.count, "lines": one.lines}
            for one in report.problems.values()
        ],
        "may_be_trained_on": report.exit_code == 0,
    }


def _repaired(done: "Repaired") -> dict[str, object]:
    return {
        "out": str(done.out),
        "held_out": str(done.held_out) if done.held_out else None,
        "rejected": str(done.rejected),
        "kept": done.kept,
        "held": done.held,
        "mended": dict(done.mended),
        "left_out": dict(done.left_out),
    }
