"""`concierge policy`: what of a stack must not be deployed, and what its roles may do."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from concierge import output
from concierge.commands import policy_iam
from concierge.planning import known_plan_of


class _CheckUnlessNamed(TyperGroup):
    """`concierge policy prod` is `concierge policy check prod`: what people mean nearly always."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["check", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_CheckUnlessNamed, help="Hold a stack against every policy: `concierge policy STACK`.")


@app.command("check")
def check(
    stack: Annotated[
        str | None, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.", show_default=False)
    ] = None,
    explain: Annotated[
        str | None, typer.Option(metavar="RULE", help="What a rule asks, why, and what to do.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE", help="Ask only: ours, checkov, cfn-lint, iam. Several times for several."
        ),
    ] = None,
    sarif: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the findings for a code review tool.")
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Hold what `pulumi up -s STACK` would declare against every policy. No AWS, no credentials.

    The name of this command may be left out: `concierge policy prod`.
    """
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

    from contract.errors import FAILED, WrongUseError
    from policies import sources
    from stacks import settings

    asked = sources.chosen(only or ())
    if sarif is not None and not sarif.parent.is_dir():
        raise WrongUseError(f"{sarif}: there is no folder {sarif.parent}")
    protected = settings.load(stack).environment.protect
    report = sources.ask(known_plan_of(stack), protected=protected, sources=asked)
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


app.command("iam")(policy_iam.iam)
