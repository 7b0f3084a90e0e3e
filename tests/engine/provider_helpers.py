"""An AWS provider for the real engine: gRPC as the real one speaks it, a world in memory instead of AWS.

It checks inputs against the SDK's types, says what is unknown in a preview, what a change does (`rules.toml`,
or an error), keeps secrets, and writes down what it did. `fails` names resources whose creation fails.
"""

import copy
import json
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.engine import answers_helpers, rules_helpers, sdk_helpers
from tests.engine.wire_helpers import UNKNOWN, digest, is_unknown, opened, read, same, texts, write

Values = dict[str, Any]
# default_tags reach every resource with tags_all in place: provider docs, "Resource Tagging" guide.
TAGS = "tagsAll"
# Where the bridge to the provider keeps which inputs it made up.
DEFAULTS = "__defaults"
# The bridge keeps a resource's id among its outputs too; policy packs get to know it only there.
ID = "id"


@dataclass(frozen=True)
class Operation:
    """One thing done to the world."""

    step: str
    name: str
    type: str
    id: str


@dataclass
class Thing:
    """One resource that exists."""

    urn: str
    inputs: Values
    outputs: Values


@dataclass
class World:
    """What AWS would hold, and how it came about."""

    things: dict[str, Thing] = field(default_factory=dict)
    log: list[Operation] = field(default_factory=list)
    fails: set[str] = field(default_factory=set)
    # Deletions of what somebody still used: AWS answers DependencyViolation, ResourceInUse and the like.
    in_use: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    # Every secret it made up.
    passwords: list[str] = field(default_factory=list)
    made: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def copied(self) -> "World":
        """The same things, with a log of its own."""
        return World(things=copy.deepcopy(self.things), made=self.made)

    def done(self, step: str) -> list[str]:
        """Names of what this was done to, in order."""
        return [operation.name for operation in self.log if operation.step == step]

    def users(self, id_: str) -> Iterator[Thing]:
        """What names the id or ARN of this thing in its inputs."""
        mine = {id_, *_arns(self.things[id_])}
        for other, thing in self.things.items():
            if other != id_ and any(name in text for text in texts(opened(thing.inputs)) for name in mine):
                yield thing


def _arns(thing: Thing) -> Iterator[str]:
    """Those AWS gave it; what its inputs name is another's."""
    for name, value in thing.outputs.items():
        if name.lower().endswith("arn") and isinstance(value, str) and name not in thing.inputs:
            yield value


def _told(method: Callable[..., Any]) -> Callable[..., Any]:
    """An error of the provider reaches the engine's output in its own words."""

    @wraps(method)
    def wrapped(self: "Provider", request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return method(self, request, context)
        except LookupError as error:
            self.world.refused.append(str(error))
            return context.abort(grpc.StatusCode.INTERNAL, str(error))

    return wrapped


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One process serves all the program's provider resources: each talks over a connection of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._settings: dict[str, Values] = {}

    def _mine(self, context: grpc.ServicerContext) -> Values:
        return self._settings.get(context.peer(), {})

    # The connection

    def Attach(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version="7.51.1")

    def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        before, after = read(request.old_inputs), read(request.news)
        changed = [key for key in before.keys() | after.keys() if not same(before.get(key), after.get(key))]
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        # Another region is another world: provider docs, `region`.
        return provider_pb2.DiffResponse(changes=some, replaces=[k for k in changed if k == "region"])

    def Configure(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.ConfigureResponse:
        settings = opened(read(request.args))
        tags = settings.get("defaultTags")
        settings["defaultTags"] = json.loads(tags) if isinstance(tags, str) else tags
        self._settings[context.peer()] = settings
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # Questions

    @_told
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.InvokeResponse:
        arguments = opened(read(request.args))
        region = arguments.get("region") or self._mine(context).get("region", "")
        reply = provider_pb2.InvokeResponse()
        answer = answers_helpers.answer(request.tok, arguments, region)
        if "randomPassword" in answer:
            self.world.passwords.append(answer["randomPassword"])
        getattr(reply, "return").CopyFrom(write(answer))
        return reply

    # Resources

    @_told
    def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        kind = sdk_helpers.kind(request.type)
        failures = [
            provider_pb2.CheckFailure(property=name, reason=reason)
            for name, reason in kind.problems(read(request.news))
        ]
        inputs = self._named(kind, request, read(request.news))
        return provider_pb2.CheckResponse(inputs=write(inputs), failures=failures)

    def _named(self, kind: sdk_helpers.Kind, request: Any, inputs: Values) -> Values:
        """A name made up where none is given, kept from then on, and marked as made up."""
        if not kind.autonamed or "name" in inputs:
            return {**inputs, DEFAULTS: []}
        before = read(request.olds)
        kept = before.get("name") if "name" in before.get(DEFAULTS, []) else None
        suffix = digest(request.urn, request.randomSeed.hex())[:7]
        return {**inputs, "name": kept or f"{_name(request.urn)}-{suffix}", DEFAULTS: ["name"]}

    @_told
    def Diff(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.DiffResponse:
        before, after = read(request.old_inputs), read(request.news)
        paths = [*rules_helpers.changes(_given(before), _given(after))]
        effects = {path: rules_helpers.row(request.type, path).effect for path in paths}
        if self._tags(request.type, after, context) != opened(read(request.olds).get(TAGS)):
            effects[TAGS] = "update"
        replaces = sorted({path.partition(".")[0] for path, effect in effects.items() if effect == "replace"})
        kinds = {
            "replace": provider_pb2.PropertyDiff.UPDATE_REPLACE,
            "update": provider_pb2.PropertyDiff.UPDATE,
        }
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if effects else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({path.partition(".")[0] for path in effects}),
            replaces=replaces,
            detailedDiff={
                path: provider_pb2.PropertyDiff(kind=kinds[effect], inputDiff=path != TAGS)
                for path, effect in effects.items()
            },
            hasDetailedDiff=True,
            # A name that the program chose cannot be held by two: pulumi-terraform-bridge,
            # nameRequiresDeleteBeforeReplace and SetAutonaming.
            deleteBeforeReplace=bool(replaces)
            and sdk_helpers.kind(request.type).autonamed
            and "name" not in after[DEFAULTS],
        )

    @_told
    def Create(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.CreateResponse:
        inputs = read(request.properties)
        if request.preview:
            outputs = {**self._outputs(request.type, inputs, None, context), ID: UNKNOWN}
            return provider_pb2.CreateResponse(properties=write(outputs))
        self._expect_known(request.urn, inputs)
        with self.world.lock:
            if _name(request.urn) in self.world.fails:
                raise LookupError(f"{_name(request.urn)}: LimitExceededException: told to fail")
            self.world.made += 1
            unique = digest(request.urn, str(self.world.made))
        id_ = answers_helpers.identity(request.type, opened(inputs), unique)
        outputs = {**self._outputs(request.type, inputs, unique, context), ID: id_}
        self._write_down("create", request.urn, id_, Thing(request.urn, inputs, outputs))
        return provider_pb2.CreateResponse(id=id_, properties=write(outputs))

    @_told
    def Update(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.UpdateResponse:
        inputs, before = read(request.news), read(request.olds)
        renewed = {TAGS, *self._renewed(request.type, read(request.old_inputs), inputs)}
        unique = None if request.preview else digest(request.id, str(self.world.made))
        outputs = self._outputs(request.type, inputs, unique, context)
        for name in outputs.keys() - inputs.keys() - renewed:
            outputs[name] = before.get(name, outputs[name])
        outputs[ID] = request.id
        if not request.preview:
            self._expect_known(request.urn, inputs)
            self.world.made += 1
            self._write_down("update", request.urn, request.id, Thing(request.urn, inputs, outputs))
        return provider_pb2.UpdateResponse(properties=write(outputs))

    @_told
    def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        with self.world.lock:
            if request.id not in self.world.things:
                raise LookupError(f"{_name(request.urn)}: ResourceNotFoundException: deleted twice")
            for user in self.world.users(request.id):
                self.world.in_use.append(f"{_name(request.urn)} is deleted while {_name(user.urn)} uses it")
            self._write_down("delete", request.urn, request.id, None)
        return empty_pb2.Empty()

    def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        thing = self.world.things.get(request.id)
        if thing is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id, properties=write(thing.outputs), inputs=write(thing.inputs)
        )

    # How it is done

    def _outputs(
        self, token: str, inputs: Values, unique: str | None, context: grpc.ServicerContext
    ) -> Values:
        """The inputs, and everything AWS would compute: unknown as long as there is no `unique`."""
        region = opened(inputs.get("region")) or self._mine(context).get("region", "")
        computed = {
            name: UNKNOWN if unique is None else answers_helpers.made(name, hint, token, unique, region)
            for name, hint in sdk_helpers.kind(token).computed.items()
            if name not in inputs
        }
        if (tags := self._tags(token, inputs, context)) is not None:
            computed[TAGS] = tags
        if "region" in computed:
            computed["region"] = region
        return {**computed, **_given(inputs)}

    def _tags(self, token: str, inputs: Values, context: grpc.ServicerContext) -> Values | None:
        if TAGS not in sdk_helpers.kind(token).computed:
            return None
        usual = (self._mine(context).get("defaultTags") or {}).get("tags", {})
        return {**usual, **(opened(inputs.get("tags")) or {})}

    def _renewed(self, token: str, before: Values, after: Values) -> Iterator[str]:
        for path in rules_helpers.changes(_given(before), _given(after)):
            yield from rules_helpers.row(token, path).renews

    def _expect_known(self, urn: str, inputs: Values) -> None:
        if is_unknown(inputs):
            raise LookupError(f"{_name(urn)}: the engine sent an unknown value outside of a preview")

    def _write_down(self, step: str, urn: str, id_: str, thing: Thing | None) -> None:
        with self.world.lock:
            if thing is None:
                del self.world.things[id_]
            else:
                self.world.things[id_] = thing
            type_ = urn.split("::")[2].rpartition("$")[2]
            self.world.log.append(Operation(step, _name(urn), type_, id_))


def _given(inputs: Values) -> Values:
    return {key: value for key, value in inputs.items() if key != DEFAULTS}


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]


@contextmanager
def serving(add: Callable[[grpc.Server], None]) -> Iterator[int]:
    """A gRPC server on a free port of this machine."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()


@contextmanager
def provider(world: World) -> Iterator[int]:
    """The port of a provider over this world."""
    with serving(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(world), server)
    ) as port:
        yield port
