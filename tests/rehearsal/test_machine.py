"""How fast a story may be played follows from what the machine can do now."""

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
