"""The Locust file: `locust -f loadtests/prime_day.py --headless`, or with its web page, or --master/--worker.

Here Locust's events are tied to our generator, and nothing is decided: users are sockets, the schedule says when
they write, the run ends when every message has come to its end. Exit codes: 0 gates hold, 1 a gate does not,
2 wrong use, 3 the run shows nothing (unreachable, stopped early, or the generator itself was late).
"""

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from locust import LoadTestShape, User, events, task  # first of all imports that use sockets: it patches them
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from contract.errors import WRONG_USE, ConciergeError
from loadtests import arrivals, scenario
from loadtests.client import ChatClient, UnreachableError, socket_url
from loadtests.generator import Generator
from loadtests.samples import Sample, Writer
from loadtests.verdict import Verdict, judge

DEFAULT_HOST = "http://127.0.0.1:8080"
# How long an idle user waits before it looks after its socket.
BREATH_S = 1.0
SPAWN_RATE = 100.0  # users a second; more makes Locust warn

log = logging.getLogger("prime_day")


class Room:
    """What this process knows of the run."""

    def __init__(self) -> None:
        self.generator: Generator | None = None
        self.problem: ConciergeError | None = None
        self.verdict: Verdict | None = None
        self.url = ""
        self.index, self.workers = 0, 1
        self.writer: Writer | None = None
        self.reported = 0

    def prepare(self, environment: Environment) -> None:
        """Reads the scenario and makes the schedule; a ConciergeError says why there can be no run."""
        options, runner = environment.parsed_options, environment.runner
        assert options is not None  # noqa: S101 - Locust's own command line always sets them
        chosen = scenario.load(options.scenario)
        if options.length is not None:
            chosen = chosen.lasting(options.length)
        everything = arrivals.schedule(chosen, scenario.prompts(), options.arrival_seed)
        mine = () if isinstance(runner, MasterRunner) else arrivals.share(everything, self.index, self.workers)
        self.url = socket_url(environment.host or DEFAULT_HOST)
        if not isinstance(runner, MasterRunner):
            self._knock()
        self.close()
        if options.samples and not isinstance(runner, WorkerRunner):
            self.writer = Writer(Path(options.samples))
        self.reported = 0
        self.generator = Generator(chosen, mine, len(everything), self._keep)

    def close(self) -> None:
        """Lets go of the samples file."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def _knock(self) -> None:
        visitor = ChatClient(self.url)
        try:
            visitor.open()
        except UnreachableError as refused:
            raise UnreachableError(f"{refused}; start the runtime, or say where it is with --host") from None
        visitor.close()

    def _keep(self, sample: Sample) -> None:
        if self.writer is not None:
            self.writer.write(sample)


room = Room()


class Customer(User):
    """A person with one socket: takes the next message that is due, and reads its answer to the end."""

    host = DEFAULT_HOST
    count = 0

    def on_start(self) -> None:
        """Connects. Who cannot tries again with a message, where it counts as that message's failure."""
        Customer.count += 1
        self.name = f"user-{Customer.count}"
        self.client = ChatClient(room.url)
        if room.generator is not None:
            try:
                self.client.open()
            except UnreachableError as refused:
                log.warning("%s: %s", self.name, refused)
            room.generator.present += 1

    def on_stop(self) -> None:
        """Leaves."""
        self.client.close()

    @task
    def message(self) -> None:
        """One message, if one is due soon."""
        due = room.generator.next(BREATH_S) if room.generator is not None else None
        if room.generator is None or due is None:
            self.client.breathe()
            return
        sample, characters = room.generator.serve(due, self.client, self.name)
        took_ms = sample.end_to_end_ms
        self.environment.events.request.fire(
            request_type="WS",
            name=f"{due.arrival.kind} message",
            response_time=took_ms if took_ms is not None else room.generator.since_ms(due),
            response_length=characters,
            exception=sample.error,
            context={},
        )
        room.generator.collect([sample])


class Schedule(LoadTestShape):
    """All users from the first moment to the last; when they write is the generator's business."""

    def tick(self) -> tuple[int, float] | None:
        """Users and how fast they come; None: it is over."""
        if room.problem is not None or room.generator is None or room.generator.over():
            return None
        users = room.generator.scenario.users
        return users, min(float(users), SPAWN_RATE)
