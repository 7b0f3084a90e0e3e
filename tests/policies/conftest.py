"""What tests of the policies share."""

import pytest

from plan import Plan
from tests.conftest import Planned

_DIGEST = f"sha256:{'a1' * 32}"
# Everything a stack may have and prod does not switch on by itself.
EVERYTHING = {
    "agent.host": "agentcore",
    "agent.image_digest": _DIGEST,
    "faults.enabled": "true",
    "inference.intent.image_digest": _DIGEST,
    "inference.intent.artifact": "intent/1/model.tar.gz",
    "delivery.enabled": "true",
    "delivery.repository": "shop/concierge",
    "delivery.first": '{stack: dev, role_arn: "arn:aws:iam::111111111111:role/deployer"}',
    "delivery.last": '{stack: prod, role_arn: "arn:aws:iam::222222222222:role/deployer"}',
    "delivery.state_url": "s3://state",
    "delivery.repositories": '["arn:aws:ecr:us-east-1:111111111111:repository/concierge-dev-agent"]',
    "delivery.cli_image": f"pulumi/pulumi-python@{_DIGEST}",
    "fleet.enabled": "true",
    "fleet.image": f"load@{_DIGEST}",
    "fleet.repository_arn": "arn:aws:ecr:us-east-1:111111111111:repository/concierge-prod-agent",
    "fleet.target": "https://shop.example",
}


@pytest.fixture(scope="session")
def full(planned: Planned) -> Plan:
    """prod with AgentCore, a model of our own, pipelines, experiments and the load fleet."""
    return planned("prod", EVERYTHING)
