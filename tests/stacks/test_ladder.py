"""The ladder that each region of a stack publishes: with the other region's models, or without a region."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from contract.model_access import ModelCalls
from contract.runtime_settings import RuntimeSettings
from contract.tiers import Tier
from plan import Plan
from stacks import settings as stack_settings

REGIONS = {"primary": "us-east-1", "standby": "us-west-2"}
OTHER = {"primary": "standby", "standby": "primary"}
BOTH = pytest.mark.parametrize("role", REGIONS)


def settings(plan: Plan, role: str) -> RuntimeSettings:
    return RuntimeSettings.model_validate_json(plan.get(f"{role}-models-settings").inputs["insecureValue"])


def calls(plan: Plan, role: str) -> ModelCalls:
    parameter = plan.get(f"{role}-model-calls-document")
    return ModelCalls.model_validate_json(parameter.inputs["insecureValue"])


def statements(plan: Plan, role: str) -> Mapping[str, Any]:
    """Sid -> statement of what the services of a region that answer may do with models: all the same."""
    policies = [r for r in plan.resources if r.name.startswith(f"{role}-") and "RolePolicy" in r.type]
    answering = [r for r in policies if "CallSonnet" in str(r.inputs["policy"])]
    assert {r.name for r in answering} == {f"{role}-agent-{name}-task-grants" for name in ("chat", "rest")}
    chat, rest = ({s["Sid"]: s for s in json.loads(r.inputs["policy"])["Statement"]} for r in answering)
    models = {sid: s for sid, s in chat.items() if "bedrock:" in str(s["Action"])}
    assert {sid: rest.get(sid) for sid in models} == models
    return chat


def test_dev_has_its_own_models_only(dev):
    assert [rung.name for rung in settings(dev, "primary").ladder] == ["sonnet", "haiku", "canned", "closed"]
    assert set(calls(dev, "primary").rungs) == {"sonnet", "haiku"}
    assert calls(dev, "primary").guardrails == {}
    assert not [sid for sid in statements(dev, "primary") if "Standby" in sid or "There" in sid]


@BOTH
def test_each_region_of_prod_ends_on_the_models_of_the_other(prod, role):
    rungs = [(rung.name, rung.region) for rung in settings(prod, role).ladder if rung.tier is Tier.STANDBY]
    other = REGIONS[OTHER[role]]
    assert rungs == [("standby-sonnet", other), ("standby-haiku", other)]


@BOTH
def test_they_are_called_by_the_ids_of_their_region(prod, role):
    here, there = calls(prod, role), calls(prod, OTHER[role])
    for model in ("sonnet", "haiku"):
        assert here.rungs[f"standby-{model}"] == there.rungs[model]
        assert f":{REGIONS[OTHER[role]]}:" in here.rungs[f"standby-{model}"]
        assert f":{REGIONS[role]}:" in here.rungs[model]


@BOTH
def test_they_are_called_behind_the_guardrail_of_their_region_in_its_version(prod, role):
    here, there = calls(prod, role), calls(prod, OTHER[role])
    rail = prod.get(f"{OTHER[role]}-guardrail-guardrail").outputs["guardrailId"]
    for rung in ("standby-sonnet", "standby-haiku"):
        used = here.guardrail_of(rung)
        assert used == there.guardrail
        assert (used.id, used.version) == (rail, "1")  # type: ignore[union-attr]
    assert here.guardrail_of("sonnet") == here.guardrail != there.guardrail


@BOTH
def test_the_agent_may_call_them_only_behind_that_guardrail(prod, role):
    may, there = statements(prod, role), calls(prod, role)
    rail = prod.get(f"{OTHER[role]}-guardrail-guardrail").outputs["guardrailArn"]
    words = {"StandbySonnet": "standby-sonnet", "StandbyHaiku": "standby-haiku"}
    assert may["CallStandbySonnet"]["Resource"] == [there.rungs[rung] for rung in words.values()]
    fence = {"StringLike": {"bedrock:GuardrailIdentifier": f"{rail}:?*"}}
    assert may["CallStandbySonnet"]["Condition"] == fence
    for word, rung in words.items():
        assert may[f"Behind{word}"]["Condition"] == {
            "StringEquals": {"bedrock:InferenceProfileArn": there.rungs[rung]}
        }
    assert rail in may["ApplyGuardrail"]["Resource"]


@pytest.mark.parametrize(("stack", "warned"), [("prod", True), ("dev", False)])
def test_without_a_way_out_of_the_vpc_the_other_region_is_out_of_reach(stack, warned):
    said = stack_settings.load(stack)
    shut = said.model_copy(update={"network": said.network.model_copy(update={"nat": "none"})})
    told = [line for line in shut.warnings() if "the ladder ends here" in line]
    assert bool(told) is warned
    assert not any("the ladder ends here" in line for line in said.warnings())
