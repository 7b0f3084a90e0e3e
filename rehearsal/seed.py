"""Makes in moto what a plan declares for a region, under the names it would have in AWS.

Which types, and how their inputs become AWS calls, is data in `seed.toml`. What is not seeded is listed, with
the reason where there is one.
"""

import base64
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from contract.base import Shape
from contract.errors import InconclusiveError
from plan.identities import UNRESOLVED
from plan.model import Plan, Resource, Secret, short_type
from rehearsal import clients
from rehearsal.templates import MISSING, fill, look_up

_AT_ONCE = 4
# moto's own; S3 knows it only by the absence of a location.
_DEFAULT_REGION = "us-east-1"


class SeedError(InconclusiveError):
    """moto refused something the plan declares."""


class Call(Shape):
    """One AWS call, with templates for its parameters."""

    call: str
    when: str | None = None
    parameters: Mapping[str, Any] = Field(alias="with")


class SeededType(Shape):
    """How resources of one type are made."""

    service: str
    learn: Mapping[str, str] = {}
    in_order: bool = False
    calls: tuple[Call, ...]


class Rules(Shape):
    """The whole of `seed.toml`."""

    types: Mapping[str, SeededType]
    skip: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A declared resource that was not made, and why."""

    resource: str
    why: str


@dataclass(frozen=True)
class Seeded:
    """What one region has now. `actual`: planned ids and ARNs for which moto made up others."""

    created: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    actual: Mapping[str, str]


def seed(plan: Plan, region: str, endpoint_url: str) -> Seeded:
    """Makes the region's resources; SeedError names the first that moto refuses."""
    mine = [resource for resource in plan.cloud if resource.region == region]
    mine += _replicas(plan, region)
    rules = _rules()
    skipped = tuple(
        Skipped(resource.label, rules.skip.get(short_type(resource.type), "no stand-in has it"))
        for resource in mine
        if short_type(resource.type) not in rules.types
    )
    moto = _Moto(region, endpoint_url)
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            created = [
                label
                for kind, how in rules.types.items()
                for label in moto.make_all([r for r in mine if short_type(r.type) == kind], how, pool)
            ]
    finally:
        moto.close()
    return Seeded(tuple(created), skipped, moto.actual)


def _replicas(plan: Plan, region: str) -> list[Resource]:
    """Tables that stand here as copies of another region's: moto makes none itself, nor keeps them equal."""
    return [
        replace(table, region=region, inputs=_copied(table.inputs, copy))
        for table in plan.of_type("dynamodb.Table")
        for copy in table.inputs.get("replicas") or ()
        if copy["regionName"] == region
    ]


def _copied(inputs: Mapping[str, Any], copy: Mapping[str, Any]) -> Mapping[str, Any]:
    own = {**(inputs.get("serverSideEncryption") or {}), "kmsKeyArn": copy.get("kmsKeyArn")}
    return {**inputs, "serverSideEncryption": {key: value for key, value in own.items() if value}}


@cache
def _rules() -> Rules:
    return Rules.model_validate(tomllib.loads(Path(__file__).with_name("seed.toml").read_text("utf-8")))


@dataclass
class _Moto:
    """moto's services in one region, through their real clients."""

    region: str
    endpoint_url: str
    actual: dict[str, str] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def _session(self) -> botocore.session.Session:
        """One for all: each reads AWS's partitions and defaults anew."""
        return clients.session(self.region)

    def make_all(
        self, resources: Sequence[Resource], how: SeededType, pool: ThreadPoolExecutor
    ) -> Iterator[str]:
        """Resources of one type, several at once: they do not name each other."""
        if not resources:
            return iter(())
        self._client(how.service)  # botocore makes clients in one thread at a time
        if how.in_order:
            return iter([self.make(resource, how) for resource in resources])
        return pool.map(lambda resource: self.make(resource, how), resources)

    def make(self, resource: Resource, how: SeededType) -> str:
        """Makes one resource and returns its label."""
        fields = self._translate(_fields(resource))
        for call in how.calls:
            if call.when is not None and look_up(call.when, fields) in (MISSING, False):
                continue
            try:
                answer = getattr(self._client(how.service), call.call)(**fill(call.parameters, fields))
            except (ClientError, BotoCoreError) as refused:
                raise SeedError(f"moto did not make {resource.label}: {call.call}: {refused}") from refused
            self._learn(how.learn, fields, answer)
        return resource.label

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._session.create_client(service, endpoint_url=self.endpoint_url)
        return self._clients[service]

    def _learn(self, learn: Mapping[str, str], fields: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        for name, path in learn.items():
            planned, made = fields.get(name, MISSING), look_up(path, answer)
            if MISSING not in (planned, made) and planned != made:
                self.actual[planned] = made

    def _translate(self, value: Any) -> Any:
        """The same value with moto's ids where it names planned ones."""
        if isinstance(value, str):
            for planned, made in list(self.actual.items()):  # others are learning meanwhile
                value = value.replace(planned, made)
            return value
        if isinstance(value, Mapping):
            return {key: self._translate(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._translate(item) for item in value]
        return value


def _fields(resource: Resource) -> dict[str, Any]:
    """What templates may refer to: inputs, computed outputs, and a few of our own."""
    outputs = {key: value for key, value in resource.outputs.items() if not str(value).startswith(UNRESOLVED)}
    fields = {"name": resource.name, **outputs, **_open(resource.inputs)}
    fields |= {"id": resource.id, "logical": resource.name, "body": _body(fields)}
    if resource.region != _DEFAULT_REGION:
        fields["locationConstraint"] = resource.region
    return fields


def _open(value: Any) -> Any:
    """moto holds secrets as AWS would: in the clear, behind its API."""
    if isinstance(value, Secret):
        return _open(value.value)
    if isinstance(value, Mapping):
        return {key: _open(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_open(item) for item in value]
    return value


def _body(fields: Mapping[str, Any]) -> str | bytes:
    """What an S3 object holds: given as text, as base64, or as an asset of a text or a file."""
    source = fields.get("source", {})
    if "contentBase64" in fields:
        return base64.b64decode(fields["contentBase64"])
    if "path" in source:
        return Path(source["path"]).read_bytes()
    return str(fields.get("content", source.get("text", "")))
