"""A provider contract was not verified for seven days (RUN-23): verify all anew, by the tools line's tests.

Each verification leaves an object `contracts/<provider>.json` in the agent's bucket, with the time it was
made as metadata `verified-at`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from runbooks.engine import About, Alarmed, Blame, Finding, Runbook, Verify, World, calling
from runbooks.parts.pipelines import start

ID = "stale-contracts"
LINE = "tools"
LIST, HEAD = "s3.list_objects_v2", "s3.head_object"
PREFIX = "contracts/"
FRESH = timedelta(days=7)


def ages(world: World) -> Mapping[str, timedelta]:
    """Provider -> how long ago its contract was verified."""
    bucket = world.named("buckets", "agent")
    listed = world.aws.read("s3", "list_objects_v2", Bucket=bucket, Prefix=PREFIX)
    found = {}
    for item in listed.get("Contents", ()):
        said = world.aws.read("s3", "head_object", Bucket=bucket, Key=item["Key"])["Metadata"]
        verified = datetime.fromisoformat(said.get("verified-at", "1970-01-01T00:00:00+00:00"))
        provider = str(item["Key"]).removeprefix(PREFIX).removesuffix(".json")
        found[provider] = world.clock.now() - verified.astimezone(UTC)
    return found


@calling(LIST, HEAD)
def contracts(world: World) -> Finding:
    """Which contracts are older than seven days?"""
    found = ages(world)
    if not found:
        return Finding(what="no contract was ever verified here", cause=None)
    stale = tuple(sorted(provider for provider, age in found.items() if age > FRESH))
    shown = ", ".join(f"{provider} {found[provider].days} days" for provider in stale)
    return Finding(
        what=f"not verified: {shown}" if stale else f"all {len(found)} contracts are fresh",
        evidence={provider: f"{age.days} days" for provider, age in found.items()},
        cause=bool(stale),
        subjects=stale,
    )


@calling(LIST, HEAD)
def stale(world: World, _: datetime | None) -> float | None:
    """How many are stale."""
    found = ages(world)
    return float(sum(age > FRESH for age in found.values())) if found else None


RUNBOOK = Runbook(
    id=ID,
    about=About(
        impact="nobody yet: a provider may have changed, and the first to notice would be a shopper",
        severity="ticket",
        budget_min=45,
        escalate="runtime on-call and the provider, when its contract fails",
    ),
    diagnose={"contracts": contracts, "alarms": Alarmed(ID)},
    decide=Blame("contracts"),
    mitigate=(start(LINE, "its tests verify every contract against the provider"),),
    verify=Verify(
        what="contracts older than seven days",
        within_s=2400,
        measure=stale,
        better=lambda _, after: after == 0,
    ),
)
