"""`concierge metrics`: what a rehearsal's runtime emitted: list it, ask it, hand it to other tools."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from concierge import output

app = typer.Typer(
    no_args_is_help=True,
    help="Metrics of a finished rehearsal: list them, ask them, hand them to Prometheus or OpenTelemetry.",
)
Past = Annotated[
    Path, typer.Argument(metavar="FILE", help="A finished rehearsal's folder, a log of EMF lines, or a .csv.")
]
Period = Annotated[float, typer.Option(min=1.0, help="Seconds of one point.")]


class Format(StrEnum):
    """What other tools read."""

    prometheus = "prometheus"
    otlp = "otlp"


@app.command("list")
def list_(file: Past, json: output.JsonFlag = False) -> None:
    """Every series there is: metric, dimensions, unit and how many values."""
    from dataclasses import asdict

    from rich.table import Table

    from rehearsal import history, queries

    found = history.read(file)
    rows = queries.series(found)
    if json:
        output.document({"begin": found.begin, "end": found.end, "series": [asdict(row) for row in rows]})
        return
    table = Table("namespace", "metric", "dimensions", "unit", "values", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.namespace, row.metric, row.label, row.unit, f"{row.values:,}")
    output.show(table)


@app.command()
def query(
    file: Past,
    metric: Annotated[str, typer.Argument(help="Name of a metric, as `concierge metrics list` shows it.")],
    stat: Annotated[
        str, typer.Option(help="Average, Sum, Minimum, Maximum, SampleCount, p95, PR(:2500).")
    ] = "Average",
    period: Period = 10.0,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="NAME=VALUE", help="Only series with this dimension."),
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """A statistic over time."""
    from dataclasses import asdict

    from rich.table import Table

    from rehearsal import history, queries

    narrowed = _pairs(where or [])
    answers = queries.ask(history.read(file), metric, stat, period, narrowed)
    if json:
        output.document({"answers": [asdict(answer) for answer in answers]})
        return
    table = Table("from", *(answer.series.label for answer in answers), box=None, pad_edge=False)
    for row in zip(*(answer.points for answer in answers), strict=True):
        table.add_row(row[0][0], *("" if value is None else f"{value:,.4g}" for _, value in row))
    output.show(table, f"{metric}, {stat} of {period:g} s")


@app.command()
def export(
    file: Past,
    format_: Annotated[Format, typer.Option("--format", help="OpenMetrics text, or OTLP as JSON.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where it goes.")],
    period: Period = 10.0,
) -> None:
    """For Prometheus (`promtool tsdb create-blocks-from openmetrics`) or an OpenTelemetry collector."""
    from contract.errors import WrongUseError
    from plan.files import write_atomic
    from rehearsal import exports, history

    found = history.read(file)
    text = exports.prometheus(found, period) if format_ is Format.prometheus else exports.otlp(found, period)
    try:
        write_atomic(out, text.encode())
    except OSError as error:
        raise WrongUseError(f"{out} cannot be written: {error.strerror}") from error
    output.note(f"wrote {out}")


def _pairs(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--where")
        found[name] = value
    return found
