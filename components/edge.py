"""CloudFront: the one public door (NET-7). Static files, the REST API and the WebSocket API behind one name.

It stands before the WebSocket API because WAF cannot. To both APIs it sends a secret header that their own
addresses ask for, so that nobody goes round it. The APIs are named by `ws-origin.` and `api-origin.` of the
domain: which region answers is Route 53's business, the distribution never changes for a failover.

Everything here is global, and lives in us-east-1: hand over a provider of that region.
"""

from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.assets import Assets
from components.base import Component
from contract.alarms import Alarm, Severity, Widget, graphs

# AWS's own policies have the same ids in every account (CloudFront developer guide, managed policies).
CACHE_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHE_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
YEAR_S = 31_536_000
HEADER = "X-Concierge-Origin"
# No query string, no cookie, no referrer: what they carry has no place in a log.
LOGGED = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs-uri-stem",
    "sc-status",
    "cs(User-Agent)",
    "x-edge-result-type",
    "x-edge-request-id",
    "cs-protocol",
    "time-taken",
    "ssl-protocol",
    "cs-protocol-version",
    "time-to-first-byte",
)

MinimumTls = Literal["TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"]
PriceClass = Literal["PriceClass_100", "PriceClass_200", "PriceClass_All"]


@dataclass(frozen=True, kw_only=True)
class EdgeArgs:
    """`ws_origin`, `rest_origin`: host names. `domain` and `certificate_arn` (of us-east-1) come together;
    without them the distribution has CloudFront's own name and certificate, for development only."""

    environment: str
    ws_origin: Input[str]
    rest_origin: Input[str]
    origin_secret: Input[str]
    web_acl_arn: Input[str]
    domain: str | None
    certificate_arn: Input[str] | None
    minimum_tls: MinimumTls
    price_class: PriceClass
    log_days: int
    protect: bool


class Edge(Component):
    """The distribution, its headers, its log."""

    kind = "edge:Edge"
    distribution_id: Output[str]
    distribution_arn: Output[str]
    domain_name: Output[str]
    zone_id: Output[str]

    def __init__(
        self, name: str, args: EdgeArgs, assets: Assets, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        if (args.domain is None) != (args.certificate_arn is None):
            raise ValueError("a domain needs a certificate and the other way round: set both or neither")
        self._args = args
        self._distribution = self._make_distribution(assets)
        self._log()
        assets.admit(self._distribution.arn)
        self.distribution_id = self._distribution.id
        self.distribution_arn = self._distribution.arn
        self.domain_name = self._distribution.domain_name
        self.zone_id = self._distribution.hosted_zone_id
        self.register_outputs({"distribution_id": self.distribution_id})

    def _make_distribution(self, assets: Assets) -> aws.cloudfront.Distribution:
        args = self._args
        control = aws.cloudfront.OriginAccessControl(
            f"{self.name}-assets-access",
            name=f"concierge-{args.environment}-assets",
            description="Signs what is read from the assets bucket.",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self.child(),
        )
        headers = self._headers()
        return aws.cloudfront.Distribution(
            f"{self.name}-distribution",
            comment=f"concierge {args.environment}",
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class=args.price_class,
            web_acl_id=args.web_acl_arn,
            aliases=[args.domain] if args.domain else [],
            default_root_object="index.html",
            origins=[
                {
                    "origin_id": "assets",
                    "domain_name": assets.regional_domain,
                    "origin_access_control_id": control.id,
                },
                self._gateway("ws", args.ws_origin),
                self._gateway("rest", args.rest_origin),
            ],
            default_cache_behavior={
                "target_origin_id": "assets",
                "viewer_protocol_policy": "redirect-to-https",
                "allowed_methods": ["GET", "HEAD", "OPTIONS"],
                "cached_methods": ["GET", "HEAD"],
                "cache_policy_id": CACHE_OPTIMIZED,
                "response_headers_policy_id": headers.id,
                "compress": True,
            },
            ordered_cache_behaviors=[_uncached("/ws", "ws"), _uncached("/v1/*", "rest")],
            restrictions={"geo_restriction": {"restriction_type": "none"}},  # WAF's business
            viewer_certificate=self._certificate(),
            opts=self.child(protect=args.protect),
        )

    def _gateway(self, origin: str, host: Input[str]) -> aws.cloudfront.DistributionOriginArgsDict:
        return {
            "origin_id": origin,
            "domain_name": host,
            "custom_headers": [{"name": HEADER, "value": self._args.origin_secret}],
            "custom_origin_config": {
                "http_port": 80,
                "https_port": 443,
                "origin_protocol_policy": "https-only",
                "origin_ssl_protocols": ["TLSv1.2"],
                # Longer than API Gateway's 29 s: its answer counts, not our impatience.
                "origin_read_timeout": 35,
                "origin_keepalive_timeout": 60,
            },
        }

    def _certificate(self) -> aws.cloudfront.DistributionViewerCertificateArgsDict:
        args = self._args
        if args.certificate_arn is None:
            # With CloudFront's own certificate CloudFront alone decides on TLS versions.
            return {"cloudfront_default_certificate": True}
        return {
            "acm_certificate_arn": args.certificate_arn,
            "minimum_protocol_version": args.minimum_tls,
            "ssl_support_method": "sni-only",
        }

    def _headers(self) -> aws.cloudfront.ResponseHeadersPolicy:
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{self.name}-headers",
            name=f"concierge-{self._args.environment}-security",
            comment="What browsers must hold to with our pages.",
            security_headers_config={
                "strict_transport_security": {
                    "access_control_max_age_sec": YEAR_S,
                    "include_subdomains": True,
                    "preload": True,
                    "override": True,
                },
                "content_type_options": {"override": True},
                "frame_options": {"frame_option": "DENY", "override": True},
                "referrer_policy": {"referrer_policy": "strict-origin-when-cross-origin", "override": True},
                "content_security_policy": {
                    "content_security_policy": (
                        "default-src 'self'; connect-src 'self'; object-src 'none'; "
                        "base-uri 'none'; frame-ancestors 'none'"
                    ),
                    "override": True,
                },
            },
            opts=self.child(),
        )

    def _log(self) -> None:
        """Standard logging of the second kind: it lets us choose what is written."""
        args = self._args
        group = aws.cloudwatch.LogGroup(
            f"{self.name}-access",
            name=f"/concierge/{args.environment}/edge/access",
            retention_in_days=args.log_days,
            opts=self.child(),
        )
        source = aws.cloudwatch.LogDeliverySource(
            f"{self.name}-log-source",
            name=f"concierge-{args.environment}-edge",
            log_type="ACCESS_LOGS",
            resource_arn=self._distribution.arn,
            opts=self.child(),
        )
        destination = aws.cloudwatch.LogDeliveryDestination(
            f"{self.name}-log-destination",
            name=f"concierge-{args.environment}-edge",
            output_format="json",
            delivery_destination_configuration={"destination_resource_arn": group.arn},
            opts=self.child(),
        )
        aws.cloudwatch.LogDelivery(
            f"{self.name}-log-delivery",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            record_fields=list(LOGGED),
            opts=self.child(),
        )

    def alarms(self) -> list[Watch]:
        """Of metrics that exist in us-east-1 only."""
        return [
            self._alarm(
                "edge-5xx",
                "5xxErrorRate",
                1,
                "page",
                "More than 1 % of requests at the public address fail.",
                "region-failover",
            ),
            self._alarm(
                "edge-4xx",
                "4xxErrorRate",
                25,
                "ticket",
                "A quarter of requests at the public address is refused: a broken client, or an attack.",
                "waf-blocks",
            ),
        ]

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/CloudFront",
            {
                "Requests at the public address": ("Requests", "Sum"),
                "5xx at the public address, percent": ("5xxErrorRate", "Average"),
                "4xx at the public address, percent": ("4xxErrorRate", "Average"),
            },
            {"Region": "Global"},
            across=("DistributionId",),
        )

    def _alarm(
        self,
        id_: str,
        metric: str,
        threshold: float,
        severity: Severity,
        impact: str,
        runbook: str,
    ) -> Watch:
        return Watch(
            Alarm(
                id=id_,
                namespace="AWS/CloudFront",
                metric=metric,
                dimensions={"Region": "Global"},
                computed=("DistributionId",),
                statistic="Average",
                threshold=threshold,
                datapoints=3,
                of=5,
                missing="notBreaching",
                severity=severity,
                impact=impact,
                runbook=runbook,
            ),
            {"DistributionId": self._distribution.id},
        )


def _uncached(path: str, origin: str) -> aws.cloudfront.DistributionOrderedCacheBehaviorArgsDict:
    return {
        "path_pattern": path,
        "target_origin_id": origin,
        "viewer_protocol_policy": "https-only",
        "allowed_methods": ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"],
        "cached_methods": ["GET", "HEAD"],
        "cache_policy_id": CACHE_DISABLED,
        # The gateway answers to its own name only: the viewer's Host header stays here.
        "origin_request_policy_id": ALL_BUT_HOST,
        "compress": False,
    }
