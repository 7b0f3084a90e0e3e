"""The generator with users, without Locust: greenlets in this process against a server in another thread."""

import itertools
from contextlib import suppress
from functools import partial

import gevent

from loadtests import arrivals
from loadtests.generator import Generator
from loadtests.people import Somebody
from loadtests.samples import Sample
from loadtests.scenario import Scenario

_LOOK_S = 0.05


def play(story: Scenario, host: str, seed: int = 1) -> tuple[Generator, list[Sample]]:
    """A whole run: what the generator knows after it, and every message."""
    kept: list[Sample] = []
    generator = Generator(
        story, arrivals.schedule(story, story.people, seed), arrivals.planned(story, seed), kept.append
    )
    users = [gevent.spawn(_user, generator, host, number) for number in range(story.users)]
    gevent.sleep(0)
    generator.begin()
    while not generator.over():
        gevent.sleep(_LOOK_S)
    generator.stop()
    gevent.killall(users)
    return generator, kept


def _user(generator: Generator, host: str, number: int) -> None:
    generator.users += 1
    seat = generator.sit_down(number)
    somebody = Somebody(generator, host, seat.guest, number)
    somebody.arrive()
    generator.present += 1
    try:
        for _ in itertools.count():
            due = generator.next(seat, somebody.descriptor, 60.0)
            if due is None:
                somebody.breathe()
                continue
            sample = generator.serve(due, partial(somebody.say, due))
            somebody.after(due)
            generator.done(seat, due, sample)
    finally:
        with suppress(OSError):
            somebody.leave()
