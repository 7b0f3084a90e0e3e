"""What `concierge chaos` prints: experiments as a table, plans, verdicts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chaos.record import Record
    from concierge.output import Renderable
    from contract.faults import Experiment, Suite

_WORDS = {True: ("held", "green"), False: ("FAILED", "bold red"), None: ("not told", "yellow")}


def experiments(found: "Sequence[Experiment]", suites: "Sequence[Suite]") -> "Sequence[Renderable]":
    """All of them, and what is run together."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("experiment", "breaks", "then answers", "alarm", "runbook", "lasts"):
        table.add_column(column, justify="right" if column == "lasts" else "left", no_wrap=True)
    for one in found:
        broken = ", ".join(dict.fromkeys(f"{s.fault.target} {s.fault.kind}" for s in one.method))
        expect = one.expect
        table.add_row(one.id, broken, expect.tier, expect.alarm, expect.runbook, f"{one.length_s:.0f} s")
    together = Table("suite", "experiments", "shows", box=None, pad_edge=False)
    for suite in suites:
        together.add_row(suite.id, str(len(suite.experiments)), suite.title)
    return table, together


def verdict(found: "Record") -> "Renderable":
    """Every gate with what was seen."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from chaos import report

    table = Table(box=None, show_header=False, pad_edge=False)
    for gate in found.gates:
        table.add_row(Text(*_WORDS[gate.held]), gate.name, Text(gate.measured, "dim"))
    return Group(Text(f"\n{report.headline(found)}", "bold"), table)


def summary(found: "Sequence[Record]") -> dict[str, Any]:
    """Of several runs, as a document."""
    return {
        "verdicts": {one.experiment.id: one.verdict for one in found},
        "records": [one.model_dump(mode="json") for one in found],
    }
