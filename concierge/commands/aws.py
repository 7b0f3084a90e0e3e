"""`concierge aws`: stand-ins for AWS on this machine, for as long as they are wanted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output

if TYPE_CHECKING:
    from rehearsal.daemon import State

app = typer.Typer(no_args_is_help=True, help="AWS on this machine: stand-ins seeded from a plan.")

Stack = Annotated[str, typer.Option(help="Stack whose plan they are seeded from.")]


@app.command()
def up(
    stack: Stack = "dev",
    seed: Annotated[int, typer.Option(help="Answers, latencies and shop data follow from it.")] = 7,
    speed: Annotated[float, typer.Option(min=1, max=3, help="Divides every wait, 1 to 3.")] = 1.0,
    json: output.JsonFlag = False,
) -> None:
    """Start them, on free ports; they stay until `concierge aws down`."""
    from rehearsal import daemon

    state = daemon.up(_folder(), stack=stack, seed=seed, speed=speed)
    if json:
        output.document(state.model_dump(mode="json"))
    else:
        _show(state)
        output.note(f"ready after {state.ready_after_s:.1f} s; faults: {state.hub}/_concierge/faults")


@app.command()
def status(json: output.JsonFlag = False) -> None:
    """What is up and where; exit code 1 when one of them has ended."""
    from rehearsal import daemon, hub_client

    state = daemon.require(_folder())
    ended = hub_client.ended(state.hub)
    if json:
        output.document({**state.model_dump(mode="json"), "ended": ended})
    else:
        _show(state)
        for name, how in ended.items():
            output.note(f"{name} is not there any more: {how}")
    raise typer.Exit(1 if ended else 0)


@app.command()
def down() -> None:
    """Stop them; nothing is left behind."""
    from rehearsal import daemon

    daemon.down(_folder())
    output.note("stopped")


def _folder() -> Path:
    from stacks import stackfile

    return stackfile.root_of() / "build" / "aws"


def _show(state: "State") -> None:
    """Lines that a shell can be given: eval "$(concierge aws status)"."""
    for name, value in state.variables.items():
        print(f"export {name}={value}")
