"""`concierge preflight`: what must be true of an AWS account before `pulumi up`."""

from typing import Annotated

import typer

from concierge import output
from concierge.planning import known_plan_of


def preflight(
    stack: Annotated[
        str | None, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Only this check, or all that begin so: `quota`.")
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="ID", help="The account this environment belongs in.")
    ] = None,
    messages_per_second: Annotated[
        float | None, typer.Option(min=0, help="Peak of model calls, held against the models' quotas.")
    ] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(metavar="URL", help="An AWS other than the real one: a rehearsal's.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Every check and why it is made.")] = False,
    policy: Annotated[
        bool, typer.Option("--policy", help="The read-only IAM policy the checks need.")
    ] = False,
    json: output.JsonFlag = False,
) -> None:
    """Check quotas, model access, certificates, names, standby and budget before `up`. Changes nothing."""
    from plan import preflight as room
    from plan.preflight import policy as policies
    from plan.preflight import show

    checks = room.chosen(only or [])
    if policy:
        output.document(policies.document(checks))
        return
    if list_:
        if json:
            output.document(show.listing_json(checks))
        else:
            output.show(show.listing(checks))
        return
    if stack is None:
        raise typer.BadParameter("say which stack", param_hint="STACK")

    from stacks import settings

    budget = settings.load(stack).environment.monthly_budget_usd
    session = room.open_session()
    wishes = room.Wishes(account=account, messages_per_second=messages_per_second, budget_usd=budget)
    output.progress(f"planning {stack}")
    facts = room.Facts(known_plan_of(stack), session, wishes, endpoint_url)
    room.verify(facts)
    output.progress(f"asking AWS {len(checks)} questions in {' and '.join(facts.regions)}")
    report = room.run(facts, checks)
    if json:
        output.document(show.as_json(report))
    else:
        output.show(show.render(report))
    raise typer.Exit(report.exit_code)
