"""`concierge settings`: the whole settings tree of a stack, defaults included."""

from typing import Annotated

import typer

from concierge import output


def settings(
    stack: Annotated[str, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.")],
    json: output.JsonFlag = False,
) -> None:
    """Print every setting of a stack: value, default and meaning; what the file changes is marked."""
    from rich.table import Table

    from stacks import reference
    from stacks import settings as tree

    rows = reference.rows(tree.load(stack))
    if json:
        output.document({row.key: {"value": row.value, "default": row.default} for row in rows})
        return
    table = Table("setting", "value", "default", "meaning", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row.key, row.value, row.default, row.description, style="bold" if row.changed else "")
    output.show(table)
