"""An experiment for chaostoolkit (`chaos run`): steady state, method in the order of its times, rollback.

It finds the agent by CONCIERGE_HOST and the stand-ins' faults by CONCIERGE_FAULTS_URL. Alarms, runbooks and
recovery are not in it: chaostoolkit has no word for them.
"""

import json
from collections.abc import Iterator
from typing import Any

from contract.faults import Experiment, Probe, Stage

_MODULE = "chaos.toolkit"
_CLEAR, _INJECT = 0, 1


def export(experiment: Experiment) -> str:
    """The JSON text of its experiment file."""
    return json.dumps(document(experiment), indent=2) + "\n"


def document(experiment: Experiment) -> dict[str, Any]:
    """As chaostoolkit's specification 1.0 has it."""
    return {
        "version": "1.0.0",
        "title": experiment.title,
        "description": experiment.hypothesis.strip(),
        "tags": ["concierge", experiment.id, *sorted({stage.fault.target for stage in experiment.method})],
        "configuration": {
            "host": {"type": "env", "key": "CONCIERGE_HOST"},
            "faults_url": {"type": "env", "key": "CONCIERGE_FAULTS_URL"},
        },
        "steady-state-hypothesis": {
            "title": experiment.hypothesis.strip(),
            "probes": [_probe(probe, probe.at_most, "") for probe in experiment.steady_state],
        },
        "method": list(_method(experiment)),
        "rollbacks": [_action("leave nothing behind", "sweep", {"faults_url": "${faults_url}"})],
    }


def _method(experiment: Experiment) -> Iterator[dict[str, Any]]:
    moments = sorted(_moments(experiment), key=lambda moment: moment[:3])
    before = 0.0
    measured = False
    for at_s, step, number, stage in moments:
        wait, before = at_s - before, at_s
        if step == _CLEAR and not measured:
            measured = True
            for probe in experiment.steady_state:
                yield _probe(probe, probe.limit("during"), " while it is broken")
        verb, func = ("break", "inject") if step == _INJECT else ("mend", "clear")
        fault = stage.fault.model_dump(mode="json", exclude_none=True)
        # What is asked in between takes its own time: a lease as long as it may take.
        fault["lease_s"] = min(3_600, stage.fault.lease_s + 300)
        arguments = {"faults_url": "${faults_url}", "fault": fault}
        activity = _action(f"{verb} {stage.fault.target} ({number + 1})", func, arguments)
        pauses = {"before": wait} if wait > 0 else {}
        if (at_s, step, number) == moments[-1][:3]:
            pauses["after"] = experiment.expect.recovery_s
        if pauses:
            activity["pauses"] = pauses
        yield activity


def _moments(experiment: Experiment) -> Iterator[tuple[float, int, int, Stage]]:
    for number, stage in enumerate(experiment.method):
        yield stage.at_s, _INJECT, number, stage
        yield stage.at_s + stage.for_s, _CLEAR, number, stage


def _probe(probe: Probe, limit: float, when: str) -> dict[str, Any]:
    return {
        "type": "probe",
        "name": f"{probe.measure} at most {limit:g}{when}",
        "tolerance": {"type": "range", "range": [0, limit]},
        "provider": _provider("measure", {"host": "${host}", "measure": probe.measure}),
    }


def _action(name: str, func: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "action", "name": name, "provider": _provider(func, arguments)}


def _provider(func: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "python", "module": _MODULE, "func": func, "arguments": arguments}
