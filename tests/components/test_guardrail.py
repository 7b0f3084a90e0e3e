"""MOD-4: the guardrail says what is required, is pinned to a version, and makes a new one when it changes."""

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pydantic import ValidationError

from components import guardrail_rules
from components.guardrail_rules import Rules, rules
from contract.metrics import known
from plan import Plan
from plan.answers import ACCOUNT
from plan.diff import Kind, diff
from tests.components.bedrock_helpers import KEY, guarded, guardrail, planned
from tests.components.data_helpers import Check, each, unnoticed
from tests.stacks.loosening_helpers import Change, having, loosened

RAIL = "Guardrail rail-guardrail"


def said(plan: Plan) -> dict[str, Any]:
    (rail,) = each(plan, "bedrock.Guardrail")
    return dict(rail.inputs)


def harm_is_filtered_at_the_highest_strength(plan: Plan) -> None:
    filters = {f["type"]: f for f in said(plan)["contentPolicyConfig"]["filtersConfigs"]}
    for kind in ("HATE", "VIOLENCE", "SEXUAL", "MISCONDUCT", "INSULTS"):
        assert (filters[kind]["inputStrength"], filters[kind]["outputStrength"]) == ("HIGH", "HIGH")


def attacks_on_the_prompt_are_filtered_where_they_can_come_from(plan: Plan) -> None:
    """Bedrock refuses an output strength for them."""
    filters = {f["type"]: f for f in said(plan)["contentPolicyConfig"]["filtersConfigs"]}
    attack = filters["PROMPT_ATTACK"]
    assert (attack["inputStrength"], attack["outputStrength"]) == ("HIGH", "NONE")


def medical_and_financial_advice_are_denied(plan: Plan) -> None:
    topics = {t["name"]: t for t in said(plan)["topicPolicyConfig"]["topicsConfigs"]}
    assert set(topics) == {"medical-advice", "financial-advice"}
    assert all(t["type"] == "DENY" and t["definition"] and t["examples"] for t in topics.values())


def words_are_filtered_by_aws_and_by_us(plan: Plan) -> None:
    words = said(plan)["wordPolicyConfig"]
    assert words["managedWordListsConfigs"] == [{"type": "PROFANITY"}]
    assert {w["text"] for w in words["wordsConfigs"]} == {"internal use only", "do not distribute"}
    assert all((w["outputEnabled"], w["outputAction"]) == (True, "BLOCK") for w in words["wordsConfigs"])
    assert all((w["inputEnabled"], w["inputAction"]) == (False, "NONE") for w in words["wordsConfigs"])


def secrets_are_blocked_and_contacts_masked(plan: Plan) -> None:
    entities = said(plan)["sensitiveInformationPolicyConfig"]["piiEntitiesConfigs"]
    actions = {e["type"]: e["action"] for e in entities}
    blocked = {"CREDIT_DEBIT_CARD_NUMBER", "CREDIT_DEBIT_CARD_CVV", "PIN", "PASSWORD", "AWS_SECRET_KEY"}
    assert {kind for kind in blocked if actions.get(kind) != "BLOCK"} == set()
    assert {kind for kind in ("EMAIL", "PHONE", "IP_ADDRESS") if actions.get(kind) != "ANONYMIZE"} == set()
    assert actions["US_SOCIAL_SECURITY_NUMBER"] == "BLOCK"


def answers_must_rest_on_their_sources(plan: Plan) -> None:
    filters = said(plan)["contextualGroundingPolicyConfig"]["filtersConfigs"]
    assert {f["type"]: f["threshold"] for f in filters} == {"GROUNDING": 0.7, "RELEVANCE": 0.7}


def people_read_something_kind_instead(plan: Plan) -> None:
    assert "products" in said(plan)["blockedInputMessaging"]
    assert "order" in said(plan)["blockedOutputsMessaging"]


def it_is_ours_encrypted_and_protected(plan: Plan) -> None:
    (rail,) = each(plan, "bedrock.Guardrail")
    assert rail.inputs["name"] == "concierge-test-guardrail"
    assert rail.inputs["kmsKeyArn"] == KEY
    assert rail.options.protect


def a_version_is_pinned_to_the_content(plan: Plan) -> None:
    (version,) = each(plan, "bedrock.GuardrailVersion")
    (rail,) = each(plan, "bedrock.Guardrail")
    assert version.inputs["guardrailArn"] == rail.outputs["guardrailArn"]
    assert version.inputs["description"] == f"content {rules().digest}"
    assert version.options.replace_on_changes == ("description",)
    assert version.inputs["skipDestroy"] is True, "running agents still call the old version"


CHECKS: list[Check] = [
    harm_is_filtered_at_the_highest_strength,
    attacks_on_the_prompt_are_filtered_where_they_can_come_from,
    medical_and_financial_advice_are_denied,
    words_are_filtered_by_aws_and_by_us,
    secrets_are_blocked_and_contacts_masked,
    answers_must_rest_on_their_sources,
    people_read_something_kind_instead,
    it_is_ours_encrypted_and_protected,
    a_version_is_pinned_to_the_content,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_guardrail(check: Check):
    check(guarded()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    """But for the description of the guardrail itself: words for people."""
    assert unnoticed(guarded()[0], CHECKS) == []


def weaker(**changes: str) -> Change:
    """Each filter with other strengths."""

    def change(resource: Any) -> Any:
        filters = resource.inputs["contentPolicyConfig"]["filtersConfigs"]
        return having(contentPolicyConfig={"filtersConfigs": [{**f, **changes} for f in filters]})(resource)

    return change


@pytest.mark.parametrize(
    ("resource", "change", "check"),
    [
        (RAIL, weaker(inputStrength="LOW"), harm_is_filtered_at_the_highest_strength),
        (RAIL, weaker(outputStrength="NONE"), harm_is_filtered_at_the_highest_strength),
        (
            RAIL,
            weaker(outputStrength="HIGH"),
            attacks_on_the_prompt_are_filtered_where_they_can_come_from,
        ),
        (
            RAIL,
            having(topicPolicyConfig={"topicsConfigs": []}),
            medical_and_financial_advice_are_denied,
        ),
        (
            RAIL,
            having(wordPolicyConfig={"managedWordListsConfigs": [], "wordsConfigs": []}),
            words_are_filtered_by_aws_and_by_us,
        ),
        (
            RAIL,
            having(
                sensitiveInformationPolicyConfig={"piiEntitiesConfigs": [{"type": "EMAIL", "action": "NONE"}]}
            ),
            secrets_are_blocked_and_contacts_masked,
        ),
        (
            RAIL,
            having(
                contextualGroundingPolicyConfig={"filtersConfigs": [{"type": "GROUNDING", "threshold": 0.1}]}
            ),
            answers_must_rest_on_their_sources,
        ),
        (RAIL, having(kmsKeyArn="alias/aws/bedrock"), it_is_ours_encrypted_and_protected),
        (
            "GuardrailVersion rail-version",
            having(skipDestroy=False),
            a_version_is_pinned_to_the_content,
        ),
    ],
)
def test_what_is_loosened_is_found(resource: str, change: Change, check: Check):
    with pytest.raises(AssertionError):
        check(loosened(guarded()[0], resource, change))


def with_rules(changed: Rules) -> Plan:
    def program(opts: pulumi.ResourceOptions) -> None:
        guardrail(opts, changed)

    return planned(program)


def edited(old: str, new: str) -> Rules:
    """The rules of this checkout with one text changed."""
    text = Path(guardrail_rules.__file__).with_name("guardrail.toml").read_text(encoding="utf-8")
    assert old in text
    return guardrail_rules.parse(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Is this rash dangerous?", "Is this bite dangerous?"),
        ('"PHONE",', ""),
        ("GROUNDING = 0.7", "GROUNDING = 0.8"),
        ("I'd rather not answer that.", "I cannot answer that."),
    ],
)
def test_changed_content_makes_a_new_version(old: str, new: str):
    found = diff(with_rules(rules()), with_rules(edited(old, new)))
    kinds = {change.after.name: change.kind for change in found.resources if change.after}
    assert kinds["rail-guardrail"] not in {Kind.REPLACED, Kind.UNCHANGED}
    assert kinds["rail-version"] is Kind.REPLACED


def test_unchanged_content_makes_none():
    assert with_rules(rules()) == with_rules(edited("[filters]", "# a remark\n[filters]"))


def test_the_order_in_the_file_is_no_content():
    hate = 'HATE = { input = "HIGH", output = "HIGH" }\n'
    moved = edited(hate, "").model_copy(
        update={"filters": {**edited(hate, "").filters, "HATE": rules().filters["HATE"]}}
    )
    assert moved.digest == rules().digest


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'PROMPT_ATTACK = { input = "HIGH", output = "NONE" }',
            'PROMPT_ATTACK = { input = "HIGH", output = "HIGH" }',
            "an answer cannot attack",
        ),
        ("Diagnosing a person", "Diagnosing a person " + "and so on " * 20, "at most 200 characters"),
        ("GROUNDING = 0.7", "GROUNDING = 1.0", "less than or equal to 0.99"),
        ('"internal use only"', '"for internal use only"', "should match pattern"),
        ('"EMAIL",', '"PIN",', "PIN cannot be both blocked and masked"),
        ("[topics.medical-advice]", "[topics.'medical/advice']", "should match pattern"),
    ],
)
def test_what_bedrock_would_refuse_is_refused_here(old: str, new: str, words: str):
    with pytest.raises(ValidationError, match=words):
        edited(old, new)


def test_who_calls_models_may_apply_and_open_it():
    policy = json.loads(guarded()[0].outputs["policy"])["Statement"]
    apply, opened = policy
    assert apply["Action"] == ["bedrock:ApplyGuardrail"]
    assert apply["Resource"][0].startswith(f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/")
    assert (opened["Action"], opened["Resource"]) == (["kms:Decrypt"], [KEY])
    assert opened["Condition"] == {"StringEquals": {"kms:ViaService": ["bedrock.us-east-1.amazonaws.com"]}}


def test_interventions_throttles_and_failures_are_noticed():
    watched = {w.alarm.metric: w.alarm for w in guarded()[1]}
    assert {m: a.severity for m, a in watched.items()} == {
        "InvocationsIntervened": "ticket",
        "InvocationThrottles": "page",
        "InvocationServerErrors": "page",
    }
    assert {a.computed for a in watched.values()} == {("GuardrailArn", "GuardrailVersion")}
    assert watched.keys() <= known("AWS/Bedrock/Guardrails").keys()
