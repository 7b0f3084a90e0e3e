"""Sealed settings, and another project that reads this one's outputs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.conftest import PAGER, Rise
from tests.engine.engine_helpers import Engine

pytestmark = pytest.mark.prove
READER = """
import pulumi

dev = pulumi.StackReference("organization/concierge/dev")
pulumi.export("vpc", dev.require_output("primary_vpc_id"))
pulumi.export("region", dev.require_output("primary_region"))
"""


@pytest.fixture(scope="module")
def dev_up(rises: Callable[[str], Rise]) -> Engine:
    return rises("dev").engine


def test_a_sealed_setting_reaches_aws_opened_and_the_file_sealed(dev_up: Engine):
    assert PAGER not in dev_up.stack_file.read_text()
    subscribed = [
        thing.inputs["endpoint"].value
        for thing in dev_up.world.things.values()
        if "TopicSubscription::" in thing.urn and "pag" in thing.urn
    ]
    assert subscribed == [PAGER]


def test_another_project_reads_what_this_one_exports(dev_up: Engine, tmp_path: Path):
    (tmp_path / "Pulumi.yaml").write_text("name: reader\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(READER)
    reader = dev_up.beside(tmp_path, "reader")
    outcome = reader.up()
    assert outcome.code == 0, outcome.told
    (vpc,) = [id_ for id_, thing in dev_up.world.things.items() if "ec2/vpc:Vpc::" in thing.urn]
    assert reader.outputs() == {"vpc": vpc, "region": "us-east-1"}


def test_outputs_hold_no_secret_in_clear(dev_up: Engine):
    outputs = dev_up.run("stack", "output", "--json", "--show-secrets")
    assert PAGER not in outputs
    assert not [password for password in dev_up.world.passwords if password in outputs]
