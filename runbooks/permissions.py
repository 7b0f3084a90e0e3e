"""The least a role needs to run a runbook: its declared calls as IAM statements (`permissions.toml`).

`everything()` is what the stack reads, as a file in `contract/`: it makes a role a runbook out of it, and
this room cannot be imported there.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name

from contract.base import Shape
from runbooks.engine import Runbook

FILE = Path(__file__).parent.parent / "contract" / "runbook_grants.json"
# What the engine itself does for every run: its names, its lease, its journal, its alarm.
_ENGINE = (
    (
        "ssm:GetParameter",
        "arn:${partition}:ssm:${region}:${account}:parameter/concierge/${environment}/inventory",
    ),
    (
        "s3:GetObject",
        "arn:${partition}:s3:::concierge-${environment}-inventory-${account}-${region}/inventory.json",
    ),
    (
        "ssm:GetParameter",
        "arn:${partition}:ssm:${region}:${account}:parameter/concierge/${environment}/runbooks/*",
    ),
    (
        "ssm:PutParameter",
        "arn:${partition}:ssm:${region}:${account}:parameter/concierge/${environment}/runbooks/*",
    ),
    (
        "ssm:DeleteParameter",
        "arn:${partition}:ssm:${region}:${account}:parameter/concierge/${environment}/runbooks/*",
    ),
    (
        "logs:CreateLogStream",
        "arn:${partition}:logs:${region}:${account}:log-group:/concierge/${environment}/runbooks:*",
    ),
    (
        "logs:PutLogEvents",
        "arn:${partition}:logs:${region}:${account}:log-group:/concierge/${environment}/runbooks:log-stream:*",
    ),
    ("sns:Publish", "arn:${partition}:sns:${region}:${account}:concierge-${environment}-page"),
)


class _Table(Shape):
    prefix: Mapping[str, str]
    actions: Mapping[str, tuple[str, ...]]
    resources: Mapping[str, tuple[str, ...]]


@cache
def _table() -> _Table:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return _Table.model_validate(tomllib.loads(text))


def actions(call: str) -> tuple[str, ...]:
    """What IAM calls it: `ecs.update_service` -> `ecs:UpdateService`."""
    table = _table()
    if call in table.actions:
        return table.actions[call]
    service, _, operation = call.partition(".")
    return (f"{table.prefix.get(service, service)}:{_spelt(service)[operation]}",)


@cache
def _spelt(service: str) -> Mapping[str, str]:
    """`update_service` -> `UpdateService`, as the service's model spells it."""
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def resources(call: str) -> tuple[str, ...]:
    """On what; ValueError when nobody has said so."""
    table, service = _table(), call.partition(".")[0]
    found = table.resources.get(call) or table.resources.get(service)
    if not found:
        raise ValueError(f"{call}: say in runbooks/permissions.toml what it may be allowed on")
    return found


def grants(runbook: Runbook) -> list[dict[str, list[str]]]:
    """Actions on resources, those on the same resources together; what it makes of `engine` comes last."""
    pairs = [
        (action, resource)
        for call in runbook.calls
        for action in actions(call)
        for resource in resources(call)
    ]
    return _grouped((*pairs, *_ENGINE))


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[dict[str, list[str]]]:
    by_action: dict[str, set[str]] = {}
    for action, resource in pairs:
        by_action.setdefault(action, set()).add(resource)
    by_resources: dict[tuple[str, ...], list[str]] = {}
    for action, found in sorted(by_action.items()):
        by_resources.setdefault(tuple(sorted(found)), []).append(action)
    return [{"actions": names, "resources": list(found)} for found, names in sorted(by_resources.items())]


def everything() -> dict[str, Any]:
    """Every runbook's grants, by its id."""
    import runbooks

    return {name: grants(runbooks.load(name)) for name in runbooks.scripts()}


def text() -> str:
    """The file's content."""
    return json.dumps(everything(), indent=1) + "\n"
