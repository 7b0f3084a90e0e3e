"""Faults over a stand-in's control API; a target that does not do as it is asked says so."""

import pytest

from chaos.faults import FaultError
from chaos.faults.rehearsal import RehearsalTarget
from contract.errors import WrongUseError
from contract.faults import Fault, FaultKind
from tests.chaos.control_api_helpers import ControlApi

FAULT = Fault(target="bedrock", kind=FaultKind.THROTTLE, rate=0.04, match={"model": "sonnet"}, lease_s=40)


def test_a_fault_is_injected_listed_and_cleared(target: RehearsalTarget) -> None:
    active = target.inject(FAULT)
    assert active.fault == FAULT
    assert target.active() == (active,)
    assert target.clear(active.id) is True
    assert target.active() == ()


def test_a_fault_that_is_gone_is_told(target: RehearsalTarget) -> None:
    assert target.clear("f7") is False


def test_all_faults_are_cleared_at_once(target: RehearsalTarget) -> None:
    target.inject(FAULT)
    target.inject(FAULT)
    target.clear_all()
    assert target.active() == ()


def test_nothing_but_loopback_is_a_target() -> None:
    for url in ("http://10.0.0.7:8080", "https://127.0.0.1:8080", "bedrock-runtime.us-east-1.amazonaws.com"):
        with pytest.raises(WrongUseError, match="is no stand-in of a rehearsal"):
            RehearsalTarget(url)


def test_another_fault_than_asked_is_no_success(api: ControlApi, target: RehearsalTarget) -> None:
    api.twisted = True
    with pytest.raises(FaultError, match="something else than it was asked"):
        target.inject(FAULT)


def test_an_answer_that_is_no_fault_is_no_success(api: ControlApi, target: RehearsalTarget) -> None:
    api.garbled = True
    with pytest.raises(FaultError, match="something that is no fault: Field required"):
        target.inject(FAULT)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_a_refusal_is_told(api: ControlApi, target: RehearsalTarget, method: str) -> None:
    api.broken.add(method)
    with pytest.raises(FaultError, match=f"answered {method} .* with 500: out of order") as told:
        match method:
            case "POST":
                target.inject(FAULT)
            case "GET":
                target.active()
            case _:
                target.clear("f1")
    assert told.value.exit_code == 3


def test_a_proxy_of_the_environment_is_not_asked(target: RehearsalTarget, monkeypatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert target.active() == ()
