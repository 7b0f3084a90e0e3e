"""Who may reach whom, read back from the rules of a plan: both sides, one side, and addresses."""

import json
from collections.abc import Callable

import pulumi
import pulumi_aws as aws
from rich.console import Console

import plan
from components import security_groups
from plan import Plan, reach
from plan.reach import Row

Groups = dict[str, aws.ec2.SecurityGroup]


def rows_of(declare: Callable[[Groups, pulumi.ResourceOptions], object]) -> list[str]:
    """The table of a program with the groups shop and till: `shop -> till 443/tcp open`."""

    def program() -> None:
        opts = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-east-1"))
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.9.0.0/16", opts=opts)
        groups = {
            role: aws.ec2.SecurityGroup(role, vpc_id=vpc.id, tags={"Role": role}, opts=opts)
            for role in ("shop", "till")
        }
        declare(groups, opts)

    made = plan.of_program(program, project="toy", stack="test", config={})
    return [f"{r.source} -> {r.target} {r.port}/{r.protocol} {r.state}" for r in reach.table(made)]


def leave(groups: Groups, role: str, opts: pulumi.ResourceOptions, **more: object) -> None:
    """A rule out of a group, for 443 if nothing else is said."""
    _rule(aws.vpc.SecurityGroupEgressRule, f"out-{role}", groups[role], opts, more)


def enter(groups: Groups, role: str, opts: pulumi.ResourceOptions, **more: object) -> None:
    """A rule into a group, for 443 if nothing else is said."""
    _rule(aws.vpc.SecurityGroupIngressRule, f"in-{role}", groups[role], opts, more)


def _rule(
    kind: Callable[..., object],
    name: str,
    group: aws.ec2.SecurityGroup,
    opts: pulumi.ResourceOptions,
    more: dict[str, object],
) -> None:
    port = {"ip_protocol": "tcp", "from_port": 443, "to_port": 443}
    kind(f"{name}-{'-'.join(sorted(more))}", security_group_id=group.id, opts=opts, **{**port, **more})


def test_both_stacks_open_what_the_roles_say_and_nothing_else(either: Plan):
    said = [*security_groups.REACH, security_groups.REACH_INTERNET]
    expected = {(s.source, s.target, str(s.port), "tcp", s.why, "open") for s in said}
    regions = {vpc.region for vpc in either.of_type("ec2.Vpc")}
    rows = reach.table(either)
    for region in regions:
        here = {(r.source, r.target, r.port, r.protocol, r.why, r.state) for r in rows if r.region == region}
        assert here == expected
    assert len(rows) == len(expected) * len(regions)


def test_only_agents_and_models_reach_search_and_only_agents_the_internet(either: Plan):
    rows = reach.table(either)
    assert {(r.source, r.port) for r in rows if r.target == "search"} == {("agent", "443"), ("models", "443")}
    assert {r.source for r in rows if r.target == "internet"} == {"agent"}
    assert not [r for r in rows if r.source == "internet"]


def test_rows_come_by_region_and_name(prod: Plan):
    rows = reach.table(prod)
    assert list(rows) == sorted(rows, key=lambda r: (r.region, r.source, r.target))
    assert rows[0] == Row("us-east-1", "agent", "agent", "8080", "tcp", "the tools service, by its name")


def test_the_table_of_one_vpc_holds_its_groups_only(prod: Plan):
    standby = prod.get("standby-network-vpc")
    rows = reach.table(prod, standby.id)
    assert {row.region for row in rows} == {"us-west-2"}
    assert 2 * len(rows) == len(reach.table(prod))


def test_a_way_out_without_a_way_in_does_not_connect():
    assert rows_of(lambda g, o: leave(g, "shop", o, referenced_security_group_id=g["till"].id)) == [
        "shop -> till 443/tcp only out"
    ]


def test_a_way_in_without_a_way_out_does_not_connect():
    assert rows_of(lambda g, o: enter(g, "till", o, referenced_security_group_id=g["shop"].id)) == [
        "shop -> till 443/tcp only in"
    ]


def test_two_rules_on_different_ports_are_two_that_do_not_connect():
    def declare(g: Groups, o: pulumi.ResourceOptions) -> None:
        leave(g, "shop", o, referenced_security_group_id=g["till"].id)
        enter(g, "till", o, referenced_security_group_id=g["shop"].id, from_port=444, to_port=444)

    assert rows_of(declare) == ["shop -> till 443/tcp only out", "shop -> till 444/tcp only in"]


def test_a_pair_of_rules_opens_what_both_let_through():
    def declare(g: Groups, o: pulumi.ResourceOptions) -> None:
        leave(g, "shop", o, referenced_security_group_id=g["till"].id, ip_protocol="-1")
        enter(g, "till", o, referenced_security_group_id=g["shop"].id, from_port=8000, to_port=8100)

    assert rows_of(declare) == ["shop -> till 8000-8100/tcp open"]


def test_addresses_and_prefix_lists_need_no_counterpart():
    def declare(g: Groups, o: pulumi.ResourceOptions) -> None:
        leave(g, "shop", o, cidr_ipv4="0.0.0.0/0")
        leave(g, "shop", o, cidr_ipv6="::/0")
        leave(g, "till", o, prefix_list_id="pl-63a5400a")
        enter(g, "shop", o, cidr_ipv4="192.168.4.0/24")
        enter(g, "till", o, prefix_list_id="pl-3b927c52")

    assert rows_of(declare) == [
        "192.168.4.0/24 -> shop 443/tcp open",
        "cloudfront -> till 443/tcp open",
        "shop -> internet 443/tcp open",
        "till -> s3 443/tcp open",
    ]


def test_a_prefix_list_of_the_plan_goes_by_its_name_and_an_unknown_one_by_its_id():
    def declare(g: Groups, o: pulumi.ResourceOptions) -> None:
        partners = aws.ec2.ManagedPrefixList(
            "partners", name="partners", address_family="IPv4", max_entries=1, opts=o
        )
        leave(g, "shop", o, prefix_list_id=partners.id)
        leave(g, "till", o, prefix_list_id="pl-0123456789abcdef0")

    first, second = rows_of(declare)
    assert first == "shop -> partners 443/tcp open"
    assert second == "till -> pl-0123456789abcdef0 443/tcp open"


def test_a_rule_for_all_addresses_of_the_network_is_a_counterpart():
    """Whoever may leave to everywhere needs no rule of its own for each group that lets it in."""

    def declare(g: Groups, o: pulumi.ResourceOptions) -> None:
        leave(g, "shop", o, cidr_ipv4="0.0.0.0/0")
        enter(g, "till", o, referenced_security_group_id=g["shop"].id)

    assert rows_of(declare) == ["shop -> internet 443/tcp open", "shop -> till 443/tcp open"]


def test_a_group_of_another_plan_is_believed():
    assert rows_of(lambda g, o: leave(g, "shop", o, referenced_security_group_id="sg-elsewhere")) == [
        "shop -> sg-elsewhere 443/tcp open"
    ]


def test_rules_within_a_role_and_rules_written_into_a_group_count_too():
    def declare(g: Groups, o: pulumi.ResourceOptions) -> None:
        aws.ec2.SecurityGroup(
            "nodes",
            vpc_id=g["shop"].vpc_id,
            ingress=[{"protocol": "tcp", "from_port": 9300, "to_port": 9300, "self": True}],
            egress=[
                {"protocol": "tcp", "from_port": 9300, "to_port": 9300, "self": True},
                {"protocol": "tcp", "from_port": 80, "to_port": 80, "security_groups": [g["till"].id]},
            ],
            opts=o,
        )

    assert rows_of(declare) == ["nodes -> nodes 9300/tcp open", "nodes -> till 80/tcp only out"]


def test_rules_of_the_older_resource_type_count_too():
    def declare(g: Groups, o: pulumi.ResourceOptions) -> None:
        for kind, near, far in (("egress", "shop", "till"), ("ingress", "till", "shop")):
            aws.ec2.SecurityGroupRule(
                kind,
                type=kind,
                security_group_id=g[near].id,
                source_security_group_id=g[far].id,
                protocol="-1",
                from_port=0,
                to_port=0,
                opts=o,
            )

    assert rows_of(declare) == ["shop -> till all/all open"]


def test_the_table_for_people_says_what_does_not_connect():
    rows = [
        Row("us-east-1", "shop", "till", "443", "tcp", "paying"),
        Row("us-east-1", "till", "bank", "443", "tcp", "money", "only out"),
    ]
    console = Console(width=120, record=True)
    console.print(reach.render(rows))
    said = console.export_text().splitlines()
    assert said[0].split() == ["region", "from", "to", "port", "why"]
    assert said[1].split() == ["us-east-1", "shop", "till", "443/tcp", "paying"]
    assert said[2].split(maxsplit=3) == ["till", "bank", "443/tcp", "only out: does not connect. money"]


def test_the_table_for_programs_has_one_object_a_row(dev: Plan):
    rows = reach.table(dev)
    objects = json.loads(json.dumps(reach.as_json(rows)))
    assert [Row(**each) for each in objects] == list(rows)
