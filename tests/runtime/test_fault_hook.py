"""RUN-24: without a signed order the hook is not there; with one, the stated share of calls suffers it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from contract import fault_orders
from contract.controls import Control, Controls
from contract.fault_orders import OF_MODELS, OF_SERVICES, Order
from contract.faults import ActiveFault, Fault, FaultKind
from contract.outcomes import Outcome
from contract.runtime_settings import DownstreamSettings, Rung
from runtime.downstream import Downstream, ProviderError, Why
from runtime.failover import classify
from runtime.fault_hook import FaultHook, Hooked
from runtime.port import Event, Prompt, Stop, Text
from runtime.telemetry import Telemetry
from runtime.testing import loop
from runtime.testing.desk import EPOCH, wall
from runtime.testing.ladders import alone

SECRET = b"tokens"
SONNET, HAIKU = (next(rung for rung in alone().ladder if rung.name == name) for name in ("sonnet", "haiku"))
WHOLE: list[Event] = [*(Text(word) for word in ["one", "two", "three", "four", "five"]), Stop("end_turn")]


class Port:
    """Answers at once, with five words."""

    async def stream(self, *_: Any) -> AsyncGenerator[Event, None]:
        for event in WHOLE:
            yield event


class Scene:
    """A hook with an order for these faults; `lines`: what it wrote down."""

    def __init__(self, *faults: Fault, secret: bytes = SECRET, signed_with: bytes = SECRET) -> None:
        self.lines: list[dict[str, Any]] = []
        ends = EPOCH + timedelta(seconds=60)
        active = tuple(
            ActiveFault(id=f"hook-{n}", fault=one, injected_at=EPOCH, expires_at=ends)
            for n, one in enumerate(faults)
        )
        turned: Control[str] | None = None
        if active:
            order = Order(environment="dev", who="ops", why="drill", faults=active, expires_at=ends)
            text = fault_orders.sign(order, fault_orders.key_of(signed_with))
            turned = Control(value=text, who="ops", why="drill", expires_at=ends)
        self.controls = Controls(faults=turned)
        telemetry = Telemetry("dev", wall, lambda line: self.lines.append(json.loads(line)))
        self.hook = FaultHook(lambda: self.controls.active(wall()), secret, "dev", wall, telemetry)
        self.port = Hooked(Port(), self.hook)

    async def asked(self, rung: Rung = SONNET) -> tuple[list[Event], BaseException | None]:
        events: list[Event] = []
        try:
            async for event in self.port.stream(rung, Prompt("hello")):
                events.append(event)  # noqa: PERF401 - what came before an error is asked too
        except Exception as error:  # noqa: BLE001 - what it is, is asked
            return events, error
        return events, None

    @property
    def uses(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["message"] == "a fault was made on purpose"]


def fault(kind: FaultKind, target: str = "bedrock", **more: Any) -> Fault:
    return Fault(target=target, kind=kind, lease_s=60, **more)


def outcome_of(kind: FaultKind, **more: Any) -> tuple[list[Event], Outcome]:
    events, error = loop.run(Scene(fault(kind, **more)).asked())
    if error is None:
        return events, classify.of_end(
            next((e.reason for e in events if isinstance(e, Stop)), None), spoke=True
        )
    return events, classify.of_error(error).outcome


def test_without_an_order_the_port_answers_itself() -> None:
    scene = Scene()
    assert loop.run(scene.asked()) == (WHOLE, None)
    assert scene.lines == []


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (FaultKind.THROTTLE, Outcome.THROTTLED),
        (FaultKind.NOT_READY, Outcome.UNAVAILABLE),
        (FaultKind.ERROR, Outcome.UNAVAILABLE),
        (FaultKind.UNAVAILABLE, Outcome.UNAVAILABLE),
        (FaultKind.MODEL_TIMEOUT, Outcome.SLOW),
        (FaultKind.DENIED, Outcome.DENIED),
        (FaultKind.RESET, Outcome.CUT),
    ],
)
def test_a_refusal_is_one_as_bedrock_makes_it(kind: FaultKind, outcome: Outcome) -> None:
    assert outcome_of(kind) == ([], outcome)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (FaultKind.STREAM_THROTTLE, Outcome.THROTTLED),
        (FaultKind.STREAM_ERROR, Outcome.UNAVAILABLE),
        (FaultKind.STREAM_UNAVAILABLE, Outcome.UNAVAILABLE),
        (FaultKind.STREAM_MODEL_ERROR, Outcome.CUT),
        (FaultKind.CUT, Outcome.CUT),
        (FaultKind.UNFINISHED, Outcome.CUT),
    ],
)
def test_an_answer_breaks_off_after_so_many_pieces(kind: FaultKind, outcome: Outcome) -> None:
    assert outcome_of(kind, magnitude=2) == (WHOLE[:2], outcome)


def test_an_answer_that_is_shorter_breaks_at_its_end() -> None:
    events, outcome = outcome_of(FaultKind.STREAM_ERROR, magnitude=50)
    assert (events, outcome) == (WHOLE, Outcome.UNAVAILABLE)


def test_slow_is_late_and_whole() -> None:
    async def scene() -> tuple[float, list[Event]]:
        began = asyncio.get_running_loop().time()
        events, _ = await Scene(fault(FaultKind.SLOW, magnitude=4)).asked()
        return asyncio.get_running_loop().time() - began, events

    assert loop.run(scene()) == (4.0, WHOLE)


def test_the_share_is_counted_and_each_use_is_written_down() -> None:
    scene = Scene(fault(FaultKind.THROTTLE, rate=0.25))

    async def many() -> list[bool]:
        return [(await scene.asked())[1] is not None for _ in range(20)]

    assert sum(loop.run(many())) == 5
    assert len(scene.uses) == 5
    assert (
        scene.uses[0] | {"fault": "hook-0", "who": "ops", "why": "drill", "kind": "throttle"} == scene.uses[0]
    )


def test_it_is_narrowed_by_model() -> None:
    scene = Scene(fault(FaultKind.THROTTLE, match={"model": "sonnet"}))
    assert loop.run(scene.asked(HAIKU)) == (WHOLE, None)
    assert loop.run(scene.asked(SONNET))[0] == []


def test_an_order_ends_by_itself() -> None:
    async def later() -> Any:
        scene = Scene(fault(FaultKind.THROTTLE))
        hit = (await scene.asked())[1]
        await asyncio.sleep(61)
        return hit is not None, await scene.asked()

    assert loop.run(later()) == (True, (WHOLE, None))


@pytest.mark.parametrize("secrets", [{"signed_with": b"guessed"}, {"secret": b""}])
def test_who_does_not_hold_the_key_breaks_nothing(secrets: dict[str, bytes]) -> None:
    scene = Scene(fault(FaultKind.THROTTLE), **secrets)
    assert loop.run(scene.asked()) == (WHOLE, None)
    loop.run(scene.asked())
    told = [line["error"] for line in scene.lines]
    assert told == (
        ["the order of faults is not signed with this environment's key"]
        if secrets.get("signed_with")
        else []
    )


class TestServices:
    @staticmethod
    async def ask(scene: Scene, name: str) -> str:
        service = Downstream(name, 1.0, DownstreamSettings(), spoil=scene.hook.spoil)

        async def work() -> str:
            return "there"

        try:
            return await service.ask(work)
        except ProviderError as error:
            return error.why.value

    @pytest.mark.parametrize(
        ("kind", "comes_to"),
        [
            (FaultKind.UNAVAILABLE, Why.UNAVAILABLE),
            (FaultKind.RESET, Why.UNAVAILABLE),
            (FaultKind.THROTTLE, Why.THROTTLED),
            (FaultKind.HANG, Why.TIMEOUT),
            (FaultKind.SLOW, Why.TIMEOUT),
        ],
    )
    def test_a_service_fails_as_it_would(self, kind: FaultKind, comes_to: Why) -> None:
        scene = Scene(fault(kind, "pricing"))
        assert loop.run(self.ask(scene, "pricing")) == comes_to
        assert loop.run(self.ask(scene, "orders")) == "there"

    def test_endpoints_and_tables_have_the_names_that_faults_call_them(self) -> None:
        scene = Scene(
            fault(FaultKind.ERROR, "sagemaker", match={"model": "rerank"}), fault(FaultKind.ERROR, "dynamodb")
        )
        found = {name: loop.run(self.ask(scene, name)) for name in ("rerank", "embed", "sessions-read")}
        assert found == {"rerank": "unavailable", "embed": "there", "sessions-read": "unavailable"}


@pytest.mark.parametrize("kind", OF_MODELS)
def test_every_kind_the_contract_promises_of_models_does_something(kind: FaultKind) -> None:
    async def scene() -> bool:
        began = asyncio.get_running_loop().time()
        found = await Scene(fault(kind)).asked()
        return found != (WHOLE, None) or asyncio.get_running_loop().time() > began

    assert loop.run(scene())


@pytest.mark.parametrize("kind", OF_SERVICES)
def test_every_kind_the_contract_promises_of_services_does_something(kind: FaultKind) -> None:
    assert loop.run(TestServices.ask(Scene(fault(kind, "pricing", magnitude=9)), "pricing")) != "there"
