"""What a runbook acts on: one environment in one region, seen through AWS, with a clock and an operator."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol, Self

from contract.errors import InconclusiveError, WrongUseError
from contract.inventory import Inventory, RegionInventory
from runbooks.engine.aws import Aws

if TYPE_CHECKING:
    from runbooks.engine.shape import Finding

Kind = Literal[
    "tables", "parameters", "topics", "alarms", "models", "endpoints", "machines", "services", "clusters",
    "domains", "caches", "queues", "buckets", "apis", "balancers", "checks", "acls", "logs",
    "secrets", "pipelines", "vaults", "runtimes",
]  # fmt: skip


class Clock(Protocol):
    """Time as a runbook sees it."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...


class WallClock:
    """Real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long to wait for what. A rehearsal's stand-ins are quicker than AWS."""

    check_s: float = 4.0  # a check that takes longer has seen nothing: the first finding comes within 5 s
    metrics_lag_s: float = 2.0  # the youngest metrics are incomplete for so long; in AWS up to a minute
    poll_s: float = 2.0  # between two looks at whether it got better
    verify_s: float = 0.0  # at least so patient, whatever the runbook says


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything a check or a step may use. `findings`: what the checks saw, for the steps that follow.

    `inputs`: what the operator gave by `--set`. `search_url`: a rehearsal's search domain.
    """

    aws: Aws
    inventory: Inventory
    operator: str
    role: str = "primary"
    why: str = ""
    clock: Clock = field(default_factory=WallClock)
    pace: Pace = Pace()
    search_url: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    findings: "Mapping[str, Finding]" = field(default_factory=dict)

    @property
    def environment(self) -> str:
        return self.inventory.environment

    @property
    def here(self) -> RegionInventory:
        """The names of this region."""
        return self.inventory.regions[self.role]

    def all(self, kind: Kind) -> Mapping[str, str]:
        """Our word -> what AWS calls it, of one kind."""
        found: Mapping[str, str] = getattr(self.here, kind)
        return found

    def named(self, kind: Kind, key: str) -> str:
        """What AWS calls one of our things."""
        try:
            return self.all(kind)[key]
        except KeyError:
            raise InconclusiveError(f"the inventory has no {key!r} among its {kind}: `pulumi up`") from None

    def given(self, key: str, what: str) -> str:
        """What the operator has to say before anything can be done."""
        if value := self.inputs.get(key, "").strip():
            return value
        raise WrongUseError(f"--set {key}=... is missing: {what}")

    def subjects(self, check: str) -> tuple[str, ...]:
        """The things that check found trouble with."""
        found = self.findings.get(check)
        return found.subjects if found else ()

    def seeing(self, findings: "Mapping[str, Finding]") -> Self:
        return replace(self, findings=findings)

    def at(self, role: str) -> Self:
        """The same environment in its other region."""
        if role not in self.inventory.regions:
            raise InconclusiveError(f"{self.environment} has no {role} region")
        return replace(self, role=role, aws=self.aws.elsewhere(self.inventory.regions[role].region))

    def for_run(self, why: str, allowed: frozenset[str]) -> Self:
        """The same world, with a reason, calls counted from zero, and no call that was not declared."""
        return replace(self, why=why, aws=self.aws.for_run(allowed))
