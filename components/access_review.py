"""Who could get in, and who does what nobody should (OPS-9).

The analyser proves from policies what outsiders can reach; it costs nothing for outside access, and by the
role for access nobody uses, so that is a setting. An account has one analyser of outside access a region:
where another stack has made it, ours is left out and its findings are heard all the same.

Rules watch for what should not happen unseen (`access_review.toml`). They need the trail of
`components.audit`: without it EventBridge hears of no call.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input

from components.alarms import Watch
from components.base import Component
from components.event_watch import Event, EventWatch, EventWatchArgs
from components.place import Place
from contract.alarms import Severity, Widget
from contract.base import Shape

# Calls to IAM are told here and nowhere else.
GLOBAL_REGION = "us-east-1"


class Definition(Shape):
    """One event of `access_review.toml`."""

    pattern: Mapping[str, Any]
    severity: Severity
    impact: str
    runbook: str
    everywhere: bool = True


@cache
def definitions() -> Mapping[str, Definition]:
    """Event -> what it looks like and means."""
    rows = tomllib.loads(Path(__file__).with_name("access_review.toml").read_text(encoding="utf-8"))
    return {name: Definition.model_validate(row) for name, row in rows.items()}


@dataclass(frozen=True, kw_only=True)
class AccessReviewArgs:
    """`analyser`: make the region's analyser; `unused_days`: also report access unused for so long."""

    environment: str
    place: Place
    key_arn: Input[str]
    log_days: int
    analyser: bool
    unused_days: int | None


class AccessReview(Component):
    """The analyser of a region, and the rules that watch it."""

    kind = "security:AccessReview"

    def __init__(self, name: str, args: AccessReviewArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        if args.analyser:
            self._analyser("outside", "ACCOUNT", None)
        # Roles are global: one region is enough, and each is charged.
        if args.unused_days is not None and args.place.region == GLOBAL_REGION:
            self._analyser("unused", "ACCOUNT_UNUSED_ACCESS", args.unused_days)
        self._events = EventWatch(
            f"{name}-events",
            EventWatchArgs(
                environment=args.environment,
                place=args.place,
                topic="access",
                events=_events(args.place.region),
                key_arn=args.key_arn,
                log_days=args.log_days,
            ),
            self.child(),
        )
        self.register_outputs({})

    def _analyser(self, word: str, kind: str, unused_days: int | None) -> None:
        aws.accessanalyzer.Analyzer(
            f"{self.name}-{word}",
            analyzer_name=f"concierge-{self._args.environment}-{word}",
            type=kind,
            configuration=None
            if unused_days is None
            else {"unused_access": {"unused_access_age": unused_days}},
            opts=self.child(),
        )

    def alarms(self) -> list[Watch]:
        return self._events.alarms()

    def widgets(self) -> list[Widget]:
        """Each of these should be empty."""
        return [self._events.graph("Access events")]


def _events(region: str) -> list[Event]:
    return [
        Event(
            id=name,
            pattern=event.pattern,
            severity=event.severity,
            impact=event.impact,
            runbook=event.runbook,
        )
        for name, event in definitions().items()
        if event.everywhere or region == GLOBAL_REGION
    ]
