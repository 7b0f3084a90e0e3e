"""`concierge policy`: what of a stack must not be deployed."""

from pathlib import Path
from typing import Annotated

import typer

from concierge import output


def policy(
    stack: Annotated[
        str | None, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.", show_default=False)
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="RULE", help="What a rule asks, why, and what to do.")
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the findings for a code review tool.")
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Hold what `pulumi up -s STACK` would declare against every policy. No AWS, no credentials."""
    from policies import show

    if explain is not None:
        chosen = show.rule(explain)
        if json:
            output.document(show.explain_json(chosen))
        else:
            output.show(show.explain(chosen))
        return
    if stack is None:
        raise typer.BadParameter("say which stack", param_hint="STACK")

    from contract.errors import FAILED
    from plan import run
    from policies import sources
    from stacks import settings

    protected = settings.load(stack).environment.protect
    report = sources.ask(run(stack), protected=protected)
    if sarif is not None:
        from policies import sarif as written

        written.write(report, sarif)
    if json:
        output.document(show.as_json(report))
    else:
        output.show(show.render(report))
    if sarif is not None:
        output.note(f"wrote {sarif}")
    if report.mandatory:
        raise typer.Exit(FAILED)
