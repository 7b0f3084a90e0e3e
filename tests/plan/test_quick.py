"""A plan made with the short cuts through Pulumi's bookkeeping is the plan made without them."""

from collections.abc import Callable
from importlib.metadata import version

import pulumi
import pulumi_aws as aws
import pytest

import plan
from plan import Plan, PlanError, quick

ANOTHER_RELEASE = "0.0.0"


@pytest.fixture(params=["short", "long"])
def way(request, monkeypatch):
    """Both ways to a plan; the long one is taken for every release but one."""
    if request.param == "long":
        monkeypatch.setattr(quick, "SDK", ANOTHER_RELEASE)
    return request.param


def planned(program: Callable[[], object]) -> Plan:
    def run() -> None:
        program()

    return plan.of_program(run, project="shop", stack="test", config={})


def test_the_installed_release_is_the_one_the_short_cuts_were_read_in():
    """After an upgrade: read what `plan.quick` replaces in the new release, then name it there."""
    assert version("pulumi") == quick.SDK


def test_the_whole_estate_is_the_same_either_way(monkeypatch, prod: Plan):
    monkeypatch.setattr(quick, "SDK", ANOTHER_RELEASE)

    assert plan.once("prod", None, {}) == prod


def test_values_arrive_in_the_shape_they_were_given(way):
    def program() -> None:
        given = {"text": "a", "number": 1, "none": None, "list": [1, (2, "b")], "map": {"empty": {}}}
        pulumi.export("given", pulumi.Output.from_input(given).apply(lambda value: value | {"more": True}))
        pulumi.export("json", pulumi.Output.json_dumps({"list": [1, pulumi.Output.from_input("b")]}))
        pulumi.export("tuple", pulumi.Output.from_input((1, 2)).apply(lambda value: type(value).__name__))

    assert planned(program).outputs == {
        "given": {"text": "a", "number": 1, "list": [1, [2, "b"]], "map": {"empty": {}}, "more": True},
        "json": '{"list": [1, "b"]}',
        "tuple": "tuple",
    }


def test_what_a_program_adds_later_reaches_an_output_or_not_either_way(way):
    def program() -> None:
        filled, inner = ["a"], ["a"]
        empty: list[str] = []
        for name, given in (("filled", filled), ("inside", {"zones": inner}), ("empty", empty)):
            pulumi.export(name, pulumi.Output.from_input(given))
        for zones in (filled, inner, empty):
            zones.append("b")

    assert planned(program).outputs == {"filled": ["a"], "inside": {"zones": ["a", "b"]}, "empty": ["b"]}


def test_a_property_brings_its_resource_and_its_secrecy_along(way):
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1"))
        word = aws.ssm.Parameter(
            "word", type="String", value=pulumi.Output.secret("hunter2-hunter2"), opts=opts
        )
        aws.ssm.Parameter("copy", type="String", value=word.value, description=word.arn, opts=opts)

    found = planned(program)
    copy, word = found.get("copy"), found.get("word")
    assert copy.inputs["value"] == plan.Secret("hunter2-hunter2")
    assert copy.inputs["description"] == word.outputs["arn"]
    assert copy.property_dependencies == {"description": (word.urn,), "value": (word.urn,)}


def test_of_several_failures_the_first_is_told():
    def program() -> None:
        def fail(word: str) -> None:
            raise ValueError(word)

        for word in ("first", "second", "third"):
            pulumi.Output.from_input(word).apply(fail)

    with pytest.raises(PlanError, match=r"failed: first$"):
        planned(program)


def test_a_resource_that_cannot_be_declared_is_told_once(way, caplog):
    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1"))
        known: dict[str, str] = {}
        wrong = pulumi.Output.from_input("missing").apply(known.__getitem__)
        first = aws.ec2.Eip("first", domain=wrong, opts=opts)
        aws.ec2.Eip("second", domain=first.domain, opts=opts)

    with pytest.raises(PlanError, match=r"failed: .*'missing'$"):
        planned(program)


def test_nothing_of_pulumi_stays_replaced():
    before = pulumi.Output.from_input
    planned(lambda: None)

    assert pulumi.Output.from_input is before
