"""`concierge experiment`: wordings side by side: how many people it takes, who sees which, what came."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output
from contract.errors import DONE, FAILED, INCONCLUSIVE, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runtime.eval.experiments import Arm, Reading

app = typer.Typer(
    no_args_is_help=True, help="Experiments: sample size, assignment, and the readout of an A/B test."
)

# What is measured of everybody in an experiment: metric, and whether more of it is better.
OUTCOMES = {"rated": ("VariantRated", True), "human": ("VariantHuman", False)}
_LIFT = typer.Option(help="Change of the share that would matter: 0.03 is three points.")


@app.command()
def size(
    baseline: Annotated[float, typer.Option(help="Share as it is now: 0.7.")],
    lift: Annotated[float, _LIFT],
    sure: Annotated[float, typer.Option(help="How sure a change must be.")] = 0.95,
    power: Annotated[float, typer.Option(help="How likely it must be seen.")] = 0.8,
    a_day: Annotated[
        float | None, typer.Option(min=1, help="Messages of each variant a day: tells the days.")
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """How many messages each variant needs."""
    from math import ceil

    from runtime.eval.experiments import people

    needed = people(baseline, lift, sure=sure, power=power)
    days = ceil(needed / a_day) if a_day else None
    if json:
        output.document({"each": needed, "days": days})
    else:
        print(f"{needed:,} messages of each variant" + (f", {days:,} days" if days else ""))


@app.command()
def assign(
    person: Annotated[list[str], typer.Argument(help="Customers, such as c-00012.")],
    stack: Annotated[str, typer.Option(help="Whose experiment.")] = "dev",
    json: output.JsonFlag = False,
) -> None:
    """Which wording these customers see: always the same."""
    from contract.people import Person
    from runtime.experiment import USUAL, variant_of
    from stacks import settings

    experiment = settings.load(stack).runtime.experiment
    if experiment is None:
        raise WrongUseError(f"stack {stack} has no experiment: set concierge:runtime.experiment")
    seen = {name: variant_of(experiment, Person(id=name, kind="user")) or USUAL for name in person}
    if json:
        output.document({"experiment": experiment.name, "sees": seen})
    else:
        print("\n".join(f"{name} {variant}" for name, variant in seen.items()))


@app.command()
def read(
    experiment: Annotated[str, typer.Argument(help="Its name in the settings.")],
    outcome: Annotated[str, typer.Option(help=f"What counts: {', '.join(OUTCOMES)}.")] = "rated",
    lift: Annotated[float, _LIFT] = 0.03,
    stack: Annotated[str, typer.Option(help="Whose metrics.")] = "prod",
    days: Annotated[int, typer.Option(min=1, max=455, help="So far back.")] = 28,
    log: Annotated[
        Path | None, typer.Option(help="Metrics of a rehearsal's runtime, and not CloudWatch's.")
    ] = None,
    share: Annotated[
        list[str] | None,
        typer.Option(metavar="VARIANT=SHARE", help="What was to see it; the split is checked."),
    ] = None,
    region: Annotated[str | None, typer.Option(help="Of CloudWatch; else that of your AWS settings.")] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help="An AWS other than the real one.")
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Each variant against the usual wording.

    Exit code 0: one is better; 1: one is worse, or the split is broken; 3: not decided, go on.
    """
    from rehearsal import experiment_figures as figures
    from runtime.eval import experiments
    from runtime.experiment import USUAL

    if outcome not in OUTCOMES:
        raise WrongUseError(f"--outcome {outcome}: {' or '.join(OUTCOMES)}")
    metric, more = OUTCOMES[outcome]
    if log is not None:
        arms = figures.of_log(log, experiment, metric)
    else:
        now = datetime.now(UTC)
        client = figures.cloudwatch(region, endpoint_url)
        arms = figures.of_cloudwatch(client, stack, experiment, metric, now - timedelta(days=days), now)
    readings = experiments.read(arms, lift, more_is_better=more)
    broken = experiments.uneven({name: arm.all for name, arm in arms.items()}, _shares(share or []))
    if json:
        rows = [{**one._asdict(), "arm": one.arm._asdict()} for one in readings]
        output.document({"usual": arms[USUAL]._asdict(), "variants": rows, "broken_split": broken})
    else:
        _show(arms, readings, broken)
    came = {one.came for one in readings}
    raise typer.Exit(FAILED if broken or "worse" in came else DONE if "better" in came else INCONCLUSIVE)


def _show(arms: "Mapping[str, Arm]", readings: "Sequence[Reading]", broken: "Sequence[str]") -> None:
    from rich.table import Table

    from runtime.experiment import USUAL

    table = Table(
        "variant", "messages", "share", "gap", "at every look", "by chance", "", box=None, pad_edge=False
    )
    table.add_row(USUAL, f"{arms[USUAL].all:,.0f}", f"{arms[USUAL].share:.2%}", "", "", "", "")
    for one in readings:
        between = f"{one.low:+.2%} to {one.high:+.2%}"
        shares = (f"{one.arm.all:,.0f}", f"{one.arm.share:.2%}", f"{one.gap:+.2%}")
        table.add_row(one.variant, *shares, between, f"{one.chance:.4f}", one.came)
    output.show(table)
    for line in broken:
        print(f"the split is not as it should be, so nothing is shown: {line}")


def _shares(given: list[str]) -> dict[str, float]:
    found = {}
    for text in given:
        name, _, share = text.partition("=")
        try:
            found[name] = float(share)
        except ValueError:
            raise WrongUseError(f"--share {text}: write VARIANT=SHARE, such as concise=0.5") from None
    return found
