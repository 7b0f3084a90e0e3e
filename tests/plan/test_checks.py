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


def test_a_sealed_value_that_nobody_marked_as_secret():
    """`secure:` of a stack file reaches the program as a stand-in; on the way it must become a secret."""
    sealed = f"sealed-{'0a' * 12}"

    def program() -> None:
        aws.ec2.Eip("nat", domain="vpc", tags={"Pager": sealed}, opts=us_east())

    assert refusal(program) == (
        "ec2.Eip nat: tags.Pager holds a secret in plain text: pass it on as a secret Output"
    )


@pytest.mark.parametrize(
    "form",
    [KEY, f"key={KEY}", json.dumps({"key": KEY}), "aHVudGVyMi1odW50ZXIy"],
    ids=["plain", "inside", "json", "base64"],
)
def test_a_secret_that_only_stands_in_outputs(form):
    def program() -> None:
        pulumi.export("marked", pulumi.Output.secret(KEY))
        pulumi.export("open", form)

    assert refusal(program) == (
        "stack output: open holds a secret in plain text: pass it on as a secret Output"
    )


def test_a_secret_in_a_warning_or_a_name():
    def warns() -> None:
        pulumi.export("marked", pulumi.Output.secret(KEY))
        pulumi.log.warn(f"using {KEY}")

    def names() -> None:
        pulumi.export("marked", pulumi.Output.secret(KEY))
        aws.ec2.Eip(KEY, domain="vpc", opts=us_east())

    assert refusal(warns).startswith("warning: 0 holds a secret in plain text")
    assert "name holds a secret in plain text" in refusal(names)


def test_an_unresolved_value_in_an_output():
    def program() -> None:
        pulumi.export("where", aws.ec2.Eip("nat", domain="vpc", opts=us_east()).public_ip)

    assert refusal(program).startswith("stack output: where needs aws:ec2/eip:Eip.publicIp:nat")


def test_what_only_looks_unresolved_is_let_through():
    """Shell variables, IAM policy variables and names with None in them are somebody's own text."""

    def program() -> None:
        pulumi.export("script", "echo ${HOME} ${aws:PrincipalTag/team} arn:aws:s3:::my-None-bucket")

    assert "HOME" in planned(program).outputs["script"]


def test_a_program_that_ends_itself():
    def program() -> None:
        raise SystemExit("boom")

    assert refusal(program) == "the program of stack test ended itself: boom"


def test_transforms_are_refused_because_they_would_not_run():
    def same(args: pulumi.ResourceTransformArgs) -> None:
        return None

    def of_stack() -> None:
        pulumi.runtime.register_resource_transform(same)

    assert "a plan runs no transforms" in refusal(of_stack)


def test_what_a_program_prints_is_not_the_answer(capsys):
    planned(lambda: print("hello"))

    assert capsys.readouterr() == ("", "hello\nhello\n")


def test_one_name_under_two_parents_is_two_resources():
    class Shop(pulumi.ComponentResource):
        def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
            super().__init__(f"shop:index:{name}", name, {}, opts)

    def program() -> None:
        provider = aws.Provider("aws", region="us-east-1")
        for side in ("left", "right"):
            shop = Shop(side, pulumi.ResourceOptions(providers=[provider]))
            aws.ec2.Eip("nat", domain="vpc", opts=pulumi.ResourceOptions(parent=shop))

    ids = {resource.id for resource in planned(program).cloud}
    assert len(ids) == 2
