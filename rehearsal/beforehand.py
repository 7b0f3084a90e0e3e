"""What would go wrong with a game day, found before anything is started or written."""

import itertools
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from contract.errors import WrongUseError
from contract.faults import Experiment
from contract.inventory import Inventory
from loadtests import scenario
from plan import Plan
from rehearsal.story import Story, StoryError


def check_story(story: Story, experiment: Experiment) -> None:
    """That the traffic exists, and lasts longer than the experiment."""
    scenario.load(story.scenario)
    end = story.experiment_at_s + max(stage.at_s + stage.for_s for stage in experiment.method)
    if end >= story.length_s:
        raise StoryError(
            f"story {story.id}: experiment {experiment.id} ends at {end:g} s, when the traffic is over "
            f"({story.length_s:g} s): make length_s longer"
        )


def check_alarm(experiment: Experiment, planned: Plan) -> None:
    """That the plan has the alarm which the experiment expects."""
    alarms = Inventory.model_validate_json(planned.outputs["inventory"]).primary.alarms
    wanted = experiment.expect.alarm
    if wanted not in alarms:
        near = ", ".join(get_close_matches(wanted, alarms, n=3, cutoff=0.5))
        raise WrongUseError(
            f"experiment {experiment.id}: expect.alarm: stack {planned.stack} has no alarm {wanted!r} among "
            f"its {len(alarms)}; {f'nearest: {near}' if near else 'see its inventory for their names'}"
        )


def make(folder: Path) -> Path:
    """The folder of this run alone: with -2, -3 and so on where there is one of that name already.

    Journals and samples of another run, also of one begun this very second, would become part of this one.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        own = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        with suppress(FileExistsError):
            own.mkdir()
            break
    return own
