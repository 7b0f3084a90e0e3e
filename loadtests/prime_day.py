"""The Locust file: `locust -f loadtests/prime_day.py --headless`, or with its web page, or --master/--worker.

Here Locust's events are tied to our generator, and nothing else happens: users are sockets, the schedule
says when they write, a run ends when every message has come to its end.

Options beside Locust's: --scenario NAME|FILE.toml, --length SECONDS (at the same rates), --samples FILE,
--arrival-seed NUMBER. Exit codes: 0 the gates hold, 1 one does not, 2 wrong use, 3 nothing was shown: nobody
there, stopped early, the samples could not be written to their end, or the generator itself was late.
"""

import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

# Locust comes first: importing it makes every socket used below wait without blocking the others.
from locust import LoadTestShape, User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from contract.errors import DONE, ConciergeError, InconclusiveError
from loadtests import arrivals, scenario
from loadtests.client import ChatClient, UnreachableError, socket_url
from loadtests.generator import Generator
from loadtests.samples import Sample, SamplesLostError, Writer
from loadtests.verdict import Verdict, judge

DEFAULT_HOST = "http://127.0.0.1:8080"
BREATH_S = 2.0  # an idle user looks after its socket so often
SPAWN_RATE = 100.0  # users a second; Locust warns above it

log = logging.getLogger("prime_day")


class Room:
    """What this process knows of the run. Locust makes users by itself, so they find it here."""

    def __init__(self) -> None:
        self.generator: Generator | None = None
        self.problem: ConciergeError | None = None
        self.verdict: Verdict | None = None
        self.index, self.workers = 0, 1
        self.url = ""
        self._writer: Writer | None = None
        self._samples_sent = self._lags_sent = 0

    def prepare(self, environment: Environment) -> None:
        """Makes a new run, or a problem that says why there can be none."""
        self.problem = self.verdict = self.generator = None
        self._samples_sent = self._lags_sent = 0
        try:
            self.generator = self._make(environment)
        except ConciergeError as wrong:
            self.problem = wrong

    def _make(self, environment: Environment) -> Generator:
        options, master = _options(environment), isinstance(environment.runner, MasterRunner)
        chosen = scenario.load(options.scenario)
        if options.length:
            chosen = chosen.lasting(options.length)
        everything = arrivals.schedule(chosen, scenario.prompts(), options.arrival_seed)
        self.url = socket_url(environment.host or DEFAULT_HOST)
        if not master:
            _knock(self.url)
        self._write_to(None if isinstance(environment.runner, WorkerRunner) else options.samples)
        mine = () if master else arrivals.share(everything, self.index, self.workers)
        return Generator(chosen, mine, len(everything), self._keep)

    def stop(self) -> None:
        """No more messages."""
        if self.generator is not None:
            self.generator.stop()
        self._write_to(None)

    def finish(self) -> None:
        """Stops the run and judges it; the next one begins from nothing."""
        self.stop()
        if self.problem is not None:
            self.verdict = Verdict(self.problem.exit_code, tuple(str(self.problem).splitlines()))
        elif (run := self.generator) is not None:
            self.verdict = judge(run.scenario, run.planned, run.summary(), run.lag_ms())
        self.problem = self.generator = None

    def report(self) -> dict[str, Any]:
        """A worker's news since the last report."""
        if self.problem is not None:
            return {"problem": str(self.problem)}
        if self.generator is None:
            return {}
        samples, lags = self.generator.samples, self.generator.lags_ms
        fresh = {
            "samples": [sample.model_dump(mode="json") for sample in samples[self._samples_sent :]],
            "lags_ms": lags[self._lags_sent :],
        }
        self._samples_sent, self._lags_sent = len(samples), len(lags)
        return fresh

    def receive(self, news: dict[str, Any]) -> None:
        """A worker's news, at the master."""
        if "problem" in news:
            self.problem = InconclusiveError(f"a worker cannot run: {news['problem']}")
        if self.generator is not None:
            self.generator.collect([Sample.model_validate(sample) for sample in news.get("samples", ())])
            self.generator.lags_ms.extend(news.get("lags_ms", ()))

    def _keep(self, sample: Sample) -> None:
        if self._writer is None:
            return
        try:
            self._writer.write(sample)
        except SamplesLostError as lost:
            self._writer, self.problem = None, lost  # the schedule sees it, and ends the run

    def _write_to(self, path: str | None) -> None:
        before, self._writer = self._writer, None
        try:
            if before is not None:
                before.close()
        except SamplesLostError as lost:
            self.problem = self.problem or lost
        if path:
            self._writer = Writer(Path(path))


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
        self.generator = room.generator
        if self.generator is None:
            return
        self.generator.users += 1
        try:
            self.client.open()
        except UnreachableError as refused:
            log.debug("%s: %s", self.name, refused)
        self.generator.present += 1

    def on_stop(self) -> None:
        """Leaves."""
        self.client.close()

    @task
    def message(self) -> None:
        """One message, when one is due."""
        if self.generator is None or (due := self.generator.next(BREATH_S)) is None:
            self.client.breathe()
            return
        sample, characters = self.generator.serve(due, self.client, self.name)
        self.environment.events.request.fire(
            request_type="WS",
            name=f"{due.arrival.kind} message",
            response_time=sample.end_to_end_ms or (time.monotonic() - due.at) * 1_000,
            response_length=characters,
            exception=sample.error,
            context={},
        )
        self.generator.collect([sample])


class Schedule(LoadTestShape):
    """All users from the first moment to the last: when they write is the generator's business."""

    def tick(self) -> tuple[int, float] | None:
        """Users, and how fast they come; None: it is over."""
        if room.generator is None and room.problem is None and self.runner is not None:
            room.prepare(self.runner.environment)  # the web page has just been told to start
        run = room.generator
        if room.problem is not None or run is None or run.over():
            return None
        return run.scenario.users, min(float(run.scenario.users), SPAWN_RATE)


def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Our own options; each can be set by an environment variable too, and on the web page."""
    parser.add_argument(
        "--scenario",
        default="prime-day",
        env_var="CONCIERGE_LOAD_SCENARIO",
        help=f"a name ({', '.join(scenario.known())}) or the path of a .toml file (default: prime-day)",
    )
    parser.add_argument(
        "--length",
        type=float,
        default=0.0,  # no None: the web page makes numbers of its texts by looking at the default
        metavar="SECONDS",
        env_var="CONCIERGE_LOAD_LENGTH",
        help="stretch or shrink the scenario's stages to this length, at the same rates; 0: as they are",
    )
    parser.add_argument(
        "--samples",
        default="",
        metavar="FILE",
        env_var="CONCIERGE_LOAD_SAMPLES",
        help="write one JSON line a message",
    )
    parser.add_argument(
        "--arrival-seed",
        type=int,
        default=1,
        env_var="CONCIERGE_LOAD_SEED",
        help="moments and texts follow from it (default: 1)",
    )


def on_init(environment: Environment, runner: Any, **_: Any) -> None:
    """Without a web page nobody can correct a mistake: one line, and the end, before anything has started."""
    if isinstance(runner, WorkerRunner):
        runner.register_message("share", _take_share)
    elif _options(environment).headless:
        room.prepare(environment)
        if room.problem is not None:
            _leave(room.problem)


def on_test_start(environment: Environment, **_: Any) -> None:
    """Before users exist: the master tells each worker its share, before it tells it to begin."""
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        room.prepare(environment)
    elif isinstance(runner, MasterRunner):
        ready = [node.id for node in runner.clients.ready]
        for index, node in enumerate(ready):
            runner.send_message("share", {"index": index, "of": len(ready)}, node)


def on_spawned(**_: Any) -> None:
    """All users exist; on a master: those of all workers."""
    if room.generator is not None:
        room.generator.begin()


def on_end(environment: Environment, **_: Any) -> None:
    """A run is over, or the whole program: judged where all samples are, alone or at the master."""
    if isinstance(environment.runner, WorkerRunner):
        room.stop()
        environment.process_exit_code = DONE
        return
    room.finish()
    if room.verdict is not None:
        environment.process_exit_code = room.verdict.exit_code


def on_test_stop(environment: Environment, **_: Any) -> None:
    """With a web page there is no end of the program to wait for."""
    on_end(environment)
    if room.verdict is not None and not _options(environment).headless:
        log.info("\n%s", "\n".join(room.verdict.lines))


def on_quit(**_: Any) -> None:
    """The last words, below Locust's own tables."""
    if room.verdict is not None:
        print("\n".join(("", *room.verdict.lines)), flush=True)


def _take_share(environment: Environment, msg: Any, **_: Any) -> None:  # noqa: ARG001 - Locust names them
    room.index, room.workers = msg.data["index"], msg.data["of"]


def _knock(url: str) -> None:
    visitor = ChatClient(url)
    try:
        visitor.open()
    except UnreachableError as refused:
        raise UnreachableError(f"{refused}: start the runtime, or say where it is with --host") from None
    visitor.close()


def _leave(wrong: ConciergeError) -> NoReturn:
    for line in str(wrong).splitlines():
        print(f"prime_day: {line}", file=sys.stderr)
    sys.exit(wrong.exit_code)


def _options(environment: Environment) -> Any:
    return environment.parsed_options


_LISTENERS: tuple[tuple[Any, Callable[..., None]], ...] = (
    (events.init_command_line_parser, add_options),
    (events.init, on_init),
    (events.test_start, on_test_start),
    (events.spawning_complete, on_spawned),
    (events.report_to_master, lambda data, **_: data.update(room.report())),
    (events.worker_report, lambda data, **_: room.receive(data)),
    (events.test_stop, on_test_stop),
    (events.quitting, on_end),
    (events.quit, on_quit),
)
for hook, listener in _LISTENERS:
    hook.add_listener(listener)
