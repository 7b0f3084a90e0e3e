"""How fast a story may be played follows from what the machine can do now; every agent that ran counts."""

import os
import subprocess
import sys
import time

import pytest

from rehearsal import machine


@pytest.mark.parametrize(
    ("piece_s", "wanted", "played"),
    [
        (0.005, 3.0, 3.0),
        (0.009, 3.0, 3.0),
        (0.0095, 3.0, 2.5),
        (0.013, 3.0, 2.0),
        (0.1, 3.0, 1.5),
        (0.1, 1.0, 1.0),
        (0.005, 2.0, 2.0),
    ],
)
def test_a_slow_machine_plays_slower_and_no_machine_faster_than_the_story(
    monkeypatch: pytest.MonkeyPatch, piece_s: float, wanted: float, played: float
) -> None:
    ticks = iter(n * piece_s for n in range(1_000))
    monkeypatch.setattr("rehearsal.machine.time.perf_counter", lambda: next(ticks))
    assert machine.speed_here(wanted) == played


BUSY = """
import time
input()
while time.process_time() < 0.6: pass
print('done', flush=True)
input()
"""


def test_each_agent_that_ran_counts_also_one_that_has_ended() -> None:
    watch = machine.MachineWatch(os.getpid())
    watch.start()
    busy = subprocess.Popen(
        [sys.executable, "-c", BUSY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    watch.follow(busy.pid)
    assert busy.stdin and busy.stdout
    busy.stdin.write("go\n")
    busy.stdin.flush()
    assert busy.stdout.readline() == "done\n"
    _look_again()
    busy.communicate("end\n")
    _look_again()
    seen = watch.stop(1.0)
    assert seen.cpu_s >= 0.5


def _look_again() -> None:
    """Long enough for one more look of the watch."""
    time.sleep(1.2)
