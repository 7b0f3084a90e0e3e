"""What there is once, whatever the regions are: the public door and what CloudFront needs in us-east-1."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Alarms, AlarmsArgs, Watched
from components.assets import Assets, AssetsArgs
from components.base import Component
from components.certificate import Certificate, CertificateArgs
from components.config_role import ConfigRole, ConfigRoleArgs
from components.dns import Dns, DnsArgs, Stand
from components.edge import HEADER, Edge, EdgeArgs
from components.generated_secret import GeneratedSecret, GeneratedSecretArgs
from components.keys import Keys, KeysArgs
from components.waf import WebAcl, WebAclArgs
from components.waf_rules import Limits
from contract.alarms import Severity
from stacks.settings import Settings
from stacks.site import standing
from stacks.tell import notices

if TYPE_CHECKING:
    from stacks.region import RegionStack

# CloudFront takes certificates and web ACLs from here only, and has its metrics here.
REGION = "us-east-1"


class World(Component):
    """Made in two steps: the secrets every region asks for, then the door in front of the regions."""

    kind = "estate:World"

    def __init__(
        self,
        environment: str,
        settings: Settings,
        provider: aws.Provider,
        secret_keys: Mapping[str, Output[str]],
    ) -> None:
        """`secret_keys`: region -> its key of secrets."""
        super().__init__("world", pulumi.ResourceOptions(providers=[provider]))
        self._environment, self._settings, self._secret_keys = environment, settings, secret_keys
        self.watched: list[Watched] = []
        self._here = standing(provider, REGION)
        self._inside = pulumi.ResourceOptions(parent=self)
        self.origin_secret = self._secret("origin", settings.edge.origin_secret_generation)
        self.key_seed = self._secret("keys", settings.gateway.rest.key_generation)
        self.token_secret = self._secret("tokens", settings.gateway.token_generation)
        self.secrets = (self.origin_secret, self.key_seed, self.token_secret)
        self.config_role_arn = self._config_role()
        self.register_outputs({"region": REGION})

    def _config_role(self) -> Output[str] | None:
        """AWS Config has one role in an account."""
        rules = self._settings.operations.rules
        if not rules.enabled:
            return None
        return ConfigRole(
            "world-config-role",
            ConfigRoleArgs(
                partition=self._here.partition,
                account_id=self._here.account_id,
                make=rules.linked_role == "make",
            ),
            self._inside,
        ).arn

    def limits(self) -> Limits:
        """What every web ACL refuses (NET-6)."""
        waf = self._settings.waf
        return Limits(
            rates={"auth": waf.auth_rate, "rest": waf.rest_rate, "chat": waf.chat_rate},
            blocked_countries=waf.blocked_countries,
            body_bytes=waf.body_kb * 1024,
            origin_header=HEADER,
            origin_secrets=self.origin_secret.accepted,
            open_path="/v1/ping",
        )

    def open_door(self, regions: "Mapping[str, RegionStack]") -> None:
        """CloudFront with its web ACL before the primary's gateways, and DNS that knows both regions."""
        settings = self._settings
        domain = settings.domain.name
        waf = WebAcl(
            "world-waf",
            WebAclArgs(
                environment=self._environment,
                scope="CLOUDFRONT",
                region=REGION,
                limits=self.limits(),
                protects={},
                blocked_alarm=settings.waf.blocked_alarm,
                log_days=settings.edge.log_days,
            ),
            self._inside,
        )
        edge = self._edge(waf.arn, regions["primary"])
        self.watched += [waf, edge]
        if domain is not None and settings.domain.zone_id is not None:
            self.watched.append(self._names(domain, settings.domain.zone_id, edge, regions))
        topics = self._topics(regions)
        Alarms(
            "world-alarms",
            AlarmsArgs(
                environment=self._environment,
                watches=[watch for part in self.watched for watch in part.alarms()],
                topics=topics,
            ),
            self._inside,
        )

    def _topics(self, regions: "Mapping[str, RegionStack]") -> Mapping[Severity, Input[str]]:
        """Alarms tell topics of their own region only: the estate's here, or topics of our own."""
        for region in regions.values():
            if region.place.name == REGION:
                return region.signals.notices.topics
        own = notices("world", self._environment, self._settings, self._own_keys["notices"], self._inside)
        self.watched.append(own)
        return own.topics

    @cached_property
    def _own_keys(self) -> Mapping[str, Output[str]]:
        """Keys here, where the estate has no region here."""
        return Keys(
            "world-keys",
            KeysArgs(
                environment=self._environment,
                place=self._here,
                regions=[REGION],
                shared_key=None,
                protect=self._settings.environment.protect,
                only=["notices", "secrets"],
            ),
            self._inside,
        ).arns

    def _secret(self, purpose: str, generation: int) -> GeneratedSecret:
        elsewhere = {region: key for region, key in self._secret_keys.items() if region != REGION}
        return GeneratedSecret(
            f"world-{purpose}",
            GeneratedSecretArgs(
                environment=self._environment,
                purpose=purpose,
                generation=generation,
                key_arn=self._secret_keys.get(REGION) or self._own_keys["secrets"],
                replica_keys=elsewhere,
            ),
            self._inside,
        )

    def _edge(self, web_acl_arn: Output[str], primary: "RegionStack") -> Edge:
        settings = self._settings
        domain = settings.domain.name
        certificate = self._certificate()
        return Edge(
            "world-edge",
            EdgeArgs(
                environment=self._environment,
                ws_origin=f"ws-origin.{domain}" if domain else primary.doors.websocket.endpoint,
                rest_origin=f"api-origin.{domain}" if domain else primary.doors.rest.endpoint,
                origin_secret=self.origin_secret.current,
                web_acl_arn=web_acl_arn,
                domain=domain,
                certificate_arn=certificate.arn if certificate else None,
                minimum_tls=settings.edge.minimum_tls,
                price_class=settings.edge.price_class,
                log_days=settings.edge.log_days,
                protect=settings.environment.protect,
            ),
            Assets(
                "world-assets",
                AssetsArgs(
                    environment=self._environment,
                    region=REGION,
                    account_id=self._here.account_id,
                    protect=settings.environment.protect,
                ),
                self._inside,
            ),
            self._inside,
        )

    def _certificate(self) -> Certificate | None:
        domain, zone = self._settings.domain.name, self._settings.domain.zone_id
        if domain is None or zone is None:
            return None
        made = Certificate("world-certificate", CertificateArgs(domain=domain, zone_id=zone), self._inside)
        self.watched.append(made)
        return made

    def _names(self, domain: str, zone: str, edge: Edge, regions: "Mapping[str, RegionStack]") -> Dns:
        """Failing over is an answer of DNS: health checks fed by the canaries, no call to AWS (NET-7)."""
        return Dns(
            "world-dns",
            DnsArgs(
                zone_id=zone,
                domain=domain,
                distribution_domain=edge.domain_name,
                distribution_zone=edge.zone_id,
                stands={role: _stand(region) for role, region in regions.items()},
            ),
            self._inside,
        )


def _stand(region: "RegionStack") -> Stand:
    names = region.doors.names
    if names is None:
        raise ValueError("a region without names of its gateways cannot stand behind a domain")
    return Stand(
        region=region.place.name,
        ws=names.ws,
        rest=names.rest,
        door=region.doors.rest.endpoint,
        alarm=region.alarms.names["canary-region"],
    )
