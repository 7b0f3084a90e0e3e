"""`concierge chaos`: break it on purpose, safely."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from concierge import chaos_output, output
from contract.errors import DONE, FAILED, INCONCLUSIVE

if TYPE_CHECKING:
    from chaos.faults import Target
    from chaos.record import Conditions, Record
    from contract.faults import ActiveFault, Experiment
    from contract.inventory import RegionInventory

app = typer.Typer(
    no_args_is_help=True, help="Experiments that break things on purpose: list, plan, run, sweep, compare."
)

Name = Annotated[str, typer.Argument(help="Name of an experiment, as `concierge chaos list` shows it.")]
Where = Annotated[
    Literal["rehearsal", "aws"],
    typer.Option("--target", help="rehearsal: stand-ins here; aws: a deployed environment."),
]
Stack = Annotated[str, typer.Option(help="Stack: the middle of Pulumi.<stack>.yaml.")]
Apply = Annotated[bool, typer.Option("--apply", help="Do it. Without it, say what would be done.")]
Off = Annotated[
    list[str] | None, typer.Option(metavar="ALARM", help="Rehearsal: an alarm that is not judged.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Turn a setting for this run only.")
]
FolderOption = Annotated[Path | None, typer.Option(help="For the results [build/chaos/<time>-<name>].")]
Seed = Annotated[int, typer.Option(help="Messages and latencies follow from it.")]
Slack = Annotated[
    float, typer.Option(min=1, max=10, help="So many times the time, on a machine that is busy otherwise.")
]
RecordPath = Annotated[Path, typer.Argument(help="Folder of a run, or its record.json.")]


@app.command("list")
def list_(json: output.JsonFlag = False) -> None:
    """Every experiment and suite."""
    from chaos import catalogue

    found = [catalogue.load(name) for name in catalogue.names()]
    suites = [catalogue.suite(name) for name in catalogue.names(catalogue.SUITES)]
    if json:
        output.document(
            {
                "experiments": [one.model_dump(mode="json") for one in found],
                "suites": [one.model_dump(mode="json") for one in suites],
            }
        )
    else:
        output.show(*chaos_output.experiments(found, suites))


@app.command()
def show(experiment: Name, json: output.JsonFlag = False) -> None:
    """One experiment: what it claims, what it does, what must be seen, what ends it."""
    from chaos import catalogue, runner

    found = catalogue.load(experiment)
    if json:
        output.document(found.model_dump(mode="json"))
    else:
        print("\n".join((found.hypothesis.strip(), "", *runner.plan(found))))


@app.command()
def run(
    experiment: Annotated[str | None, typer.Argument(help="Name of an experiment.")] = None,
    target: Where = "rehearsal",
    stack: Annotated[
        str | None, typer.Option(help="Stack; for aws it must be said [rehearsal: prod].")
    ] = None,
    apply: Apply = False,
    host: Annotated[str | None, typer.Option(metavar="URL", help="aws: where customers reach it.")] = None,
    confirm: Annotated[str, typer.Option(help="aws: the stack's name once more, for production.")] = "",
    why: Annotated[str, typer.Option(help="aws: reason, kept with every fault.")] = "",
    set_: Settings = None,
    off: Off = None,
    seed: Seed = 7,
    slack: Slack = 1.0,
    replay: Annotated[
        Path | None, typer.Option(metavar="RECORD", help="Run what a record has once more.")
    ] = None,
    folder: FolderOption = None,
    json: output.JsonFlag = False,
) -> None:
    """Plan one experiment; with --apply do it and judge it: 0 held, 1 deviated, 3 inconclusive."""
    from chaos.faults import aws as in_aws

    chosen, conditions = _chosen(experiment, replay, target, stack, set_, off, seed, slack)
    if target == "aws":
        in_aws.require_allowed(chosen, conditions.stack)
        chosen = in_aws.as_in_aws(chosen)
    if not apply:
        _plan([chosen], json=json)
        return
    if target == "rehearsal":
        _rehearse([chosen], conditions, folder, chosen.id, json=json)
    else:
        _in_aws(chosen, conditions, host, confirm, why, folder, json=json)


@app.command()
def suite(
    name: Annotated[str, typer.Argument(help="Name of a suite.")] = "failover",
    stack: Stack = "prod",
    apply: Apply = False,
    set_: Settings = None,
    off: Off = None,
    seed: Seed = 7,
    slack: Slack = 1.0,
    folder: FolderOption = None,
    json: output.JsonFlag = False,
) -> None:
    """Run a suite's experiments in its order, on stand-ins that stand for all of them."""
    from chaos import catalogue
    from chaos.record import Conditions

    chosen = [catalogue.load(one) for one in catalogue.suite(name).experiments]
    if not apply:
        _plan(chosen, json=json)
        return
    conditions = Conditions(
        target="rehearsal", stack=stack, seed=seed, changes=_changes(set_), off=tuple(off or ()), slack=slack
    )
    _rehearse(chosen, conditions, folder, name, json=json)


@app.command()
def sweep(
    target: Where = "rehearsal",
    stack: Annotated[str | None, typer.Option(help="aws: the stack.")] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Rehearsal: a stand-in or hub [that of `concierge aws up`]."),
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Find faults that somebody left and end them; exit code 3 when one cannot be ended."""
    from chaos import runner

    left = [fault for one in _swept(target, stack, at) for fault in runner.sweep(one)]
    if json:
        output.document({"swept": [fault.model_dump(mode="json") for fault in left]})
        return
    for fault in left:
        print(f"ended {_words(fault)}")
    output.note(f"{len(left)} faults were left" if left else "nothing was left")


@app.command()
def compare(before: RecordPath, after: RecordPath, json: output.JsonFlag = False) -> None:
    """Two runs of one experiment; exit code 1 when something held before and does not any more."""
    from chaos import compare as comparing
    from chaos import record

    found = comparing.compare(record.read(before), record.read(after))
    if json:
        output.document({"lines": comparing.lines(found), "exit_code": found.exit_code})
    else:
        print("\n".join(comparing.lines(found)))
    raise typer.Exit(found.exit_code)


@app.command()
def export(
    experiment: Name,
    format_: Annotated[
        Literal["chaostoolkit", "fis"], typer.Option("--format", help="Whose experiment it becomes.")
    ] = "chaostoolkit",
) -> None:
    """Print an experiment for another tool: chaostoolkit's JSON, or a CloudFormation template of FIS."""
    from chaos import catalogue
    from chaos.exports import FORMATS

    print(FORMATS[format_](catalogue.load(experiment)), end="")


def _chosen(
    name: str | None,
    replay: Path | None,
    target: Literal["rehearsal", "aws"],
    stack: str | None,
    set_: list[str] | None,
    off: list[str] | None,
    seed: int,
    slack: float,
) -> "tuple[Experiment, Conditions]":
    from chaos import catalogue, record
    from chaos.record import Conditions

    if (name is None) == (replay is None):
        raise typer.BadParameter("name an experiment, or a record with --replay")
    if replay is not None:
        kept = record.read(replay)
        if kept.conditions.target != target:
            raise typer.BadParameter(f"the record is of {kept.conditions.target}", param_hint="--target")
        return kept.experiment, kept.conditions
    if target == "aws" and stack is None:
        raise typer.BadParameter("say which environment is to be broken", param_hint="--stack")
    conditions = Conditions(
        target=target,
        stack=stack or "prod",
        seed=seed,
        changes=_changes(set_),
        off=tuple(off or ()),
        slack=slack,
    )
    return catalogue.load(name or ""), conditions


def _plan(chosen: "list[Experiment]", *, json: bool) -> None:
    from chaos import runner

    if json:
        output.document({"plans": {one.id: runner.plan(one) for one in chosen}})
        return
    print("\n\n".join("\n".join(runner.plan(one)) for one in chosen))
    output.note("nothing was touched: --apply does it")


def _rehearse(
    chosen: "list[Experiment]", conditions: "Conditions", folder: Path | None, name: str, *, json: bool
) -> None:
    from rehearsal.trial import suite as trials
    from stacks import stackfile

    place = folder or trials.folder_for(name, stackfile.root_of())
    output.note(f"stand-ins and the agent start here, seeded from stack {conditions.stack}")
    found: list[Record] = []
    with _sigterm_as_ctrl_c():
        for one in trials.run(chosen, conditions, place, _progress):
            found.append(one)
            if not json:
                output.show(chaos_output.verdict(one))
    if json:
        output.document(chaos_output.summary(found))
    output.note(f"reports: {place}/*/report.html")
    raise typer.Exit(_code(found))


def _in_aws(
    chosen: "Experiment",
    conditions: "Conditions",
    host: str | None,
    confirm: str,
    why: str,
    folder: Path | None,
    *,
    json: bool,
) -> None:
    from datetime import UTC, datetime

    import boto3

    from chaos import deployed, guards
    from rehearsal.trial import suite as trials
    from stacks import stackfile

    if host is None:
        raise typer.BadParameter("say where customers reach it: its probes ask there", param_hint="--host")
    if not why.strip():
        raise typer.BadParameter("say why: the reason is kept with every fault", param_hint="--why")
    names, target = _environment(conditions.stack, why)
    cloudwatch = boto3.Session().client("cloudwatch", region_name=names.region)
    if conditions.stack == "prod":
        typed = confirm or typer.prompt("type the stack's name to break it", err=True)
        guards.require(conditions.stack, datetime.now(UTC), cloudwatch, typed)
    place = deployed.Place(host=host, alarms=names.alarms, cloudwatch=cloudwatch, target=target)
    home = folder or trials.folder_for(chosen.id, stackfile.root_of())
    with _sigterm_as_ctrl_c():
        found = deployed.play(chosen, place, conditions, home, lambda *told: _progress(chosen.id, *told))
    trials.write(found, home)
    if json:
        output.document(chaos_output.summary([found]))
    else:
        output.show(chaos_output.verdict(found))
    output.note(f"report: {home / 'report.html'}")
    raise typer.Exit(_code([found]))


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """What was injected is cleared on the way out, and nothing more begins."""
    interrupt = signal.getsignal(signal.SIGINT)  # ours notes that it came; a shell's background job has none
    before = signal.signal(signal.SIGTERM, interrupt if callable(interrupt) else signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _environment(stack: str, why: str) -> "tuple[RegionInventory, Target]":
    """The names of a deployed environment, and what breaks it, with the credentials of the shell."""
    import getpass
    import tempfile

    import boto3

    from chaos.faults.aws import AwsTarget
    from chaos.faults.fis import FisTarget
    from chaos.faults.hook import HookTarget, secret_of
    from runbooks import engine
    from runbooks.engine import inventory
    from stacks import settings

    session = boto3.Session()
    region = settings.load(stack).regions.primary.name
    reached = engine.Aws(session=session, region=region, endpoint_url=None)
    with tempfile.TemporaryDirectory() as kept:
        names = inventory.fetch(reached, stack, Path(kept) / "inventory.json").primary
    ssm, fis = session.client("ssm", region_name=region), session.client("fis", region_name=region)
    hook = HookTarget(
        ssm,
        names.parameters["controls"],
        stack,
        secret_of(session.client("secretsmanager", region_name=region), names),
        who=getpass.getuser(),
        why=why,
    )
    return names, AwsTarget(hook, FisTarget(fis, names.experiments))


def _swept(target: str, stack: str | None, at: list[str] | None) -> "list[Target]":
    from chaos.faults.rehearsal import RehearsalTarget
    from rehearsal import daemon
    from stacks import stackfile

    if target == "aws":
        if stack is None:
            raise typer.BadParameter("say which environment is to be swept", param_hint="--stack")
        return [_environment(stack, "sweep")[1]]
    urls = at or [daemon.require(stackfile.root_of() / "build" / "aws").hub]
    return [RehearsalTarget(url) for url in urls]


def _progress(who: str, kind: str, text: str) -> None:
    output.progress(f"{who} {kind}: {text}")


def _words(fault: "ActiveFault") -> str:
    until = f"lease until {fault.expires_at:%H:%M:%S %Z}"
    return f"{fault.fault.kind} at {fault.fault.target} ({fault.id}), {until}"


def _code(found: "list[Record]") -> int:
    codes = {one.exit_code for one in found}
    return FAILED if FAILED in codes else INCONCLUSIVE if INCONCLUSIVE in codes or not codes else DONE


def _changes(pairs: list[str] | None) -> dict[str, str]:
    changes = {}
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        if not key or not equals:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--set")
        changes[key] = value
    return changes
