"""An experiment on an environment: the agent obeys a signed order, and our customers see what comes of it."""

from pathlib import Path

import pytest

from chaos import catalogue, deployed, record
from chaos.deployed import Place
from chaos.faults.hook import HookTarget
from chaos.record import Conditions
from contract.controls import parse
from contract.errors import WrongUseError
from contract.faults import Experiment, Traffic
from contract.logs import FAULT_MADE
from tests.chaos.agent_helpers import SECRET, STACK, Alarms, Alone, agent_alone, rows_of

CONTROLS = f"/concierge/{STACK}/controls"


def experiment() -> Experiment:
    """Sonnet is throttled altogether for a while; times for a test, and for a machine that is busy."""
    found = catalogue.load("sonnet-throttled").with_slack(6)
    stage = found.method[1].model_copy(update={"at_s": 0, "for_s": 12})
    expect = found.expect.model_copy(update={"within_s": 60})
    traffic = Traffic(rate=2, before_s=8, after_s=5)
    return found.model_copy(update={"method": (stage,), "expect": expect, "traffic": traffic})


def hook(alone: Alone) -> HookTarget:
    secret = alone.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"].encode()
    return HookTarget(alone.client("ssm"), CONTROLS, STACK, secret, who="ops", why="drill")


@pytest.mark.prove
@pytest.mark.long
def test_the_agent_obeys_a_signed_order_and_customers_see_haiku(tmp_path: Path) -> None:
    with agent_alone(tmp_path / "agent") as alone:
        place = Place(
            host=alone.host,
            alarms={"bedrock-throttled": "red"},
            cloudwatch=Alarms(alone.lines, lambda row: row.get("ModelThrottled") == 1),
            target=hook(alone),
        )
        conditions = Conditions(target="aws", stack=STACK)
        found = deployed.play(experiment(), place, conditions, tmp_path / "run", print)
        assert found.verdict == "held", [gate for gate in found.gates if not gate.held]
        document = alone.client("ssm").get_parameter(Name=CONTROLS)["Parameter"]["Value"]
        assert parse(document).faults is None
        uses = [row for row in rows_of(alone.lines) if row.get("message") == FAULT_MADE.message]
        assert uses[0] | {"who": "ops", "why": "drill", "kind": "throttle"} == uses[0]
        record.write(found, tmp_path / "record.json")
        assert record.read(tmp_path) == found


def test_an_alarm_that_the_environment_has_not_is_told_before_anything(tmp_path: Path) -> None:
    place = Place(host="http://127.0.0.1:9", alarms={}, cloudwatch=None, target=None)  # type: ignore[arg-type]
    with pytest.raises(WrongUseError, match="test has no alarm 'bedrock-throttled'"):
        deployed.play(experiment(), place, Conditions(target="aws", stack=STACK), tmp_path / "run", print)
    assert not (tmp_path / "run").exists()
