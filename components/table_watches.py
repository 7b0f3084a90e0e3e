"""How a DynamoDB table fails and how that looks (DATA-1, OPS-2). Which tables there are is not known here."""

from collections.abc import Iterable, Mapping, Sequence

from components.alarms import Watch
from contract.alarms import Alarm, Severity, Statistic, Widget, graphs

NAMESPACE = "AWS/DynamoDB"
# Tables serve item reads and writes with these more than with anything else.
WATCHED_OPERATIONS = ("PutItem", "Query")
# A failover loses what is not yet in the standby: fifteen minutes are allowed (DATA-8), one is unusual.
BEHIND_MS = 60_000


def throttled(word: str, called: str, indexes: Sequence[str], severity: Severity, impact: str) -> list[Watch]:
    """A table on demand is throttled only when one key takes it all; an index holds up its table's writes.

    `word` is the table in alarm ids, `called` its name in AWS.
    """
    table = {"TableName": called}
    rows = [(f"{word}-{kind}", kind, table) for kind in ("read", "write")]
    rows += [
        (f"{word}-by-{index}-write", "write", {**table, "GlobalSecondaryIndexName": index})
        for index in indexes
    ]
    return [
        _watch(
            f"{place}-throttled",
            f"{kind.capitalize()}ThrottleEvents",
            dimensions,
            severity=severity,
            impact=impact,
            runbook="dynamodb-hot-partition",
        )
        for place, kind, dimensions in rows
    ]


def failing(word: str, called: str, severity: Severity, impact: str) -> list[Watch]:
    """DynamoDB's own errors, for tables where shoppers notice them at once."""
    return [
        _watch(
            f"{word}-{operation.lower()}-errors",
            "SystemErrors",
            {"TableName": called, "Operation": operation},
            severity=severity,
            impact=impact,
            runbook="region-failover",
        )
        for operation in WATCHED_OPERATIONS
    ]


def behind(word: str, called: str, region: str, severity: Severity) -> Watch:
    """The replica in that region does not keep up."""
    return _watch(
        f"{word}-replication-late",
        "ReplicationLatency",
        {"TableName": called, "ReceivingRegion": region},
        threshold=BEHIND_MS,
        statistic="Average",
        severity=severity,
        impact=f"A failover now would lose the last minutes of {word}.",
        runbook="region-failover",
    )


def _watch(
    id_: str,
    metric: str,
    dimensions: Mapping[str, str],
    *,
    severity: Severity,
    impact: str,
    runbook: str,
    threshold: float = 10,
    statistic: Statistic = "Sum",
) -> Watch:
    return Watch(
        Alarm(
            id=id_,
            namespace=NAMESPACE,
            metric=metric,
            dimensions=dimensions,
            statistic=statistic,
            threshold=threshold,
            datapoints=3,
            of=5,
            missing="notBreaching",
            # DynamoDB publishes nothing while nothing is throttled, and its alarms take no notice of silence.
            fill=0,
            severity=severity,
            impact=impact,
            runbook=runbook,
        )
    )


def throttle_widgets(called: Iterable[str], of: str = "tables") -> list[Widget]:
    """Which table refuses reads or writes."""
    return graphs(
        NAMESPACE,
        {
            f"Throttled reads, {of}": ("ReadThrottleEvents", "Sum"),
            f"Throttled writes, {of}": ("WriteThrottleEvents", "Sum"),
        },
        *({"TableName": name} for name in called),
    )


def behind_widgets(called: Iterable[str], region: str) -> list[Widget]:
    """How far the standby is behind."""
    return graphs(
        NAMESPACE,
        {"Standby behind, tables": ("ReplicationLatency", "Average")},
        *({"TableName": name, "ReceivingRegion": region} for name in called),
    )
