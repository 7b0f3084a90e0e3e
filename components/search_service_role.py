"""The account's one role through which OpenSearch puts interfaces into a VPC (VEC-1).

An account has exactly one, however many domains, regions and environments: whoever asks for a second is
refused, and without the first no domain can stand in a VPC. So a setting says whether this environment makes
it. It stays when the environment goes, for others in the account may live on it.
"""

import pulumi
import pulumi_aws as aws

from components.alarms import Quiet
from components.base import Component

SERVICE = "opensearchservice.amazonaws.com"


class SearchServiceRole(Quiet, Component):
    """That role. Domains must wait for `role`."""

    kind = "data:SearchServiceRole"
    quiet = "IAM publishes nothing; without the role no domain can be made, which `up` says"
    role: aws.iam.ServiceLinkedRole

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.role = aws.iam.ServiceLinkedRole(
            f"{name}-role",
            aws_service_name=SERVICE,
            description="Lets OpenSearch domains of this account stand in VPCs",
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.register_outputs({"arn": self.role.arn})
