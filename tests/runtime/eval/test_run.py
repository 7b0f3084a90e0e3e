"""Runs: so many at a time, written down as they come, gone on with after any end, stopped in time."""

import asyncio
from pathlib import Path

import pytest

from runtime.eval import run as runs
from runtime.eval.answers import Answer
from runtime.eval.run import ABOUT, ANSWERS, RunError, about
from tests.runtime.eval.golden_helpers import answer, prompt

PROMPTS = [prompt(f"pi-{n}", f"question {n}") for n in range(20)]
TOLD = about("here", PROMPTS, stand_ins=True)


class Agent:
    """Answers everything; counts who is asked at a time."""

    def __init__(self, *, silent: bool = False, dies_at: int | None = None) -> None:
        self.asked: list[str] = []
        self.most = self._now = 0
        self._silent, self._dies_at = silent, dies_at

    async def __call__(self, one) -> Answer:
        self.asked.append(one.id)
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        if len(self.asked) == self._dies_at:
            raise KeyboardInterrupt
        return Answer(id=one.id, error="gone") if self._silent else answer(name=one.id)


def play(agent: Agent, folder: Path, told=TOLD, **options):
    return asyncio.run(runs.run(PROMPTS, agent, told, folder, **options))


def test_all_are_asked_so_many_at_a_time(tmp_path):
    agent = Agent()
    heard = []
    found = play(agent, tmp_path, at_once=4, listener=lambda *told: heard.append(told))
    assert (found.whole, agent.most, sorted(agent.asked)) == (True, 4, sorted(one.id for one in PROMPTS))
    assert heard[-1][:2] == (20, 20)
    assert found.usd == pytest.approx(0.04)
    assert runs.read(tmp_path).answers == found.answers


def test_what_was_answered_is_not_asked_again_after_an_end(tmp_path):
    first = Agent(dies_at=7)
    with pytest.raises(KeyboardInterrupt):
        play(first, tmp_path, at_once=1)
    second = Agent()
    assert play(second, tmp_path).whole
    assert set(second.asked) == {one.id for one in PROMPTS} - set(first.asked[:6])


def test_a_line_that_a_kill_left_half_is_asked_again(tmp_path):
    play(Agent(), tmp_path)
    file = tmp_path / ANSWERS
    file.write_text(file.read_text()[:-30])
    again = Agent()
    assert play(again, tmp_path).whole
    assert len(again.asked) == 1
    assert len(file.read_text().splitlines()) == 20


def test_a_line_that_is_broken_in_the_middle_is_told(tmp_path):
    play(Agent(), tmp_path)
    file = tmp_path / ANSWERS
    file.write_text("half\n" + file.read_text())
    with pytest.raises(RunError, match="line 1"):
        runs.read(tmp_path)


def test_errors_are_asked_again(tmp_path):
    play(Agent(silent=True), tmp_path, at_once=1)
    assert play(Agent(), tmp_path).whole


def test_it_stops_before_the_budget_is_passed(tmp_path):
    found = play(Agent(), tmp_path, at_once=3, budget_usd=0.013)
    assert found.usd <= 0.013
    assert 3 < len(found.answers) < 20
    assert "budget of $0.013" in found.stopped


def test_it_stops_when_nobody_answers_any_more(tmp_path):
    agent = Agent(silent=True)
    found = play(agent, tmp_path, at_once=1)
    assert len(agent.asked) == runs.SILENT
    assert "got no answer" in found.stopped


def test_a_run_of_something_else_is_not_gone_on_with(tmp_path):
    play(Agent(), tmp_path)
    with pytest.raises(RunError, match="another version"):
        play(Agent(), tmp_path, told=about("there", PROMPTS, stand_ins=True))


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_folder_that_is_no_run_is_told(tmp_path, content):
    if content is not None:
        (tmp_path / ABOUT).write_text(content)
    with pytest.raises(RunError, match=str(tmp_path)):
        runs.read(tmp_path)
