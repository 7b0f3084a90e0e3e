"""What is left of a run for others: a timeline for the post-mortem, and a summary for the channel."""

from collections.abc import Iterator, Sequence

from contract.runbooks import catalogue
from runbooks.engine import Entry, Record

_MARKS = {
    "found": "looked",
    "changing": "begins",
    "changed": "changed",
    "undone": "undone",
    "verified": "verified",
}


def timeline(entries: Sequence[Entry]) -> str:
    """Markdown: when what happened, from the journal alone."""
    return "\n".join(_timeline(entries)) + "\n"


def _timeline(entries: Sequence[Entry]) -> Iterator[str]:
    first = entries[0]
    began = first.at
    yield f"# {catalogue()[first.runbook].title}: run {first.run}"
    yield ""
    yield f"{first.environment} {first.region}, {first.who}, {began:%Y-%m-%d %H:%M:%S} UTC."
    yield f"Why: {_why(entries)}"
    yield ""
    yield "| time | + | what | who | |"
    yield "| --- | ---: | --- | --- | --- |"
    for entry in entries:
        after = (entry.at - began).total_seconds()
        text = entry.text.replace("|", "\\|")
        what = _MARKS.get(entry.what, entry.what)
        yield f"| {entry.at:%H:%M:%S} | {after:.0f} s | {what} | {entry.who} | {text} |"
    yield ""
    yield from _marks(entries)


def _why(entries: Sequence[Entry]) -> str:
    return next((entry.why for entry in entries if entry.why), "planned only")


def _marks(entries: Sequence[Entry]) -> Iterator[str]:
    """The three times a post-mortem asks for."""
    for label, what in (("first finding", "found"), ("mitigation", "changed"), ("verified", "verified")):
        seen = [entry for entry in entries if entry.what == what]
        if seen:
            at = seen[0] if what == "found" else seen[-1]
            yield f"- time to {label}: {(at.at - entries[0].at).total_seconds():.0f} s"


def summary(record: Record) -> str:
    """For the channel, and to paste where help is asked for: Slack and Markdown read it alike."""
    return "\n".join(_summary(record)) + "\n"


def _summary(record: Record) -> Iterator[str]:
    entry = catalogue()[record.runbook]
    yield f"*{entry.title}* ({record.runbook}, {record.environment} {record.region}): *{record.verdict}*"
    yield f"{record.who}, {record.started_at:%H:%M} UTC: {record.why or 'planned only'}"
    if record.decision:
        yield f"> {record.decision.why}"
    trouble = [finding.what for finding in record.findings.values() if finding.cause]
    blind = [finding.what for finding in record.findings.values() if finding.cause is None]
    yield from (f"• {what}" for what in trouble)
    yield from (f"• not seen: {what}" for what in blind)
    for change in record.changes:
        yield f"• {change.subject}: {change.before} -> {change.after}"
    yield record.note
    if record.keep:
        yield f"to keep it: `{record.keep}`"
