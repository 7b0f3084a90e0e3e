"""The faults of a story, each at its moment: a thread in which the runner of chaos plays them.

It keeps the journal, and clears what is left whatever happens.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from chaos import runner
from chaos.faults.rehearsal import RehearsalTargets
from chaos.journal import Event, Journal
from contract.errors import ConciergeError
from contract.faults import Experiment
from rehearsal.evidence import Stage
from rehearsal.story import Story
from rehearsal.story_clock import StoryClock

_TOLD = {"injected", "cleared", "swept", "failed"}


class Breaking:
    """Between `start` and `join`; the clock's `stop` ends it early."""

    def __init__(
        self,
        story: Story,
        target: RehearsalTargets,
        clock: StoryClock,
        journal: Path,
        tell: Callable[[str, str], None],
    ) -> None:
        self._story, self._target, self._clock = story, target, clock
        self._journal, self._tell = journal, tell
        self._outcome: runner.Outcome | None = None
        self._thread = threading.Thread(target=self._run, name="faults", daemon=True)

    def start(self) -> None:
        """A story without faults has nothing to do."""
        if self._story.stages:
            self._thread.start()

    def join(self) -> None:
        if self._thread.is_alive():
            self._thread.join()

    @property
    def trouble(self) -> str | None:
        """Why the faults were not in place as written."""
        if not self._story.stages:
            return None
        return self._outcome.reason if self._outcome else "the faults were not made"

    def stages(self) -> Sequence[Stage]:
        """As they ran, the first one first, with the calls that met them."""
        hits = {line.id: line.hit for line in self._target.log()}
        ran = self._outcome.stages if self._outcome else ()
        found = (
            Stage(
                one.started_at.timestamp(),
                one.ended_at.timestamp(),
                one.fault.fault,
                hits.get(one.fault.id),
            )
            for one in ran
        )
        return sorted(found, key=lambda stage: stage.start)

    def _run(self) -> None:
        since = self._clock.second() or 0.0
        method = [
            stage.model_copy(update={"at_s": max(0.0, stage.at_s - since)}) for stage in self._story.stages
        ]
        # What is expected of a story stands in its scenes: of an experiment only the method is played.
        played = cast("Any", Experiment).model_construct(
            id=self._story.id, title=self._story.title, method=tuple(method)
        )
        try:
            self._outcome = runner.run(
                played,
                self._target,
                clock=self._clock,
                on_event=self._hear,
                journal=Journal(self._journal),
            )
        except Exception as failure:  # noqa: BLE001 - a thread's error would be lost
            known = isinstance(failure, ConciergeError)
            what = failure if known else f"{type(failure).__name__}: {failure}"
            self._tell("fault", f"the faults were not made: {what}")

    def _hear(self, event: Event) -> None:
        if event.what in _TOLD:
            self._tell("fault", f"{event.what}: {event.text}")
