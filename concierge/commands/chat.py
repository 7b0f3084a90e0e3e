"""`concierge chat`: talk to the agent in a terminal."""

from typing import Annotated

import typer

from concierge import output


def chat(
    url: Annotated[
        str | None,
        typer.Option(help="Where an agent serves. Without it, one is started on `concierge aws up`."),
    ] = None,
    person: Annotated[
        str | None, typer.Option("--as", help="Customer to be, such as c-00012; without it, a guest.")
    ] = None,
    token: Annotated[str | None, typer.Option(help="Bearer token, where the agent checks them.")] = None,
    session: Annotated[str | None, typer.Option(help="Session to go on with.")] = None,
    resume_token: Annotated[str | None, typer.Option(help="Token of a guest's session.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the frames, one JSON document a line.")] = False,
) -> None:
    """Talk to the agent: type a message, read the answer as it comes. Ctrl-D ends it.

    The number of a button does what it says; a button that confirms is your own yes to a payment or a refund.
    `/card` puts a card on file: its number goes to the card network alone.

    Lines may also be piped in. Exit code 1 when the last message got no answer.
    """
    from rehearsal import chatting
    from stacks import stackfile

    options = chatting.Options(
        url=url, person=person, token=token, session=session, resume_token=resume_token, json=json
    )
    folder = stackfile.root_of() / "build" / "aws"
    raise typer.Exit(chatting.chat(options, folder, output.console()))
