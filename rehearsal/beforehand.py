"""What would go wrong with a rehearsal, found before anything is started or written."""

import itertools
from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

from contract.errors import WrongUseError
from contract.inventory import Inventory
from contract.runbooks import catalogue
from plan import Plan
from rehearsal import alarm_definitions
from rehearsal.story import Story

KINDS = ("alarm", "runbook", "rung")


def check_without(taken: Sequence[str]) -> None:
    """That what is to be taken away is written as it must be, and is a runbook, if it is said to be one."""
    for one in taken:
        kind, _, name = one.partition(":")
        if kind not in KINDS or not name:
            raise WrongUseError(f"--without {one}: write alarm:NAME, runbook:NAME or rung:NAME")
        if kind == "runbook":
            _known(f"--without {one}", name, catalogue(), "contract/runbooks.toml")


def without(taken: Iterable[str], kind: str) -> list[str]:
    """Names of this kind among what is taken away."""
    return [name for one in taken for before, _, name in [one.partition(":")] if before == kind]


def check_alarms(story: Story, plans: Sequence[Plan], taken: Sequence[str] = ()) -> None:
    """That one of the plans has every alarm which the story names, or which is to be taken away.

    The plan that is played and the usual one: without a rung its alarms are not there either, and the story
    shows what that means.
    """
    alarms = {name for planned in plans for name in alarm_names(planned)}
    where = f"stack {plans[0].stack}"
    for wanted in (*story.alarms, *story.may):
        _known(f"story {story.id}: expect.alarms", wanted, alarms, where)
    for wanted in without(taken, "alarm"):
        _known(f"--without alarm:{wanted}", wanted, alarms, where)


def alarm_names(planned: Plan) -> dict[str, str]:
    """Our word for an alarm -> what AWS calls it, in the first region; also of those only rollouts read."""
    known = Inventory.model_validate_json(planned.outputs["inventory"]).primary
    prefix = f"concierge-{planned.stack}-"
    every = (each.name for each in alarm_definitions.of_plan(planned, known.region))
    return {name.removeprefix(prefix): name for name in every} | dict(known.alarms)


def _known(who: str, wanted: str, there: Iterable[str], where: str) -> None:
    names = list(there)
    if wanted not in names:
        near = ", ".join(get_close_matches(wanted, names, n=3, cutoff=0.5))
        hint = f"nearest: {near}" if near else "see there for their names"
        raise WrongUseError(f"{who}: {where} has no {wanted!r} among its {len(names)}; {hint}")


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
