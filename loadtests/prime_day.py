"""The Locust file: `locust -f loadtests/prime_day.py --headless`, or with its web page, or --master/--worker.

Here Locust's events are tied to our generator, and nothing else happens: users are sockets, the schedule
says when they write, a run ends when every message has come to its end.

Options beside Locust's: --scenario NAME|FILE.toml, --length SECONDS (at the same rates), --rate TIMES,
--speed TIMES, --arrival-seed NUMBER, --results FOLDER (report.html, run.json and the like), --samples FILE,
--progress SECONDS.
Exit codes: 0 the gates hold, 1 one does not, 2 wrong use, 3 nothing was shown: nobody there, stopped early,
a worker lost, the samples could not be written to their end, or the generator itself was late.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

# Locust comes first: importing it makes every socket used below wait without blocking the others.
import gevent
from locust import LoadTestShape, User, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from contract.errors import DONE, ConciergeError
from loadtests import scenario
from loadtests.people import Somebody
from loadtests.room import DEFAULT_HOST, Room, Share

IDLE_S = 60.0  # an idle user looks up so often, whatever happens
SPAWN_RATE = 100.0  # users a second; Locust warns above it

log = logging.getLogger("prime_day")
room = Room()


class Customer(User):
    """A person with a socket: takes the conversation that begins, and writes whenever the schedule says
    so."""

    host = DEFAULT_HOST
    count = 0

    def on_start(self) -> None:
        """Connects. Who cannot tries again with a message, where it counts as that message's failure."""
        number, Customer.count = Customer.count, Customer.count + 1
        self.generator = room.generator
        if self.generator is None:
            return
        self.generator.users += 1
        share = room.share
        # Customers are dealt out over all workers, so that no two of them are the same person sooner than
        # need be.
        place = number * (share.of if share else 1) + (share.index if share else 0)
        self.seat = self.generator.sit_down(number)
        self.somebody = Somebody(self.generator, room.host, self.seat.guest, place)
        self.somebody.arrive()
        self.generator.present += 1

    def on_stop(self) -> None:
        """Leaves."""
        if self.generator is not None:
            self.somebody.leave()

    @task
    def message(self) -> None:
        """One message, when one is due."""
        if self.generator is None:
            gevent.sleep(1.0)
            return
        due = self.generator.next(self.seat, self.somebody.descriptor, IDLE_S)
        if due is None:
            self.somebody.breathe()
            return
        sample = self.generator.serve(due, lambda name, until: self.somebody.say(due, name, until))
        self.environment.events.request.fire(
            request_type=due.arrival.person.channel,
            name=due.arrival.person.persona,
            response_time=sample.end_to_end_ms or (time.monotonic() - due.at) * 1_000,
            response_length=self.somebody.characters,
            exception=sample.error,
            context={},
        )
        self.somebody.after(due)
        self.generator.done(self.seat, due, sample)


class Schedule(LoadTestShape):
    """All users from the first moment to the last: when they write is the generator's business."""

    def tick(self) -> tuple[int, float] | None:
        """Users, and how fast they come; None: it is over."""
        runner = self.runner
        if runner is None:
            return None
        if room.generator is None and room.problem is None:
            _prepare(runner.environment)  # the web page has just been told to start
        if not room.look(_present(runner)) or room.generator is None:
            return None
        users = room.generator.scenario.users
        return users, min(float(users), max(SPAWN_RATE, users / 20))


def add_options(parser: LocustArgumentParser, **_: Any) -> None:
    """Our own options; each can be set by an environment variable too, and on the web page."""
    known = ", ".join(scenario.known())
    parser.add_argument(
        "--scenario",
        default="prime-day",
        env_var="CONCIERGE_LOAD_SCENARIO",
        help=f"a name ({known}) or the path of a .toml file (default: prime-day)",
    )
    # No None: the web page makes numbers of its texts by looking at the default.
    numbers = (
        (
            "--length",
            0.0,
            "SECONDS",
            "stretch or shrink the scenario to this length, at the same rates; 0: as it is",
        ),
        ("--rate", 1.0, "TIMES", "so many times the scenario's messages and people (default: 1)"),
        ("--speed", 1.0, "TIMES", "all of it in a time so many times shorter, pauses included (default: 1)"),
        ("--progress", 5.0, "SECONDS", "headless: a line about the run so often; 0: none"),
    )
    for name, default, metavar, told in numbers:
        variable = f"CONCIERGE_LOAD_{name.strip('-').upper()}"
        parser.add_argument(name, type=float, default=default, metavar=metavar, env_var=variable, help=told)
    texts = (
        ("--samples", "FILE", "write one JSON line a message"),
        ("--results", "FOLDER", "write report.html, run.json and tables there when the run is over"),
        ("--switched-off", "NAMES", "for the report: what of the runtime is switched off"),
    )
    for name, metavar, told in texts:
        variable = f"CONCIERGE_LOAD_{name.strip('-').upper().replace('-', '_')}"
        parser.add_argument(name, default="", metavar=metavar, env_var=variable, help=told)
    parser.add_argument(
        "--arrival-seed",
        type=int,
        default=1,
        env_var="CONCIERGE_LOAD_SEED",
        help="moments and texts follow from it (default: 1)",
    )


def on_init(environment: Environment, runner: Any, **_: Any) -> None:
    """Without a web page nobody can correct a mistake: one line, and the end, before anything has started."""
    if environment.web_ui is not None:
        from loadtests.web_page import add_report

        add_report(environment.web_ui, room)
    if isinstance(runner, WorkerRunner):
        runner.register_message("share", _take_share)
    elif _options(environment).headless:
        _prepare(environment)
        if room.problem is not None:
            _leave(room.problem)


def on_test_start(environment: Environment, **_: Any) -> None:
    """Before users exist: the master tells each worker its share, before it tells it to begin."""
    runner = environment.runner
    Customer.count = 0
    if isinstance(runner, WorkerRunner):
        _prepare(environment)
        return
    if isinstance(runner, MasterRunner):
        try:
            shares = room.shares(_options(environment), [node.id for node in runner.clients.ready])
        except ConciergeError:
            return  # it is told by `prepare`
        for worker, share in shares.items():
            runner.send_message("share", share.as_data(), worker)
    if _options(environment).headless and (every_s := _options(environment).progress) > 0:
        gevent.spawn(_tell, every_s)


def on_spawned(**_: Any) -> None:
    """All users exist; on a master: those of all workers."""
    room.begin()


def on_end(environment: Environment, **_: Any) -> None:
    """A run is over, or the whole program: judged where everything is known, alone or at the master."""
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
    room.share = Share.from_data(msg.data)


def _prepare(environment: Environment) -> None:
    master = isinstance(environment.runner, MasterRunner)
    room.prepare(_options(environment), environment.host, master=master)


def _present(runner: Any) -> tuple[str, ...]:
    """Workers that are there and have been heard of lately."""
    if not isinstance(runner, MasterRunner):
        return ()
    return tuple(node.id for node in runner.clients.values() if node.state != STATE_MISSING)


def _tell(every_s: float) -> None:
    while room.generator is not None:
        if (said := room.line()) is not None:
            print(said, file=sys.stderr, flush=True)
        gevent.sleep(every_s)


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
