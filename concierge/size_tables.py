"""How the tables of `concierge size` look: columns, dollars, shares."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


def table(*columns: str) -> "Table":
    """Without lines; a column whose name begins with > stands right."""
    from rich.table import Table

    found = Table(box=None, pad_edge=False)
    for column in columns:
        found.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return found


def dollars(usd: float | None) -> str:
    """Whole dollars, and of little ones what matters; unknown stays unknown."""
    if usd is None:
        return "unknown"
    sign, size = ("-" if usd < 0 else ""), abs(usd)
    return (
        f"{sign}${size:,.0f}"
        if size >= 100
        else f"{sign}${size:,.2f}"
        if size >= 0.1
        else f"{sign}${size:.6f}"
    )


def share(value: float | None) -> str:
    """A percentage."""
    return "unknown" if value is None else f"{value:.1%}"
