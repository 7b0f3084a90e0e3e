"""`pulumi up --policy-pack policies`: silent about our stacks, and in the way of a violation."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import Rise, deployed
from tests.engine.engine_helpers import Engine, Outcome

pytestmark = pytest.mark.prove
# What no stack may contain, in a program that is otherwise ours.
PLANTED = """
import pulumi
import pulumi_aws as aws

from stacks import estate, settings

made = estate.build(settings.from_pulumi(), project=pulumi.get_project(), stack=pulumi.get_stack())
aws.vpc.SecurityGroupIngressRule(
    "planted",
    security_group_id=aws.ec2.SecurityGroup(
        "open",
        name="open",
        description="open to everyone",
        vpc_id=made.regions["primary"].ground.network.vpc_id,
        opts=pulumi.ResourceOptions(parent=made.regions["primary"]),
    ).id,
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    cidr_ipv4="0.0.0.0/0",
    opts=pulumi.ResourceOptions(parent=made.regions["primary"]),
)
"""


def mandatory(outcome: Outcome) -> list[str]:
    """What is in the way; advice is not."""
    return [v["resourceUrn"] for v in outcome.violations if v["enforcementLevel"] == "mandatory"]


def test_our_stacks_pass(risen: Rise, root: Path):
    outcome = risen.engine.preview("--policy-pack", str(root / "policies"))
    assert outcome.code == 0, outcome.told
    assert mandatory(outcome) == []


def test_a_planted_violation_is_in_the_way(engines: Callable[[str], Engine], root: Path):
    engine = engines("dev")
    engine.setting(deployed("dev"))
    (engine.folder / "stacks").unlink()
    (engine.folder / "stacks").mkdir()
    (engine.folder / "stacks" / "__main__.py").write_text(PLANTED)
    outcome = engine.up("--policy-pack", str(root / "policies"))
    assert outcome.code != 0
    assert {urn.rpartition("::")[2] for urn in mandatory(outcome)} == {"planted"}
    assert not [o for o in engine.world.log if o.name == "planted"], "made all the same"
