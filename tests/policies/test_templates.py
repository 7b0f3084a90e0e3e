"""Documents in AWS's own languages: the bootstrap's template, state machines, event patterns."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from plan import Plan
from policies import patterns, suppressions, templates
from policies.finding import Finding
from tests.policies.planted_helpers import added, changed

MACHINE = "primary-ingest-bulk-machine"


def test_everything_that_both_stacks_deploy_is_sound(either: Plan):
    outcome = suppressions.apply(
        templates.judge(either), either, protected=either.stack == "prod", sources=["cfn-lint"]
    )
    assert outcome.left == ()


FAULTS = {
    "E3006": ("Type: AWS::S3::BucketPolicy", "Type: AWS::S3::BucketPolicies"),
    "E3002": ("EnableKeyRotation: true", "EnableKeyRotations: true"),
    "E1010": ("!GetAtt StateKey.Arn", "!GetAtt StateKey.Urn"),
    "W3037": ("iam:CreateAccessKey", "iam:CreateAccesKey"),
    "E3512": ('Version: "2012-10-17"', 'Version: "2012-10-71"'),
}


@pytest.fixture(scope="module")
def bootstrap_with_faults(tmp_path_factory: pytest.TempPathFactory, dev: Plan) -> list[Finding]:
    """What is found in the bootstrap when each of the faults is in it."""
    text = templates.BOOTSTRAP.read_text()
    for was, becomes in FAULTS.values():
        assert was in text
        text = text.replace(was, becomes, 1)
    file = tmp_path_factory.mktemp("bootstrap") / "bootstrap.yaml"
    file.write_text(text)
    return templates.bootstrap(dev, file)


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_in_the_bootstrap_is_found(bootstrap_with_faults: list[Finding], rule: str):
    (first, *_) = [finding for finding in bootstrap_with_faults if finding.rule == rule]
    assert first.message.startswith("bootstrap.yaml:")
    assert first.source == "cfn-lint"


def nowhere(machine: dict[str, Any]) -> None:
    machine["StartAt"] = "Nowhere"


def no_such_type(machine: dict[str, Any]) -> None:
    next(iter(machine["States"].values()))["Type"] = "Taks"


def goes_nowhere(machine: dict[str, Any]) -> None:
    machine["States"][machine["StartAt"]]["Next"] = "Nowhere"


BODY = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}}})


@pytest.fixture(scope="module")
def found(dev: Plan) -> Mapping[str, list[Finding]]:
    """What is found, by the resource it was planted in."""
    machine = dev.get(MACHINE)
    more = []
    for change in (nowhere, no_such_type, goes_nowhere):
        definition = json.loads(machine.inputs["definition"])
        change(definition)
        more.append((machine.type, change.__name__, {"definition": json.dumps(definition)}))
    planted = added(
        dev, MACHINE, *more, ("aws:cloudformation/stack:Stack", "template", {"templateBody": BODY})
    )
    rule = dev.of_type("cloudwatch.EventRule")[0].name
    planted = changed(planted, {rule: lambda inputs: inputs.update(eventPattern='{"sources": ["aws.s3"]}')})
    everything = templates.deployed(planted)
    return {
        name: [finding for finding in everything if finding.urn == planted.get(name).urn]
        for name in (MACHINE, "nowhere", "no_such_type", "goes_nowhere", "template")
    } | {"pattern": [finding for finding in everything if finding.rule == "event-pattern"]}


@pytest.mark.parametrize("change", ["nowhere", "no_such_type", "goes_nowhere"])
def test_a_fault_in_a_state_machine_is_found(found: Mapping[str, list[Finding]], change: str):
    assert {finding.rule for finding in found[change]} == {"E3601"}
    assert "components/ingest_bulk.py" in found[change][0].fix


def test_a_sound_machine_beside_them_is_let_pass(found: Mapping[str, list[Finding]]):
    assert found[MACHINE] == []


def test_a_template_that_the_plan_deploys_is_judged(found: Mapping[str, list[Finding]]):
    (finding,) = [finding for finding in found["template"] if finding.severity == "mandatory"]
    assert finding.rule == "E3002"
    assert "Colour" in finding.message


def test_a_fault_in_an_event_pattern_is_found_on_its_rule(found: Mapping[str, list[Finding]]):
    (finding,) = found["pattern"]
    assert (finding.rule, finding.message) == ("event-pattern", "no event has the field sources")


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.s3"], "detail-type": [{"prefix": "Object"}]},
        {"detail": {"size": [{"numeric": [">", 0, "<=", 5]}], "key": [{"suffix": ".pdf"}]}},
        {"detail": {"state": [{"anything-but": ["OK", "IDLE"]}], "reason": [{"exists": False}]}},
        {"detail": {"name": [{"anything-but": {"prefix": "test-"}}], "ip": [{"cidr": "10.0.0.0/8"}]}},
        {"detail": {"$or": [{"a": [1]}, {"b": [None, True]}], "w": [{"wildcard": "a*b*"}]}},
        {"detail": {"who": [{"equals-ignore-case": "Bob"}, {"prefix": {"equals-ignore-case": "al"}}]}},
    ],
)
def test_patterns_of_the_user_guide_are_let_pass(pattern: dict[str, Any]):
    assert list(patterns.faults(json.dumps(pattern))) == []


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ({}, "no object with at least one field"),
        ({"source": "aws.s3"}, "source is 'aws.s3': what is matched stands in a list"),
        ({"source": []}, "source is an empty list"),
        ({"source": [["aws.s3"]]}, "a list within its list"),
        ({"detail": ["x"]}, "detail is an object"),
        ({"detail": {}}, "detail is empty"),
        ({"detail": {"a": [{"starts": "x"}]}}, "detail.a: starts is no operator"),
        ({"detail": {"a": [{"prefix": "x", "suffix": "y"}]}}, "an object of 2 keys"),
        ({"detail": {"a": [{"numeric": [">"]}]}}, "numeric does not take"),
        ({"detail": {"a": [{"numeric": ["<", 1, ">", 5]}]}}, "numeric does not take"),
        ({"detail": {"a": [{"cidr": "10.0.0.0/40"}]}}, "cidr does not take"),
        ({"detail": {"a": [{"exists": "no"}]}}, "exists does not take"),
        ({"detail": {"a": [{"wildcard": "a**"}]}}, "wildcard does not take"),
        ({"detail": {"a": [{"anything-but": {"numeric": 1}}]}}, "anything-but does not take"),
        ({"detail": {"$or": [{"a": [1]}]}}, "two or more patterns"),
        ({"detail": {"a": ["x" * 2_100]}}, "EventBridge takes 2048"),
    ],
)
def test_a_fault_of_grammar_is_told(pattern: dict[str, Any], says: str):
    assert says in "\n".join(patterns.faults(json.dumps(pattern)))


def test_what_is_no_json_is_told():
    assert next(iter(patterns.faults("{source: aws.s3}"))).startswith("it is no JSON")
