"""How inputs and outputs are compared: documents, lists, secrets, and what holds for any two plans."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plan import Plan, Secret, saved
from plan.diff import Kind, Mark, as_json, diff
from tests.plan.diff_helpers import change_of, planned, printed, single, subnet


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

    @pytest.mark.parametrize("name", ["value", "insecureValue", "content", "userData", "odd"])
    def test_other_text_is_text_even_if_it_reads_as_a_document(self, name: str) -> None:
        one, other = '{"a": 1, "b": 2}', '{"b": 2, "a": 1}'
        before, after = (Plan("test", (subnet("one", {name: text}),), {}) for text in (one, other))
        change = change_of(diff(before, after), "one", name)
        assert (change.before, change.after) == (one, other)

    def test_and_so_is_a_tag_that_is_called_like_a_document(self) -> None:
        texts = ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}')
        before, after = (Plan("test", (subnet("one", {"tags": {"policy": t}}),), {}) for t in texts)
        assert [c.path for c in diff(before, after).get("one").changes] == ["tags.policy"]

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

    def test_indexes_in_another_order_are_the_same_table(self) -> None:
        def table(*names: str) -> Plan:
            return single(
                aws.dynamodb.Table,
                hash_key="id",
                attributes=[{"name": "id", "type": "S"}],
                local_secondary_indexes=[
                    {"name": name, "rangeKey": name, "projectionType": "ALL"} for name in names
                ],
            )

        assert diff(table("a", "b"), table("b", "a")).empty
        more = diff(table("a", "b"), table("c", "b", "a"))
        assert [c.path for c in more.get("it").changes] == ["localSecondaryIndexes[2]"]
        assert more.get("it").kind is Kind.REPLACED

    def test_nor_does_the_order_of_what_is_in_one_replace_it(self) -> None:
        def table(*attributes: str, names: tuple[str, ...] = ("a", "b")) -> Plan:
            indexes = [
                {"name": n, "rangeKey": n, "projectionType": "INCLUDE", "nonKeyAttributes": [*attributes]}
                for n in names
            ]
            return single(aws.dynamodb.Table, hash_key="id", local_secondary_indexes=indexes)

        for names in (("a", "b"), ("b", "a")):
            turned = diff(table("x", "y"), table("y", "x", names=names))
            assert turned.replaced == ()
            change = change_of(turned, "it", "localSecondaryIndexes[0].nonKeyAttributes")
            assert (change.verdict, "another order" in change.note) == ("unknown", True)
        assert diff(table("x", "y"), table("x", "z")).get("it").kind is Kind.REPLACED

    def test_the_order_of_other_lists_counts(self) -> None:
        def group(*zones: str) -> Plan:
            return single(
                aws.elasticache.ReplicationGroup, description="d", preferred_cache_cluster_azs=list(zones)
            )

        assert diff(group("a", "b"), group("b", "a")).get("it").kind is Kind.REPLACED

    def test_true_is_not_one(self) -> None:
        before, after = (Plan("test", (subnet("one", {"tags": v}),), {}) for v in ({"a": [True]}, {"a": [1]}))
        assert not diff(before, after).empty

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
