"""An experiment for AWS FIS, as a CloudFormation template of its own, held against the action catalogue.

Neither cfn-lint nor FIS minds a bogus action, target or parameter until somebody starts it; `faults_in` does.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from components import fault_catalogue as catalogue
from components.fault_catalogue import LIST, Drill
from contract.errors import WrongUseError
from contract.faults import Experiment

_WORD = re.compile(r"\{(\w+)\}")
# A placeholder of faults.toml -> the template's parameter and what it is.
_PARAMETERS: Mapping[str, tuple[str, str]] = {
    "environment": ("Environment", "Value of the Stack tag, such as dev"),
    "duration": ("Duration", "How long the fault lasts, such as PT5M"),
    "zone": ("ZoneId", "Id of the zone that is lost, such as use1-az1"),
    "vpc": ("VpcId", "Id of the VPC"),
    "bedrock_endpoint": ("BedrockEndpoint", "Name tag of the interface endpoint of Bedrock"),
    "cluster": ("Cluster", "Name of the ECS cluster"),
    "chat": ("ChatService", "Name of the chat service"),
    "tables": ("TableArns", "ARNs of the tables"),
}
_LIST_TYPE = "CommaDelimitedList"


class ExportError(WrongUseError):
    """FIS has no action for it."""


def export(experiment: Experiment) -> str:
    """The JSON text of a CloudFormation template."""
    return json.dumps(template(experiment), indent=2) + "\n"


def template(experiment: Experiment) -> dict[str, Any]:
    """Its one resource, with parameters for whatever an environment names."""
    if experiment.fis is None:
        raise ExportError(
            f"FIS cannot make {experiment.id}: it has no action for that. The agent's own hook can: "
            f"concierge chaos run {experiment.id} --target aws"
        )
    if experiment.fis not in catalogue.drills():
        known = ", ".join(catalogue.drills())
        raise ExportError(f"{experiment.id}: fis: there is no drill {experiment.fis!r}; there are: {known}")
    drill = catalogue.drills()[experiment.fis]
    body = {
        "Description": drill.what,
        "RoleArn": {"Ref": "RoleArn"},
        "Actions": {word: _action(step) for word, step in drill.steps.items()},
        "Targets": {word: _target(target) for word, target in drill.targets.items()},
        "StopConditions": [{"Source": "aws:cloudwatch:alarm", "Value": {"Ref": "StopAlarmArn"}}],
        "ExperimentOptions": {"AccountTargeting": "single-account", "EmptyTargetResolutionMode": "fail"},
        "LogConfiguration": {
            "LogSchemaVersion": 2,
            "CloudWatchLogsConfiguration": {"LogGroupArn": {"Ref": "LogGroupArn"}},
        },
        "Tags": {"Name": experiment.id, "Runbook": drill.runbook},
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"{experiment.title}. {experiment.hypothesis.strip()}"[:1_000],
        "Parameters": dict(_parameters(drill)),
        "Resources": {"Experiment": {"Type": "AWS::FIS::ExperimentTemplate", "Properties": body}},
    }


def faults_in(made: Mapping[str, Any]) -> list[str]:
    """What FIS would refuse of a template, by its action catalogue; one line each."""
    found: list[str] = []
    body = made["Resources"]["Experiment"]["Properties"]
    for word, action in body["Actions"].items():
        found += [f"Actions.{word}: {fault}" for fault in _action_faults(action, body["Targets"])]
    for condition in body["StopConditions"]:
        if condition["Source"] != "aws:cloudwatch:alarm":
            found.append("StopConditions: nothing would stop it")
    if body["ExperimentOptions"]["EmptyTargetResolutionMode"] != "fail":
        found.append("ExperimentOptions: an experiment that hits nothing would pass")
    return found


def _action_faults(action: Mapping[str, Any], targets: Mapping[str, Any]) -> Iterator[str]:
    known = catalogue.actions().get(action["ActionId"])
    if known is None:
        yield f"{action['ActionId']} is not in components/fis_actions.toml"
        return
    if set(action.get("Parameters", {})) != set(known.parameters):
        yield f"{action['ActionId']} takes exactly {sorted(known.parameters)}"
    aimed = action.get("Targets", {})
    if set(aimed) != ({known.key} if known.key else set()):
        yield f"{action['ActionId']} calls its target {known.key or 'nothing'}, not {', '.join(aimed)}"
    for word in aimed.values():
        if targets.get(word, {}).get("ResourceType") != known.target:
            yield f"{action['ActionId']} hits {known.target}, not what {word} is"


def _action(step: catalogue.Step) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ActionId": step.action,
        "Parameters": {name: _filled(value) for name, value in step.parameters.items()},
    }
    key = catalogue.actions()[step.action].key
    if key is not None:
        made["Targets"] = {key: step.on}
    if step.after:
        made["StartAfter"] = list(step.after)
    return made


def _target(target: catalogue.Target) -> dict[str, Any]:
    made: dict[str, Any] = {"ResourceType": target.type, "SelectionMode": target.select}
    if target.tags:
        made["ResourceTags"] = {key: _filled(value) for key, value in target.tags.items()}
    if target.arns:
        made["ResourceArns"] = {"Ref": _PARAMETERS[target.arns.removeprefix(LIST)][0]}
    if target.parameters:
        made["Parameters"] = {key: _filled(value) for key, value in target.parameters.items()}
    return made


def _filled(text: str) -> Any:
    """A placeholder becomes a parameter."""
    if found := _WORD.fullmatch(text):
        return {"Ref": _PARAMETERS[found[1]][0]}
    if _WORD.search(text):
        return {"Fn::Sub": _WORD.sub(lambda word: f"${{{_PARAMETERS[word[1]][0]}}}", text)}
    return text


def _parameters(drill: Drill) -> Iterator[tuple[str, dict[str, str]]]:
    yield "RoleArn", {"Type": "String", "Description": "Role that FIS takes: it may do this fault alone"}
    yield "StopAlarmArn", {"Type": "String", "Description": "ARN of the alarm that ends it: customers notice"}
    yield "LogGroupArn", {"Type": "String", "Description": "ARN of a log group, with :* at its end"}
    said = drill.model_dump_json()
    used = {*_WORD.findall(said), *re.findall(rf"{LIST}(\w+)", said)}
    for word, (name, what) in _PARAMETERS.items():
        if word in used:
            kind = _LIST_TYPE if word == "tables" else "String"
            yield name, {"Type": kind, "Description": what}
