"""`concierge plan`: what `pulumi up` would declare, and what can be read from it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concierge import output
from concierge.planning import plan_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from plan import Plan


def plan(
    stack: Annotated[str, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.")],
    diff: Annotated[
        str | None,
        typer.Option(metavar="STACK|FILE", help="What would change compared with a stack or a saved plan."),
    ] = None,
    cost: Annotated[bool, typer.Option("--cost", help="Monthly cost by component, with sources.")] = False,
    reach: Annotated[bool, typer.Option("--reach", help="Who may open connections to whom.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.svg|png", help="Draw components, data flow and boundaries.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the whole plan for a later --diff.")
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Show exactly what `pulumi up -s STACK` would declare: no AWS, no credentials, no pulumi CLI."""
    from plan import saved, show

    _check(picture, save)
    before = _read(diff)
    found = plan_of(stack)
    parts: list[RenderableType] = []
    content: dict[str, Any] = show.as_json(found)
    if before is not None:
        parts.append(_diff(before(), found, content))
    if cost:
        parts.append(_cost(found, content))
    if reach:
        parts.append(_reach(found, content))
    if picture is not None:
        from plan.picture import write

        write(found, picture)
    if save is not None:
        saved.save(found, save)

    if json:
        output.document(content)
    else:
        output.show(*(parts or [show.render(found)]))
    for written in (picture, save):
        if written is not None:
            output.note(f"wrote {written}")


def _check(picture: Path | None, save: Path | None) -> None:
    """A file that cannot be written is said at once, not after a plan was made for it."""
    from plan import saved

    if picture is not None:
        from plan.picture import check

        check(picture)
    if save is not None:
        saved.check(save)


def _read(other: str | None) -> "Callable[[], Plan] | None":
    """What to compare with. A file is read at once; a stack of this project is planned when asked for."""
    from plan import saved
    from stacks import stackfile

    if other is None:
        return None
    if other in stackfile.stacks(stackfile.root_of()):
        return lambda: plan_of(other)
    loaded = saved.load(Path(other))
    return lambda: loaded


def _diff(before: "Plan", after: "Plan", content: dict[str, Any]) -> "RenderableType":
    from plan import diff

    found = diff.diff(before, after)
    content["diff"] = diff.as_json(found)
    return diff.render(found)


def _cost(found: "Plan", content: dict[str, Any]) -> "RenderableType":
    from plan import cost
    from stacks import settings

    budget = settings.load(found.stack).environment.monthly_budget_usd
    estimate = cost.estimate(found)
    content["cost"] = cost.as_json(estimate)
    return cost.render(estimate, budget)


def _reach(found: "Plan", content: dict[str, Any]) -> "RenderableType":
    from plan import reach

    rows = reach.table(found)
    content["reach"] = reach.as_json(rows)
    return reach.render(rows)
