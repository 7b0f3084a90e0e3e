"""What a person chose for a story, and everything that was seen of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal import dashboards, verdict
from rehearsal.evidence import Evidence
from rehearsal.gate import Gate
from rehearsal.story import Story
from rehearsal.timeline import Timeline


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a person chooses; None: as the story says, and of its speed as much as this machine can.

    `without`: alarms, runbooks and rungs that are taken away; `ask`: whether a runbook may be applied for an
    alarm.
    """

    stack: str | None = None
    seed: int = 7
    speed: float | None = None
    rate: float = 1.0
    changes: Mapping[str, str] = field(default_factory=dict)
    without: Sequence[str] = ()
    ask: Callable[[str, str], bool] | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """Everything the report is made from."""

    story: Story
    options: Options
    stack: str
    folder: Path
    gates: list[Gate]
    evidence: Evidence
    timeline: Timeline
    pages: Sequence[dashboards.Page] = ()

    @property
    def exit_code(self) -> int:
        return verdict.exit_code(self.gates)


class InterruptedStoryError(KeyboardInterrupt):
    """Ctrl-C: what was seen so far is `result`, if there is anything."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.result = result
