"""Who is sent away when this task has more to do than it can (RUN-9). Asked once the intent is known.

Load is the share of the messages it can hold that are under way; how many it can hold follows from how late
the event loop is. Every intent has its place in a row, and is shed from some load on, those in front sooner:
so at no load is one refused while another that can wait longer is let in.
"""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from contract.intents import Intent
from contract.traffic_settings import SheddingSettings
from runtime.limits.verdict import PASS, Verdict
from runtime.telemetry import Telemetry

LESS, MORE = 0.8, 1.25
FORGIVEN = 3  # a late look counts two, one in time takes one back: one long pause is no overload


class Shedding:
    """Holds every message under way; `watch` runs beside them."""

    def __init__(
        self,
        settings: SheddingSettings,
        telemetry: Telemetry,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._spread = spread
        self._shed_from = _thresholds(settings)
        self._running = 0
        self._peak = 0
        self._late = 0
        self.lag_s = 0.0  # of the event loop, when it was last looked at
        self.holds = settings.most

    @property
    def running(self) -> int:
        """Messages under way."""
        return self._running

    @property
    def load(self) -> float:
        """Of this task, without the message that asks: 1 is all it can hold."""
        return max(0, self._running - 1) / self.holds

    @contextmanager
    def message(self) -> Iterator[None]:
        """One message, from its arrival to its end."""
        self._running += 1
        self._peak = max(self._peak, self._running)
        try:
            yield
        finally:
            self._running -= 1

    def admit(self, intent: Intent) -> Verdict:
        """Asked inside `message`."""
        if self.load < self._shed_from[intent]:
            return PASS
        self._telemetry.metrics({"Shed": 1}, {"Intent": intent.value})
        retry = self._settings.retry_s * (1 + self._spread())  # spread, or they all come back at once
        return Verdict(allowed=False, why="load", retry_after_s=retry, models=False)

    def learn(self, lag_s: float) -> None:
        """The event loop was so late. It holds less while that is much, and more again once it was used."""
        self.lag_s = lag_s
        if lag_s > self._settings.lag_s:
            self._late = min(self._late + 2, FORGIVEN + 2)
            if self._late > FORGIVEN:
                lower = int(min(self.holds, max(self._peak, 1)) * LESS)
                self.holds = max(min(self._settings.floor, self._settings.most), lower)
        else:
            self._late = max(0, self._late - 1)
            if not self._late and self._peak * 2 >= self.holds:  # not used, not proven
                self.holds = min(self._settings.most, int(self.holds * MORE) + 1)
        self._peak = self._running

    async def watch(self) -> None:
        """Looks again and again how late the loop is; cancel it to stop."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + self._settings.watch_s
            await asyncio.sleep(self._settings.watch_s)
            self.learn(loop.time() - due)


def _thresholds(settings: SheddingSettings) -> dict[Intent, float]:
    """From which load on an intent is shed: `begin` for the first, 1 for the last, evenly between."""
    last = max(1, len(settings.order) - 1)
    return {
        intent: 1 - (1 - settings.begin) * (last - place) / last
        for place, intents in enumerate(settings.order)
        for intent in intents
    }
