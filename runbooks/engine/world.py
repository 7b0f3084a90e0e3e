"""What a runbook acts on: one environment in one region, seen through AWS, with a clock and an operator."""

import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, Protocol, Self

from contract.errors import InconclusiveError
from contract.inventory import Inventory, RegionInventory
from runbooks.engine.aws import Aws, Tally


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

    check_s: float = 10.0  # a check that takes longer has seen nothing
    metrics_lag_s: float = 2.0  # the youngest metrics are incomplete for so long; in AWS up to a minute
    poll_s: float = 2.0  # between two looks at whether it got better
    verify_s: float | None = None  # instead of the runbook's own patience


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything a check or a step may use."""

    aws: Aws
    inventory: Inventory
    operator: str
    role: str = "primary"
    why: str = ""
    clock: Clock = field(default_factory=WallClock)
    pace: Pace = Pace()

    @property
    def environment(self) -> str:
        return self.inventory.environment

    @property
    def here(self) -> RegionInventory:
        """The names of this region."""
        return self.inventory.regions[self.role]

    def named(self, kind: Literal["tables", "parameters", "topics", "alarms", "models"], key: str) -> str:
        """What AWS calls one of our things."""
        try:
            return str(getattr(self.here, kind)[key])
        except KeyError:
            raise InconclusiveError(f"the inventory has no {key!r} among its {kind}: `pulumi up`") from None

    def for_run(self, why: str) -> Self:
        """The same world, with a reason and calls counted from zero."""
        return replace(self, why=why, aws=replace(self.aws, tally=Tally()))
