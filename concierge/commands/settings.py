"""`concierge settings`: the whole settings tree of a stack, defaults included."""

from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output

if TYPE_CHECKING:
    from stacks.reference import Row


def settings(
    stack: Annotated[str, typer.Argument(help="Stack name: the middle of Pulumi.<stack>.yaml.")],
    json: output.JsonFlag = False,
) -> None:
    """Print every setting of a stack: value, default and meaning; what the file changes is marked."""
    from rich.table import Column, Table

    from stacks import reference
    from stacks import settings as tree

    rows = reference.rows(tree.load(stack))
    if json:
        output.document({row.key: _knob(row) for row in rows})
        return
    # A key is for copying into the file: other columns wrap first.
    key = Column("setting", no_wrap=True, min_width=max(len(row.key) for row in rows))
    table = Table("*", key, "value", "default", "meaning", box=None, pad_edge=False)
    for row in rows:
        star, style = ("*", "bold") if row.changed else ("", "")
        table.add_row(star, row.key, row.value, row.default, row.description, style=style)
    output.show(table, "* not the default")


def _knob(row: "Row") -> dict[str, str | bool]:
    return {"value": row.value, "default": row.default, "changed": row.changed}
