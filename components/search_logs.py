"""Where the search domain writes: slow searches and writes, the engine's own words, and who did what (VEC-1).

The domain may only begin once the service may write, so it waits for `ready`. What counts as slow is a
setting of the index (`contract/search.toml`); the audit begins when the set-up switches it on.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component
from components.place import Place

KINDS: Mapping[str, str] = {
    "slow-searches": "SEARCH_SLOW_LOGS",
    "slow-writes": "INDEX_SLOW_LOGS",
    "engine": "ES_APPLICATION_LOGS",
    "audit": "AUDIT_LOGS",
}


@dataclass(frozen=True, kw_only=True)
class SearchLogsArgs:
    """`domain_arn`: the one domain that may write."""

    environment: str
    place: Place
    domain_arn: Input[str]
    key_arn: Input[str]
    days: int


class SearchLogs(Component):
    """A log group each, and the service's right to write into them."""

    kind = "data:SearchLogs"
    arns: Mapping[str, Output[str]]
    ready: pulumi.Resource

    def __init__(self, name: str, args: SearchLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self.arns = {kind: self._group(word, args).arn for word, kind in KINDS.items()}
        self.ready = aws.cloudwatch.LogResourcePolicy(
            f"{name}-writer",
            policy_name=f"concierge-{args.environment}-search",
            policy_document=Output.json_dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "WriteSearchLogs",
                            "Effect": "Allow",
                            "Principal": {"Service": "es.amazonaws.com"},
                            "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:PutLogEventsBatch"],
                            "Resource": [Output.concat(arn, ":*") for arn in self.arns.values()],
                            "Condition": {
                                "StringEquals": {"aws:SourceAccount": args.place.account_id},
                                "ArnEquals": {"aws:SourceArn": args.domain_arn},
                            },
                        }
                    ],
                }
            ),
            opts=self.child(),
        )
        self.register_outputs({})

    def _group(self, word: str, args: SearchLogsArgs) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{self.name}-{word}",
            name=f"/concierge/{args.environment}/{self.name}/{word}",
            retention_in_days=args.days,
            kms_key_id=args.key_arn,
            opts=self.child(),
        )
