"""What differs between two plans, what forces a replacement, and what follows from one."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import plan
from plan import Options, Plan, Resource, Secret, saved
from plan.diff import Change, Diff, Kind, Mark, as_json, diff, render

Declare = Callable[[pulumi.ResourceOptions], Any]
NO_OPTIONS = Options()


def planned(declare: Declare, *, region: str = "us-east-1") -> Plan:
    """The plan of a program that declares just this, with one provider."""

    def program() -> None:
        declare(pulumi.ResourceOptions(provider=aws.Provider("aws", region=region)))

    return plan.of_program(program, project="shop", stack="test", config={})


def room(
    cidr: str = "10.0.1.0/24",
    *,
    name: str = "room",
    owner: str = "shop",
    aliases: list[str] | None = None,
    protect: bool = False,
    ignore: list[str] | None = None,
    replace_on: list[str] | None = None,
) -> Plan:
    """A network with one subnet, its route table, and an endpoint in it."""

    def declare(opts: pulumi.ResourceOptions) -> None:
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16", opts=opts)
        subnet = aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            cidr_block=cidr,
            tags={"Owner": owner},
            opts=pulumi.ResourceOptions(
                provider=opts.provider,
                aliases=[pulumi.Alias(name=old) for old in aliases or []],
                protect=protect,
                ignore_changes=ignore,
                replace_on_changes=replace_on,
            ),
        )
        table = aws.ec2.RouteTable("table", vpc_id=vpc.id, opts=opts)
        aws.ec2.RouteTableAssociation("routes", subnet_id=subnet.id, route_table_id=table.id, opts=opts)
        aws.ec2.VpcEndpoint(
            "endpoint",
            vpc_id=vpc.id,
            service_name="com.amazonaws.us-east-1.kms",
            subnet_ids=[subnet.id],
            opts=opts,
        )
        pulumi.export("subnet", subnet.id)

    return planned(declare)


def single(kind: Callable[..., object], name: str = "it", **inputs: Any) -> Plan:
    """The plan of one resource."""
    return planned(lambda opts: kind(name, opts=opts, **inputs))


def change_of(found: Diff, name: str, path: str) -> Change:
    return next(change for change in found.get(name).changes if change.path == path)


def kinds(found: Diff) -> dict[str, Kind]:
    return {c.resource.name: c.kind for c in found.resources if c.kind is not Kind.UNCHANGED}


def printed(found: Diff) -> str:
    shown = io.StringIO()
    Console(width=120, file=shown, color_system=None).print(render(found))
    return shown.getvalue()


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

    def test_an_unknown_change_says_how_far_it_may_reach(self) -> None:
        before = circle("10.0.0.0/16")
        first, second = before.resources
        odd = replace(first, inputs={**first.inputs, "colour": "red"})
        found = diff(before, replace(before, resources=(odd, second)))
        assert found.get("one").note == "if it is replaced, 1 more may be touched"
        assert kinds(found) == {"one": Kind.UNKNOWN}


def circle(cidr: str, *, options: Options = NO_OPTIONS) -> Plan:
    """Two subnets, each of which claims the other's id for its network."""
    one = subnet("one", {"cidrBlock": cidr, "vpcId": "subnet-two"}, needs="two")
    two = subnet("two", {"cidrBlock": "10.0.0.0/24", "vpcId": "subnet-one"}, needs="one", options=options)
    return Plan("test", (one, two), {})


def subnet(
    name: str, inputs: dict[str, Any], *, needs: str | None = None, options: Options = NO_OPTIONS
) -> Resource:
    kind = "aws:ec2/subnet:Subnet"
    urn = f"urn:pulumi:test::shop::{kind}::"
    return Resource(
        urn=urn + name,
        type=kind,
        name=name,
        id=f"subnet-{name}",
        custom=True,
        parent=None,
        provider=None,
        region="us-east-1",
        inputs=inputs,
        outputs={},
        property_dependencies={"vpcId": (urn + needs,)} if needs else {},
        options=options,
    )


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


class TestValues:
    def test_a_policy_is_compared_as_what_it_says(self) -> None:
        one = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a", "Resource": "*"}]}
        turned = {"Statement": [dict(reversed(one["Statement"][0].items()))], "Version": "2012-10-17"}  # type: ignore[attr-defined]
        other = {**one, "Statement": [{"Effect": "Allow", "Action": "b", "Resource": "*"}]}

        def policy(document: object) -> Plan:
            return single(aws.iam.RolePolicy, role="r", policy=json.dumps(document))

        assert diff(policy(one), policy(turned)).empty
        change = change_of(diff(policy(one), policy(other)), "it", "policy.Statement[0].Action")
        assert (change.before, change.after, change.verdict) == ("a", "b", "update")

    def test_provider_settings_are_compared_too(self, dev: Plan, prod: Plan) -> None:
        found = diff(dev, prod)
        change = change_of(found, "aws-primary", "defaultTags.tags.Stack")
        assert (change.before, change.after) == ("dev", "prod")
        assert found.get("aws-primary").note == "whatever it tags is updated with it"

    def test_a_list_of_plain_values_is_one_change_and_says_when_only_its_order_differs(self) -> None:
        def endpoint(*subnets: str) -> Plan:
            name = "com.amazonaws.us-east-1.kms"
            return single(aws.ec2.VpcEndpoint, vpc_id="vpc-1", service_name=name, subnet_ids=list(subnets))

        more = diff(endpoint("a", "b"), endpoint("a", "b", "c"))
        assert [c.path for c in more.get("it").changes] == ["subnetIds"]
        assert "2 → 3 entries: + c" in printed(more)
        turned = change_of(diff(endpoint("a", "b"), endpoint("b", "a")), "it", "subnetIds")
        assert turned.note == "same values in another order; no change where AWS keeps a set"

    def test_stack_outputs(self, dev: Plan, prod: Plan) -> None:
        outputs = {o.path: o for o in diff(dev, prod).outputs}
        assert outputs["standby_region"].before is Mark.ABSENT
        back = {o.path: o for o in diff(prod, dev).outputs}
        assert back["standby_region"].after is Mark.ABSENT
        assert "primary_region" not in outputs


class TestSecrets:
    @staticmethod
    def parameter(password: str) -> Plan:
        def declare(opts: pulumi.ResourceOptions) -> None:
            value = pulumi.Output.secret(password)
            aws.ssm.Parameter("it", type="SecureString", value=value, opts=opts)

        return planned(declare)

    def test_a_changed_secret_is_a_change_and_is_never_shown(self) -> None:
        found = diff(self.parameter("hunter2-old"), self.parameter("hunter2-new"))
        change = change_of(found, "it", "value")
        assert (change.before, change.after, change.verdict) == (Mark.SECRET, Mark.SECRET, "update")
        assert "hunter2" not in printed(found) + json.dumps(as_json(found)) + repr(found.get("it").changes)

    def test_the_same_secret_is_none(self) -> None:
        assert diff(self.parameter("hunter2-old"), self.parameter("hunter2-old")).empty

    def test_one_from_a_file_cannot_be_compared_and_the_diff_says_so(self, tmp_path: Path) -> None:
        saved.save(self.parameter("hunter2-old"), tmp_path / "plan.json")
        found = diff(saved.load(tmp_path / "plan.json"), self.parameter("hunter2-new"))
        assert found.empty
        assert found.get("it").not_comparable == ("value",)
        assert "value  not comparable: a saved plan keeps no secret values" in printed(found)
        assert as_json(found)["resources"][0]["not_comparable"] == ["value"]

    def test_nor_can_a_secret_output(self) -> None:
        before, after = (Plan("test", (), {"key": Secret(value)}) for value in (None, "hunter2"))
        assert diff(before, after).outputs_not_comparable == ("key",)

    def test_a_secret_inside_what_is_new_is_not_shown_either(self) -> None:
        before = Plan("test", (subnet("one", {}),), {})
        after = Plan("test", (subnet("one", {"block": {"password": Secret("hunter2")}}),), {})
        assert change_of(diff(before, after), "one", "block").after == {"password": Mark.SECRET}


class TestOurStacks:
    @staticmethod
    def changed(root: Path, project: Path, stack: str, **sections: dict[str, Any]) -> Plan:
        """The stack with other settings, from a project of its own."""
        document = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())
        for section, values in sections.items():
            document["config"].setdefault(f"concierge:{section}", {}).update(values)
        (project / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document))
        return plan.run(stack, project)

    def test_another_zone_adds_and_moves_nothing(self, root: Path, project: Path, prod: Plan) -> None:
        primary = yaml.safe_load((root / "Pulumi.prod.yaml").read_text())["config"]["concierge:regions"][
            "primary"
        ]
        more = {**primary, "zones": [*primary["zones"], "use1-az5"]}
        found = diff(prod, self.changed(root, project, "prod", regions={"primary": more}))
        assert (found.replaced, found.removed) == ((), ())
        network = [c for c in found.resources if c.component in {"primary-network", "primary-endpoints"}]
        assert {(c.resource.type, x.path, x.verdict) for c in network for x in c.changes} == {
            ("aws:ec2/networkAcl:NetworkAcl", "subnetIds", "update"),
            ("aws:ec2/vpcEndpoint:VpcEndpoint", "subnetIds", "update"),
            ("aws:ec2/vpcEndpoint:VpcEndpoint", "routeTableIds", "update"),
        }
        assert all("use1-az5" in c.resource.name for c in network if c.kind is Kind.ADDED)
        assert "primary-network-private-use1-az5" in {c.resource.name for c in found.added}

    def test_a_nat_gateway_in_each_zone_moves_routes_and_replaces_nothing(
        self, root: Path, project: Path, prod: Plan
    ) -> None:
        before = self.changed(root, project, "prod", network={"nat": "single"})
        found = diff(before, prod)
        assert (found.replaced, found.removed, found.unknown) == ((), (), ())
        assert {c.resource.type for c in found.added} == {"aws:ec2/natGateway:NatGateway", "aws:ec2/eip:Eip"}
        assert {(c.resource.type, x.path) for c in found.changed for x in c.changes} == {
            ("aws:ec2/route:Route", "natGatewayId")
        }

    def test_dev_and_prod(self, dev: Plan, prod: Plan) -> None:
        found = diff(dev, prod)
        shown = printed(found)
        assert "dev → prod: what is different" in shown
        assert "+   ec2.Vpc vpc" in shown
        assert shown.rstrip().endswith(f"{found.counts[Kind.UNCHANGED]} unchanged")
        assert found.removed == ()
        document = json.loads(json.dumps(as_json(found)))
        assert document["counts"]["added"] == len(found.added)
        assert len(document["resources"]) >= sum(found.counts.values()) - found.counts[Kind.UNCHANGED]


def test_what_is_shown_is_the_decision_its_source_and_what_follows() -> None:
    shown = printed(diff(room(), room("10.0.2.0/24")))
    assert "+/- ec2.Subnet room" in shown
    assert "cidrBlock  10.0.1.0/24 → 10.0.2.0/24  forces replacement" in shown
    assert "↑ cfn AWS::EC2::Subnet createOnlyProperties/CidrBlock" in shown
    assert "subnetId  forces replacement, because ec2.Subnet room is replaced" in shown
    assert "2 replaced, 1 changed, 3 unchanged" in shown


VALUES = st.recursive(
    st.booleans()
    | st.integers(0, 3)
    | st.sampled_from(["a", "b", '{"a": 1}', '{"a": 2}'])
    | st.builds(Secret, st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2),
    max_leaves=5,
)
INPUTS = st.dictionaries(
    st.sampled_from(["cidrBlock", "tags", "vpcId", "odd", "mapPublicIpOnLaunch"]), VALUES
)
PLANS = st.dictionaries(
    st.sampled_from(["one", "two", "three", "four"]),
    st.tuples(INPUTS, st.sampled_from(["one", "two", "three", None])),
).map(lambda found: Plan("test", tuple(subnet(n, i, needs=needs) for n, (i, needs) in found.items()), {}))


@settings(deadline=None)
@given(plan_=PLANS)
def test_no_plan_differs_from_itself(plan_: Plan) -> None:
    assert diff(plan_, plan_).empty


@settings(deadline=None)
@given(before=PLANS, after=PLANS)
def test_what_one_way_adds_the_other_way_removes(before: Plan, after: Plan) -> None:
    there, back = diff(before, after), diff(after, before)
    assert [c.resource for c in there.added] == [c.resource for c in back.removed]
    assert [c.resource for c in there.removed] == [c.resource for c in back.added]


@settings(deadline=None)
@given(before=PLANS, after=PLANS)
def test_every_verdict_has_a_source_and_every_diff_can_be_shown(before: Plan, after: Plan) -> None:
    found = diff(before, after)
    assert all(change.source for resource in found.resources for change in resource.changes)
    assert json.loads(json.dumps(as_json(found)))["counts"]["added"] == len(found.added)
    assert printed(found)


@pytest.mark.parametrize("pattern", ["tags", "*", 'tags["a.b"]', "tags.*", "tags[*]"])
def test_property_paths_of_options(pattern: str) -> None:
    before = Plan("test", (subnet("one", {"tags": {"a.b": "1"}}),), {})
    ignoring = Options(ignore_changes=(pattern,))
    after = Plan("test", (subnet("one", {"tags": {"a.b": "2"}}, options=ignoring),), {})
    assert diff(before, after).empty
