"""The gateways' names behind the edge (NET-7): `ws-origin.` and `api-origin.` below the domain, in each
region.

CloudFront knows only these two names. Which region answers to them is decided by Route 53 (`components.dns`):
both regions stand ready under the same names, so failing over changes nothing in AWS but an answer of DNS.
WebSocket and REST cannot share one name.
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component


@dataclass(frozen=True)
class Alias:
    """Where a name leads in one region."""

    name: str
    target: Output[str]
    zone_id: Output[str]


@dataclass(frozen=True, kw_only=True)
class GatewayNamesArgs:
    """The two APIs and their stages, and a certificate of this region for `*.domain`."""

    domain: str
    certificate_arn: Input[str]
    ws_api_id: Input[str]
    ws_stage: Input[str]
    rest_api_id: Input[str]
    rest_stage: Input[str]


class GatewayNames(Quiet, Component):
    """A regional custom domain for each API."""

    kind = "edge:GatewayNames"
    quiet = "a custom domain has no metric of its own; its requests count for the API behind it"
    ws: Alias
    rest: Alias

    def __init__(self, name: str, args: GatewayNamesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        ws = self._custom("ws", args)
        rest = self._custom("api", args)
        aws.apigatewayv2.ApiMapping(
            f"{name}-ws-mapping",
            api_id=args.ws_api_id,
            domain_name=ws.domain_name,
            stage=args.ws_stage,
            api_mapping_key="ws",
            opts=self.child(),
        )
        aws.apigateway.BasePathMapping(
            f"{name}-api-mapping",
            rest_api=args.rest_api_id,
            domain_name=rest.domain_name,
            stage_name=args.rest_stage,
            base_path="v1",
            opts=self.child(),
        )
        self.ws = _alias(f"ws-origin.{args.domain}", ws)
        self.rest = _alias(f"api-origin.{args.domain}", rest)
        self.register_outputs({"ws": self.ws.name, "rest": self.rest.name})

    def _custom(self, part: str, args: GatewayNamesArgs) -> aws.apigateway.DomainName:
        return aws.apigateway.DomainName(
            f"{self.name}-{part}-name",
            domain_name=f"{part}-origin.{args.domain}",
            regional_certificate_arn=args.certificate_arn,
            endpoint_configuration={"types": "REGIONAL"},
            security_policy="TLS_1_2",
            opts=self.child(),
        )


def _alias(name: str, made: aws.apigateway.DomainName) -> Alias:
    return Alias(name, made.regional_domain_name, made.regional_zone_id)
