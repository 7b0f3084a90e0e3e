"""CHAOS-1: what FIS would refuse on the day of the drill is refused when the files are read."""

from typing import Any

import pytest

from components import fault_catalogue as catalogue
from components.fault_catalogue import Drill, Step, Target


class TestTheCatalogue:
    drill = Drill(
        what="One table is no longer copied.",
        runbook="region-failover",
        targets={"tables": Target(type="aws:dynamodb:global-table", arns="@tables", select="ALL")},
        steps={
            "pause": Step(
                action="aws:dynamodb:global-table-pause-replication",
                on="tables",
                parameters={"duration": "PT1M"},
            )
        },
    )

    def with_step(self, **changed: Any) -> Drill:
        return self.drill.model_copy(
            update={"steps": {"pause": self.drill.steps["pause"].model_copy(update=changed)}}
        )

    def with_target(self, **changed: Any) -> Drill:
        target = self.drill.targets["tables"].model_copy(update=changed)
        return self.drill.model_copy(update={"targets": {"tables": target}})

    def test_a_sound_experiment_has_no_faults(self):
        assert catalogue.faults_in("sound", self.drill) == []

    @pytest.mark.parametrize(
        ("changed", "fault"),
        [
            ({"action": "aws:dynamodb:pause"}, "is not in fis_actions.toml"),
            ({"action": "aws:bedrock:throttle"}, "is not in fis_actions.toml"),
            ({"parameters": {}}, "exactly the parameters ['duration']"),
            ({"parameters": {"duration": "PT1M", "percentage": "5"}}, "exactly the parameters"),
            ({"on": None}, "hits aws:dynamodb:global-table, not nothing"),
            ({"on": "elsewhere"}, "not elsewhere"),
            ({"after": ("pause",)}, "waits for pause, which is no other step"),
        ],
    )
    def test_a_step_that_would_fail_on_the_day_is_found(self, changed: dict[str, Any], fault: str):
        assert any(fault in found for found in catalogue.faults_in("wrong", self.with_step(**changed)))

    @pytest.mark.parametrize(
        ("changed", "fault"),
        [
            ({"select": "SOME"}, "write ALL, COUNT(n) or PERCENT(n)"),
            ({"select": "COUNT(6)"}, "a run may hit 5 of aws:dynamodb:global-table"),
            ({"select": "PERCENT(101)"}, "write ALL, COUNT(n) or PERCENT(n)"),
            ({"tags": {"Stack": "shop"}}, "either by tags or by arns"),
            ({"arns": None}, "either by tags or by arns"),
            ({"parameters": {"zone": "use1-az1"}}, "takes no parameters of a target that is named by arns"),
            ({"type": "aws:ecs:task"}, "hits aws:dynamodb:global-table, not aws:ecs:task"),
        ],
    )
    def test_a_target_that_fis_would_not_find_is_found_here(self, changed: dict[str, Any], fault: str):
        assert any(fault in found for found in catalogue.faults_in("wrong", self.with_target(**changed)))

    def test_a_cache_is_found_by_tags_only(self):
        cache = Target(type="aws:elasticache:replicationgroup", arns="@tables", select="ALL")
        step = Step(
            action="aws:elasticache:replicationgroup-interrupt-az-power",
            on="cache",
            parameters={"duration": "PT1M"},
        )
        drill = self.drill.model_copy(update={"targets": {"cache": cache}, "steps": {"power": step}})
        (fault,) = catalogue.faults_in("wrong", drill)
        assert "found by tags only" in fault

    def test_an_unknown_runbook_is_found(self):
        drill = self.drill.model_copy(update={"runbook": "hope"})
        assert catalogue.faults_in("wrong", drill) == ["wrong: no runbook 'hope'"]

    def test_actions_that_do_not_fit_are_not_offered(self):
        """API errors exist for EC2 and Kinesis only; there is nothing for Bedrock or DAX."""
        offered = set(catalogue.actions())
        assert not any("inject-api" in name or "bedrock" in name or "dax" in name for name in offered)
        assert not any(name.startswith("aws:ecs:task-") for name in offered), "need root beside the container"
