"""AWS FIS as a target: an experiment runs, is found by its tag, and is stopped."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.moto_api import state_manager

from chaos.faults import FaultError
from chaos.faults.aws import AwsTarget, as_in_aws, require_allowed
from chaos.faults.fis import TAG, FisTarget
from contract.errors import WrongUseError
from contract.faults import DRILL, Experiment, Fault, FaultKind
from tests.chaos.control_api_helpers import EXPERIMENT

CUT = Fault(target="fis", kind=FaultKind.DRILL, match={DRILL: "bedrock-down"}, lease_s=600)


@pytest.fixture
def fis() -> Iterator[Any]:
    with mock_aws():
        # It goes on by itself, a step with every third look.
        state_manager.set_transition("fis::experiment", {"progression": "manual", "times": 3})
        yield boto3.client("fis", region_name="us-east-1")
        state_manager.unset_transition("fis::experiment")


@pytest.fixture
def target(fis: Any) -> FisTarget:
    made = fis.create_experiment_template(
        clientToken="t",
        description="wait",
        roleArn="arn:aws:iam::123456789012:role/fis",
        stopConditions=[{"source": "none"}],
        actions={"wait": {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1H"}}},
    )
    return FisTarget(fis, {"bedrock-down": made["experimentTemplate"]["id"]}, sleep=lambda _: None)


def test_an_experiment_is_started_with_a_tag_found_by_it_and_stopped(fis: Any, target: FisTarget) -> None:
    active = target.inject(CUT)
    assert fis.get_experiment(id=active.id)["experiment"]["tags"] == {TAG: "bedrock-down"}
    assert [one.id for one in target.active()] == [active.id]
    assert target.clear(active.id)
    assert (target.active(), target.clear(active.id)) == ((), False)


def test_somebody_elses_experiment_is_left_alone(fis: Any, target: FisTarget) -> None:
    template = fis.list_experiment_templates()["experimentTemplates"][0]["id"]
    theirs = fis.start_experiment(clientToken="x", experimentTemplateId=template)["experiment"]["id"]
    target.clear_all()
    assert fis.get_experiment(id=theirs)["experiment"]["state"]["status"] == "pending"
    assert target.active() == ()


def test_an_experiment_that_is_not_deployed_is_told(target: FisTarget) -> None:
    other = CUT.model_copy(update={"match": {DRILL: "az-loss"}})
    with pytest.raises(FaultError, match="no experiment 'az-loss'; there are: bedrock-down"):
        target.inject(other)
    with pytest.raises(FaultError, match=r"none: deploy with concierge:faults\.enabled"):
        FisTarget(target._fis, {}).inject(CUT)


class Refusing:
    """FIS that finds no target: the experiment fails at once."""

    def start_experiment(self, **_: Any) -> Any:
        return {"experiment": {"id": "EXP1"}}

    def get_experiment(self, **_: Any) -> Any:
        return {"experiment": {"state": {"status": "failed", "reason": "no target was found"}}}


def test_an_experiment_that_hits_nothing_is_no_fault() -> None:
    target = FisTarget(Refusing(), {"bedrock-down": "EXT1"}, sleep=lambda _: None)
    with pytest.raises(FaultError, match="EXP1 failed: no target was found"):
        target.inject(CUT)


class Named:
    """A target that only writes down."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def inject(self, fault: Fault) -> Any:
        self.log.append(f"inject {fault.target}")

    def active(self) -> tuple[Any, ...]:
        return ()

    def clear(self, fault_id: str) -> bool:
        self.log.append(f"clear {fault_id}")
        return True

    def clear_all(self) -> None:
        self.log.append("clear all")
        raise FaultError("does not answer")


def test_each_fault_goes_to_who_can_make_it() -> None:
    hook, fis = Named(), Named()
    both = AwsTarget(hook, fis)
    both.inject(CUT)
    both.inject(EXPERIMENT.method[0].fault)
    both.clear("EXP123")
    both.clear("hook-throttle-1")
    with pytest.raises(FaultError):
        both.clear_all()
    assert hook.log == ["inject bedrock", "clear hook-throttle-1", "clear all"]
    assert fis.log == ["inject fis", "clear EXP123", "clear all"]


def test_an_experiment_with_a_drill_is_one_fault_of_fis() -> None:
    drilled: Experiment = EXPERIMENT.model_copy(update={"fis": "bedrock-down"})
    (stage,) = as_in_aws(drilled).method
    assert (stage.at_s, stage.for_s, stage.fault.match) == (0, EXPERIMENT.length_s, {DRILL: "bedrock-down"})
    assert as_in_aws(EXPERIMENT) == EXPERIMENT


def test_an_environment_that_is_not_named_is_not_broken() -> None:
    require_allowed(EXPERIMENT, "rehearsal")
    with pytest.raises(WrongUseError, match="may run in rehearsal, not in prod"):
        require_allowed(EXPERIMENT, "prod")
