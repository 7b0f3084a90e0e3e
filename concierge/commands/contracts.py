"""`concierge contracts`: what the runtime relies on of its providers, and whether they keep it (RUN-23)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from concierge import output
from contract.errors import FAILED, WrongUseError

if TYPE_CHECKING:
    from rich.table import Table

    from rehearsal.contracts.verify import Report

app = typer.Typer(
    no_args_is_help=True, help="What the runtime relies on of its providers: list it, hold them to it."
)
NOTES = Path("build/contracts/verified.json")


@app.command("list")
def list_(json: output.JsonFlag = False) -> None:
    """Every contract and when it was verified; exit code 1 when one is older than seven days."""
    from contract.consumers import FRESH_DAYS, consumers

    today = datetime.now(UTC).date()
    found = consumers()
    stale = [name for name, one in found.items() if not one.fresh(today)]
    if json:
        shown = {
            name: {
                "what": one.what,
                "protocol": one.protocol,
                "interactions": [interaction.name for interaction in one.interactions],
                "verified": one.verified,
                "age_days": one.age_days(today),
                "fresh": one.fresh(today),
            }
            for name, one in found.items()
        }
        output.document(shown)
    else:
        table = _table("provider", "interactions", "verified", "age", "what")
        for name, one in found.items():
            age = f"{one.age_days(today)} d" + ("" if one.fresh(today) else ", stale")
            table.add_row(name, str(len(one.interactions)), one.verified.isoformat(), age, one.what)
        output.show(table)
    if stale:
        output.note(
            f"older than {FRESH_DAYS} days: {', '.join(stale)}; renew it: concierge contracts verify --record"
        )
        raise typer.Exit(FAILED)


@app.command()
def verify(
    only: Annotated[list[str] | None, typer.Argument(metavar="[PROVIDER]...", help="All, if none.")] = None,
    url: Annotated[
        list[str] | None,
        typer.Option(metavar="PROVIDER=URL", help="Ask this place, and no stand-in. May be repeated."),
    ] = None,
    sample: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Something that place knows: asin, words, order, customer."),
    ] = None,
    writes: Annotated[
        bool, typer.Option("--writes", help="With --url: refunds and complaints may be written there.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Write the day into the contracts that were kept.")
    ] = False,
    json: output.JsonFlag = False,
) -> None:
    """Ask all that the contracts say, of the stand-ins or of --url. Exit code 1: broken, 3: not shown."""
    from dataclasses import asdict

    from rehearsal.contracts import verify as verifying

    if url and only:
        raise WrongUseError("give providers, or --url for each: the URL names its provider")
    if not url and (sample or writes):
        raise WrongUseError("--sample and --writes are for --url: the stand-ins know theirs")
    if url:
        report = verifying.against(_pairs("--url", url), _pairs("--sample", sample or []), writes=writes)
    else:
        report = verifying.against_stand_ins(only or ())
    today = datetime.now(UTC).date()
    if record:
        verifying.record(report.kept, today, NOTES, report)
    if json:
        output.document({"kept": report.kept, "lines": [asdict(line) for line in report.lines]})
    else:
        _show(report)
    if record:
        output.note(
            f"verified on {today.isoformat()}: {', '.join(report.kept) or 'none'}; written to {NOTES}"
        )
    raise typer.Exit(report.exit_code)


def _show(report: "Report") -> None:
    table = _table("provider", "interaction", "came", "why")
    for line in report.lines:
        table.add_row(line.provider, line.interaction, line.came, "\n".join(line.why))
    output.show(table)


def _table(*columns: str) -> "Table":
    from rich.table import Table

    return Table(*columns, box=None, pad_edge=False)


def _pairs(option: str, given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [name for name, _, value in pairs if not name or not value]:
        raise WrongUseError(f"{option} {wrong[0]}: write NAME=VALUE")
    return {name: value for name, _, value in pairs}
