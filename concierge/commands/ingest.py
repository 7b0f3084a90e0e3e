"""`concierge ingest`: documents into the search, from a folder, a file or a bucket."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from concierge import output

if TYPE_CHECKING:
    from runtime.ingest.run import Report

_EVERY_S = 0.5
_SHOWN = 20
WAYS = ("new", "changed", "unchanged", "duplicate", "deleted", "failed")


def ingest(
    place: Annotated[str, typer.Argument(metavar="PATH|s3://BUCKET/PREFIX", help="What is taken in.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Delete nothing, though documents are no longer there.")
    ] = False,
    most_gone: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Share of known documents that may be missing and are deleted."),
    ] = None,
    tenant: Annotated[str, typer.Option(help="Whose documents (default: whose are searched).")] = "",
    genre: Annotated[str, typer.Option(help="Of documents that do not say theirs.")] = "",
    category: Annotated[str, typer.Option(help="Of documents that do not say theirs.")] = "",
    language: Annotated[str, typer.Option(help="Of documents that do not show theirs.")] = "",
    json: output.JsonFlag = False,
) -> None:
    """Take in Markdown, HTML, PDF, DOCX and JSON: what is new or changed is written, what is gone is deleted.

    Reads the places of the agent's own environment: CONCIERGE_SEARCH_URL, AWS_REGION and, where there is a
    cache, CONCIERGE_CACHE_URL. Stopped anywhere, it is simply run again. A file that cannot be read is told
    at the end, with exit code 1; the others are taken in.
    """
    from runtime.ingest.command import Order, take_in

    usual = {"genre": genre, "category": category, "language": language}
    order = Order(
        place=place,
        tenant=tenant,
        usual={name: value for name, value in usual.items() if value},
        dry=dry_run,
        delete=not keep,
        most_gone=most_gone,
    )
    report = take_in(order, _Progress())
    if json:
        output.document(_as_json(report, dry=dry_run))
    else:
        _show(report, dry=dry_run)
    raise typer.Exit(1 if report.failures or report.kept_back else 0)


class _Progress:
    """Now and then a line of how far it is: on a terminal in place, else one below the other."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, report: "Report") -> None:
        import time

        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY_S * (1 if sys.stderr.isatty() else 10)
        output.progress(f"{report.files} files: {_counts(report)}; {report.chunks} chunks written")


def _counts(report: "Report") -> str:
    said = {one.value: count for one, count in report.counts.items()}
    return ", ".join(f"{said[way]} {way}" for way in WAYS if way in said) or "nothing yet"


def _show(report: "Report", *, dry: bool) -> None:
    rate = report.documents / report.seconds * 60 if report.seconds else 0
    verb = "would be written" if dry else "written"
    print(f"{report.files} files in {report.seconds:.1f} s: {_counts(report)}; {report.chunks} chunks {verb}")
    print(f"{rate:,.0f} documents a minute")
    if report.left_out:
        shown = ", ".join(report.left_out[:_SHOWN])
        more = f" and {len(report.left_out) - _SHOWN} more" if len(report.left_out) > _SHOWN else ""
        print(f"not read, for their format: {shown}{more}")
    if report.kept_back:
        print(
            f"{report.kept_back} documents are not there any more and were not deleted, for they are many: "
            "look whether the place is right, then run it again with --most-gone 1"
        )
    for one in report.failures:
        print(f"failed: {one.file}: {one.why}")


def _as_json(report: "Report", *, dry: bool) -> dict[str, Any]:
    return {
        "dry_run": dry,
        "files": report.files,
        "documents": {became.value: count for became, count in report.counts.items()},
        "chunks_written": report.chunks,
        "bytes": report.bytes,
        "seconds": round(report.seconds, 3),
        "left_out": list(report.left_out),
        "kept_back": report.kept_back,
        "failures": [{"file": one.file, "why": one.why} for one in report.failures],
    }
