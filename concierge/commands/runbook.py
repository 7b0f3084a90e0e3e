"""`concierge runbook`: the incident scripts, against a real environment."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output
from contract.errors import WrongUseError

if TYPE_CHECKING:
    from runbooks.engine import Journal, World

# Metrics made from log lines may be a minute old in AWS; a rehearsal publishes them at once.
AWS_PACE = {"metrics_lag_s": 60.0, "poll_s": 5.0, "verify_s": 180.0}

app = typer.Typer(help="Incident scripts: list, show, run. A run plans; it changes nothing until --apply.")

Name = Annotated[str, typer.Argument(help="Id of a runbook, as `concierge runbook list` shows it.")]


@app.command("list")
def list_(json: output.JsonFlag = False) -> None:
    """List every incident of the catalogue, and whether it has a script yet."""
    from rich.table import Table

    import runbooks
    from contract.runbooks import catalogue

    ready = runbooks.scripts()
    if json:
        output.document(
            {key: {**entry.model_dump(), "script": key in ready} for key, entry in catalogue().items()}
        )
        return
    table = Table("runbook", "script", "incident", "owner", box=None, pad_edge=False)
    for key, entry in sorted(catalogue().items(), key=lambda item: (item[0] not in ready, item[0])):
        table.add_row(key, "yes" if key in ready else "not yet", entry.incident, entry.owner)
    output.show(table)


@app.command()
def show(name: Name, json: output.JsonFlag = False) -> None:
    """Show what a runbook looks at, what it may change, and what must get better."""
    import runbooks
    from runbooks import render

    found = runbooks.load(name)
    if json:
        output.document(render.describe(found))
    else:
        output.show(render.description(found))


@app.command()
def run(
    name: Name,
    stack: Annotated[str, typer.Option(help="Environment: the middle of Pulumi.<stack>.yaml.")],
    apply: Annotated[bool, typer.Option("--apply", help="Make the planned changes and verify them.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Put back what the last run changed.")] = False,
    why: Annotated[str, typer.Option(help="Reason, kept in the journal; --apply and --undo need it.")] = "",
    role: Annotated[str, typer.Option(help="Region to act in: primary or standby.")] = "primary",
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help="An AWS other than the real one: a rehearsal's.")
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Diagnose an incident and plan its fix; with --apply make it, verify it, or take it back."""
    import runbooks
    from runbooks import engine, render

    if apply and undo:
        raise typer.BadParameter("choose one of --apply and --undo")
    if (apply or undo) and not why.strip():
        raise typer.BadParameter("say why: the reason is kept in the journal", param_hint="--why")
    script = runbooks.load(name)
    world, journal = _world(stack, role, endpoint_url)
    if undo:
        record = engine.undo(script, world, why=why, journal=journal)
    else:
        record = engine.run(script, world, apply=apply, why=why, journal=journal)
    if json:
        output.document(render.as_json(record))
    else:
        output.show(render.render(record))
    raise typer.Exit(record.exit_code)


def _world(stack: str, role: str, endpoint_url: str | None) -> "tuple[World, Journal]":
    """The environment as its own inventory names it; a local copy serves when that cannot be read."""
    import getpass

    import boto3

    from runbooks import engine
    from runbooks.engine import inventory
    from stacks import settings

    places = settings.load(stack).places
    if role not in places:
        raise typer.BadParameter(f"{stack} has {' and '.join(places)}", param_hint="--role")
    folder = _kept_in()
    aws = engine.Aws(session=boto3.Session(), region=places[role].name, endpoint_url=endpoint_url)
    names, warning = inventory.load(aws, stack, folder / f"{stack}-inventory.json")
    if warning:
        output.note(f"warning: {warning}")
    pace = AWS_PACE if endpoint_url is None else {}
    world = engine.World(
        aws=aws, inventory=names, operator=getpass.getuser(), role=role, pace=engine.Pace(**pace)
    )
    return world, engine.Journal(folder / f"{stack}.jsonl")


def _kept_in() -> Path:
    """The user's state folder: what was changed must be known for longer than a checkout lives."""
    chosen = Path(os.environ.get("XDG_STATE_HOME", ""))
    state = chosen if chosen.is_absolute() else Path("~/.local/state").expanduser()
    folder = state / "concierge" / "runbooks"
    try:
        for private in (folder.parent, folder):
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = f"{error.strerror}: set XDG_STATE_HOME to a folder of yours"
        raise WrongUseError(f"{folder} cannot be written: {reason}") from None
    return folder
