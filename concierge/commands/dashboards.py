"""`concierge dashboards`: the pages a stack makes in CloudWatch, drawn before anything is deployed."""

from pathlib import Path
from typing import Annotated

import typer

from concierge import output
from concierge.planning import known_plan_of

app = typer.Typer(no_args_is_help=True, help="The pages a stack makes in CloudWatch: list them, draw them.")
Stack = Annotated[str, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.")]


@app.command("list")
def list_(stack: Stack, json: output.JsonFlag = False) -> None:
    """Every page with its widgets."""
    from rich.table import Table

    from rehearsal import dashboards

    found = dashboards.pages(known_plan_of(stack))
    if json:
        output.document({page.name: {"region": page.region, "widgets": len(page.widgets)} for page in found})
        return
    table = Table("page", "region", "widgets", box=None, pad_edge=False)
    for page in found:
        table.add_row(page.name, page.region, str(len(page.widgets)))
    output.show(table)


@app.command()
def render(
    stack: Stack,
    out: Annotated[Path, typer.Option(metavar="FILE.html|png|svg", help="Where the drawing goes.")],
    page: Annotated[
        str | None, typer.Option(metavar="NAME", help="One page, or those that end so: war-room.")
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="A finished rehearsal, for its metrics."),
    ] = None,
) -> None:
    """Draw pages as CloudWatch will show them, with what a rehearsal measured."""
    from rehearsal import dashboard_drawing, dashboards, history

    dashboards.check(out)
    found = history.read(from_) if from_ else None
    chosen = dashboards.pages(known_plan_of(stack), page)
    dashboards.write(chosen, [dashboard_drawing.draw(each, found) for each in chosen], out)
    output.note(f"wrote {out}")
