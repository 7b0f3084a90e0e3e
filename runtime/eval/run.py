"""Asks golden prompts, so many at a time, and writes each answer down: a run that ended goes on there.

Knows an agent only as something that answers a prompt. Judging is `runtime.eval.verdict`'s business.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from contract.base import Shape
from contract.errors import WrongUseError
from runtime.eval.answers import Answer
from runtime.eval.golden import Prompt, digest

ANSWERS, ABOUT = "answers.jsonl", "about.json"
SILENT = 8  # prompts in a row without any answer: then there is no agent any more
AskOne = Callable[[Prompt], Awaitable[Answer]]
Listener = Callable[[int, int, float], None]  # answered, of how many, dollars so far


class RunError(WrongUseError):
    """A run that cannot be read or gone on with."""


class About(Shape):
    """What was asked, of whom. `stand_ins`: then its figures are a signal of change, and no quality."""

    version: str
    golden: str
    prompts: int
    stand_ins: bool
    model: str = ""


@dataclass
class Run:
    """Answers by the prompt's id. `stopped`: why not all were asked."""

    about: About
    answers: dict[str, Answer] = field(default_factory=dict)
    stopped: str = ""

    @property
    def usd(self) -> float:
        return sum(answer.usd for answer in self.answers.values())

    @property
    def whole(self) -> bool:
        return len(self.answers) == self.about.prompts


def about(version: str, prompts: Sequence[Prompt], *, stand_ins: bool, model: str = "") -> About:
    return About(
        version=version, golden=digest(prompts), prompts=len(prompts), stand_ins=stand_ins, model=model
    )


def read(folder: Path) -> Run:
    """A run from its folder, as far as it came."""
    try:
        told = About.model_validate_json((folder / ABOUT).read_bytes())
    except FileNotFoundError:
        raise RunError(f"{folder}: no run of golden prompts: there is no {ABOUT}") from None
    except (ValidationError, OSError) as wrong:
        raise RunError(f"{folder}/{ABOUT}: {' '.join(str(wrong).split())[:160]}") from None
    return Run(told, _kept(folder / ANSWERS))


def _kept(file: Path) -> dict[str, Answer]:
    """What was written; a last line that a killed run left half is not there."""
    found: dict[str, Answer] = {}
    if not file.exists():
        return found
    lines = file.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, start=1):
        try:
            answer = Answer.model_validate_json(line)
        except ValidationError:
            if number < len(lines):
                raise RunError(f"{file}, line {number}: no answer: remove the line") from None
            break
        found[answer.id] = answer
    return found


async def run(
    prompts: Sequence[Prompt],
    ask: AskOne,
    told: About,
    folder: Path,
    *,
    at_once: int = 8,
    budget_usd: float | None = None,
    listener: Listener = lambda *_: None,
) -> Run:
    """All prompts that have no answer yet. Stops before the budget is passed, and when nobody answers."""
    going_on = _begin(told, folder)
    with (folder / ANSWERS).open("a", encoding="utf-8") as out:
        asking = _Asking(going_on, ask, out, budget_usd, listener)
        left = iter([prompt for prompt in prompts if prompt.id not in going_on.answers])
        listener(len(going_on.answers), told.prompts, going_on.usd)
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(asking.work(left))
    return going_on


def _begin(told: About, folder: Path) -> Run:
    """A new run, or the one that is there, cut to its whole lines."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ABOUT).exists():
        (folder / ABOUT).write_text(told.model_dump_json(indent=2) + "\n", encoding="utf-8")
        return Run(told)
    found = read(folder)
    if found.about != told:
        differ = [n for n in type(told).model_fields if getattr(told, n) != getattr(found.about, n)]
        raise RunError(f"{folder}: is a run of another {' and '.join(differ)}: choose another folder")
    lines = [answer.model_dump_json() + "\n" for answer in found.answers.values() if not answer.error]
    found.answers = {name: answer for name, answer in found.answers.items() if not answer.error}
    part = folder / f"{ANSWERS}.part"
    part.write_text("".join(lines), encoding="utf-8")
    part.replace(folder / ANSWERS)
    return found


class _Asking:
    """Workers of one run, and what they share."""

    def __init__(self, run: Run, ask: AskOne, out: TextIO, budget: float | None, listener: Listener) -> None:
        self._run, self._ask, self._out = run, ask, out
        self._budget, self._listener = budget, listener
        self._spent, self._under_way, self._silent = run.usd, 0, 0
        self._dearest = max((answer.usd for answer in run.answers.values()), default=0.0)

    async def work(self, left: Iterator[Prompt]) -> None:
        """Takes from what is left, as all workers do."""
        for prompt in left:
            if not self._may_ask():
                return
            self._under_way += 1
            try:
                answer = await self._ask(prompt)
            finally:
                self._under_way -= 1
            self._keep(answer)

    def _may_ask(self) -> bool:
        if self._silent >= SILENT:
            self._run.stopped = (
                f"{SILENT} prompts in a row got no answer: {self._run.stopped or 'is it running?'}"
            )
        elif self._budget is not None and self._spent + (self._under_way + 1) * self._dearest > self._budget:
            self._run.stopped = (
                f"the budget of ${self._budget:g} would be passed: ${self._spent:.4f} is spent"
            )
        return not self._run.stopped

    def _keep(self, answer: Answer) -> None:
        self._run.answers[answer.id] = answer
        self._out.write(json.dumps(answer.model_dump(mode="json"), ensure_ascii=False) + "\n")
        self._out.flush()
        self._spent += answer.usd
        self._dearest = max(self._dearest, answer.usd)
        self._silent = self._silent + 1 if answer.error else 0
        self._listener(len(self._run.answers), self._run.about.prompts, self._spent)
