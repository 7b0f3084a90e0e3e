"""What the simulator is asked: how many people and messages, how long, which sales and losses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, Self

import numpy as np

from sizing.documents import SizingError
from sizing.sampled import BIN_S
from sizing.traffic import Floats

LONGEST_H = 48.0
FAILOVER_S = 90.0  # three health checks of 30 s, and the names' life of 60 s, mostly over by then
_NUMBER = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_FLASH = re.compile(rf"(?P<at>{_NUMBER}):(?P<seconds>{_NUMBER}):(?P<times>{_NUMBER})")
_LOSS = re.compile(rf"(?P<what>zone|region)@(?P<at>{_NUMBER})")


@dataclass(frozen=True)
class Flash:
    """A sale: so many times the messages for a while."""

    at_s: float
    for_s: float
    times: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """`MINUTE:SECONDS:TIMES`."""
        found = _FLASH.fullmatch(text.strip())
        if found is None or not 0 < float(found["times"]) < inf or not float(found["seconds"]) > 0:
            raise SizingError(f"flash sale {text!r}: write MINUTE:SECONDS:TIMES, such as 20:120:1.5")
        return cls(float(found["at"]) * 60, float(found["seconds"]), float(found["times"]))


@dataclass(frozen=True)
class Loss:
    """A zone or the whole region is gone from then on."""

    what: Literal["zone", "region"]
    at_s: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """`zone@MINUTE` or `region@MINUTE`."""
        found = _LOSS.fullmatch(text.strip())
        if found is None:
            raise SizingError(f"loss {text!r}: write zone@MINUTE or region@MINUTE, such as region@40")
        what: Literal["zone", "region"] = "zone" if found["what"] == "zone" else "region"
        return cls(what, float(found["at"]) * 60)


@dataclass(frozen=True)
class Story:
    """`ramp_s`: in so long people arrive, all of them; none: they are connected from the beginning."""

    rate: float
    sessions: float
    hours: float
    ramp_s: float = 600.0
    flashes: Sequence[Flash] = ()
    losses: Sequence[Loss] = ()
    connected_s: float = 360.0

    def __post_init__(self) -> None:
        for name in ("rate", "sessions", "hours", "connected_s"):
            if not 0 < getattr(self, name) < inf:
                raise SizingError(f"{name} {getattr(self, name):g}: must be above 0")
        if self.hours > LONGEST_H:
            raise SizingError(f"hours {self.hours:g}: {LONGEST_H:g} at most; more are the same again")
        if not 0 <= self.ramp_s <= self.hours * 3600:
            raise SizingError(f"ramp {self.ramp_s:g} s: must be within the story")
        for at in [*(flash.at_s for flash in self.flashes), *(loss.at_s for loss in self.losses)]:
            if at >= self.hours * 3600:
                raise SizingError(
                    f"minute {at / 60:g} is after the end of the story ({self.hours * 60:g} minutes)"
                )
        for flash in self.flashes:
            self._refuse_late_end(flash)

    def _refuse_late_end(self, flash: Flash) -> None:
        """A sale that is cut off would be another one than was asked for."""
        left = self.hours * 3600 - flash.at_s
        if flash.for_s > left + BIN_S / 2:
            raise SizingError(
                f"flash sale of minute {flash.at_s / 60:g}: its {flash.for_s:g} s end after the story: "
                f"{left:g} s at most, or more --hours"
            )

    @property
    def bins(self) -> int:
        return max(1, round(self.hours * 3600 / BIN_S))

    @property
    def times(self) -> Floats:
        """When each bin begins, in seconds."""
        return np.arange(self.bins, dtype=np.float64) * BIN_S

    @property
    def present(self) -> Floats:
        """Share of the people who are there or on their way in."""
        if not self.ramp_s:
            return np.ones(self.bins)
        return np.minimum(1.0, (self.times + BIN_S) / self.ramp_s)

    @property
    def wanted(self) -> Floats:
        """Messages a second, were everybody connected."""
        rate = self.rate * self.present
        for flash in self.flashes:
            rate[self._span(flash.at_s, flash.for_s)] *= flash.times
        return rate

    @property
    def peak(self) -> float:
        return float(self.wanted.max())

    def connecting(self) -> Floats:
        """New connections a second: who arrives, who comes again, and all at once after a region's loss."""
        before = 0.0 if self.ramp_s else 1.0
        arriving = np.diff(self.present, prepend=before) / BIN_S * self.sessions
        arriving += self.sessions * self.present / self.connected_s
        for loss in self.losses:
            if loss.what == "region":
                begin = self._bin(loss.at_s)
                back = min(self.bins - 1, self._bin(loss.at_s + FAILOVER_S))
                arriving[begin:back] = 0.0
                arriving[back] += self.sessions * self.present[back] / BIN_S
        return arriving

    def gone(self) -> Floats:
        """1 where the names still point at a region that is lost, else 0."""
        lost = np.zeros(self.bins)
        for loss in self.losses:
            if loss.what == "region":
                lost[self._span(loss.at_s, FAILOVER_S)] = 1.0
        return lost

    def lost_from(self, what: str) -> float | None:
        """The first second at which such a loss has happened."""
        return min((loss.at_s for loss in self.losses if loss.what == what), default=None)

    def _bin(self, at_s: float) -> int:
        return min(self.bins, round(at_s / BIN_S))

    def _span(self, at_s: float, for_s: float) -> slice:
        return slice(self._bin(at_s), self._bin(at_s + for_s))
