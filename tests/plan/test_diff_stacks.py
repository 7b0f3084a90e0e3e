"""Our own stacks compared, and what a person gets to read."""

import json
from pathlib import Path
from typing import Any

import yaml

import plan
from plan import Plan
from plan.diff import Kind, as_json, diff
from tests.plan.diff_helpers import printed, room


class TestOurStacks:
    @staticmethod
    def changed(root: Path, project: Path, stack: str, **sections: dict[str, Any]) -> Plan:
        """The stack with other settings, from a project of its own."""
        document = yaml.safe_load((root / f"Pulumi.{stack}.yaml").read_text())
        for section, values in sections.items():
            document["config"].setdefault(f"concierge:{section}", {}).update(values)
        (project / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document))
        return plan.once(stack, project, {})

    def test_another_zone_adds_and_moves_nothing(self, root: Path, project: Path, prod: Plan) -> None:
        primary = yaml.safe_load((root / "Pulumi.prod.yaml").read_text())["config"]["concierge:regions"][
            "primary"
        ]
        more = {**primary, "zones": [*primary["zones"], "use1-az5"]}
        found = diff(prod, self.changed(root, project, "prod", regions={"primary": more}))
        assert found.removed == ()
        # A VPC link keeps the subnets it was made with: a new one is made before the old one goes.
        assert [c.resource.name for c in found.replaced] == ["primary-rest-link"]
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
        assert {c.resource.type for c in found.added} == {
            *("aws:ec2/natGateway:NatGateway", "aws:ec2/eip:Eip"),
            "aws:cloudwatch/metricAlarm:MetricAlarm",  # each watched by itself
        }
        assert {(c.resource.type, x.path) for c in found.changed for x in c.changes} == {
            ("aws:ec2/route:Route", "natGatewayId"),
            ("aws:s3/bucketObjectv2:BucketObjectv2", "content"),  # the inventory, which names alarms
            ("aws:cloudwatch/dashboard:Dashboard", "dashboardBody.widgets[1].properties.alarms"),
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
