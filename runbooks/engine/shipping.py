"""The journal is on this machine first; this carries it to CloudWatch Logs when the network allows.

A log group takes lines and never changes them; who may run runbooks may not delete there. What was carried is
remembered beside the journal as a number of bytes, so that nothing is lost and at most a batch comes twice.
"""

from pathlib import Path

from runbooks.engine.aws import Aws, AwsError
from runbooks.engine.journal import Entry, Journal

_A_BATCH = 500  # PutLogEvents takes 10,000 events and 1 MB
_SECOND_MS = 1_000


def group(environment: str) -> str:
    """The log group that the stack makes for it."""
    return f"/concierge/{environment}/runbooks"


def ship(journal: Journal, aws: Aws, environment: str, who: str) -> str | None:
    """Carries what has not been carried yet; None, or why it has to wait."""
    mark = journal.path.with_suffix(".shipped")
    try:
        done = int(mark.read_text(encoding="utf-8")) if mark.is_file() else 0
        entries = journal.read()
        for start in range(done, len(entries), _A_BATCH):
            batch = entries[start : start + _A_BATCH]
            _put(aws, environment, who, batch)
            _remember(mark, start + len(batch))
    except (AwsError, OSError, ValueError) as trouble:
        return f"the journal waits at {journal.path}: {trouble}"
    return None


def _put(aws: Aws, environment: str, who: str, entries: tuple[Entry, ...]) -> None:
    stream = f"{entries[0].at:%Y/%m/%d}/{who}"
    events = [
        {
            "timestamp": int(entry.at.timestamp() * _SECOND_MS),
            "message": entry.model_dump_json(exclude_none=True),
        }
        for entry in sorted(entries, key=lambda entry: entry.at)
    ]
    try:
        aws.bookkeeping("logs", "create_log_stream", logGroupName=group(environment), logStreamName=stream)
    except AwsError as there:
        if there.code != "ResourceAlreadyExistsException":
            raise
    aws.bookkeeping(
        "logs", "put_log_events", logGroupName=group(environment), logStreamName=stream, logEvents=events
    )


def _remember(mark: Path, count: int) -> None:
    fresh = mark.with_suffix(".new")
    fresh.write_text(str(count), encoding="utf-8")
    fresh.replace(mark)
