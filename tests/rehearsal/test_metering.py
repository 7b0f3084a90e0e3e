"""From the runtime's log to the alarm's topic: lines count once, changes are told after AWS knows them."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract.metrics import NAMESPACE
from plan.model import Resource
from rehearsal.alarms import Judge, Transition
from rehearsal.metering import Metering
from runtime.telemetry import Telemetry
from tests.rehearsal.alarm_helpers import DIMENSIONS, NAME, PAGE, TICKET, alarm, judge, over

START = 1_900_000_000.0
PATIENCE_S = 10.0


class Aws:
    """CloudWatch and SNS in one: writes down every call; `refuse` makes the next ones fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refuse: Exception | None = None

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> None:
            if self.refuse is not None:
                raise self.refuse
            self.calls.append((operation, request))

        return call

    def made(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.calls if name == operation]

    @property
    def values(self) -> float:
        """How many values were put."""
        puts = self.made("put_metric_data")
        return sum(sum(entry["Counts"]) for put in puts for entry in put["MetricData"])


class Runtime:
    """Writes its lines to a file, as the process does."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.now = START
        self._telemetry = Telemetry("dev", lambda: datetime.fromtimestamp(self.now, UTC), self._write)
        log.touch()

    def call(self, throttled: float) -> None:
        self._telemetry.metrics({"ModelThrottled": throttled}, {"Rung": "sonnet"})

    def _write(self, line: str) -> None:
        self.append(f"{line}\n".encode())

    def append(self, piece: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(piece)


class Watch:
    """A metering with everything round it. Its clock is set by hand."""

    def __init__(self, folder: Path, *alarms: Resource) -> None:
        self.runtime = Runtime(folder / "runtime.out")
        self.judge: Judge = judge(*(alarms or (alarm(),)))
        self.aws = Aws()
        self.now = START
        self.told: list[Transition] = []
        self.news = threading.Event()
        self.goes_by = 0.0  # each look at the clock
        self.metering = Metering([self.runtime.log], self.judge, self.aws, self.aws, self._hear, self._clock)

    def _clock(self) -> float:
        self.now += self.goes_by
        return self.now

    def _hear(self, change: Transition) -> None:
        self.aws.calls.append(("told", {"after": change.after}))
        self.told.append(change)
        self.news.set()

    def periods(self, *values: float) -> None:
        """Ten calls in each period."""
        for value in values:
            for second in range(10):
                self.runtime.now = self.now + second
                self.runtime.call(value)
            self.now += 10


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(tmp_path)


def settle(watch: Watch) -> None:
    """One look at everything written so far."""
    watch.now = over(watch.now)
    watch.metering.start()
    watch.metering.stop()


def test_every_call_is_in_the_store_and_in_cloudwatch(watch: Watch):
    watch.periods(0, 1)
    settle(watch)

    assert watch.metering.trouble is None
    assert (
        sorted(watch.metering.store.values("ModelThrottled", DIMENSIONS, START, START + 20))
        == [0] * 10 + [1] * 10
    )
    assert watch.aws.values == 20
    assert {put["Namespace"] for put in watch.aws.made("put_metric_data")} == {NAMESPACE}


def test_a_put_stays_within_what_cloudwatch_takes(watch: Watch):
    """1,200 seconds of calls are more entries than one call may carry."""
    watch.periods(*[0.0] * 120)
    settle(watch)

    puts = watch.aws.made("put_metric_data")
    assert sum(len(put["MetricData"]) for put in puts) == 1_200
    assert max(len(put["MetricData"]) for put in puts) <= 1_000


def test_lines_are_read_while_they_are_written(watch: Watch):
    """A line that is half there is neither lost nor counted twice; nor is one cut within a character."""
    watch.runtime.call(0)
    line = watch.runtime.log.read_bytes().replace(b'"request_id":null', '"request_id":"ü"'.encode())
    middle = line.index("ü".encode()) + 1
    watch.metering.start()
    wait_for(lambda: watch.aws.values == 1)

    watch.runtime.append(line + line[:middle])
    wait_for(lambda: watch.aws.values == 2)
    watch.runtime.append(line[middle:] + line[:middle])
    wait_for(lambda: watch.aws.values == 3)
    watch.runtime.append(line[middle:])
    watch.metering.stop()

    assert watch.aws.values == 4
    assert watch.metering.trouble is None


def test_a_change_reaches_cloudwatch_then_the_topic_then_whoever_listens(watch: Watch):
    watch.periods(0, 0)
    watch.metering.start()
    watch.now = over(watch.now)
    assert watch.news.wait(PATIENCE_S)
    watch.now -= 1
    watch.periods(1, 1)
    watch.now = over(watch.now)
    watch.metering.stop()

    order = [name for name, _ in watch.aws.calls if name != "put_metric_data"]
    assert order == ["set_alarm_state", "publish", "told"] * 2
    assert [change.after for change in watch.told] == ["OK", "ALARM"]
    assert [(one["AlarmName"], one["StateValue"]) for one in watch.aws.made("set_alarm_state")] == [
        (NAME, "OK"),
        (NAME, "ALARM"),
    ]


def test_a_red_alarm_pages_with_what_people_notice_and_why(watch: Watch):
    watch.periods(1, 1)
    settle(watch)

    (message,) = watch.aws.made("publish")
    assert message["TopicArn"] == PAGE
    assert message["Subject"] == f"ALARM: {NAME}"
    assert message["Message"] == (
        "Sonnet refuses calls.\n2 of 3 datapoints [-, 1, 1] above 0.5 (2 are needed)"
    )


def test_a_subject_is_no_longer_than_sns_takes(tmp_path: Path):
    watch = Watch(tmp_path, alarm("x" * 255))
    watch.periods(1, 1)
    settle(watch)

    (message,) = watch.aws.made("publish")
    assert len(message["Subject"]) == 100


def test_green_goes_to_the_ok_topic_the_first_too(watch: Watch):
    """PutMetricAlarm: "Any actions associated with the new state are then executed"."""
    watch.periods(0)
    settle(watch)

    assert [change.after for change in watch.told] == ["OK"]
    assert [message["TopicArn"] for message in watch.aws.made("publish")] == [TICKET]


def test_what_was_written_before_the_end_is_judged(watch: Watch):
    """The last lines of a runtime that has just ended count."""
    watch.metering.start()
    watch.periods(1, 1)
    watch.now = over(watch.now)
    watch.metering.stop()

    assert watch.judge.alarms[0].state == "ALARM"


def test_to_be_stopped_twice_is_no_harm(watch: Watch):
    watch.periods(1)
    settle(watch)
    watch.metering.stop()

    assert watch.aws.values == 10


def test_a_day_ends_when_what_is_red_has_been_judged_with_its_last_period(watch: Watch):
    """Fault and day end within a period: the alarm turns green with the end of that period, not by chance."""
    watch.periods(1, 1, 0)
    watch.metering.start()
    watch.now = over(watch.now)
    assert watch.news.wait(PATIENCE_S)
    watch.now -= 1
    watch.periods(0)
    watch.now -= 5  # in the middle of the second good period
    watch.goes_by = 1.0
    watch.metering.finish()

    assert [change.after for change in watch.told] == ["ALARM", "OK"]
    assert watch.now < START + 40 + 10


def test_what_stays_red_is_not_waited_for_until_silence_makes_it_green(watch: Watch):
    watch.periods(1, 1, 1)
    watch.now -= 5
    watch.goes_by = 1.0
    watch.metering.start()
    wait_for(lambda: watch.judge.alarms[0].state == "ALARM")
    watch.metering.finish()

    assert watch.judge.alarms[0].state == "ALARM"
    assert watch.now < START + 60


def test_a_day_without_red_alarms_ends_at_once(watch: Watch):
    watch.periods(0)
    watch.now -= 5
    watch.metering.start()
    watch.metering.finish()

    assert watch.now == START + 5
    assert watch.aws.values == 10  # what was written was read before


def test_an_alarm_with_long_periods_is_not_waited_for_to_their_end(tmp_path: Path):
    watch = Watch(tmp_path, alarm(period=300, evaluationPeriods=1, datapointsToAlarm=1))
    watch.judge.alarms[0].state = "ALARM"
    watch.goes_by = 5.0
    watch.metering.start()
    watch.metering.finish()

    assert watch.now <= START + 60


def test_trouble_ends_the_waiting(watch: Watch):
    watch.judge.alarms[0].state = "ALARM"
    watch.aws.refuse = ConnectionError("nobody there")
    watch.periods(1)
    watch.metering.start()
    watch.metering.finish()

    assert watch.metering.trouble is watch.aws.refuse


def test_trouble_is_kept_for_whoever_has_to_decide(watch: Watch):
    """A thread's error would be lost; the game day asks for it."""
    watch.aws.refuse = ConnectionError("nobody there")
    watch.periods(1)
    settle(watch)

    assert watch.metering.trouble is watch.aws.refuse


def wait_for(true: Callable[[], bool]) -> None:
    """Looks again until it is so; the test's own patience is the only limit."""
    never = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if true():
            return
        never.wait(0.01)
    raise AssertionError("it never became true")
