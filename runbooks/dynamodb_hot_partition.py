"""One key takes most of a table's traffic and is throttled (DATA-2).

Fewer reads first (looser caches), the key named by CloudWatch, then more warm throughput, by which partitions
split. A key that still takes more than one partition carries (3,000 reads or 1,000 writes a second) is a
fault of whoever asks for it.
"""

from collections.abc import Mapping

from runbooks.engine import About, Alarmed, Decision, Finding, Runbook, Verify, World, calling
from runbooks.parts import relief
from runbooks.parts.dynamodb import READS_THROTTLED, WRITES_THROTTLED, key_insights, warm

ID = "dynamodb-hot-partition"
READS, WRITES = 24_000, 8_000


def hot(world: World) -> tuple[str, ...]:
    """Tables with throttled reads or writes."""
    return tuple(dict.fromkeys((*world.subjects("reads"), *world.subjects("writes"))))


def decide(findings: Mapping[str, Finding]) -> Decision:
    """Act when a table throttles."""
    reads, writes = findings["reads"], findings["writes"]
    bad = [one for one in (reads, writes) if one.cause]
    if bad:
        return Decision(course="act", why="; ".join(one.what for one in bad))
    if reads.cause is None and writes.cause is None:
        return Decision(course="unclear", why=f"{reads.what}; {writes.what}")
    return Decision(course="leave", why=f"{reads.what}; {writes.what}")


@calling(*READS_THROTTLED.calls)
def throttled(world: World, since: object) -> float | None:
    """The worst table, reads or writes."""
    seen = [watch.measure(world, since) for watch in (READS_THROTTLED, WRITES_THROTTLED)]  # type: ignore[arg-type]
    known = [value for value in seen if value is not None]
    return max(known) if known else None


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="some conversations, carts or orders are not read or written",
        budget_min=30,
        escalate="data on-call, with the key that Contributor Insights names",
    ),
    diagnose={"reads": READS_THROTTLED, "writes": WRITES_THROTTLED, "alarms": Alarmed(ID)},
    decide=decide,
    mitigate=(relief.cache("aggressive"), key_insights(hot)),
    further=((warm(READS, WRITES, hot),),),
    verify=Verify(
        what="throttled requests a minute, of the worst table",
        within_s=600,
        measure=throttled,
        better=lambda _, after: after <= READS_THROTTLED.limit,
    ),
)
