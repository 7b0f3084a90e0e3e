"""`concierge runbook`: the incident scripts, against a real environment."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output
from contract.errors import WrongUseError

if TYPE_CHECKING:
    import boto3

    from runbooks.engine import Change, Entry, Journal, Record, Runbook, World

# Metrics made from log lines may be a minute old in AWS; a rehearsal publishes them at once.
AWS_PACE = {"metrics_lag_s": 60.0, "poll_s": 5.0, "verify_s": 180.0}

_SHOWN = 3  # alarms of one runbook on a line of `suggest`

app = typer.Typer(help="Incident scripts: list, show, run. A run plans; it changes nothing until --apply.")

Name = Annotated[str, typer.Argument(help="Id of a runbook, as `concierge runbook list` shows it.")]
Stack = Annotated[str, typer.Option(help="Environment: the middle of Pulumi.<stack>.yaml.")]
RoleOption = Annotated[str, typer.Option(help="Region to act in: primary or standby.")]
Url = Annotated[
    str | None, typer.Option(metavar="URL", help="An AWS other than the real one: a rehearsal's.")
]
SearchUrl = Annotated[
    str | None, typer.Option(metavar="URL", help="A search domain other than the real one: a rehearsal's.")
]
Told = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="What a runbook has to be told; `show` names it."),
]


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
    table = Table("runbook", "severity", "incident", "owner", box=None, pad_edge=False)
    for key, entry in sorted(catalogue().items()):
        severity = runbooks.load(key).about.severity if key in ready else "no script yet"
        table.add_row(key, severity, entry.incident, entry.owner)
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
    stack: Stack,
    apply: Annotated[bool, typer.Option("--apply", help="Make the planned changes and verify them.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing before each change: for automation.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Put back what the last run changed.")] = False,
    why: Annotated[str, typer.Option(help="Reason, kept in the journal; --apply and --undo need it.")] = "",
    break_glass: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Skip the guards for half an hour; people are paged about it."),
    ] = None,
    told: Told = None,
    assume: Annotated[
        bool, typer.Option("--assume", help="Take the runbook's own role first: it allows nothing else.")
    ] = False,
    summary: Annotated[
        bool, typer.Option("--summary", help="Print a summary for Slack instead of the whole record.")
    ] = False,
    role: RoleOption = "primary",
    endpoint_url: Url = None,
    search_url: SearchUrl = None,
    json: output.JsonFlag = False,
) -> None:
    """Diagnose an incident and plan its fix; with --apply make it, verify it, or take it back."""
    import runbooks
    from runbooks import render, report

    acts = [name for name, on in (("--apply", apply), ("--resume", resume), ("--undo", undo)) if on]
    if len(acts) > 1:
        raise typer.BadParameter(f"choose one of {' and '.join(acts)}")
    if acts and not why.strip():
        raise typer.BadParameter("say why: the reason is kept in the journal", param_hint="--why")
    script = runbooks.load(name)
    world, journal = _world(
        stack, role, endpoint_url, search_url, _inputs(told), assume=name if assume else None
    )
    asked = yes or json or not (apply or resume)
    record = _run(script, world, journal, why, acts[0] if acts else "", break_glass, asked=asked, quiet=json)
    _ship(journal, world)
    if json:
        output.document({**render.as_json(record), "summary": report.summary(record)})
    elif summary:
        print(report.summary(record), end="")
    else:
        output.show(render.render(record))
    raise typer.Exit(record.exit_code)


@app.command()
def suggest(
    stack: Stack,
    role: RoleOption = "primary",
    endpoint_url: Url = None,
    json: output.JsonFlag = False,
) -> None:
    """Say which runbook to run for the alarms that are on now, the one with most of them first."""
    from rich.table import Table

    from runbooks import engine

    world, _ = _world(stack, role, endpoint_url, None, {})
    found = engine.suggestions(world)
    if json:
        output.document({"suggestions": [one.as_json() for one in found]})
        return
    if not found:
        output.note("no alarm that names a runbook is on")
        return
    table = Table("runbook", "alarms on", "since", "what people notice", box=None, pad_edge=False)
    for one in found:
        more = f" and {len(one.alarms) - _SHOWN} more" if len(one.alarms) > _SHOWN else ""
        named = "\n".join(one.alarms[:_SHOWN]) + more
        table.add_row(one.runbook, named, f"{one.since:%H:%M} UTC", one.impact)
    output.show(table)
    output.note(f"next: concierge runbook run {found[0].runbook} --stack {stack}")


@app.command()
def report(
    stack: Stack,
    run: Annotated[str | None, typer.Argument(help="Id of a run; the last one when left out.")] = None,
    json: output.JsonFlag = False,
) -> None:
    """Print the timeline of a run for the post-mortem, from the journal of this machine."""
    from runbooks import engine
    from runbooks.report import timeline

    entries = engine.Journal(_kept_in() / f"{stack}.jsonl").of(run)
    if json:
        shown = [entry.model_dump(mode="json", exclude_none=True) for entry in entries]
        output.document({"run": entries[0].run, "entries": shown})
    else:
        print(timeline(entries), end="")


@app.command()
def export(
    name: Name,
    stack: Stack,
    told: Told = None,
    role: RoleOption = "primary",
    endpoint_url: Url = None,
    search_url: SearchUrl = None,
    json: output.JsonFlag = False,
) -> None:
    """Print the plan of this moment as a document of SSM Automation, where it fits that."""
    import runbooks
    from runbooks import automation, engine

    world, journal = _world(stack, role, endpoint_url, search_url, _inputs(told))
    record = engine.run(runbooks.load(name), world, apply=False, why="", journal=journal)
    text = automation.document(record)
    if json:
        output.document({"runbook": name, "format": "SSM Automation 0.3", "document": text})
    else:
        print(text, end="")


def _run(
    script: "Runbook",
    world: "World",
    journal: "Journal",
    why: str,
    act: str,
    break_glass: str | None,
    *,
    asked: bool,
    quiet: bool,
) -> "Record":
    from runbooks import engine

    def tell(entry: "Entry") -> None:
        if not quiet:
            output.progress(f"{entry.at:%H:%M:%S} {entry.what}: {entry.text}")

    confirm = (lambda _: True) if asked else _ask
    if act == "--undo":
        return engine.undo(script, world, why=why, journal=journal, on_event=tell)
    if act == "--resume":
        return engine.resume(script, world, why=why, journal=journal, on_event=tell, confirm=confirm)
    return engine.run(
        script,
        world,
        apply=act == "--apply",
        why=why,
        journal=journal,
        on_event=tell,
        confirm=confirm,
        break_glass=break_glass,
    )


def _ask(change: "Change") -> bool:
    output.note(f"\n{change.step}: {change.effect}\n  {change.subject}: {change.before} -> {change.after}")
    output.note(f"  undo: {change.undo}")
    return typer.confirm("make this change?", err=True)


def _inputs(told: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in told or ()]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise typer.BadParameter(f"{name!r}: write name=value", param_hint="--set")
    return {name: value for name, _, value in pairs}


def _ship(journal: "Journal", world: "World") -> None:
    """The journal is here already; that it could not be carried further is no failure of the run."""
    from runbooks.engine import shipping

    if waiting := shipping.ship(journal, world.aws, world.environment, world.operator):
        output.note(f"note: {waiting}")


def _world(
    stack: str,
    role: str,
    endpoint_url: str | None,
    search_url: str | None,
    inputs: dict[str, str],
    assume: str | None = None,
) -> "tuple[World, Journal]":
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
    session = _assumed(stack, assume, places[role].name) if assume else boto3.Session()
    aws = engine.Aws(session=session, region=places[role].name, endpoint_url=endpoint_url)
    names, warning = inventory.load(aws, stack, folder / f"{stack}-inventory.json")
    if warning:
        output.note(f"warning: {warning}")
    pace = AWS_PACE if endpoint_url is None else {}
    world = engine.World(
        aws=aws,
        inventory=names,
        operator=getpass.getuser(),
        role=role,
        pace=engine.Pace(**pace),
        search_url=search_url,
        inputs=inputs,
    )
    return world, engine.Journal(folder / f"{stack}.jsonl")


def _assumed(stack: str, runbook: str, region: str) -> "boto3.Session":
    """The session of the runbook's role, in the account of whoever asks."""
    import getpass

    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    role = f"concierge-{stack}-runbook-{runbook}"
    try:
        sts = boto3.Session().client("sts", region_name=region)
        me = sts.get_caller_identity()
        arn = f"arn:{me['Arn'].split(':')[1]}:iam::{me['Account']}:role/{role}"
        keys = sts.assume_role(RoleArn=arn, RoleSessionName=getpass.getuser())["Credentials"]
    except (BotoCoreError, ClientError) as error:
        hint = "name your role in operations.runbooks.operators, or leave --assume out"
        raise WrongUseError(f"role {role} cannot be taken: {error}: {hint}") from None
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


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
