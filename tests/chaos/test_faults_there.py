"""Every fault of every experiment is one that a stand-in can have: checked by asking them all."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from chaos import catalogue
from chaos.faults.rehearsal import RehearsalTargets
from contract.faults import Fault
from rehearsal import environment
from rehearsal.clock import Clock
from rehearsal.dynamodb.door import Door
from rehearsal.serving import serving
from rehearsal.tasks import balancer
from tests.rehearsal.serving_helpers import in_thread

FAULTS = {
    f"{name}-{number}": stage.fault
    for name in catalogue.names()
    for number, stage in enumerate(catalogue.load(name).method, 1)
}


@pytest.fixture(scope="module")
def everybody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RehearsalTargets]:
    folder: Path = tmp_path_factory.mktemp("stand-ins")
    programs = ("bedrock", "sagemaker", "search", "cache", "shop")
    with (
        environment.standing(folder, None, only=programs) as aws,
        in_thread(lambda: serving(Door("http://127.0.0.1:9", Clock(1.0)).app())) as door,
    ):
        controls: Mapping[str, str] = {**aws.controls, "dynamodb": door}
        yield RehearsalTargets(controls)


def of_tasks(fault: Fault) -> bool:
    return fault.target == "tasks"


@pytest.mark.prove
@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if not of_tasks(fault)])
def test_a_stand_in_takes_it_and_lets_it_go(name: str, everybody: RehearsalTargets) -> None:
    active = everybody.inject(FAULTS[name])
    assert active.fault == FAULTS[name]
    assert everybody.clear(active.id)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if of_tasks(fault)])
def test_the_tasks_take_it_and_let_it_go(name: str) -> None:
    broken = balancer.faults()
    assert broken.clear(broken.inject(FAULTS[name]).id)
