"""`concierge policy iam`: what a role of a stack can do to what, in plain words."""

from typing import Annotated

import typer

from concierge import output
from concierge.planning import known_plan_of


def iam(
    stack: Annotated[str, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.")],
    role: Annotated[
        str, typer.Option(metavar="NAME", help="The role's name; a part of one means every role that has it.")
    ],
    json: output.JsonFlag = False,
) -> None:
    """Say what a role can do to what: its policies, less what its permission boundary takes away."""
    from policies.iam import show, words

    found = words(known_plan_of(stack), role)
    if json:
        output.document(show.as_json(found))
    else:
        output.show(show.render(found))
