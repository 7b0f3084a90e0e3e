"""RUN-24: an order to the agent counts when it is signed for this environment and has not expired."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import fault_orders
from contract.fault_orders import Order, OrderError
from contract.faults import ActiveFault, Fault, FaultKind

NOW = datetime(2031, 3, 4, 10, 0, tzinfo=UTC)
KEY = fault_orders.key_of(b"secret")
FAULT = Fault(target="bedrock", kind=FaultKind.THROTTLE, rate=0.5, lease_s=60)


def order(environment: str = "dev", for_s: float = 60) -> Order:
    ends = NOW + timedelta(seconds=for_s)
    active = ActiveFault(id="hook-1", fault=FAULT, injected_at=NOW, expires_at=ends)
    return Order(environment=environment, who="ops", why="drill", faults=(active,), expires_at=ends)


def test_what_was_signed_is_read_back() -> None:
    assert fault_orders.read(fault_orders.sign(order(), KEY), KEY, "dev", NOW) == order()


@pytest.mark.parametrize(
    ("text", "environment", "at_s", "told"),
    [
        (fault_orders.sign(order(), fault_orders.key_of(b"another")), "dev", 0, "not signed with"),
        (fault_orders.sign(order(), b"secret"), "dev", 0, "not signed with"),
        (fault_orders.sign(order(), KEY), "prod", 0, "is for dev, not prod"),
        (fault_orders.sign(order(), KEY), "dev", 60, "has expired at 10:01:00 UTC"),
        ("no order at all", "dev", 0, "cannot be read|not signed"),
        ("", "dev", 0, "not signed"),
    ],
)
def test_anything_else_is_no_order(text: str, environment: str, at_s: float, told: str) -> None:
    with pytest.raises(OrderError, match=told):
        fault_orders.read(text, KEY, environment, NOW + timedelta(seconds=at_s))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_letter_that_was_changed_makes_it_none(place: int, by: int) -> None:
    text = fault_orders.sign(order(), KEY)
    at = place % len(text)
    other = text[:at] + chr((ord(text[at]) + by) % 128) + text[at + 1 :]
    try:
        read = fault_orders.read(other, KEY, "dev", NOW)
    except OrderError:
        return
    assert read == order()  # spare bits at the end of base64 say nothing


def test_no_fault_outlives_its_order() -> None:
    late = order(for_s=60).faults[0].model_copy(update={"expires_at": NOW + timedelta(seconds=61)})
    with pytest.raises(ValueError, match="outlives the order"):
        Order(environment="dev", who="o", why="w", faults=(late,), expires_at=NOW + timedelta(seconds=60))


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(target="tasks", kind=FaultKind.STOP, lease_s=1), "cannot break tasks"),
        (
            Fault(target="pricing", kind=FaultKind.STREAM_ERROR, lease_s=1),
            "cannot make stream-error of pricing",
        ),
        (Fault(target="bedrock", kind=FaultKind.RED, lease_s=1), "cannot make red of bedrock"),
    ],
)
def test_what_the_agent_cannot_make_is_refused_before_it_is_ordered(fault: Fault, told: str) -> None:
    with pytest.raises(OrderError, match=told):
        fault_orders.require_possible(fault)
