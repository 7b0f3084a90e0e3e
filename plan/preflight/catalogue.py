"""Every check, in the order a person sets an environment up."""

import difflib
from collections.abc import Iterable, Mapping
from functools import cache

from contract.errors import WrongUseError
from plan.preflight import (
    account,
    alarms,
    budget,
    certificates,
    images,
    models,
    names,
    places,
    quotas,
    roles,
    secrets,
    standby,
)
from plan.preflight.model import Check

_ROOMS = (
    account,
    quotas,
    alarms,
    places,
    roles,
    models,
    certificates,
    names,
    secrets,
    images,
    standby,
    budget,
)


@cache
def catalogue() -> Mapping[str, Check]:
    """Id -> check."""
    return {check.id: check for room in _ROOMS for check in room.CHECKS}


def chosen(ids: Iterable[str]) -> tuple[Check, ...]:
    """The checks of these ids, or all; `quota` stands for every id that begins with `quota-`."""
    found: dict[str, Check] = {}
    for id_ in ids:
        begun = {key: check for key, check in catalogue().items() if key.startswith(f"{id_}-")}
        fitting = {id_: catalogue()[id_]} if id_ in catalogue() else begun
        if not fitting:
            near = difflib.get_close_matches(id_, catalogue(), n=1)
            hint = f"did you mean {near[0]}?" if near else "see `concierge preflight --list`"
            raise WrongUseError(f"there is no check {id_!r}: {hint}")
        found |= fitting
    return tuple((found or catalogue()).values())
