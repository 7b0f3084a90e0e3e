"""Faults over a stand-in's control API; a target that does not do as it is asked says so."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from aiohttp import web

from chaos.faults import FaultError
from chaos.faults.rehearsal import RehearsalTarget
from chaos.journal import Journal
from chaos.runner import run
from contract.errors import WrongUseError
from contract.faults import Fault, FaultKind
from rehearsal.fault_api import routes
from rehearsal.faults import Faults
from rehearsal.serving import serving as served
from tests.chaos.control_api_helpers import EXPERIMENT, ControlApi, VirtualClock
from tests.rehearsal.serving_helpers import in_thread

FAULT = Fault(target="bedrock", kind=FaultKind.THROTTLE, rate=0.04, match={"model": "sonnet"}, lease_s=40)


def serving(faults: Faults) -> AbstractContextManager[str]:
    """A stand-in's control API; its URL."""
    app = web.Application()
    app.add_routes(routes(faults))
    return in_thread(lambda: served(app))


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


class TestTheRealStandIn:
    """The same target against the control API that the stand-ins serve."""

    @pytest.fixture
    def faults(self) -> Faults:
        return Faults("bedrock", [FaultKind.THROTTLE], {"model": ["sonnet", "haiku"]})

    @pytest.fixture
    def real(self, faults: Faults) -> Iterator[RehearsalTarget]:
        with serving(faults) as url:
            yield RehearsalTarget(url)

    def test_a_fault_is_injected_listed_and_cleared(self, real: RehearsalTarget) -> None:
        active = real.inject(FAULT)
        assert real.active() == (active,)
        assert real.clear(active.id) is True
        assert real.active() == ()

    def test_a_fault_that_is_gone_or_never_was_is_told(self, real: RehearsalTarget) -> None:
        active = real.inject(FAULT)
        real.clear_all()
        assert real.clear(active.id) is False
        assert real.clear("bedrock-throttle-99") is False

    def test_a_fault_whose_lease_has_run_out_is_told(self) -> None:
        clock = VirtualClock()
        faults = Faults("bedrock", [FaultKind.THROTTLE], {"model": ["sonnet"]}, clock.now)
        with serving(faults) as url:
            target = RehearsalTarget(url)
            active = target.inject(FAULT)
            clock.sleep(FAULT.lease_s + 1)
            assert target.clear(active.id) is False

    def test_an_experiment_whose_fault_vanished_is_inconclusive(
        self, faults: Faults, real: RehearsalTarget, clock: VirtualClock, journal: Journal
    ) -> None:
        clock.on_sleep = lambda _: faults.clear_all()
        outcome = run(EXPERIMENT, real, clock=clock, on_event=lambda _: None, journal=journal)
        assert outcome.status == "inconclusive"
        assert "gone before its stage ended" in (outcome.reason or "")


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
