"""The report of a run: one HTML file that needs nothing else, the same facts as JSON, and tables as CSV.

Reads a `Run` and draws it; what the figures mean is decided in `verdict`, `knee` and `baseline`.
"""

from pathlib import Path

from loadtests import run
from loadtests.report import facts, page, tables
from loadtests.run import Run

HTML, JSON, INTERVALS, GROUPS = "report.html", "report.json", "intervals.csv", "groups.csv"


def write(finished: Run, folder: Path) -> Path:
    """All files of a run in its folder; the page's path. None is ever half there."""
    run.write(finished, folder / run.FILE)
    run.replace(folder / JSON, facts.text(finished))
    run.replace(folder / INTERVALS, tables.intervals(finished))
    run.replace(folder / GROUPS, tables.groups(finished))
    run.replace(folder / HTML, page.html(finished))
    return folder / HTML
