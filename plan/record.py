"""Runs a Pulumi program in process and writes down what it registers.

The program is the real one; only the engine is absent. Pulumi's own `MockMonitor` is the seam: ours
answers registrations with AWS-shaped identities (`plan.identities`), answers invokes from region data
(`plan.answers`) and keeps every request. Nothing here interprets what was recorded.
"""

import asyncio
import contextlib
import contextvars
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import config as pulumi_config
from pulumi.runtime import mocks, settings
from pulumi.runtime.proto import engine_pb2, resource_pb2
from pulumi.runtime.stack import run_in_stack

from plan import answers, identities, quick
from plan.model import PROVIDER_PREFIX, STACK_TYPE, Options, Resource, Secret

# How Pulumi's wire protocol marks values that JSON has no type for.
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type tag of the protocol, not a secret
REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e"

_ABANDON_S = 1.0
NO_TRANSFORMS = (
    "a plan runs no transforms, so it would not be what `pulumi up` declares: set the inputs directly"
)

Program = Callable[[], Awaitable[None] | None]


@dataclass
class Recording:
    """What one run of a program registered, in the order it happened to arrive."""

    resources: dict[str, Resource] = field(default_factory=dict)
    duplicates: list[str] = field(default_factory=list)
    outputs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def record(program: Program, *, project: str, stack: str, config: Mapping[str, str]) -> Recording:
    """Runs `program` as the engine would: own context, own event loop, config as JSON strings."""
    return contextvars.Context().run(_run, program, project, stack, dict(config))


def _run(program: Program, project: str, stack: str, config: dict[str, str]) -> Recording:
    recording = Recording()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(_Inline())
    try:
        pulumi_config.set_all_config(config, [])
        settings.configure(_session(project, stack, recording))
        # stdout belongs to whoever asked for the plan: what the program prints is talk.
        with quick.short_cuts(), contextlib.redirect_stdout(sys.stderr), _interruptible(loop):
            loop.run_until_complete(run_in_stack(program))
    finally:
        _abandon(loop)
        asyncio.set_event_loop(None)
        loop.close()
    return recording


@contextlib.contextmanager
def _interruptible(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Ctrl-C stops the loop between two steps: raised inside one, Pulumi's runtime would wait for ever."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True
        loop.call_soon_threadsafe(loop.stop)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    except BaseException:
        if stopped:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if stopped:
        raise KeyboardInterrupt


def _abandon(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what a failed program left waiting; its one error is told by whoever asked, not by each task."""
    loop.set_exception_handler(lambda *_: None)
    if waiting := asyncio.all_tasks(loop):
        for task in waiting:
            task.cancel()
        loop.run_until_complete(asyncio.wait(waiting, timeout=_ABANDON_S))


def _session(project: str, stack: str, recording: Recording) -> mocks.MockSettings:
    monitor = RecordingMonitor(recording)
    return mocks.MockSettings(
        monitor=monitor,
        monitor_features=set(monitor.GetDeploymentInfo(empty_pb2.Empty()).supportedFeatures),
        engine=_Engine(recording),
        project=project,
        stack=stack,
        dry_run=False,
        organization="organization",
        root_directory=None,
        callbacks=None,
        outputs=quick.Outputs(),
        package_refs={},
        base_providers_by_ref={},
    )


class _Inline(ThreadPoolExecutor):
    """Runs calls where they are made: the monitor is in this process, a thread would only add waiting."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits the call
            future.set_exception(error)
        return future


class _Engine(mocks.MockEngine):
    """Where Pulumi's log goes: warnings are kept, the rest is its talk about itself."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(None)
        self._recording = recording

    def Log(self, request: engine_pb2.LogRequest) -> None:
        if request.severity >= engine_pb2.WARNING:
            self._recording.warnings.append(request.message)


class _NoMocks(mocks.Mocks):
    """Never asked: the monitor below answers by itself."""

    def call(self, _: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        return {}, None

    def new_resource(self, _: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return "", {}


class RecordingMonitor(mocks.MockMonitor):
    """The engine's side of the conversation, answered from data. Method names are the protocol's."""

    def __init__(self, recording: Recording) -> None:
        super().__init__(_NoMocks())
        self._recording = recording

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """As the engine does it: the whole chain of parent types, the stack left out."""
        chain = parent.split("::")[2] if parent else ""
        qualified = type_ if chain in {"", STACK_TYPE} else f"{chain}${type_}"
        return f"urn:pulumi:{settings.get_stack()}::{settings.get_project()}::{qualified}::{name}"

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        if request.transforms:
            raise answers.UnansweredError(f"{request.name}: {NO_TRANSFORMS}")
        urn = self.make_urn(request.parent, request.type, request.name)
        if urn in self._recording.resources:
            self._recording.duplicates.append(urn)
        inputs = plain(request.object)
        region = self._region(request, inputs)
        resource = _resource(urn, request, inputs, region, self._aliases(request))
        self._recording.resources[urn] = resource
        state = struct_pb2.Struct()
        state.CopyFrom(request.object)
        state.update(dict(resource.outputs))
        return resource_pb2.RegisterResourceResponse(urn=urn, id=resource.id, object=state)

    def RegisterResourceOutputs(
        self, request: resource_pb2.RegisterResourceOutputsRequest
    ) -> empty_pb2.Empty:
        self._recording.outputs[request.urn] = plain(request.outputs)
        return empty_pb2.Empty()

    def RegisterStackTransform(self, _: Any) -> empty_pb2.Empty:
        raise answers.UnansweredError(f"the stack: {NO_TRANSFORMS}")

    def RegisterStackInvokeTransform(self, _: Any) -> empty_pb2.Empty:
        raise answers.UnansweredError(f"the stack: {NO_TRANSFORMS}")

    def ReadResource(self, request: resource_pb2.ReadResourceRequest) -> Any:
        raise answers.UnansweredError(
            f"the program reads {request.type} {request.name!r} from AWS; a plan has no AWS: "
            "declare it, or take its id from settings"
        )

    def Invoke(self, request: resource_pb2.ResourceInvokeRequest) -> resource_pb2.ResourceInvokeResponse:
        region = self._provider_region(request.provider)
        answer = answers.answer(request.tok, plain(request.args), region)
        reply = resource_pb2.ResourceInvokeResponse()
        getattr(reply, "return").update(answer)
        return reply

    def _aliases(self, request: resource_pb2.RegisterResourceRequest) -> tuple[str, ...]:
        """The urns the resource used to have; what an alias leaves out is as it is now."""
        return tuple(
            alias.urn
            or self.make_urn(
                "" if alias.spec.noParent else alias.spec.parentUrn or request.parent,
                alias.spec.type or request.type,
                alias.spec.name or request.name,
            )
            for alias in request.aliases
        )

    def _region(self, request: resource_pb2.RegisterResourceRequest, inputs: Mapping[str, Any]) -> str | None:
        if request.type.startswith(PROVIDER_PREFIX):
            return inputs.get("region")
        named = inputs.get("region") if request.type.startswith("aws:") else None
        return named or self._provider_region(request.provider)

    def _provider_region(self, reference: str) -> str | None:
        provider = self._recording.resources.get(reference.rpartition("::")[0])
        return provider.region if provider else None


def _resource(
    urn: str,
    request: resource_pb2.RegisterResourceRequest,
    inputs: Mapping[str, Any],
    region: str | None,
    aliases: tuple[str, ...],
) -> Resource:
    identity, outputs = (
        identities.identity(urn, request.type, request.name, inputs, region) if request.custom else ("", {})
    )
    properties = {
        key: tuple(sorted(value.urns))
        for key, value in sorted(request.propertyDependencies.items())
        if value.urns
    }
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        id=identity,
        custom=request.custom,
        parent=request.parent or None,
        provider=request.provider.rpartition("::")[0] or None,
        region=region,
        inputs=inputs,
        outputs=outputs,
        dependencies=tuple(sorted(request.dependencies)),
        property_dependencies=properties,
        options=_options(request, aliases),
    )


def _options(request: resource_pb2.RegisterResourceRequest, aliases: tuple[str, ...]) -> Options:
    return Options(
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        delete_before_replace=request.deleteBeforeReplace,
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        aliases=aliases,
    )


def plain(message: struct_pb2.Struct) -> dict[str, Any]:
    """A protobuf struct as Python data: secrets as `Secret`, whole numbers as int, nulls left out."""
    return {key: _value(value) for key, value in sorted(message.fields.items()) if not _is_null(value)}


def _is_null(value: struct_pb2.Value) -> bool:
    return value.WhichOneof("kind") in {"null_value", None}


def _value(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_value(item) for item in value.list_value.values]
        case "struct_value":
            return _object(value.struct_value)
        case _:
            return None


def _object(message: struct_pb2.Struct) -> Any:
    mark = message.fields[SIGNATURE].string_value if SIGNATURE in message.fields else ""
    if mark == SECRET:
        return Secret(_value(message.fields["value"]))
    if mark == REFERENCE:
        return message.fields["urn"].string_value
    return plain(message)
