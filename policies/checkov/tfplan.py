"""A plan in the form of `terraform show -json`, as much of it as checkov reads.

Where Terraform would not know a value yet because another resource has to exist first, its address stands
there (`aws_kms_key.primary-keys-data.arn`): that is what connects a bucket with its public access block in
checkov's graph. Checkov would take such addresses from the document's `configuration` too, but of a list
only the first. Policy documents stay as they are, although Terraform would not know them yet, so that
their statements can be judged. Secrets never leave the plan.
"""

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
# Shorter answers (a version, a port) stand in longer texts by chance.
_TELLING = 8

_Block = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The document, and whose every address in it is."""

    document: Mapping[str, Any]
    urns: Mapping[str, str]


def render(plan: Plan) -> Rendered:
    """The plan's AWS resources as a Terraform plan that creates all of them."""
    addresses = _addresses(plan.cloud)
    document = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [_resource(plan, r, addresses) for r in plan.cloud]}},
        "configuration": {"provider_config": _providers(plan)},
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


def _resource(plan: Plan, resource: Resource, addresses: Mapping[str, str]) -> _Block:
    address = addresses[resource.urn]
    kind, _, name = address.partition(".")
    shape, values = sdk.shape(resource.type), {}
    for key in resource.inputs.keys() & shape.keys():
        answers = _answers(plan, resource.property_dependencies.get(key, ()), addresses)
        values[names.input_name(kind, shape[key])] = _Writer(kind, answers).value(
            kind, shape[key], resource.inputs[key]
        )
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": PROVIDER,
        "values": dict(sorted(values.items())),
    }


def _answers(plan: Plan, sources: Iterable[str], addresses: Mapping[str, str]) -> dict[str, str]:
    """Value -> `address.attribute`, for what these are called and say once they exist."""
    found: dict[str, str] = {}
    for urn in sorted(sources):
        if (address := addresses.get(urn)) is None or (source := plan.by_urn.get(urn)) is None:
            continue  # a component or a provider
        named = {key: value for key, value in source.inputs.items() if key.lower().endswith("name")}
        for key, value in {"id": source.id, **source.outputs, **named}.items():
            if isinstance(value, str):
                found.setdefault(value, f"{address}.{_snake(key)}")
    return found


@dataclass(frozen=True)
class _Writer:
    """Writes one input of a resource of this kind. `answers`: what is only known of other resources."""

    kind: str
    answers: Mapping[str, str]

    def value(self, place: str, field: sdk.Field, value: Any) -> Any:
        """A block is a list of its occurrences, also where there can be only one."""
        if field.block is None or not isinstance(value, (dict, list)):
            return self._plain(value)
        name, shape = names.input_name(place, field), sdk.block_shape(field.block)
        parts = value if isinstance(value, list) else [value]
        return [self._block(f"{self.kind}.{name}", shape, part) for part in parts]

    def _block(self, place: str, shape: sdk.Shape, inputs: Mapping[str, Any]) -> _Block:
        written = {
            names.input_name(place, shape[key]): self.value(place, shape[key], inputs[key])
            for key in inputs.keys() & shape.keys()
        }
        return dict(sorted(written.items()))

    def _plain(self, value: Any) -> Any:
        """What may stand in a file: no secrets, and of an archive only that it is one."""
        match value:
            case Secret():
                return SECRET
            case str():
                return self._text(value)
            case dict() if _ASSET in value:
                return ARCHIVE
            case dict():
                return {key: self._plain(part) for key, part in value.items()}
            case list():
                return [self._plain(part) for part in value]
        return value

    def _text(self, value: str) -> str:
        """Another resource's answer as its address, also within a text; documents stay as they are."""
        if value in self.answers:
            return self.answers[value]
        if value.startswith(("{", "[")):
            return value
        for answer in sorted(self.answers, key=len, reverse=True):
            if len(answer) >= _TELLING:
                value = value.replace(answer, f"${{{self.answers[answer]}}}")
        return value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
