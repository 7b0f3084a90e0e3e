"""One run in one process: hands out messages when they are due, whoever is free takes the next one.

Needs gevent and knows nothing of Locust. It also watches itself: it keeps times of its own, and how late it
was for them says whether its other figures can be believed.
"""

import gc
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gevent
from gevent.pool import Group
from gevent.queue import Empty, Queue

from contract.frames import Ask
from loadtests.arrivals import Arrival
from loadtests.client import ChatClient
from loadtests.samples import Percentiles, Sample, Summary, summary
from loadtests.scenario import Scenario
from loadtests.transcript import Transcript

log = logging.getLogger("prime_day")

BEAT_S = 0.05
# After the last answer could have come: for reports of workers that are on their way.
GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Due:
    """A message that somebody should send now. `at`: on the monotonic clock."""

    arrival: Arrival
    at: float


class Generator:
    """Walks its part of the schedule and keeps what became of it; `planned` counts all parts."""

    def __init__(
        self, scenario: Scenario, arrivals: Sequence[Arrival], planned: int, keep: Callable[[Sample], None]
    ) -> None:
        self.scenario = scenario
        self.planned = planned
        self.users = 0  # of this process: those that exist ...
        self.present = 0  # ... and those that have a socket, or could not get one
        self.samples: list[Sample] = []
        self.lags_ms: list[float] = []
        self._arrivals = arrivals
        self._keep = keep
        self._due = Queue()  # of Due
        self._work = Group()
        self._run = secrets.token_hex(4)
        self._begun = False
        self._began: float | None = None
        # Seconds since 1970 are read once: a clock that is set during the run must not bend its times.
        self._epoch = time.time() - time.monotonic()

    def begin(self) -> None:
        """All users exist: the schedule starts as soon as each has its socket, or has given up."""
        if not self._begun:
            self._begun = True
            self._work.spawn(self._walk)

    def next(self, within_s: float) -> Due | None:
        """The next message that is due, if one is within this time."""
        try:
            due: Due = self._due.get(timeout=within_s)
            return due
        except Empty:
            return None

    def serve(self, due: Due, client: ChatClient, user: str) -> tuple[Sample, int]:
        """Sends a message and waits for its end: the sample, and the characters of the answer."""
        until = due.at + self.scenario.answer_within_s
        request_id = f"{self._run}-{due.arrival.number}"
        if time.monotonic() < until:
            ask = Ask(request_id=request_id, text=due.arrival.text, session_id=f"{self._run}-{user}")
            seen = client.ask(ask, until)
        else:
            seen = Transcript(request_id, time.monotonic())
            seen.fail("no free user in time")
        return Sample.of(seen, due.at, self._epoch), seen.characters

    def collect(self, samples: Sequence[Sample]) -> None:
        """Keeps what became of messages, of this process or another."""
        for sample in samples:
            self.samples.append(sample)
            self._keep(sample)

    def over(self) -> bool:
        """Whether every message has come to its end, or should have long ago."""
        if len(self.samples) >= self.planned:
            return True
        longest = self.scenario.length_s + self.scenario.answer_within_s + GRACE_S
        return self._began is not None and time.monotonic() > self._began + longest

    def stop(self) -> None:
        """Hands out nothing more."""
        self._work.kill()
        gc.unfreeze()

    def summary(self) -> Summary:
        """What the samples so far say."""
        return summary(self.samples, self.scenario.good)

    def lag_ms(self) -> Percentiles | None:
        """How late this process (on a master: its workers) was in keeping its own times."""
        return Percentiles.of(self.lags_ms)

    def _walk(self) -> None:
        gevent.sleep(BEAT_S)  # the last users have only just come into being
        while self.present < self.users:
            gevent.sleep(BEAT_S)
        # What exists now stays: the collector need not look at it again in the middle of a measurement.
        gc.collect()
        gc.freeze()
        self._began = time.monotonic()
        if self._arrivals:
            log.info("%s begins: %d messages", self.scenario.name, len(self._arrivals))
            self._work.spawn(self._watch)
        for arrival in self._arrivals:
            due = self._began + arrival.at_s
            gevent.sleep(max(0.0, due - time.monotonic()))
            self._due.put(Due(arrival, due))

    def _watch(self) -> None:
        """Beats of a fixed rhythm: after a stall the missed ones count too, each with its own lateness."""
        beat = time.monotonic()
        while True:
            beat += BEAT_S
            gevent.sleep(max(0.0, beat - time.monotonic()))
            self.lags_ms.append((time.monotonic() - beat) * 1_000)
