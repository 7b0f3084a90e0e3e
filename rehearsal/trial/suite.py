"""Experiments one after another on one ground, each with its record and its reports beside it."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from chaos import record, report
from chaos.record import Conditions, Kind, Record
from contract.faults import Experiment
from rehearsal.trial import ground, trial

Tell = Callable[[str, Kind, str], None]


def run(
    experiments: Sequence[Experiment], conditions: Conditions, folder: Path, tell: Tell
) -> Iterator[Record]:
    """Main thread only. Each record is on disk before it is handed over."""
    stack, changes, seed = conditions.stack, conditions.changes, conditions.seed
    with ground.standing(folder / "ground", stack, changes, seed) as where:
        for experiment in experiments:
            told = _telling(experiment.id, tell)
            found = trial.play(experiment, where, conditions, folder / experiment.id, told)
            write(found, folder / experiment.id)
            yield found


def write(found: Record, folder: Path) -> None:
    """record.json, report.md and report.html."""
    record.write(found, folder / record.FILE)
    (folder / "report.md").write_text(report.markdown(found), encoding="utf-8")
    (folder / "report.html").write_text(report.page(found), encoding="utf-8")


def folder_for(name: str, root: Path) -> Path:
    """build/chaos/<time>-<name>."""
    return root / "build" / "chaos" / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}"


def _telling(name: str, tell: Tell) -> Callable[[Kind, str], None]:
    return lambda kind, text: tell(name, kind, text)
