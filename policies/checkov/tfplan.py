"""A plan as the document `terraform show -json` would print, for tools that read only that.

Values another resource will only have once it exists are left out and named as references, as Terraform
does: that is what connects a bucket with its public access block in checkov's graph. Policy documents
stay as they are, although Terraform would not know them yet, so that their statements can be judged.
Secrets never leave the plan.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from plan.model import PROVIDER_PREFIX, Plan, Resource, Secret
from policies.checkov import names, sdk

SECRET = "(sensitive value)"  # noqa: S105 - what Terraform prints in its place
PROVIDER = "registry.terraform.io/hashicorp/aws"
ARCHIVE = "archive.zip"
# How Pulumi marks an archive or a file, where Terraform has the path of one.
_ASSET = "4dabf18193072939515e22adb298388d"
# Shorter answers (a version, a port) are equal to others by chance.
_TELLING = 8
_UNKNOWN = object()

_Block = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The document, and whose every address in it is."""

    document: Mapping[str, Any]
    urns: Mapping[str, str]


def render(plan: Plan) -> Rendered:
    """The plan's AWS resources as a Terraform plan that creates all of them."""
    addresses = _addresses(plan.cloud)
    written = [_resource(plan, resource, addresses) for resource in plan.cloud]
    document = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [planned for planned, _ in written]}},
        "resource_changes": [_change(planned) for planned, _ in written],
        "configuration": {
            "provider_config": _providers(plan),
            "root_module": {"resources": [configured for _, configured in written]},
        },
    }
    return Rendered(document, {address: urn for urn, address in addresses.items()})


def _addresses(resources: Iterable[Resource]) -> dict[str, str]:
    """urn -> `aws_kms_key.primary-keys-data`. Names that two parents use are numbered."""
    used: Counter[str] = Counter()
    addresses = {}
    for resource in resources:
        name = re.sub(r"[^\w-]", "_", resource.name)
        address = f"{names.terraform_type(resource.type)}.{name}"
        used[address] += 1
        addresses[resource.urn] = address if used[address] == 1 else f"{address}_{used[address]}"
    return addresses


def _providers(plan: Plan) -> dict[str, Any]:
    return {
        f"aws.{provider.name}": {
            "name": "aws",
            "full_name": PROVIDER,
            "alias": provider.name,
            "expressions": {"region": {"constant_value": provider.region}},
        }
        for provider in plan.of_type(f"{PROVIDER_PREFIX}aws")
    }


def _change(planned: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{key: planned[key] for key in ("address", "mode", "type", "name", "provider_name")},
        "change": {"actions": ["create"], "before": None, "after": planned["values"]},
    }


def _resource(plan: Plan, resource: Resource, addresses: Mapping[str, str]) -> tuple[_Block, _Block]:
    """What the resource will be (`planned_values`) and how it was written (`configuration`)."""
    address = addresses[resource.urn]
    kind, _, name = address.partition(".")
    head = {"address": address, "mode": "managed", "type": kind, "name": name}
    writer = _Writer(kind, _answers(plan, resource, addresses))
    values, expressions = writer.block(kind, sdk.shape(resource.type), resource.inputs)
    planned = {**head, "provider_name": PROVIDER, "values": values}
    return planned, {**head, "provider_config_key": "aws", "expressions": expressions}


def _answers(plan: Plan, resource: Resource, addresses: Mapping[str, str]) -> dict[str, str]:
    """Value -> `address.attribute`, for all that the resources this one was made from say once they exist."""
    found: dict[str, str] = {}
    for urn in sorted({urn for urns in resource.property_dependencies.values() for urn in urns}):
        if (address := addresses.get(urn)) is None or (source := plan.by_urn.get(urn)) is None:
            continue  # a component or a provider
        outputs = {key: value for key, value in source.outputs.items() if isinstance(value, str)}
        for key, value in {"id": source.id, **outputs}.items():
            if len(value) >= _TELLING:
                found.setdefault(value, f"{address}.{_snake(key)}")
    return found


@dataclass(frozen=True)
class _Writer:
    """Writes the inputs of one resource."""

    kind: str
    answers: Mapping[str, str]

    def block(self, place: str, shape: sdk.Shape, inputs: Mapping[str, Any]) -> tuple[_Block, _Block]:
        """The values of a block, and the expressions of those that name other resources."""
        values: _Block = {}
        expressions: _Block = {}
        for key in inputs.keys() & shape.keys():
            name = names.input_name(place, shape[key])
            value, expression = self._input(name, shape[key], inputs[key])
            if value is not _UNKNOWN:
                values[name] = value
            if expression:
                expressions[name] = expression
        return dict(sorted(values.items())), dict(sorted(expressions.items()))

    def _input(self, name: str, field: sdk.Field, value: Any) -> tuple[Any, Any]:
        if field.block is None or not isinstance(value, (dict, list)):
            return self._plain(value)
        shape = sdk.block_shape(field.block)
        found = [
            self.block(f"{self.kind}.{name}", shape, part)
            for part in (value if isinstance(value, list) else [value])
        ]
        expressions = [expression for _, expression in found]
        return [values for values, _ in found], expressions if any(expressions) else None

    def _plain(self, value: Any) -> tuple[Any, Any]:
        """Unknown if it is nothing but another resource's answer; else readable, with what it was made from."""
        parts = value if isinstance(value, list) else [value]
        unknown = bool(parts) and all(isinstance(part, str) and part in self.answers for part in parts)
        text = json.dumps(value, default=str) if self.answers else ""
        named = [reference for answer, reference in self.answers.items() if answer in text]
        whole = [reference for reference in named for reference in (reference, ".".join(reference.split(".")[:2]))]
        return _UNKNOWN if unknown else _written(value), {"references": whole} if whole else None


def _written(value: Any) -> Any:
    """A value as it may stand in a file: no secrets, and of an archive only that it is one."""
    match value:
        case Secret():
            return SECRET
        case dict() if _ASSET in value:
            return ARCHIVE
        case dict():
            return {key: _written(part) for key, part in value.items()}
        case list():
            return [_written(part) for part in value]
    return value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
