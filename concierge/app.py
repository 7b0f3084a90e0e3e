"""Every command and its options, and nothing of what they do."""

import typer

from concierge.commands import (
    alarms,
    aws,
    chaos,
    chat,
    contracts,
    dashboards,
    data,
    evaluate,
    experiment,
    ingest,
    load,
    metrics,
    model,
    package,
    plan,
    policy,
    preflight,
    rehearse,
    runbook,
    settings,
    simulate,
    size,
)
from contract.errors import EXIT_CODES

app = typer.Typer(
    name="concierge",
    help="Plan, prove and operate the concierge: a shopping assistant on AWS Bedrock.",
    epilog="Exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _concierge() -> None:
    """Keeps `concierge` a group of commands even while it has few."""


app.add_typer(alarms.app, name="alarms")
app.add_typer(dashboards.app, name="dashboards")
app.add_typer(data.app, name="data")
app.add_typer(evaluate.app, name="eval")
app.add_typer(metrics.app, name="metrics")
app.add_typer(experiment.app, name="experiment")
app.add_typer(model.app, name="model")
app.add_typer(load.app, name="load")
app.command("ingest")(ingest.ingest)
app.command("package")(package.package)
app.add_typer(aws.app, name="aws")
app.add_typer(chaos.app, name="chaos")
app.command("chat")(chat.chat)
app.add_typer(contracts.app, name="contracts")
app.command("plan")(plan.plan)
app.add_typer(policy.app, name="policy")
app.command("preflight")(preflight.preflight)
app.add_typer(rehearse.app, name="rehearse")
app.add_typer(runbook.app, name="runbook")
app.command("settings")(settings.settings)
app.add_typer(simulate.app, name="simulate")
app.add_typer(size.app, name="size")
