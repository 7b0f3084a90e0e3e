"""`concierge alarms`: what a stack is watched by, what that catches, and what it would have done."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output
from concierge.planning import known_plan_of
from contract.errors import FAILED

if TYPE_CHECKING:
    from plan import Plan

app = typer.Typer(
    no_args_is_help=True,
    help="Alarms of a stack: how many and for how much, what they catch, what they would have done.",
)
Stack = Annotated[str, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.")]
StackOption = Annotated[str, typer.Option("--stack", help="Stack whose alarms are judged.")]
Past = Annotated[
    Path, typer.Argument(metavar="FILE", help="A finished rehearsal's folder, a log of EMF lines, or a .csv.")
]
Role = Annotated[str | None, typer.Option(metavar="REGION", help="Region; the stack's first if left out.")]


@app.command("list")
def list_(stack: Stack, json: output.JsonFlag = False) -> None:
    """Alarms by component, those over others, and what they cost a month."""
    from rehearsal import alarm_show

    found = alarm_show.totals(known_plan_of(stack))
    if json:
        output.document(found.as_json())
    else:
        output.show(*alarm_show.render_totals(found))


@app.command()
def coverage(
    stack: Stack,
    traffic: Annotated[
        float, typer.Option(min=0.01, help="Messages a second while something fails.")
    ] = 100.0,
    gaps: Annotated[bool, typer.Option("--gaps", help="Only what nobody is told of in time.")] = False,
    built: Annotated[
        bool, typer.Option("--built/--planned", help="As if the agent's image were built: its services run.")
    ] = True,
    json: output.JsonFlag = False,
) -> None:
    """For every way to fail: which alarm tells of it, within what time, at how little traffic. 1: a gap."""
    from rehearsal import alarm_show
    from rehearsal import coverage as coverages

    plan = _planned(stack, built=built)
    found = coverages.coverage(plan, traffic * 60)
    verdict = alarm_show.Verdict(
        plan.stack, traffic, found, coverages.unreached(plan, found), coverages.unled(plan)
    )
    if json:
        output.document(verdict.as_json())
    else:
        output.show(*alarm_show.render_coverage(verdict, only_gaps=gaps))
    raise typer.Exit(FAILED if verdict.findings else 0)


@app.command()
def replay(
    file: Past,
    stack: StackOption = "dev",
    region: Role = None,
    speed: Annotated[
        float, typer.Option(min=1.0, max=3.0, help="How much faster the rehearsal was told.")
    ] = 1.0,
    json: output.JsonFlag = False,
) -> None:
    """What would have fired with these metrics, when, and who would have been told."""
    from rehearsal import alarm_show, history
    from rehearsal import replay as replays

    past = history.read(file, stack)
    plan = known_plan_of(stack)
    found = replays.replay(plan, _region(plan, region), past, speed)
    if json:
        output.document(alarm_show.replay_json(found, past))
    else:
        output.show(*alarm_show.render_replay(found, past))


@app.command()
def tune(
    file: Past,
    stack: StackOption = "dev",
    region: Role = None,
    false_alarms: Annotated[
        float, typer.Option(min=0.0, help="So many false alarms a month are borne, of each alarm.")
    ] = 1.0,
    json: output.JsonFlag = False,
) -> None:
    """Thresholds that the past proposes, with the false alarms and detections they would have had."""
    from rehearsal import alarm_show, history
    from rehearsal import replay as replays

    past = history.read(file, stack)
    plan = known_plan_of(stack)
    found = replays.tune(plan, _region(plan, region), past, false_alarms)
    if json:
        output.document(alarm_show.tuned_json(found, past))
    else:
        output.show(*alarm_show.render_tuned(found, past))


def _planned(stack: str, *, built: bool) -> "Plan":
    """Services have alarms once there is an image; any will do to see them."""
    if not built:
        return known_plan_of(stack)
    import gc

    from plan import run

    gc.disable()
    return run(stack, changes={"agent.image_digest": f"sha256:{'4f' * 32}"})


def _region(plan: "Plan", wanted: str | None) -> str:
    regions = list(dict.fromkeys(resource.region for resource in plan.cloud if resource.region))
    if wanted is not None and wanted not in regions:
        raise typer.BadParameter(f"{plan.stack} has {' and '.join(regions)}", param_hint="--region")
    return wanted or regions[0]
