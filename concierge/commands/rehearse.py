"""`concierge rehearse`: a game day on this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output

if TYPE_CHECKING:
    from rehearsal.gate import Gate


def rehearse(
    story: Annotated[str, typer.Argument(help="Name of a story in rehearsal/stories/.")] = "prime-day",
    stack: Annotated[str | None, typer.Option(help="Stack whose plan is rehearsed; else the story's.")] = None,
    seed: Annotated[int, typer.Option(help="Moments, texts and latencies follow from it.")] = 7,
    speed: Annotated[
        float | None, typer.Option(min=1.0, max=3.0, help="Times as fast as the clock; else the story's.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, max=100.0, help="Times the story's messages.")] = 1.0,
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="alarm:NAME|runbook:NAME", help="Take one away, to see what it is worth."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Turn a setting for this run only.",
        ),
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Rehearse a retail event here: stand-ins, runtime, Locust, faults, alarms, runbooks, report."""
    from rehearsal import game_day, report
    from rehearsal import story as stories
    from stacks import stackfile

    chosen = stories.load(story)
    options = game_day.Options(
        stack=stack, seed=seed, speed=speed, rate=rate, changes=_changes(set_ or []), without=tuple(without or ())
    )
    folder = game_day.folder_for(chosen, stackfile.root_of())
    result = game_day.run(chosen, options, folder, lambda told: output.progress(str(told)))
    # Before anything is printed, for nobody may be reading; but a full disk must not hide the verdict either.
    try:
        page, refused = report.write(result), None
    except report.ReportError as problem:
        page, refused = None, problem
    if json:
        output.document({**report.as_json(result), "report": str(page) if page else None})
    else:
        output.show(_verdict(report.headline(result), result.gates))
    if refused is not None:
        raise refused
    output.note(f"report: {page}")
    raise typer.Exit(result.exit_code)


def _changes(pairs: list[str]) -> dict[str, str]:
    changes = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--set")
        changes[key] = value
    return changes


def _verdict(headline: str, gates: "list[Gate]") -> "output.Renderable":
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    words = {True: Text("held", "green"), False: Text("FAILED", "bold red"), None: Text("not told", "yellow")}
    table = Table(box=None, show_header=False, pad_edge=False)
    for gate in gates:
        table.add_row(words[gate.held], gate.name, Text(gate.measured, "dim"))
    return Group(Text(f"\n{headline}", "bold"), table)
