"""A stand-in's faults: which are active, which call they hit, and what was done to them when.

A lease ends here, on the stand-in's side, so that a killed experiment leaves nothing behind (CHAOS-2). Which
calls are hit is counted, not diced: of a hundred calls a rate of 4 % hits every twenty-fifth. The HTTP side
is `fault_api`.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Literal

from contract.errors import WrongUseError
from contract.faults import ActiveFault, Fault, FaultKind, Injection

_LOG_LINES = 10_000
Struck = Mapping[FaultKind, Fault]


class FaultError(WrongUseError):
    """A fault this stand-in cannot have."""


@dataclass
class _Injected:
    """A fault, how many calls it has seen, and how many of them it hit."""

    active: ActiveFault
    rate: Fraction
    seen: int = 0
    hit: int = 0

    def hits_next(self) -> bool:
        """Spread evenly: the call that carries the running total over a whole number is hit."""
        self.seen += 1
        due = int(self.seen * self.rate)
        hit, self.hit = due > self.hit, due
        return hit


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Faults:
    """The faults of one stand-in.

    `attributes`: what a fault may be narrowed by, and the values there are; no values: any.
    """

    def __init__(
        self,
        target: str,
        kinds: Collection[FaultKind],
        attributes: Mapping[str, Collection[str]],
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.target = target
        self._kinds = kinds
        self._attributes = attributes
        self._now = now
        self._injected: dict[str, _Injected] = {}
        self._log: deque[Injection] = deque(maxlen=_LOG_LINES)
        self._count = 0

    def inject(self, fault: Fault) -> ActiveFault:
        """Starts a fault; FaultError when it could never hit anything."""
        self._check(fault)
        now = self._now()
        self._count += 1
        active = ActiveFault(
            id=f"{self.target}-{fault.kind}-{self._count}",
            fault=fault,
            injected_at=now,
            expires_at=now + timedelta(seconds=fault.lease_s),
        )
        # By way of its text: the float 0.04 is a little more than 4 %, and that little adds up.
        self._injected[active.id] = _Injected(active, Fraction(str(fault.rate)))
        self._note("injected", self._injected[active.id], now)
        return active

    def active(self) -> list[ActiveFault]:
        """What is injected and not yet expired, oldest first."""
        return [entry.active for entry in self._current()]

    def log(self) -> list[Injection]:
        """What was done to faults, oldest first; a lease that ran out stands there with its own time."""
        self._current()
        return sorted(self._log, key=lambda line: line.at)

    def clear(self, fault_id: str) -> bool:
        """Ends a fault. False: it was not there, or its lease had run out, so it did not last as meant."""
        there = any(active.id == fault_id for active in self.active())
        if there:
            self._note("cleared", self._injected.pop(fault_id), self._now())
        return there

    def clear_all(self) -> None:
        for active in self.active():
            self.clear(active.id)

    def strike(self, kinds: Collection[FaultKind], attributes: Mapping[str, str]) -> Struck:
        """Which of these kinds a call with these attributes is to suffer. Ask once a call: it counts."""
        if not self._injected:
            return {}
        struck: dict[FaultKind, Fault] = {}
        for entry in self._current():
            fault = entry.active.fault
            matches = fault.kind in kinds and fault.match.items() <= attributes.items()
            if matches and entry.hits_next():  # each counts each call, also after a hit
                struck[fault.kind] = fault
        return struck

    def hit(self, kind: FaultKind, attributes: Mapping[str, str]) -> bool:
        """`strike` for one kind."""
        return kind in self.strike((kind,), attributes)

    def standing(self, kind: FaultKind) -> Fault | None:
        """The newest fault of a kind that is a state rather than something that happens to calls."""
        found = [active.fault for active in self.active() if active.fault.kind == kind]
        return found[-1] if found else None

    def _current(self) -> list[_Injected]:
        now = self._now()
        for key, entry in list(self._injected.items()):
            if entry.active.expires_at <= now:
                del self._injected[key]
                self._note("expired", entry, entry.active.expires_at)
        return list(self._injected.values())

    def _note(self, what: Literal["injected", "cleared", "expired"], entry: _Injected, at: datetime) -> None:
        active = entry.active
        self._log.append(
            Injection(at=at, what=what, id=active.id, fault=active.fault, seen=entry.seen, hit=entry.hit)
        )

    def _check(self, fault: Fault) -> None:
        if fault.target != self.target:
            raise FaultError(f"target: this is {self.target}, not {fault.target!r}")
        if fault.kind not in self._kinds:
            raise FaultError(f"kind: {self.target} knows {', '.join(self._kinds)}, not {fault.kind}")
        for name, value in fault.match.items():
            if name not in self._attributes:
                raise FaultError(f"match: {self.target} knows {', '.join(self._attributes)}, not {name!r}")
            if self._attributes[name] and value not in self._attributes[name]:
                raise FaultError(
                    f"match: {name} is one of {', '.join(self._attributes[name])}, not {value!r}"
                )
