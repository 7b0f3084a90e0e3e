"""The simulation: the same seed tells the same story, and a broken promise is shown with its timeline."""

import json

import pytest
from typer.testing import CliRunner

from concierge.app import app
from runtime.failover.breaker import Breaker
from runtime.testing import simulation


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["simulate", "failover", *arguments])
    return done.exit_code, done.stdout


def test_one_seed_is_one_story():
    assert [simulation.tell(seed) for seed in (7, 8)] == [simulation.tell(seed) for seed in (7, 8)]
    assert simulation.tell(7) != simulation.tell(8)


def test_stories_are_of_every_kind():
    """Else the promises would be kept because nothing ever happens."""
    stories = [simulation.tell(seed) for seed in range(30)]
    ends = {"T0", "T1", "standby", "T2", "gone", "refused"}
    assert {tier for story in stories for tier in story.tiers} == ends
    assert max(story.back_s for story in stories) > 10
    assert sum(story.gone_on for story in stories) > 10


def test_the_command_tells_what_all_came_to():
    code, told = run("--seeds", "3", "--json")
    assert code == 0
    shown = json.loads(told)
    assert shown["stories"] == 3
    assert shown["requests"] == sum(simulation.tell(seed).requests for seed in range(3))
    assert shown["broken"] is None


def test_a_broken_promise_ends_it_with_its_timeline_and_how_to_see_it_again(monkeypatch):
    monkeypatch.setattr(Breaker, "_open_to", lambda *_: True)
    code, told = run("--seeds", "50")
    assert code == 1
    seed = told.split("seed ")[1].split(" ")[0]
    assert "whose breaker is open" in told
    assert "begins Fault" in told
    assert f"concierge simulate failover --first {seed} --seeds 1" in told


def test_wrong_use_is_said(capsys):
    from concierge.__main__ import run as run_concierge

    assert run_concierge(["simulate", "failover", "--seeds", "0"]) == 2
    assert "--seeds" in capsys.readouterr().err


@pytest.mark.prove
@pytest.mark.parametrize("count", [300, pytest.param(1_000, marks=pytest.mark.long)])
def test_hundreds_of_stories_keep_every_promise(count):
    for seed in range(1_000, 1_000 + count):
        story = simulation.tell(seed)
        assert not story.broken, f"seed {seed}: {story.broken}\n" + "\n".join(story.timeline)
