"""Where something stands, as ARNs want it: partition, region and account. No resource is made here."""

from dataclasses import dataclass

from pulumi import Input, Output


@dataclass(frozen=True, kw_only=True)
class Place:
    """One region of one account."""

    partition: Input[str]
    region: str
    account_id: Input[str]

    def arn(self, service: str, resource: Input[str], *, region: str | None = None) -> Output[str]:
        """`arn:<partition>:<service>:<region>:<account>:<resource>`."""
        place = region or self.region
        return Output.concat("arn:", self.partition, f":{service}:{place}:", self.account_id, ":", resource)

    def ownerless_arn(self, service: str, resource: str, *, region: str | None = None) -> Output[str]:
        """The ARN of what belongs to AWS itself: without an account."""
        return Output.concat("arn:", self.partition, f":{service}:{region or self.region}::{resource}")
