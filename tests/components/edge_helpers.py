"""An estate that is only its edge: two regions behind one distribution, planned once for all who ask."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Output

import plan
from components.alarms import Alarms, AlarmsArgs, Watch
from components.assets import Assets, AssetsArgs
from components.balancers import Balancers, BalancersArgs
from components.base import Component
from components.canary import Canary, CanaryArgs, Door
from components.certificate import Certificate, CertificateArgs
from components.dns import Dns, DnsArgs, Stand
from components.edge import HEADER, Edge, EdgeArgs
from components.gateway_account import GatewayAccount, GatewayAccountArgs
from components.gateway_names import GatewayNames, GatewayNamesArgs
from components.gateway_rest import Rate, RestGateway, RestGatewayArgs
from components.gateway_ws import WebSocketGateway, WebSocketGatewayArgs
from components.generated_secret import GeneratedSecret, GeneratedSecretArgs
from components.network_balancer import NetworkBalancer, NetworkBalancerArgs
from components.service_names import ServiceNames, ServiceNamesArgs
from components.waf import WebAcl, WebAclArgs
from components.waf_rules import Limits
from plan import Plan, Resource, Secret

DOMAIN = "shop.example.com"
ZONE = "Z0123456789ABC"
ACCOUNT = "123456789012"
REGIONS = {"primary": "us-east-1", "standby": "us-west-2"}
TOPIC = "arn:aws:sns:us-east-1:123456789012:topic"


def rest_args(args: Mapping[str, Any]) -> RestGatewayArgs:
    """A REST gateway's arguments, with what a test leaves out."""
    rate = Rate(100, 200)
    usual: dict[str, Any] = {
        "environment": "test",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "link_group_id": "sg-link",
        "balancer_arn": "arn:balancer",
        "host": f"balancer.{DOMAIN}",
        "secure": True,
        "user_pool_arn": f"arn:aws:cognito-idp:us-east-1:{ACCOUNT}:userpool/us-east-1_pool",
        "scopes": (),
        "clients": {"web": rate, "canary": Rate(1, 5)},
        "methods": Rate(1_000, 2_000),
        "guest": Rate(50, 100),
        "key_seed": "seed",
        "log_days": 30,
    }
    return RestGatewayArgs(**{**usual, **args})


class Region(Component):
    """What stands in each region."""

    kind = "test:Region"

    def __init__(self, role: str, region: str, secret: GeneratedSecret, keys: GeneratedSecret) -> None:
        provider = aws.Provider(f"aws-{role}", region=region)
        super().__init__(role, pulumi.ResourceOptions(providers=[provider]))
        inside = pulumi.ResourceOptions(parent=self)
        self.certificate = Certificate(
            f"{role}-certificate", CertificateArgs(domain=DOMAIN, zone_id=ZONE), inside
        )
        place: dict[str, Any] = {
            "environment": "test",
            "vpc_id": f"vpc-{role}",
            "subnet_ids": ["subnet-1", "subnet-2"],
            "drain_s": 120,
            "protect": True,
        }
        self.balancers = Balancers(
            f"{role}-balancers",
            BalancersArgs(
                edge_group_id="sg-edge",
                certificate_arn=self.certificate.arn,
                log_bucket="access-logs",
                **place,
            ),
            inside,
        )
        self.network = NetworkBalancer(
            f"{role}-entry",
            NetworkBalancerArgs(
                link_group_id="sg-link", application_arn=self.balancers.listening_arn, secure=True, **place
            ),
            inside,
        )
        ServiceNames(f"{role}-names", ServiceNamesArgs(environment="test", vpc_id=place["vpc_id"]), inside)
        GatewayAccount(
            f"{role}-api-account",
            GatewayAccountArgs(account_id=ACCOUNT, partition="aws", region=region),
            inside,
        )
        self.ws = WebSocketGateway(
            f"{role}-ws",
            WebSocketGatewayArgs(
                environment="test",
                account_id=ACCOUNT,
                balancer_arn=self.network.arn,
                host=f"balancer.{DOMAIN}",
                secure=True,
                tickets_table="concierge-test-tickets",
                tickets_table_arn=f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/concierge-test-tickets",
                origin_digests=secret.digests,
                connections_per_second=500,
                messages_per_second=10_000,
                burst=5_000,
                log_days=30,
            ),
            inside,
        )
        self.rest = RestGateway(
            f"{role}-rest",
            rest_args({"balancer_arn": self.balancers.arn, "key_seed": keys.current}),
            inside,
        )
        self.names = GatewayNames(
            f"{role}-gateway-names",
            GatewayNamesArgs(
                domain=DOMAIN,
                certificate_arn=self.certificate.arn,
                ws_api_id=self.ws.api_id,
                ws_stage=self.ws.stage,
                rest_api_id=self.rest.api_id,
                rest_stage=self.rest.stage,
            ),
            inside,
        )
        self.waf = WebAcl(
            f"{role}-waf",
            WebAclArgs(
                environment="test",
                scope="REGIONAL",
                region=region,
                limits=limits(secret),
                protects={"rest": self.rest.stage_arn},
                blocked_alarm=500,
                log_days=30,
            ),
            inside,
        )
        self.canary = Canary(
            f"{role}-canary",
            CanaryArgs(
                environment="test",
                region=region,
                partition="aws",
                account_id=ACCOUNT,
                region_door=Door(
                    Output.concat("https://", self.rest.endpoint, "/v1"),
                    Output.concat("wss://", self.ws.endpoint, "/ws"),
                ),
                public_door=Door(f"https://{DOMAIN}/v1", f"wss://{DOMAIN}/ws"),
                api_key=self.rest.keys["canary"],
                origin_secret_name=secret.secret_name,
                key_arn=key_arn(region),
                every_minutes=1,
                log_days=30,
            ),
            inside,
        )
        parts = (self.balancers, self.network, self.ws, self.rest, self.waf, self.canary)
        self.alarms = alarms(role, [watch for part in parts for watch in part.alarms()], inside)


def key_arn(region: str) -> str:
    """The key of secrets of a region."""
    return f"arn:aws:kms:{region}:{ACCOUNT}:key/secrets"


def alarms(role: str, watches: list[Watch], inside: pulumi.ResourceOptions) -> Alarms:
    return Alarms(
        f"{role}-alarms",
        AlarmsArgs(environment="test", watches=watches, topics={"page": TOPIC, "ticket": TOPIC}),
        inside,
    )


def limits(secret: GeneratedSecret) -> Limits:
    return Limits(
        rates={"auth": 100, "rest": 100, "chat": 600},
        blocked_countries=("KP",),
        body_bytes=8 * 1024,
        origin_header=HEADER,
        origin_secrets=secret.accepted,
        open_path="/v1/ping",
    )


class World(Component):
    """What there is once: in us-east-1, whatever the regions are."""

    kind = "test:World"

    def __init__(self, generation: int) -> None:
        provider = aws.Provider("aws-global", region="us-east-1")
        super().__init__("global", pulumi.ResourceOptions(providers=[provider]))
        self.inside = pulumi.ResourceOptions(parent=self)
        self.secret, self.keys = (
            GeneratedSecret(
                f"global-{purpose}",
                GeneratedSecretArgs(
                    environment="test",
                    purpose=purpose,
                    generation=number,
                    key_arn=key_arn(REGIONS["primary"]),
                    replica_keys={REGIONS["standby"]: key_arn(REGIONS["standby"])},
                ),
                self.inside,
            )
            for purpose, number in (("origin", generation), ("keys", 1))
        )

    def door(self, stands: Mapping[str, Region]) -> None:
        waf = WebAcl(
            "global-waf",
            WebAclArgs(
                environment="test",
                scope="CLOUDFRONT",
                region="us-east-1",
                limits=limits(self.secret),
                protects={},
                blocked_alarm=500,
                log_days=30,
            ),
            self.inside,
        )
        certificate = Certificate(
            "global-certificate", CertificateArgs(domain=DOMAIN, zone_id=ZONE), self.inside
        )
        edge = Edge(
            "global-edge",
            EdgeArgs(
                environment="test",
                ws_origin=f"ws-origin.{DOMAIN}",
                rest_origin=f"api-origin.{DOMAIN}",
                origin_secret=self.secret.current,
                web_acl_arn=waf.arn,
                domain=DOMAIN,
                certificate_arn=certificate.arn,
                minimum_tls="TLSv1.2_2021",
                price_class="PriceClass_All",
                log_days=30,
                protect=True,
            ),
            Assets(
                "global-assets",
                AssetsArgs(environment="test", region="us-east-1", account_id=ACCOUNT, protect=True),
                self.inside,
            ),
            self.inside,
        )
        Dns(
            "global-dns",
            DnsArgs(
                zone_id=ZONE,
                domain=DOMAIN,
                distribution_domain=edge.domain_name,
                distribution_zone=edge.zone_id,
                stands={
                    role: Stand(
                        region=REGIONS[role],
                        ws=stand.names.ws,
                        rest=stand.names.rest,
                        door=stand.rest.endpoint,
                        alarm=stand.alarms.names["canary-region"],
                    )
                    for role, stand in stands.items()
                },
            ),
            self.inside,
        )
        alarms("global", [*waf.alarms(), *edge.alarms()], self.inside)


@cache
def planned(regions: int = 2, generation: int = 1) -> Plan:
    """The whole edge."""

    def program() -> None:
        world = World(generation)
        stands = {
            role: Region(role, region, world.secret, world.keys)
            for role, region in list(REGIONS.items())[:regions]
        }
        world.door(stands)

    return of(program)


def of(program: Any) -> Plan:
    return plan.of_program(program, project="shop", stack="test", config={})


def opened(value: Any) -> Any:
    """Without the marks of secrets."""
    if isinstance(value, Secret):
        return opened(value.value)
    if isinstance(value, Mapping):
        return {key: opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item) for item in value]
    return value


def kind(made: Plan, token: str) -> list[Resource]:
    """Every resource of a type; there is at least one."""
    found = list(made.of_type(token))
    assert found, f"no {token}"
    return found


def text(resource: Resource, key: str) -> Any:
    """An input that holds JSON."""
    assert key in resource.inputs, f"{resource.name} has no {key}"
    return json.loads(opened(resource.inputs[key]))
