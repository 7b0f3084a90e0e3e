"""Bedrock as CloudWatch shows it: what AWS measures at its own door, by model."""

from runbooks.engine.places import models, ours
from runbooks.engine.watch import Watch

NAMESPACE = "AWS/Bedrock"


# Milliseconds to a model's first text, p99, from which it is slow.
SLOW_MS = {"sonnet": 3000.0, "haiku": 1500.0}


def first_token(rung: str) -> Watch:
    """`rung`: of a model, here or in the standby region."""
    return Watch(
        what=f"{rung}: first token p99 at AWS's door",
        namespace=NAMESPACE,
        metric="TimeToFirstToken",
        of=models(rung),
        statistic="p99",
        limit=SLOW_MS[rung.removeprefix("standby-")],
        unit=" ms",
    )


def failing(rung: str, share: float = 0.2) -> Watch:
    return Watch(
        what=f"{rung}: share of calls that fail on AWS's side",
        namespace=NAMESPACE,
        metric="InvocationServerErrors",
        over="Invocations",
        of=models(rung),
        limit=share,
    )


def throttled(rung: str, share: float = 0.1) -> Watch:
    return Watch(
        what=f"{rung}: share of calls that are throttled",
        namespace=NAMESPACE,
        metric="InvocationThrottles",
        over="Invocations",
        of=models(rung),
        limit=share,
    )


# What people notice, whatever the cause.
UNANSWERED = Watch(
    what="messages without an answer",
    namespace="Concierge",
    metric="Failed",
    of=ours(),
    statistic="Average",
    limit=0.01,
)
OUR_FIRST_TOKEN = Watch(
    what="first text as people wait for it, p95",
    namespace="Concierge",
    metric="FirstToken",
    of=ours(),
    statistic="p95",
    limit=2500,
    unit=" ms",
)
