"""What differs between two plans, what forces a replacement, and what follows from one."""

from dataclasses import replace
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from plan import Options, Plan
from plan.diff import Kind, Mark, diff
from tests.plan.diff_helpers import (
    Inputs,
    change_of,
    circle,
    kinds,
    optional,
    planned,
    printed,
    room,
    single,
    subnet,
)


def test_a_plan_does_not_differ_from_itself(either: Plan) -> None:
    found = diff(either, either)
    assert found.empty
    assert set(found.counts) == set(Kind)
    assert found.counts[Kind.UNCHANGED] == len([r for r in either.resources if r.custom])
    assert "no difference" in printed(found)


class TestVerdicts:
    def test_another_address_block_is_another_subnet_and_the_row_says_who_says_so(self) -> None:
        found = diff(room(), room("10.0.2.0/24"))
        assert found.get("room").kind is Kind.REPLACED
        change = change_of(found, "room", "cidrBlock")
        assert (change.before, change.after, change.verdict) == ("10.0.1.0/24", "10.0.2.0/24", "replace")
        assert change.source.startswith("cfn AWS::EC2::Subnet createOnlyProperties/CidrBlock (cfn-lint ")

    def test_a_tag_is_an_update(self) -> None:
        found = diff(room(), room(owner="platform"))
        assert kinds(found) == {"room": Kind.CHANGED}
        assert change_of(found, "room", "tags.Owner").verdict == "update"

    def test_a_property_that_no_source_knows_is_unknown(self) -> None:
        before = single(aws.ec2.Vpc, cidr_block="10.0.0.0/16")
        after = single(aws.ec2.Vpc, cidr_block="10.0.0.0/16", enable_network_address_usage_metrics=True)
        found = diff(before, after)
        assert kinds(found) == {"it": Kind.UNKNOWN}
        change = change_of(found, "it", "enableNetworkAddressUsageMetrics")
        assert (change.before, change.after) == (Mark.ABSENT, True)
        assert change.source == "no source: neither CloudFormation's schema nor the provider's docs say"

    def test_a_type_without_rows_is_unknown(self) -> None:
        found = diff(single(aws.ec2.KeyPair, public_key="a"), single(aws.ec2.KeyPair, public_key="b"))
        assert kinds(found) == {"it": Kind.UNKNOWN}
        assert "no rows for aws:ec2/keyPair:KeyPair" in change_of(found, "it", "publicKey").source

    def test_a_part_of_a_block_that_no_source_describes_is_unknown(self) -> None:
        def group(cookie: str) -> Plan:
            return single(aws.lb.TargetGroup, stickiness={"type": "app_cookie", "cookie_name": cookie})

        found = diff(group("a"), group("b"))
        assert kinds(found) == {"it": Kind.UNKNOWN}
        assert "this part of stickiness" in change_of(found, "it", "stickiness.cookieName").source

    def test_a_block_that_appears_replaces_if_something_in_it_does(self) -> None:
        def endpoint(**options: Any) -> Plan:
            name = "com.amazonaws.us-east-1.kms"
            return single(aws.ec2.VpcEndpoint, vpc_id="vpc-1", service_name=name, **options)

        update = diff(endpoint(), endpoint(dns_options={"dns_record_ip_type": "ipv4"}))
        assert kinds(update) == {"it": Kind.CHANGED}
        replacement = diff(endpoint(), endpoint(dns_options={"private_dns_preference": "ALL_DOMAINS"}))
        assert kinds(replacement) == {"it": Kind.REPLACED}
        assert "PrivateDnsPreference" in change_of(replacement, "it", "dnsOptions").source

    def test_and_leaves_it_open_if_something_in_it_does(self) -> None:
        def domain(**options: Any) -> Plan:
            return single(aws.opensearch.Domain, domain_name="search", **options)

        off, on = domain(encrypt_at_rest={"enabled": False}), domain(encrypt_at_rest={"enabled": True})
        for before, after in ((off, on), (domain(), on), (on, domain())):
            assert kinds(diff(before, after)) == {"it": Kind.UNKNOWN}
        change = change_of(diff(domain(), on), "it", "encryptAtRest")
        assert "conditionalCreateOnlyProperties/EncryptionAtRestOptions/Enabled" in change.source

    def test_a_composite_alarm_is_switched_off_by_making_another(self) -> None:
        def alarm(enabled: bool) -> Plan:
            rule = "ALARM(a)"
            return single(
                aws.cloudwatch.CompositeAlarm, alarm_name="all", alarm_rule=rule, actions_enabled=enabled
            )

        found = diff(alarm(True), alarm(False))
        assert kinds(found) == {"it": Kind.REPLACED}
        assert "composite_alarm.go: ForceNew" in change_of(found, "it", "actionsEnabled").source

    def test_docs_that_set_a_condition_leave_it_open(self) -> None:
        def parameter(tier: str) -> Plan:
            return single(aws.ssm.Parameter, type="String", value="1", tier=tier)

        change = change_of(diff(parameter("Advanced"), parameter("Standard")), "it", "tier")
        assert change.verdict == "unknown"
        assert "will recreate the resource" in change.source
        assert "against update by cfn AWS::SSM::Parameter" in change.source

    def test_a_rule_for_other_addresses_is_updated_and_one_for_another_kind_of_peer_is_new(self) -> None:
        def rule(**peer: str) -> Plan:
            return single(
                aws.vpc.SecurityGroupIngressRule, security_group_id="sg-1", ip_protocol="tcp", **peer
            )

        addresses = diff(rule(cidr_ipv4="10.0.0.0/16"), rule(cidr_ipv4="10.1.0.0/16"))
        assert kinds(addresses) == {"it": Kind.CHANGED}
        peer = diff(rule(cidr_ipv4="10.0.0.0/16"), rule(referenced_security_group_id="sg-2"))
        assert kinds(peer) == {"it": Kind.REPLACED}

    def test_another_region_of_the_provider_is_not_guessed_at(self) -> None:
        def bucket(region: str) -> Plan:
            return planned(lambda opts: aws.s3.Bucket("it", bucket="shop-it", opts=opts), region=region)

        found = diff(bucket("us-east-1"), bucket("eu-west-1"))
        assert kinds(found) == {"aws": Kind.UNKNOWN, "it": Kind.UNKNOWN}
        change = change_of(found, "it", "(region of the provider)")
        assert (change.before, change.after, change.verdict) == ("us-east-1", "eu-west-1", "unknown")

    def test_nor_at_another_provider_or_another_type(self) -> None:
        one = subnet("one", {})
        providers = [replace(one, provider=f"urn:pulumi:test::shop::pulumi:providers:aws::{n}") for n in "ab"]
        moved = diff(*(Plan("test", (resource,), {}) for resource in providers))
        assert change_of(moved, "one", "(provider)").verdict == "unknown"
        urn = "urn:pulumi:test::shop::aws:ec2/defaultSubnet:DefaultSubnet::one"
        other = replace(
            one, urn=urn, type="aws:ec2/defaultSubnet:DefaultSubnet", options=Options(aliases=(one.urn,))
        )
        retyped = diff(Plan("test", (one,), {}), Plan("test", (other,), {}))
        assert change_of(retyped, "one", "(type)").verdict == "unknown"


class TestOptions:
    def test_ignored_changes_are_none(self) -> None:
        found = diff(room(), room("10.0.2.0/24", owner="platform", ignore=["cidr_block", "tags.Owner"]))
        assert found.empty

    def test_the_program_can_make_any_change_a_replacement(self) -> None:
        found = diff(room(), room(owner="platform", replace_on=["tags"]))
        assert found.get("room").kind is Kind.REPLACED
        assert change_of(found, "room", "tags.Owner").source == "replaceOnChanges option in the program"

    def test_a_protected_resource_blocks_its_replacement(self) -> None:
        found = diff(room(protect=True), room("10.0.2.0/24", protect=True))
        assert [change.resource.name for change in found.blocked] == ["room"]
        assert found.get("room").blocked == "protected"
        assert "blocked: protected" in printed(found)

    def test_and_its_removal(self) -> None:
        found = diff(room(protect=True), room(name="hall"))
        assert found.get("room").kind is Kind.REMOVED
        assert found.get("room").blocked == "protected"

    def test_protection_can_be_lifted_and_the_resource_replaced_in_one_go_but_not_removed(self) -> None:
        assert diff(room(protect=True), room("10.0.2.0/24")).blocked == ()
        assert diff(room(), room("10.0.2.0/24", protect=True)).get("room").blocked == "protected"

    def test_what_the_options_mean_for_the_way_it_goes(self) -> None:
        kept = Plan("test", (subnet("one", {}, options=Options(retain_on_delete=True)),), {})
        assert diff(kept, Plan("test", (), {})).get("one").note == "stays in AWS (retainOnDelete)"
        first = Options(delete_before_replace=True)
        before, after = (Plan("test", (subnet("one", {"cidrBlock": c}, options=first),), {}) for c in "ab")
        assert diff(before, after).get("one").note.startswith("the old one goes before the new one stands")

    @pytest.mark.parametrize(
        ("pattern", "before", "after"),
        [
            ("subnetIds[0]", {"subnetIds": ["a", "b"]}, {"subnetIds": ["c", "b"]}),
            ("subnetIds[0]", {}, {"subnetIds": ["a"]}),
            ("subnetIds[*]", {"subnetIds": ["a"]}, {"subnetIds": ["b", "c"]}),
            ("subnetIds[*]", {}, {"subnetIds": ["b", "c"]}),
            ("tags.x", {}, {"tags": {"x": "1"}}),
            ("tags.x", {"tags": {"x": "1", "y": "1"}}, {"tags": {"y": "1"}}),
            ("tags.*", {}, {"tags": {"x": "1", "y": "1"}}),
            ("blocks[*].name", {"blocks": [{"name": "a"}]}, {"blocks": [{"name": "b"}]}),
        ],
    )
    def test_a_part_can_be_ignored(self, pattern: str, before: Inputs, after: Inputs) -> None:
        assert diff(*optional(before, after, Options(ignore_changes=(pattern,)))).empty

    @pytest.mark.parametrize(
        ("pattern", "before", "after", "changed"),
        [
            ("subnetIds[0]", {"subnetIds": ["a", "b"]}, {"subnetIds": ["c", "d"]}, ["a", "d"]),
            ("subnetIds[0]", {}, {"subnetIds": ["a", "b"]}, ["b"]),
            ("tags.x", {}, {"tags": {"x": "1", "y": "1"}}, {"y": "1"}),
        ],
    )
    def test_and_the_rest_of_it_is_a_change(
        self, pattern: str, before: Inputs, after: Inputs, changed: object
    ) -> None:
        found = diff(*optional(before, after, Options(ignore_changes=(pattern,))))
        assert [change.after for change in found.get("one").changes] == [changed]

    @pytest.mark.parametrize(
        ("pattern", "before", "after"),
        [
            ("subnetIds[*]", {}, {"subnetIds": ["a"]}),
            ("subnetIds[*]", {"subnetIds": ["a"]}, {"subnetIds": ["a", "b"]}),
            ("subnetIds[0]", {"subnetIds": ["a", "b"]}, {"subnetIds": ["c", "b"]}),
            ("tags.x", {}, {"tags": {"x": "1"}}),
            ("tags.x", {"tags": {"x": "1"}}, {}),
            ("blocks[*].name", {}, {"blocks": [{"name": "b"}]}),
        ],
    )
    def test_a_part_can_make_it_a_replacement(self, pattern: str, before: Inputs, after: Inputs) -> None:
        found = diff(*optional(before, after, Options(replace_on_changes=(pattern,))))
        assert kinds(found) == {"one": Kind.REPLACED}

    @pytest.mark.parametrize(
        ("pattern", "before", "after"),
        [
            ("subnetIds[0]", {"subnetIds": ["a", "b"]}, {"subnetIds": ["a", "c"]}),
            ("tags.x", {}, {"tags": {"y": "1"}}),
        ],
    )
    def test_but_not_if_it_stays_as_it_was(self, pattern: str, before: Inputs, after: Inputs) -> None:
        found = diff(*optional(before, after, Options(replace_on_changes=(pattern,))))
        assert found.replaced == ()
        assert not found.empty


@pytest.mark.parametrize("pattern", ["tags", "*", 'tags["a.b"]', "tags.*", "tags[*]"])
def test_property_paths_of_options(pattern: str) -> None:
    before = Plan("test", (subnet("one", {"tags": {"a.b": "1"}}),), {})
    ignoring = Options(ignore_changes=(pattern,))
    after = Plan("test", (subnet("one", {"tags": {"a.b": "2"}}, options=ignoring),), {})
    assert diff(before, after).empty


class TestCascade:
    def test_what_holds_the_id_of_a_replaced_resource_is_judged_too(self) -> None:
        found = diff(room(), room("10.0.2.0/24"))
        assert kinds(found) == {
            "room": Kind.REPLACED,
            "routes": Kind.REPLACED,
            "endpoint": Kind.CHANGED,
        }
        routes = change_of(found, "routes", "subnetId")
        assert routes.because == ("ec2.Subnet room",)
        assert routes.after is Mark.NEW
        assert "SubnetRouteTableAssociation createOnlyProperties/SubnetId" in routes.source
        endpoint = change_of(found, "endpoint", "subnetIds")
        assert (endpoint.verdict, endpoint.after, endpoint.because) == ("update", [Mark.NEW], routes.because)

    def test_what_the_program_changes_in_the_same_place_keeps_its_new_value(self) -> None:
        def endpoint(cidr: str, *more: str) -> Plan:
            def declare(opts: pulumi.ResourceOptions) -> None:
                rooms = [
                    aws.ec2.Subnet(name, vpc_id="vpc-1", cidr_block=cidr, opts=opts)
                    for name in ("one", "two")
                ]
                ids: list[pulumi.Input[str]] = [*(subnet.id for subnet in rooms), *more]
                aws.ec2.VpcEndpoint("endpoint", vpc_id="vpc-1", service_name="s3", subnet_ids=ids, opts=opts)

            return planned(declare)

        found = diff(endpoint("10.0.0.0/24"), endpoint("10.1.0.0/24", "subnet-three"))
        change = change_of(found, "endpoint", "subnetIds")
        assert change.because == ("ec2.Subnet one", "ec2.Subnet two")
        assert change.after[:2] == change.before
        assert change.after[2:] == ["subnet-three"]

    def test_and_an_output_that_shows_it_is_new(self) -> None:
        (output,) = diff(room(), room("10.0.2.0/24")).outputs
        assert (output.path, output.after, output.because) == ("subnet", Mark.NEW, ("ec2.Subnet room",))

    def test_it_goes_on_through_the_plan(self, prod: Plan) -> None:
        vpc = prod.get("primary-network-vpc")
        moved = replace(vpc, inputs={**vpc.inputs, "cidrBlock": "10.9.0.0/16"})
        after = replace(prod, resources=tuple(moved if r is vpc else r for r in prod.resources))
        found = diff(prod, after)
        assert found.get("primary-network-vpc").blocked == "protected"
        assert {c.resource.type for c in found.replaced} >= {
            "aws:ec2/vpc:Vpc",
            "aws:ec2/subnet:Subnet",
            "aws:ec2/natGateway:NatGateway",
            "aws:ec2/routeTableAssociation:RouteTableAssociation",
            "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        }
        nat = change_of(found, "primary-network-nat-use1-az1", "subnetId")
        assert nat.because == ("ec2.Subnet primary-network-public-use1-az1",)
        assert found.get("primary-network-internet").kind is Kind.CHANGED
        assert not any(c.component.startswith("standby") for c in (*found.replaced, *found.changed))

    def test_a_circle_of_resources_ends_it(self) -> None:
        found = diff(circle("10.0.0.0/16"), circle("10.1.0.0/16"))
        assert kinds(found) == {"one": Kind.REPLACED, "two": Kind.REPLACED}
        assert change_of(found, "one", "vpcId").because == ("ec2.Subnet two",)

    def test_an_ignored_property_does_not_follow(self) -> None:
        found = diff(circle("10.0.0.0/16"), circle("10.1.0.0/16", options=Options(ignore_changes=("vpcId",))))
        assert kinds(found) == {"one": Kind.REPLACED}

    def test_nor_does_an_ignored_part_of_one(self) -> None:
        def plan_(cidr: str) -> Plan:
            one = subnet("one", {"cidrBlock": cidr})
            two = subnet(
                "two", {"subnetIds": ["subnet-one", "b"]}, options=Options(ignore_changes=("subnetIds[0]",))
            )
            return Plan("test", (one, replace(two, property_dependencies={"subnetIds": (one.urn,)})), {})

        assert kinds(diff(plan_("10.0.0.0/16"), plan_("10.1.0.0/16"))) == {"one": Kind.REPLACED}

    def test_another_order_does_not_cover_up_what_follows(self) -> None:
        def plan_(cidr: str, *ids: str) -> Plan:
            one = subnet("one", {"cidrBlock": cidr})
            link = replace(
                subnet("link", {"subnetIds": list(ids)}),
                type="aws:apigatewayv2/vpcLink:VpcLink",
                property_dependencies={"subnetIds": (one.urn,)},
            )
            return Plan("test", (one, link), {})

        before = plan_("10.0.0.0/16", "subnet-one", "b")
        turned = diff(before, plan_("10.0.0.0/16", "b", "subnet-one"))
        assert kinds(turned) == {"link": Kind.CHANGED}
        found = diff(before, plan_("10.1.0.0/16", "b", "subnet-one"))
        assert kinds(found) == {"one": Kind.REPLACED, "link": Kind.REPLACED}
        assert change_of(found, "link", "subnetIds").note == ""

    def test_an_unknown_change_says_how_far_it_may_reach(self) -> None:
        before = circle("10.0.0.0/16")
        first, second = before.resources
        odd = replace(first, inputs={**first.inputs, "colour": "red"})
        found = diff(before, replace(before, resources=(odd, second)))
        assert found.get("one").note == "if it is replaced, 1 more may be touched"
        assert kinds(found) == {"one": Kind.UNKNOWN}


class TestRenames:
    def test_without_an_alias_a_rename_is_a_deletion_and_a_creation(self) -> None:
        found = diff(room(), room(name="hall"))
        assert [c.resource.name for c in found.added] == ["hall"]
        assert [c.resource.name for c in found.removed] == ["room"]
        assert found.get("routes").kind is Kind.REPLACED

    def test_with_one_nothing_happens_to_it_or_to_what_holds_its_id(self) -> None:
        found = diff(room(), room(name="hall", aliases=["room"]))
        assert found.empty
        assert found.get("hall").renamed_from == "room"
        assert "renamed from room (alias)" in printed(found)

    def test_a_whole_urn_does_as_well(self) -> None:
        before = planned(lambda opts: aws.ec2.Vpc("old", cidr_block="10.0.0.0/16", opts=opts))
        urn = before.get("old").urn

        def declare(opts: pulumi.ResourceOptions) -> None:
            mine = pulumi.ResourceOptions(provider=opts.provider, aliases=[urn])
            aws.ec2.Vpc("new", cidr_block="10.0.0.0/16", opts=mine)

        found = diff(before, planned(declare))
        assert found.get("new").renamed_from == "old"
        assert found.empty

    def test_children_follow_a_renamed_component(self) -> None:
        def house(name: str, *aliases: str) -> Plan:
            def declare(opts: pulumi.ResourceOptions) -> None:
                house = pulumi.ComponentResource(
                    "shop:house:House",
                    name,
                    {},
                    pulumi.ResourceOptions(
                        providers={"aws": opts.provider} if isinstance(opts.provider, aws.Provider) else {},
                        aliases=[pulumi.Alias(name=old) for old in aliases],
                    ),
                )
                inside = pulumi.ResourceOptions(parent=house)
                vpc = aws.ec2.Vpc(f"{name}-vpc", cidr_block="10.0.0.0/16", opts=inside)
                aws.ec2.Subnet(f"{name}-room", vpc_id=vpc.id, cidr_block="10.0.1.0/24", opts=inside)

            return planned(declare)

        found = diff(house("old"), house("new", "old"))
        assert found.empty
        assert found.get("new-room").renamed_from == "old-room"
        assert len(diff(house("old"), house("new")).removed) == 2
