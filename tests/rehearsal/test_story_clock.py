"""The time of a story, and programs that live in it."""

import asyncio
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.runner import StoppedError
from rehearsal import fast
from rehearsal.story_clock import StoryClock


@given(began=st.floats(1e9, 2e9), later=st.floats(0, 1_000), speed=st.floats(1, 3))
def test_a_story_begins_with_a_whole_minute_and_keeps_its_pace(began: float, later: float, speed: float):
    clock = StoryClock(speed, wall=lambda: began + later)
    clock.begin(began)

    assert clock.zero is not None
    assert clock.zero % 60 == 0
    assert 0 <= clock.zero - began <= 60
    assert clock.second() == pytest.approx(later * speed, abs=1e-3)


def test_before_it_begins_it_is_our_own_time():
    clock = StoryClock(3.0, wall=lambda: 1_000.0)

    assert (clock.epoch(), clock.second(), clock.at(5.0)) == (1_000.0, None, 5.0)


def test_whoever_reads_the_logs_later_has_the_same_time():
    clock = StoryClock(2.0)
    clock.begin(1_000.0)

    again = StoryClock.from_data(clock.as_data())
    assert again.at(1_030.0) == clock.at(1_030.0) == 1_020.0 + 60.0


def test_who_sleeps_is_woken_when_it_is_stopped():
    clock = StoryClock(3.0)
    clock.stop()

    with pytest.raises(StoppedError, match="the story was stopped before its end"):
        clock.sleep(3_600)


def test_in_a_fast_loop_a_second_takes_less():
    loop = fast.FastLoop(3.0)
    began, told = time.monotonic(), loop.time()
    loop.run_until_complete(asyncio.sleep(0.3))
    took, seemed = time.monotonic() - began, loop.time() - told
    loop.close()

    assert seemed == pytest.approx(3 * took, rel=0.05)
    assert took >= 0.1
    assert seemed >= 0.3


def test_a_program_is_started_with_its_arguments():
    """`timeit` as any module with a main: it sees its own name and arguments."""
    command = fast.command(3.0, "timeit", ["-n", "1", "pass"])
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)

    assert "1 loop" in told.stdout
    assert fast.command(1, "runtime") == [sys.executable, "-m", "runtime"]
