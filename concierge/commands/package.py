"""`concierge package`: the agent as one ARM64 artifact, the same bytes every time."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from concierge import output


class Target(StrEnum):
    """What the stack's agent host takes."""

    agentcore = "agentcore"
    image = "image"
    folder = "folder"


def package(
    target: Annotated[
        Target,
        typer.Option(help="A zip for AgentCore Runtime, an OCI image layout for ECS, or the bare folder."),
    ] = Target.agentcore,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where it goes (default: build/package).")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(metavar="NAME@sha256:…|FOLDER", help="Image: what it stands on, with a Python in it."),
    ] = None,
    python: Annotated[
        str | None, typer.Option(metavar="3.11|3.12|3.13", help="The Python over there (default: 3.13).")
    ] = None,
    wheels: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Take wheels from here alone: no index is asked.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    advisories: Annotated[
        Path | None,
        typer.Option(metavar="FILE|FOLDER", help="Refuse pins that these OSV advisories call vulnerable."),
    ] = None,
    json: output.JsonFlag = False,
) -> None:
    """Build what the stack deploys, for Graviton: from the runtime's lock, ARM64 wheels only.

    Writes beside it a CycloneDX bill, the licences and the digest that the stack's file pins.
    """
    from artifact import show
    from artifact.build import Order, build
    from artifact.recipe import recipe
    from stacks import stackfile

    root = stackfile.root_of()
    made = build(
        Order(
            target=target.value,
            root=root,
            out=out or root / "build" / "package",
            python=python or recipe().python,
            base=base,
            wheels=wheels,
            advisories=advisories,
        )
    )
    if json:
        output.document(show.as_json(made))
    else:
        output.show(show.render(made))
