"""The picture of a plan: all of the plan is in it, every word fits and nothing overlaps."""

from collections.abc import Callable
from itertools import combinations

import pulumi
import pulumi_aws as aws
import pytest

import plan
from components.base import Component
from plan import Plan, picture, reach
from plan.picture.flows import sentence
from tests.conftest import Planned
from tests.plan.drawing_helpers import Drawing, read


class Toy(Component):
    """A component nobody has told the picture about."""

    kind = "toy:Toy"


class Place(Component):
    """What holds the components of one region together."""

    kind = "toy:Place"

    def __init__(self, name: str, region: str, provider: aws.Provider) -> None:
        super().__init__(name, pulumi.ResourceOptions(providers=[provider]))
        self.register_outputs({"region": region})


def toy(program: Callable[[Place], object], *, name: str = "primary") -> Plan:
    """The plan of a program that declares things in one region."""

    def run() -> None:
        program(Place(name, "eu-west-1", aws.Provider("aws", region="eu-west-1")))

    return plan.of_program(run, project="toy", stack="test", config={})


def component(place: Component, name: str) -> pulumi.ResourceOptions:
    return Toy(f"{place.name}-{name}", place.child()).child()


def table(name: str, opts: pulumi.ResourceOptions, **tags: pulumi.Input[str]) -> aws.dynamodb.Table:
    key = aws.dynamodb.TableAttributeArgs(name="id", type="S")
    return aws.dynamodb.Table(name, hash_key="id", attributes=[key], tags=tags, opts=opts)


def shop(place: Place) -> None:
    """Agents in a VPC, which use tables outside it; queues that nobody uses."""
    vpc = aws.ec2.Vpc("vpc", cidr_block="10.9.0.0/16", opts=place.child())
    subnet = aws.ec2.Subnet(
        "subnet", vpc_id=vpc.id, cidr_block="10.9.1.0/24", availability_zone_id="euw1-az2", opts=place.child()
    )
    group = aws.ec2.SecurityGroup("group", vpc_id=vpc.id, tags={"Role": "agent"}, opts=place.child())
    stores = component(place, "stores")
    orders = [table(f"orders-{number}", stores) for number in range(3)]
    for number in range(2):
        aws.ssm.Parameter(f"parameter-{number}", type="String", value="any", opts=stores)
    aws.lambda_.Function(
        "chat",
        role="arn:aws:iam::123456789012:role/any",
        package_type="Image",
        image_uri="any",
        vpc_config={"subnet_ids": [subnet.id], "security_group_ids": [group.id]},
        environment={"variables": {"ORDERS": orders[0].id}},
        opts=component(place, "agents"),
    )
    aws.sqs.Queue("queue", opts=component(place, "queues"))


def test_every_zone_tier_block_and_role_is_in_the_picture(either: Plan):
    drawn = read(picture.draw(either))
    for subnet in either.of_type("ec2.Subnet"):
        assert {subnet.inputs["cidrBlock"], subnet.inputs["availabilityZoneId"]} <= drawn.texts
    for group in either.of_type("ec2.SecurityGroup"):
        assert group.inputs["tags"]["Role"] in drawn.texts
    assert {"public", "private", "isolated"} <= drawn.texts
    for vpc in either.of_type("ec2.Vpc"):
        assert {vpc.region, f"VPC {vpc.inputs['cidrBlock']}"} <= drawn.texts


def test_every_rule_is_an_arrow_that_says_why(either: Plan):
    hovers = "\n".join(read(picture.draw(either)).hovers)
    rows = reach.table(either)
    assert rows
    assert [row for row in rows if sentence(row) not in hovers] == []


def test_every_endpoint_is_named(either: Plan):
    texts = read(picture.draw(either)).texts
    services = {e.inputs["serviceName"].split(".", 3)[3] for e in either.of_type("ec2.VpcEndpoint")}
    assert services <= texts
    assert {"13 interface endpoints in every zone", "13 interface endpoints in use1-az1"} & texts


def test_nat_gateways_stand_in_public_subnets_with_the_address_partners_know(prod: Plan, dev: Plan):
    for chosen, zones in ((prod, ["use1-az1", "use1-az2", "use1-az4"]), (dev, ["use1-az1"])):
        drawn = read(picture.draw(chosen))
        for zone in zones:
            assert any(text.startswith(f"address nat-{zone}-ip") for text in drawn.texts)
    assert "out by NAT in use1-az4" in read(picture.draw(prod)).texts
    assert sum(word.text == "out by NAT in use1-az1" for word in read(picture.draw(dev)).words) == 2


def test_isolated_subnets_say_that_nothing_leads_out(prod: Plan):
    drawn = read(picture.draw(prod))
    assert sum(word.text == "no route out" for word in drawn.words) == 6


def test_the_standby_is_marked_and_comes_last(prod: Plan):
    drawn = read(picture.draw(prod))
    marked = drawn.word("standby: takes over when the primary is lost")
    assert drawn.word("us-east-1").room.top < drawn.word("us-west-2").room.top < marked.room.bottom
    assert "standby region" in drawn.texts


def test_the_title_counts(prod: Plan):
    drawn = read(picture.draw(prod))
    assert "concierge-prod" in drawn.texts
    counts = next(text for text in drawn.texts if text.startswith(f"{len(prod.cloud)} resources"))
    assert "2 regions, 2 VPCs, 6 availability zones, 6 NAT gateways" in counts
    assert f"{len(reach.table(prod))} permitted connections" in counts


def test_the_way_of_a_message_leads_from_people_to_the_models(either: Plan):
    words = [word.text for word in read(picture.draw(either)).words]
    at = words.index("the way of a message")
    way = [words.index(word, at) for word in ("people", "websocket", "agent", "model-access")]
    assert way == sorted(way)
    beside = next(word for word in words if word.startswith("on the way: "))
    for name in ("guardrail (checks", "search (documents)", "cache (answers", "tables, tickets (sessions"):
        assert name in beside


def test_where_nothing_carries_a_message_there_is_no_way():
    words = [word.text for word in read(picture.draw(toy(shop))).words]
    assert "toy-test" in words
    assert "the way of a message" not in words


def test_a_component_outside_the_vpc_is_a_card_that_says_what_it_is_made_of():
    drawn = read(picture.draw(toy(shop)))
    card, boundary = drawn.word("stores").container, drawn.word("VPC 10.9.0.0/16").container
    assert drawn.word("3 tables, 2 parameters").container == card
    assert drawn.word("5 resources").container == card
    assert not boundary.meets(card)


def test_a_component_with_a_subnet_is_a_card_inside_the_vpc_with_its_role():
    drawn = read(picture.draw(toy(shop)))
    card, boundary = drawn.word("agents").container, drawn.word("VPC 10.9.0.0/16").container
    assert boundary.holds(card)
    assert drawn.word("role agent").container == card
    assert drawn.word("here: agents").container == drawn.word("10.9.1.0/24").container


def test_an_arrow_leads_to_what_a_component_uses():
    hovers = read(picture.draw(toy(shop))).hovers
    assert "agents uses stores" in hovers
    assert not any("queues" in hover and "uses" in hover for hover in hovers)


def test_the_network_itself_is_no_card(dev: Plan):
    drawn = read(picture.draw(dev))
    assert not {"network", "groups"} & drawn.texts


def test_what_other_arrows_imply_is_left_out():
    def chain(place: Place) -> None:
        last = table("last", component(place, "last"))
        middle = table("middle", component(place, "middle"), uses=last.id)
        table("first", component(place, "first"), uses=middle.id, also=last.id)

    hovers = read(picture.draw(toy(chain))).hovers
    assert {"first uses middle", "middle uses last"} <= hovers
    assert "first uses last" not in hovers


def test_what_everything_uses_gets_a_count_and_no_arrows():
    def keyed(place: Place) -> None:
        key = aws.kms.Key("key", opts=component(place, "keys"))
        for number in range(6):
            table(f"table-{number}", component(place, f"tables-{number}"), key=key.id)

    drawn = read(picture.draw(toy(keyed)))
    assert drawn.word("used by 6 components").container == drawn.word("keys").container
    assert not any(" uses " in hover for hover in drawn.hovers)


def test_uses_across_regions_are_words_on_the_card():
    def program() -> None:
        near, far = (
            Place(name, region, aws.Provider(f"aws-{name}", region=region))
            for name, region in (("primary", "eu-west-1"), ("standby", "us-west-2"))
        )
        store = table("store", component(near, "stores"))
        table("copy", component(far, "copies"), of=store.id)

    drawn = read(picture.draw(plan.of_program(program, project="toy", stack="test", config={})))
    assert drawn.word("uses stores in eu-west-1").container == drawn.word("copies").container


def test_a_rule_on_one_side_is_drawn_as_broken():
    def forgetful(place: Place) -> None:
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.9.0.0/16", opts=place.child())
        near, far = (
            aws.ec2.SecurityGroup(role, vpc_id=vpc.id, tags={"Role": role}, opts=place.child())
            for role in ("shop", "till")
        )
        aws.vpc.SecurityGroupEgressRule(
            "out", security_group_id=near.id, referenced_security_group_id=far.id, ip_protocol="tcp",
            from_port=443, to_port=443, opts=place.child(),
        )  # fmt: skip

    drawn = read(picture.draw(toy(forgetful)))
    assert {"443 only out", "rule on one side only: does not connect"} <= drawn.texts
    assert any("does not connect" in hover for hover in drawn.hovers)


def crowd(place: Place) -> None:
    """Long names, uses in all directions and more subnets in a zone than one."""
    shop(place)
    stores = [
        table(f"store-{number}", component(place, f"a-store-with-quite-a-long-name-{number}"))
        for number in range(9)
    ]
    for number in range(7):
        tags = {f"use-{at}": store.id for at, store in enumerate(stores[number:9:2])}
        table(f"user-{number}", component(place, f"user-{number}"), **tags)
    vpc = aws.ec2.Vpc("second", cidr_block="10.8.0.0/16", opts=place.child())
    for number in range(5):
        aws.ec2.Subnet(
            f"more-{number}",
            vpc_id=vpc.id,
            cidr_block=f"10.8.{number}.0/24",
            availability_zone_id=f"euw1-az{1 + number % 2}",
            opts=place.child(),
        )


@pytest.fixture(scope="module", params=["dev", "prod", "shop", "crowd", "nothing"])
def drawing(request: pytest.FixtureRequest, planned: Planned) -> Drawing:
    """Real and toy plans, and one that declares nothing."""
    toys = {"shop": shop, "crowd": crowd, "nothing": lambda _: None}
    chosen = toy(toys[request.param]) if request.param in toys else planned(request.param)
    return read(picture.draw(chosen))


def test_every_word_fits_into_its_box(drawing: Drawing):
    assert [word for word in drawing.words if not word.container.holds(word.room)] == []


def test_no_word_stands_on_another(drawing: Drawing):
    assert [(a, b) for a, b in combinations(drawing.words, 2) if a.room.meets(b.room)] == []


def test_no_line_runs_through_a_word(drawing: Drawing):
    parts = [part for line in drawing.lines for part in line]
    outside_pills = [word for word in drawing.words if not word.container.pill]
    assert [(w.text, part) for w in outside_pills for part in parts if w.room.meets(part)] == []


def test_no_line_runs_through_a_box(drawing: Drawing):
    parts = [part for line in drawing.lines for part in line]
    solid = [box for box in drawing.boxes if box.leaf and not box.pill]
    assert [(box, part) for box in solid for part in parts if box.meets(part, margin=2)] == []


def test_boxes_stand_beside_each_other(drawing: Drawing):
    framed = [box for box in drawing.boxes if box.leaf and box.framed and not box.pill]
    assert [(one, other) for one, other in combinations(framed, 2) if one.meets(other)] == []
