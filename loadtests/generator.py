"""One run in one process: deals messages to users when they are due, and keeps what became of each.

Needs gevent and knows nothing of Locust. It also watches itself: it keeps times of its own, and how late it
was for them says whether its other figures can be believed.
"""

import gc
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import gevent
from gevent.pool import Group

from loadtests.arrivals import Arrival, Person
from loadtests.client import Connections
from loadtests.doorbell import Doorbell
from loadtests.samples import Sample
from loadtests.scenario import Scenario
from loadtests.tally import Tally
from loadtests.transcript import Transcript

log = logging.getLogger("prime_day")

BEAT_S = 0.05
# After the last answer could have come: for reports of workers that are on their way.
GRACE_S = 10.0
NOBODY_FREE = "dropped: no free user in time"
TOO_LATE = "dropped: the answer before it took too long"


@dataclass(frozen=True, slots=True)
class Due:
    """A message that somebody should send now. `at`: on the monotonic clock."""

    arrival: Arrival
    at: float


@dataclass(slots=True, eq=False)
class Talk:
    """A conversation under way: what is due in it, who has it, and when its answer before had ended."""

    person: Person
    free_at: float = 0.0
    inbox: deque[Due] = field(default_factory=deque)
    seat: "Seat | None" = None


@dataclass(slots=True, eq=False)
class Seat:
    """A user, as the generator sees it: a guest or a customer, free or in a conversation."""

    guest: bool
    bell: Doorbell = field(default_factory=Doorbell)
    talk: Talk | None = None


class Generator:
    """Walks its part of the schedule; `planned` counts all parts."""

    def __init__(
        self,
        scenario: Scenario,
        arrivals: Iterable[Arrival],
        planned: int,
        keep: Callable[[Sample], None] = lambda _: None,
    ) -> None:
        self.scenario = scenario
        self.planned = planned
        self.users = 0  # of this process: those that exist ...
        self.present = 0  # ... and those that have a socket, or could not get one
        self.tally = Tally(scenario.good, scenario.bin_s)
        self.connections = Connections()
        self.began: float | None = None  # on the monotonic clock
        self.began_at = 0.0  # seconds since 1970
        self.messages = 0  # that came to their end, in all parts
        self.run_id = secrets.token_hex(4)
        self._arrivals = iter(arrivals)
        self._keep = keep
        self._talks: dict[int, Talk] = {}
        self._free: dict[bool, deque[Seat]] = {True: deque(), False: deque()}
        self._waiting: dict[bool, deque[Talk]] = {True: deque(), False: deque()}
        self._work = Group()
        self._begun = False
        # Seconds since 1970 are read once: a clock that is set during the run must not bend its times.
        self._epoch = time.time() - time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Since the beginning of the schedule."""
        return 0.0 if self.began is None else time.monotonic() - self.began

    def begin(self, tell: Callable[[float], None] = lambda _: None) -> None:
        """All users exist: the schedule starts as soon as each has its socket, or has given up; `tell`:
        when."""
        if not self._begun:
            self._begun = True
            self._work.spawn(self._walk, tell)

    def sit_down(self, number: int) -> Seat:
        """A place for a user; guests and customers as many as the scenario has of each."""
        share = self.scenario.guests
        if number < 2:  # one of each, if there is any
            guest = share > 0 if number == 0 else share >= 1
        else:
            guest = int((number + 1) * share) > int(number * share)
        seat = Seat(guest)
        self._let(seat)
        return seat

    def next(self, seat: Seat, descriptor: int | None, within_s: float) -> Due | None:
        """What this user should send now; None: its socket has something to say, or nothing was due so
        long."""
        if not (seat.talk and seat.talk.inbox):
            seat.bell.wait(descriptor, within_s)
        return seat.talk.inbox.popleft() if seat.talk and seat.talk.inbox else None

    def serve(self, due: Due, ask: Callable[[str, float], Transcript]) -> Sample:
        """Has a message sent, unless it is too late for that, and says what became of it."""
        until = due.at + self.scenario.answer_within_s
        request_id = f"{self.run_id}-{due.arrival.number}"
        if time.monotonic() >= until:
            return self._dropped(due, TOO_LATE)
        talk = self._talks[due.arrival.conversation]
        busy_s, seen = max(0.0, talk.free_at - due.at), ask(request_id, until)
        talk.free_at = time.monotonic()
        return self._sample(seen, due, busy_s)

    def done(self, seat: Seat, due: Due, sample: Sample) -> None:
        """Keeps what became of a message; after the last one of a conversation its user is free."""
        self.collect(sample)
        if due.arrival.last:
            self._talks.pop(due.arrival.conversation, None)
            seat.talk = None
            self._let(seat)

    def collect(self, sample: Sample) -> None:
        """Keeps what became of a message of this process."""
        self.messages += 1
        self.tally.add(sample)
        self._keep(sample)

    def over(self) -> bool:
        """Whether every message has come to its end, or should have long ago."""
        if self.planned and self.messages >= self.planned:
            return True
        longest = self.scenario.length_s + self.scenario.answer_within_s + GRACE_S
        return self.began is not None and self.elapsed_s > longest

    def stop(self) -> None:
        """Deals out nothing more."""
        self._work.kill()
        self._look_at_connections()
        gc.unfreeze()

    def _let(self, seat: Seat) -> None:
        """A free user takes who has waited longest, or is there for the next."""
        if self._waiting[seat.guest]:
            self._take(seat, self._waiting[seat.guest].popleft())
        else:
            self._free[seat.guest].append(seat)

    def _take(self, seat: Seat, talk: Talk) -> None:
        seat.talk, talk.seat = talk, seat
        seat.bell.ring()

    def _deal(self, due: Due) -> None:
        arrival = due.arrival
        talk = self._talks.get(arrival.conversation)
        if talk is None:
            talk = self._talks[arrival.conversation] = Talk(arrival.person)
            talk.inbox.append(due)
            if self._free[arrival.person.guest]:
                self._take(self._free[arrival.person.guest].popleft(), talk)
            else:
                self._waiting[arrival.person.guest].append(talk)
        else:
            talk.inbox.append(due)
            if talk.seat is not None:
                talk.seat.bell.ring()

    def _dropped(self, due: Due, why: str) -> Sample:
        seen = Transcript(f"{self.run_id}-{due.arrival.number}", time.monotonic())
        seen.fail(why)
        return self._sample(seen, due).model_copy(update={"dropped": True})

    def _sample(self, seen: Transcript, due: Due, busy_s: float = 0.0) -> Sample:
        """Of a message that is over now."""
        times = {"busy_ms": busy_s, "over_ms": time.monotonic() - due.at}
        told = {name: round(seconds * 1_000, 3) for name, seconds in times.items()}
        return Sample.of(seen, due.at, self._epoch, due.arrival).model_copy(update=told)

    def _walk(self, tell: Callable[[float], None]) -> None:
        gevent.sleep(BEAT_S)  # the last users have only just come into being
        while self.present < self.users:
            gevent.sleep(BEAT_S)
        # What exists now stays: the collector need not look at it again in the middle of a measurement.
        gc.collect()
        gc.freeze()
        self.began = time.monotonic()
        self.began_at = self.began + self._epoch
        tell(self.began_at)
        first = next(self._arrivals, None)
        if first is None:
            return  # a master, or a worker without a share
        log.info("%s begins: %d messages in all", self.scenario.name, self.planned)
        self._work.spawn(self._watch)
        last = self._send(first)
        for arrival in self._arrivals:
            last = self._send(arrival)
        gevent.sleep(max(0.0, last + self.scenario.answer_within_s - time.monotonic()))
        self._give_up()

    def _send(self, arrival: Arrival) -> float:
        assert self.began is not None  # noqa: S101 - the walk has begun
        due = self.began + arrival.at_s
        gevent.sleep(max(0.0, due - time.monotonic()))
        self._deal(Due(arrival, due))
        return due

    def _give_up(self) -> None:
        """Who still waits for a free user will never get one in time: nothing vanishes without a line."""
        for waiting in self._waiting.values():
            for talk in waiting:
                while talk.inbox:
                    self.collect(self._dropped(talk.inbox.popleft(), NOBODY_FREE))
            waiting.clear()

    def _watch(self) -> None:
        """Beats of a fixed rhythm: after a stall the missed ones count too, each with its own lateness."""
        beat = time.monotonic()
        while True:
            beat += BEAT_S
            gevent.sleep(max(0.0, beat - time.monotonic()))
            self.tally.lag.add((time.monotonic() - beat) * 1_000)
            self._look_at_connections()

    def _look_at_connections(self) -> None:
        found, now = self.connections, int(self.elapsed_s // self.scenario.bin_s)
        for took in found.took_ms:
            self.tally.connect.add(took)
        if found.refused:
            self.tally.unconnected[now] += len(found.refused)
        found.took_ms.clear()
        found.refused.clear()
