"""The engine's side of a policy pack: starts it as `pulumi up --policy-pack policies` does, and asks it.

Requests are the protocol's own messages, built from a plan. At preview the engine knows less than a plan:
`preview=True` sends every text that comes from another resource as unknown.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from plan import Plan, Resource, Secret
from plan.record import SECRET, SIGNATURE

UNKNOWN_TEXT = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # the protocol's word for a text known only later
_ANY_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


@contextmanager
def serving(root: Path) -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """The pack in a process of its own, as the language host starts it: its port is on stdout."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", "policies"],
        stdout=subprocess.PIPE,
        env={**os.environ, "PULUMI_DRY_RUN": "true"},
        cwd=root,
    )
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=_ANY_SIZE) as channel:
            yield analyzer_pb2_grpc.AnalyzerStub(channel)
    finally:
        process.kill()
        process.communicate()


def stack_request(plan: Plan, *, preview: bool = False) -> analyzer_pb2.AnalyzeStackRequest:
    """Everything, as the engine hands it over at the end: outputs beside inputs."""
    return analyzer_pb2.AnalyzeStackRequest(
        resources=[_in_stack(resource, plan, preview=preview) for resource in plan.resources]
    )


def _in_stack(resource: Resource, plan: Plan, *, preview: bool) -> analyzer_pb2.AnalyzerResource:
    known = resource.inputs if preview else {**resource.outputs, **resource.inputs, "id": resource.id}
    return analyzer_pb2.AnalyzerResource(
        type=resource.type,
        properties=_struct(_unknown(resource, known) if preview else known),
        urn=resource.urn,
        name=resource.name,
        options=_options(resource),
        provider=_provider(resource, plan),
        parent=resource.parent or "",
        dependencies=resource.dependencies,
        propertyDependencies={
            key: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
            for key, urns in resource.property_dependencies.items()
        },
    )


def request(resource: Resource, plan: Plan, *, preview: bool = False) -> analyzer_pb2.AnalyzeRequest:
    """One resource, as the engine hands it over before it touches it."""
    return analyzer_pb2.AnalyzeRequest(
        type=resource.type,
        properties=_struct(_unknown(resource, resource.inputs) if preview else resource.inputs),
        urn=resource.urn,
        name=resource.name,
        options=_options(resource),
        provider=_provider(resource, plan),
    )


def _options(resource: Resource) -> analyzer_pb2.AnalyzerResourceOptions:
    return analyzer_pb2.AnalyzerResourceOptions(protect=resource.options.protect)


def _provider(resource: Resource, plan: Plan) -> analyzer_pb2.AnalyzerProviderResource | None:
    found = plan.by_urn.get(resource.provider or "")
    if found is None:
        return None
    return analyzer_pb2.AnalyzerProviderResource(
        type=found.type, properties=_struct(found.inputs), urn=found.urn, name=found.name
    )


def _unknown(resource: Resource, values: Mapping[str, Any]) -> dict[str, Any]:
    """Texts that depend on another resource are not known before it exists."""
    return {
        key: _hidden(value) if key in resource.property_dependencies else value
        for key, value in values.items()
    }


def _hidden(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item) for item in value]
    return UNKNOWN_TEXT if isinstance(value, str) else value


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update({key: _wire(value) for key, value in values.items()})
    return made


def _wire(value: Any) -> Any:
    if isinstance(value, Secret):
        return {SIGNATURE: SECRET, "value": _wire(value.value)}
    if isinstance(value, Mapping):
        return {key: _wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_wire(item) for item in value]
    return value


def rules_of(diagnostics: Iterable[analyzer_pb2.AnalyzeDiagnostic]) -> set[str]:
    """Which rules fired: a message begins with the policy's description, then `rule (requirement): ...`."""
    return {d.message.splitlines()[1].partition(" (")[0] for d in diagnostics}
