"""The agent's hook as a target: an order is given with the controls, and taken back with the last fault."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chaos.faults import FaultError
from chaos.faults.hook import HookTarget
from contract import fault_orders
from contract.controls import Control, Controls, parse, render
from contract.faults import Fault, FaultKind

NAME, SECRET = "/concierge/dev/controls", b"tokens"
FAULT = Fault(target="bedrock", kind=FaultKind.THROTTLE, rate=0.5, match={"model": "sonnet"}, lease_s=60)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2031, 3, 4, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ssm() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("ssm", region_name="us-east-1")
        client.put_parameter(Name=NAME, Value="{}", Type="String")
        yield client


@pytest.fixture
def target(ssm: Any, clock: Clock) -> HookTarget:
    return HookTarget(ssm, NAME, "dev", SECRET, who="ops", why="drill", now=clock)


def controls(ssm: Any) -> Controls:
    return parse(ssm.get_parameter(Name=NAME)["Parameter"]["Value"])


def test_a_fault_is_an_order_that_the_agent_can_read(ssm: Any, target: HookTarget, clock: Clock) -> None:
    active = target.inject(FAULT)
    turned = controls(ssm).faults
    assert turned is not None
    order = fault_orders.read(turned.value, fault_orders.key_of(SECRET), "dev", clock())
    assert order.faults == (active,) == target.active()
    assert (order.who, order.why, order.expires_at) == ("ops", "drill", clock() + timedelta(seconds=60))


def test_other_controls_stay_and_the_last_fault_takes_its_own_away(
    ssm: Any, target: HookTarget, clock: Clock
) -> None:
    until = clock() + timedelta(hours=1)
    banner: Control[str] = Control(value="hello", who="ops", why="test", expires_at=until)
    ssm.put_parameter(Name=NAME, Value=render(Controls(banner=banner)), Overwrite=True)
    one, two = target.inject(FAULT), target.inject(FAULT)
    assert (target.clear(one.id), target.active()) == (True, (two,))
    assert (target.clear(two.id), target.active()) == (True, ())
    assert controls(ssm) == Controls(banner=banner)


def test_clearing_twice_says_that_it_was_gone(target: HookTarget) -> None:
    active = target.inject(FAULT)
    target.clear_all()
    assert (target.clear(active.id), target.active()) == (False, ())


def test_a_lease_ends_by_itself(target: HookTarget, clock: Clock) -> None:
    target.inject(FAULT)
    clock.now += timedelta(seconds=60)
    assert target.active() == ()


def test_a_fault_the_agent_cannot_make_is_refused(ssm: Any, target: HookTarget) -> None:
    with pytest.raises(FaultError, match="cannot break tasks"):
        target.inject(Fault(target="tasks", kind=FaultKind.STOP, lease_s=5))
    assert controls(ssm) == Controls()


def test_more_than_a_parameter_holds_is_refused_and_what_was_there_stays(target: HookTarget) -> None:
    most = target.inject(FAULT)
    with pytest.raises(FaultError, match="do not fit"):
        target.inject(FAULT.model_copy(update={"match": {"model": "x" * 4_000}}))
    assert target.active() == (most,)


def test_controls_that_nobody_can_read_are_told(ssm: Any, target: HookTarget) -> None:
    ssm.put_parameter(Name=NAME, Value='{"banner": 3}', Overwrite=True)
    with pytest.raises(FaultError, match="mend them first"):
        target.inject(FAULT)


def test_a_parameter_that_is_not_there_is_told(ssm: Any) -> None:
    with pytest.raises(FaultError, match=r"get_parameter: .*ParameterNotFound"):
        HookTarget(ssm, "/concierge/none", "dev", SECRET, who="o", why="w").active()
