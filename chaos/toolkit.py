"""What an exported experiment calls when chaostoolkit runs it: plain functions of plain values.

Unlike chaostoolkit's own, a fault that could not be made, or was gone early, fails its activity. Needs only
`chaos`, `contract`, pydantic and PyYAML.
"""

import time
from collections.abc import Mapping
from typing import Any

from chaos import client
from chaos.faults import FaultError
from chaos.faults.rehearsal import RehearsalTarget
from contract.faults import Fault

_BETWEEN_S = 0.2


def inject(faults_url: str, fault: Mapping[str, Any]) -> dict[str, Any]:
    """Makes a fault; its lease ends it if nobody else does."""
    return RehearsalTarget(faults_url).inject(Fault.model_validate(fault)).model_dump(mode="json")


def clear(faults_url: str, fault: Mapping[str, Any]) -> int:
    """Ends the faults that were made so; FaultError when none is there any more."""
    target, wanted = RehearsalTarget(faults_url), Fault.model_validate(fault)
    mine = [one for one in target.active() if one.fault == wanted]
    ended = [target.clear(one.id) for one in mine]
    if not all(ended) or not ended:
        raise FaultError(f"{wanted.kind} at {wanted.target} was gone before its stage ended")
    return len(mine)


def sweep(faults_url: str) -> int:
    """Ends whatever is in place, and makes sure; how many there were."""
    target = RehearsalTarget(faults_url)
    left = target.active()
    target.clear_all()
    if still := target.active():
        raise FaultError(f"{len(still)} faults cannot be cleared: wait for their leases")
    return len(left)


def measure(host: str, measure: str, messages: int = 15) -> float:
    """Asks some questions as a customer would, and says what became of them."""
    found = []
    for number in range(messages):
        found.append(client.ask(host, client.QUESTIONS[number % len(client.QUESTIONS)]))
        time.sleep(_BETWEEN_S)
    value = client.measures(found).get(measure)
    if value is None:
        raise FaultError(f"{measure} could not be measured: nobody was answered")
    return value
