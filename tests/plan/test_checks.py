"""What no plan may contain: one small bad program each, and the line it is refused with."""

import gc
import itertools
import json
from collections.abc import Callable

import pulumi
import pulumi_aws as aws
import pytest

import plan
from components.network import Network, NetworkArgs
from plan import Plan, PlanError, Secret

KEY = "hunter2-hunter2"


def planned(program: Callable[[], object]) -> Plan:
    def run() -> None:
        program()

    return plan.of_program(run, project="shop", stack="test", config={})


def refusal(program: Callable[[], object]) -> str:
    with pytest.raises(PlanError) as refused:
        planned(program)
    said = str(refused.value)
    # The futures of a failed program log themselves when they are collected: here, not inside another test.
    del refused
    gc.collect()
    return said


def us_east() -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1"))


def test_a_sound_program_is_planned():
    def program() -> None:
        address = aws.ec2.Eip("nat", domain="vpc", opts=us_east())
        pulumi.export("address", address.allocation_id)

    sound = planned(program)
    assert sound.outputs == {"address": sound.get("nat").id}
    assert sound.get("nat").region == "us-east-1"


def test_one_name_twice():
    def program() -> None:
        opts = us_east()
        for _ in range(2):
            aws.ec2.Eip("nat", domain="vpc", opts=opts)

    assert refusal(program) == (
        "urn:pulumi:test::shop::aws:ec2/eip:Eip::nat is declared twice: give one of them another name"
    )


def test_a_name_that_changes_from_run_to_run():
    clock = itertools.count()

    def program() -> None:
        aws.ec2.Eip(f"nat-{next(clock)}", domain="vpc", opts=us_east())

    assert refusal(program).splitlines() == [
        f"urn:pulumi:test::shop::aws:ec2/eip:Eip::nat-{run} is declared in one of two equal runs: "
        "names must not depend on time or chance"
        for run in (0, 1)
    ]


def test_a_value_that_changes_from_run_to_run():
    clock = itertools.count()

    def program() -> None:
        aws.ec2.Eip("nat", domain="vpc", tags={"At": str(next(clock))}, opts=us_east())

    assert refusal(program) == "ec2.Eip nat differs between two equal runs in tags"


def test_an_option_that_changes_from_run_to_run():
    runs = itertools.count()

    def program() -> None:
        opts = pulumi.ResourceOptions.merge(us_east(), pulumi.ResourceOptions(protect=next(runs) == 0))
        aws.ec2.Eip("nat", domain="vpc", opts=opts)

    assert refusal(program) == "ec2.Eip nat differs between two equal runs in its options"


def test_a_stack_output_that_changes_from_run_to_run():
    clock = itertools.count()
    said = refusal(lambda: pulumi.export("at", next(clock)))
    assert said.splitlines()[-1] == "stack outputs differ between two equal runs"


def test_an_output_used_as_text():
    """`str()` of an output is no value but a text about it, and AWS would take it."""

    def program() -> None:
        opts = us_east()
        vpc = aws.ec2.Vpc("shop", cidr_block="10.0.0.0/16", opts=opts)
        aws.ec2.Eip("nat", domain="vpc", tags={"Vpc": f"in {vpc.id}"}, opts=opts)

    assert refusal(program).startswith("ec2.Eip nat: tags.Vpc holds an unresolved value: 'in Calling __str__")


@pytest.mark.parametrize("text", ["<pulumi.output.Output object at 0x7f>", "arn:aws:iam::None:role/shop"])
def test_a_text_made_of_something_unknown(text: str):
    def program() -> None:
        aws.ec2.Eip("nat", domain="vpc", tags={"From": text}, opts=us_east())

    assert refusal(program) == f"ec2.Eip nat: tags.From holds an unresolved value: {text!r}"


def test_a_computed_value_whose_shape_nobody_wrote_down():
    """No row in identities.toml: a made-up ARN would look like a real one."""

    def program() -> None:
        opts = us_east()
        thing = aws.iot.Thing("scale", opts=opts)
        aws.ec2.Eip("nat", domain="vpc", tags={"Thing": thing.arn}, opts=opts)

    assert refusal(program) == (
        "ec2.Eip nat: tags.Thing needs aws:iot/thing:Thing.arn:scale; "
        "say what it looks like in plan/identities.toml"
    )


def test_a_secret_in_an_open_stack_output():
    def program() -> None:
        aws.ssm.Parameter("key", type="SecureString", value=pulumi.Output.secret(KEY), opts=us_east())
        pulumi.export("hint", f"the key is {KEY}")

    said = refusal(program)
    assert said == "stack output: hint holds a secret in plain text: pass it on as a secret Output"
    assert KEY not in said


def test_a_secret_in_an_open_input_of_another_resource():
    def program() -> None:
        opts = us_east()
        aws.ssm.Parameter("key", type="SecureString", value=pulumi.Output.secret(KEY), opts=opts)
        aws.ec2.Eip("nat", domain="vpc", tags={"Note": json.dumps({"key": KEY})}, opts=opts)

    assert refusal(program) == (
        "ec2.Eip nat: tags.Note holds a secret in plain text: pass it on as a secret Output"
    )


def test_a_secret_that_stays_one_is_planned_and_not_printed():
    def program() -> None:
        key = pulumi.Output.secret(KEY)
        aws.ssm.Parameter("key", type="SecureString", value=key, opts=us_east())
        pulumi.export("key", key)

    kept = planned(program)
    assert kept.get("key").inputs["value"] == Secret(KEY)
    assert kept.outputs == {"key": Secret(KEY)}
    assert KEY not in repr(kept)


def test_a_resource_without_a_provider():
    assert refusal(lambda: aws.ec2.Eip("nat", domain="vpc")) == (
        "ec2.Eip nat has no explicit provider: parent it to a component of its region"
    )


def test_a_question_nobody_wrote_an_answer_for():
    assert refusal(lambda: aws.ec2.get_ami_output(most_recent=True, owners=["amazon"])) == (
        "the program asks AWS for aws:ec2/getAmi:getAmi; add an answer to plan/answers.py"
    )


def test_a_question_that_names_no_region():
    assert refusal(lambda: aws.get_availability_zones_output(state="available")) == (
        "aws:index/getAvailabilityZones:getAvailabilityZones is asked without an explicit provider: "
        "pass InvokeOptions(provider=...)"
    )


def test_a_prefix_list_nobody_wrote_down():
    def program() -> None:
        ask = pulumi.InvokeOutputOptions(provider=us_east().provider)
        aws.ec2.get_prefix_list_output(name="com.amazonaws.us-east-1.vpc-lattice", opts=ask)

    assert refusal(program) == (
        "prefix list 'com.amazonaws.us-east-1.vpc-lattice' is not in contract/regions/us-east-1.toml: "
        "add it under [prefix_lists]"
    )


def test_a_resource_that_is_read_from_aws():
    assert refusal(lambda: aws.ec2.Vpc.get("old", "vpc-0123", opts=us_east())) == (
        "the program reads aws:ec2/vpc:Vpc 'old' from AWS; a plan has no AWS: "
        "declare it, or take its id from settings"
    )


def test_a_program_that_raises_says_where_in_our_code():
    def program() -> None:
        Network(
            "shop",
            NetworkArgs(
                cidr="10.0.0.0/16",
                zones=["us-east-1a"],
                account_id="123456789012",
                offered_zones=["use1-az1"],
                nat="none",
                flow_log_days=7,
                protect=False,
            ),
            us_east(),
        )

    said = refusal(program)
    assert said.startswith("the program of stack test failed: components/addresses.py:")
    assert said.endswith(
        "zone 'us-east-1a' is not an availability zone id such as use1-az1 (local zones have none)"
    )


def test_a_program_that_raises_elsewhere_says_what():
    def program() -> None:
        raise ValueError("no such shelf")

    assert refusal(program) == "the program of stack test failed: no such shelf"


def test_several_faults_are_told_together():
    def program() -> None:
        aws.ec2.Eip("one", domain="vpc")
        aws.ec2.Eip("two", domain="vpc", tags={"At": "<pulumi.output"})

    assert len(refusal(program).splitlines()) == 3
