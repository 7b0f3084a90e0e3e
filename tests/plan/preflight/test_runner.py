"""Checks are asked side by side, but never too many, and never for longer than was said."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Queue

import boto3
import pytest

from plan import Plan
from plan.preflight import Check, Facts, Limits, Status, Verdict, runner
from plan.preflight.model import ok, problem

Look = Callable[[Facts, str], Iterable[Verdict]]


def check(id_: str, look: Look, types: tuple[str, ...] = (), *, everywhere: bool = False) -> Check:
    return Check(
        id=id_, title="-", why="-", fix="-", lead_time="-", look=look, types=types, everywhere=everywhere
    )


def fine(facts: Facts, region: str) -> Iterator[Verdict]:
    yield ok("fine")


@dataclass
class Hand:
    """A clock that stands still while answers come, and jumps to the end of a wait when none will."""

    coming: int
    time: float = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, answers: "Queue[runner.Answer]", seconds: float) -> runner.Answer | None:
        if self.coming:
            self.coming -= 1
            return answers.get()
        self.time += seconds
        return None


@pytest.fixture
def facts(prod: Plan) -> Facts:
    return Facts(prod, boto3.Session(region_name="us-east-1"))


@pytest.fixture
def stuck() -> Iterator[Look]:
    """A question that is answered only when the test is over."""
    over = threading.Event()

    def look(facts: Facts, region: str) -> Iterator[Verdict]:
        over.wait()
        yield ok("too late")

    yield look
    over.set()


def test_so_many_at_once_and_no_more(facts: Facts):
    lock, together = threading.Lock(), threading.Event()
    running, most = 0, 0

    def look(facts: Facts, region: str) -> Iterator[Verdict]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == 3:
                together.set()
        together.wait()  # nobody leaves before three are here
        with lock:
            running -= 1
        yield ok("here")

    found = runner.run([check(str(n), look) for n in range(9)], facts, Limits(at_once=3))

    assert len(found) == 9
    assert most == 3


def test_one_that_hangs_is_unknown_and_the_others_are_told(facts: Facts, stuck: Look):
    hand = Hand(coming=2)
    checks = [check("hangs", stuck), check("a", fine), check("b", fine)]

    found = runner.run(checks, facts, Limits(check_s=30), now=hand.now, wait=hand.wait)

    assert [(f.check.id, f.status) for f in found] == [
        ("hangs", Status.UNKNOWN),
        ("a", Status.OK),
        ("b", Status.OK),
    ]
    assert found[0].verdict.sentence == "could not check: no answer within 30 s"
    assert hand.time == 30


def test_the_whole_run_ends_when_its_time_is_over(facts: Facts, stuck: Look):
    """A dead network: the first hang, and the rest are not even asked."""
    hand = Hand(coming=0)
    limits = Limits(at_once=1, check_s=50, total_s=20)

    found = runner.run([check("hangs", stuck), check("b", fine)], facts, limits, now=hand.now, wait=hand.wait)

    assert [f.verdict.sentence for f in found] == [
        "could not check: no answer within 20 s",
        "could not check: the 20 s of this run were over",
    ]
    assert hand.time == 20


def test_a_check_that_breaks_does_not_look_like_one_that_passed(facts: Facts):
    def look(facts: Facts, region: str) -> Iterator[Verdict]:
        yield problem("found before it broke")
        raise KeyError("missing")

    found = runner.run([check("breaks", look)], facts, Limits())

    assert [(f.status, f.verdict.sentence) for f in found] == [
        (Status.PROBLEM, "found before it broke"),
        (Status.UNKNOWN, "could not check: KeyError: 'missing'"),
    ]


def test_asked_only_where_the_plan_declares_what_it_is_about(facts: Facts):
    checks = [
        check("both", fine, types=("ec2.Vpc",), everywhere=True),
        check("primary", fine, types=("neptune.Cluster", "secretsmanager.Secret"), everywhere=True),
        check("nowhere", fine, types=("neptune.Cluster",), everywhere=True),
        check("once", fine, types=("cloudfront.Distribution",)),
    ]

    asked = [(task.check.id, task.region) for task in runner.tasks(checks, facts)]

    assert asked == [
        ("both", "us-east-1"),
        ("both", "us-west-2"),
        ("primary", "us-east-1"),
        ("once", None),
    ]
