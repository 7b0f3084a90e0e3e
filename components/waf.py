"""A web ACL before an entry (NET-6): before the CloudFront distribution, or before a region's REST API.

The first judges everything people send, handshakes of WebSocket connections included; the messages inside a
connection no WAF ever sees, so the runtime checks those itself (RUN-12). The second keeps out whoever goes
round the first. Rules are data: `waf_rules.toml`.

CLOUDFRONT scope exists in us-east-1 only: hand over a provider of that region.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.waf_rules import Limits, Rule, Scope, rules, statement
from contract.alarms import Alarm, Widget

# Never written into the log: tokens, tickets, keys, and what a URL carries behind its question mark.
REDACTED_HEADERS = ("authorization", "sec-websocket-protocol", "x-api-key", "x-concierge-origin", "cookie")


@dataclass(frozen=True, kw_only=True)
class WebAclArgs:
    """`protects`: name -> ARN of what it stands before; CloudFront names its web ACL itself.

    `blocked_alarm`: blocked requests a minute that are no longer the usual noise. `region` is a dimension of
    the metrics of a REGIONAL one.
    """

    environment: str
    scope: Scope
    region: str
    limits: Limits
    protects: Mapping[str, Input[str]]
    blocked_alarm: int
    log_days: int


class WebAcl(Component):
    """The rules, what they stand before, and a log of what they refused."""

    kind = "edge:WebAcl"
    arn: Output[str]

    def __init__(self, name: str, args: WebAclArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self._metric = f"concierge-{args.environment}-{args.scope.lower()}"
        acl = self._make_acl()
        for part, arn in args.protects.items():
            aws.wafv2.WebAclAssociation(
                f"{name}-before-{part}", web_acl_arn=acl.arn, resource_arn=arn, opts=self.child()
            )
        self._log(acl)
        self.arn = acl.arn
        self.register_outputs({"arn": self.arn})

    def _make_acl(self) -> aws.wafv2.WebAcl:
        args = self._args
        return aws.wafv2.WebAcl(
            f"{self.name}-acl",
            name=self._metric,
            description="What may reach the gateways.",
            scope=args.scope,
            default_action={"allow": {}},
            rules=[
                _rule(number, rule, args.limits) for number, rule in enumerate(rules(args.scope, args.limits))
            ],
            visibility_config={
                "cloudwatch_metrics_enabled": True,
                "metric_name": self._metric,
                "sampled_requests_enabled": False,
            },
            opts=self.child(),
        )

    def _log(self, acl: aws.wafv2.WebAcl) -> None:
        group = aws.cloudwatch.LogGroup(
            f"{self.name}-log",
            # WAF takes only a group whose name begins like this.
            name=f"aws-waf-logs-{self._metric}",
            retention_in_days=self._args.log_days,
            opts=self.child(),
        )
        headers: list[Any] = [{"single_header": {"name": header}} for header in REDACTED_HEADERS]
        aws.wafv2.WebAclLoggingConfiguration(
            f"{self.name}-logging",
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[*headers, {"query_string": {}}],
            # What was let through is in the access logs; all of it here would cost more than it tells.
            logging_filter={
                "default_behavior": "DROP",
                "filters": [
                    {
                        "behavior": "KEEP",
                        "requirement": "MEETS_ANY",
                        "conditions": [
                            {"action_condition": {"action": "BLOCK"}},
                            {"action_condition": {"action": "COUNT"}},
                        ],
                    }
                ],
            },
            opts=self.child(),
        )

    def _dimensions(self) -> dict[str, str]:
        region = {"Region": self._args.region} if self._args.scope == "REGIONAL" else {}
        return {"WebACL": self._metric, "Rule": "ALL", **region}

    def alarms(self) -> list[Watch]:
        return [
            Watch(
                Alarm(
                    id=f"waf-blocks-{self._args.scope.lower()}",
                    namespace="AWS/WAFV2",
                    metric="BlockedRequests",
                    dimensions=self._dimensions(),
                    statistic="Sum",
                    threshold=self._args.blocked_alarm,
                    datapoints=3,
                    of=5,
                    missing="notBreaching",
                    severity="page",
                    impact="Many requests are refused: an attack, or a rule that locks out customers.",
                    runbook="waf-blocks",
                )
            )
        ]

    def widgets(self) -> list[Widget]:
        return [
            Widget(
                title=f"{title} ({self._args.scope.lower()})",
                namespace="AWS/WAFV2",
                metric=metric,
                statistic="Sum",
                dimensions=(self._dimensions(),),
            )
            for title, metric in (("Blocked requests", "BlockedRequests"), ("Let through", "AllowedRequests"))
        ]


def _rule(number: int, rule: Rule, limits: Limits) -> aws.wafv2.WebAclRuleArgsDict:
    made: aws.wafv2.WebAclRuleArgsDict = {
        "name": rule.name,
        "priority": number,
        "statement": statement(rule, limits),
        # Sampled requests would show in the console what the log leaves out.
        "visibility_config": {
            "cloudwatch_metrics_enabled": True,
            "metric_name": rule.name,
            "sampled_requests_enabled": False,
        },
    }
    if rule.kind == "managed":
        made["override_action"] = {"none": {}}  # a rule group brings its own actions: they stay
    else:
        made["action"] = {"block": {}}
    return made
