"""What happened when: told at once, in order, and kept."""

import threading
import time

import pytest

from rehearsal.timeline import Event, Timeline, Told


def test_an_event_is_told_at_once_and_kept():
    told: list[Told] = []
    timeline = Timeline(told.append)

    timeline.tell("fault", "injected")

    assert [one.event for one in told] == timeline.events
    assert (timeline.events[0].kind, timeline.events[0].text) == ("fault", "injected")


def test_before_traffic_there_are_no_seconds_and_then_they_are_counted_from_its_beginning():
    told: list[Told] = []
    timeline = Timeline(told.append)
    timeline.tell("plan", "made")
    timeline.clock.begin(time.time() - 60)
    timeline.tell("alarm", "red")

    assert told[0].second is None
    assert told[1].second is not None
    assert 60 <= told[1].second == pytest.approx(timeline.events[1].at - (timeline.zero or 0), abs=0.5)


def test_a_line_has_its_second_and_who_speaks():
    event = Event(at=1_000.0, kind="alarm", text="red")

    assert str(Told(event, 25.64)) == "  25.6 s  alarm      red"
    assert str(Told(event, None)) == "          alarm      red"


def test_threads_share_it_and_no_event_is_lost_or_out_of_order():
    told: list[Told] = []
    timeline = Timeline(told.append)

    def tell(kind: str) -> None:
        for number in range(200):
            timeline.tell(kind, str(number))

    threads = [threading.Thread(target=tell, args=(f"thread {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [one.event for one in told] == timeline.events
    for number in range(4):
        mine = [int(event.text) for event in timeline.events if event.kind == f"thread {number}"]
        assert mine == list(range(200))
