"""What an experiment is worth: with the thing it is about taken away, it deviates, and in the right place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chaos import catalogue, deployed
from chaos.deployed import Place
from chaos.faults.rehearsal import RehearsalTarget
from chaos.record import Conditions, Record
from contract.faults import Experiment, Traffic
from contract.runtime_settings import BreakerSettings
from rehearsal.trial import suite
from tests.chaos.agent_helpers import STACK, Alarms, agent_alone

# Red when the agent's own metrics say: as the alarms of the same name do, within seconds.
SIGNS: Mapping[str, Any] = {
    "haiku-first-token-slow": lambda row: row.get("Tier") == "T1" and row.get("FirstToken", 0) > 1_500,
    "answers-canned": lambda row: row.get("Tier") == "T2" and row.get("Messages") == 1,
}
NO_STORE = (
    "import runtime.canned as c\ndef gone(*_): raise RuntimeError('the store is gone')\nc.Canned.reply = gone"
)
# Two messages a second are few: a tenth of what begins on Haiku would probe it for minutes.
PROBING = {
    "breaker": BreakerSettings(probe_share=0.5, ramp=(1.0,), probes_to_close=1).model_dump(mode="json")
}
NO_BREAKER = {"breaker": BreakerSettings(enabled=False).model_dump(mode="json")}


def shorter(name: str, for_s: float, slack: float) -> Experiment:
    """The catalogue's own, for a test; times that only a quiet machine keeps are longer."""
    found = catalogue.load(name)
    probes = tuple(p if "p50" in p.measure else p.with_slack(slack) for p in found.steady_state)
    stage = found.method[0].model_copy(update={"for_s": for_s})
    expect = found.expect.model_copy(update={"within_s": 90, "recovery_s": 40})
    traffic = Traffic(rate=2, before_s=6, after_s=3)
    changes = {"steady_state": probes, "method": (stage,), "expect": expect, "traffic": traffic}
    return found.model_copy(update=changes)


def play(
    experiment: Experiment,
    folder: Path,
    *,
    changed: Mapping[str, Any] | None = None,
    before: str = "",
    alarmed: bool = True,
) -> Record:
    with agent_alone(folder / "agent", changed, before) as alone:
        alarm = experiment.expect.alarm
        place = Place(
            host=alone.host,
            alarms={alarm: alarm},
            cloudwatch=Alarms(alone.lines, SIGNS[alarm], enabled=alarmed),
            target=RehearsalTarget(alone.faults),
        )
        conditions = Conditions(target="rehearsal", stack=STACK)
        return deployed.play(experiment, place, conditions, folder / "run", print)


def failed(found: Record) -> list[str]:
    return [gate.name for gate in found.gates if gate.held is False]


MODELS_DOWN = shorter("models-down", 10, 6)
SILENT = shorter("sonnet-silent", 26, 6)


@pytest.mark.prove
@pytest.mark.long
class TestEach:
    def test_with_everything_in_place_they_hold(self, tmp_path: Path) -> None:
        for experiment, changed in ((SILENT, None), (MODELS_DOWN, PROBING)):
            found = play(experiment, tmp_path / experiment.id, changed=changed)
            assert found.verdict == "held", [gate for gate in found.gates if not gate.held]

    def test_without_the_breaker_people_wait(self, tmp_path: Path) -> None:
        found = play(SILENT, tmp_path, changed=NO_BREAKER)
        assert found.verdict == "deviated"
        assert "steady state" in failed(found)
        (gate,) = [gate for gate in found.gates if gate.name == "steady state"]
        assert "first_token_p50_ms was" in gate.measured

    def test_without_canned_answers_people_get_none(self, tmp_path: Path) -> None:
        found = play(MODELS_DOWN, tmp_path, before=NO_STORE)
        assert found.verdict == "deviated"
        assert found.measures["during"]["failed_share"] or found.outcome.halted

    def test_without_coalescing_models_are_asked_for_everybody(self, tmp_path: Path) -> None:
        """On the whole platform: only there people storm."""
        changes = {"runtime.caches.coalesce": "false"}
        conditions = Conditions(target="rehearsal", stack="prod", seed=7, changes=changes, slack=2)
        experiment = catalogue.load("valkey-down-flash-sale")
        (found,) = suite.run([experiment], conditions, tmp_path, lambda *_: None)
        assert found.verdict == "deviated"
        (gate,) = [gate for gate in found.gates if gate.name == "steady state"]
        assert "made_share was" in gate.measured

    def test_without_its_alarm_nobody_is_told(self, tmp_path: Path) -> None:
        found = play(MODELS_DOWN, tmp_path, alarmed=False)
        assert (found.verdict, failed(found)) == ("deviated", ["alarm answers-canned within 90 s"])
