"""AgentCore: the agent in our network, at a version that stays, with what it remembers under our key."""

from typing import Any

from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.terraform.checks.resource.base_resource_check import BaseResourceCheck
from checkov.terraform.checks.resource.base_resource_value_check import BaseResourceValueCheck

ANY = "CKV_ANY"


class RuntimeInNetwork(BaseResourceValueCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure the AgentCore runtime is in a VPC, where endpoints and security groups hold it",
            id="CKV_CONCIERGE_1",
            categories=[CheckCategories.NETWORKING],
            supported_resources=["aws_bedrockagentcore_agent_runtime"],
        )

    def get_inspected_key(self) -> str:
        return "network_configuration/[0]/network_mode"

    def get_expected_value(self) -> str:
        return "VPC"


class RuntimeByDigest(BaseResourceCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure the AgentCore runtime names its image by digest: a tag leaves the old code serving",
            id="CKV_CONCIERGE_2",
            categories=[CheckCategories.SUPPLY_CHAIN],
            supported_resources=["aws_bedrockagentcore_agent_runtime"],
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        images = [
            container["container_uri"][0]
            for artifact in conf.get("agent_runtime_artifact", [])
            for container in artifact.get("container_configuration", [])
        ]
        self.evaluated_keys = ["agent_runtime_artifact"]
        return CheckResult.PASSED if all("@sha256:" in image for image in images) else CheckResult.FAILED


class EndpointPinned(BaseResourceValueCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure the AgentCore endpoint is pinned to a version of its runtime",
            id="CKV_CONCIERGE_3",
            categories=[CheckCategories.SUPPLY_CHAIN],
            supported_resources=["aws_bedrockagentcore_agent_runtime_endpoint"],
        )

    def get_inspected_key(self) -> str:
        return "agent_runtime_version"

    def get_expected_value(self) -> str:
        return ANY


class MemoryUnderOwnKey(BaseResourceValueCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure AgentCore memory is encrypted with a customer managed key",
            id="CKV_CONCIERGE_4",
            categories=[CheckCategories.ENCRYPTION],
            supported_resources=["aws_bedrockagentcore_memory"],
        )

    def get_inspected_key(self) -> str:
        return "encryption_key_arn"

    def get_expected_value(self) -> str:
        return ANY


class GatewayAsksWho(BaseResourceCheck):
    def __init__(self) -> None:
        super().__init__(
            name="Ensure the AgentCore gateway asks callers who they are and keeps its secrets under our key",
            id="CKV_CONCIERGE_5",
            categories=[CheckCategories.IAM],
            supported_resources=["aws_bedrockagentcore_gateway"],
        )

    def scan_resource_conf(self, conf: dict[str, Any]) -> CheckResult:
        self.evaluated_keys = ["authorizer_type", "kms_key_arn"]
        asked = conf.get("authorizer_type", [None])[0] in {"AWS_IAM", "CUSTOM_JWT"}
        return CheckResult.PASSED if asked and conf.get("kms_key_arn") else CheckResult.FAILED


RuntimeInNetwork()
RuntimeByDigest()
EndpointPinned()
MemoryUnderOwnKey()
GatewayAsksWho()
