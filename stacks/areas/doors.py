"""How people come in: sign-in, gateways, balancers, web ACL, canary (NET-4 to NET-8, RUN-17)."""

from dataclasses import dataclass

from pulumi import Output

from components.alarms import Watched
from components.balancers import Balancers, BalancersArgs
from components.canary import Canary, CanaryArgs, Door
from components.certificate import Certificate, CertificateArgs
from components.gateway_account import GatewayAccount, GatewayAccountArgs
from components.gateway_names import GatewayNames, GatewayNamesArgs
from components.gateway_rest import Rate, RestGateway, RestGatewayArgs
from components.gateway_ws import WebSocketGateway, WebSocketGatewayArgs
from components.identity import Identity, IdentityArgs
from components.network_balancer import NetworkBalancer, NetworkBalancerArgs
from components.service_names import ServiceNames, ServiceNamesArgs
from components.waf import WebAcl, WebAclArgs
from stacks.areas.data import Data
from stacks.areas.ground import Ground
from stacks.site import Site
from stacks.world import World


@dataclass(frozen=True, kw_only=True)
class Doors:
    """From API Gateway to the balancers; CloudFront stands before them, in `stacks.world`."""

    certificate: Certificate | None
    identity: Identity
    balancers: Balancers
    entry: NetworkBalancer
    service_names: ServiceNames
    websocket: WebSocketGateway
    rest: RestGateway
    names: GatewayNames | None
    waf: WebAcl
    token_secret: str
    canary: Canary | None

    @property
    def watched(self) -> list[Watched | None]:
        inner: list[Watched | None] = [self.identity, self.balancers, self.entry, self.canary]
        return [self.certificate, *inner, self.websocket, self.rest, self.waf]


def open_doors(site: Site, ground: Ground, data: Data, world: World) -> Doors:
    settings = site.settings
    certificate = _certificate(site)
    secure = certificate is not None
    identity = Identity(
        site.named("identity"),
        IdentityArgs(
            environment=site.environment,
            place=site.place,
            protect=site.guarded,
            **settings.identity.model_dump(exclude={"permission_boundary_arn"}),
        ),
        site.inside,
    )
    balancers, entry = _balance(site, ground, data, certificate.arn if certificate else None)
    _account(site)
    websocket = _websocket(site, data, world, entry, secure=secure)
    rest = _rest(site, ground, world, balancers, identity, secure=secure)
    return Doors(
        certificate=certificate,
        identity=identity,
        balancers=balancers,
        entry=entry,
        service_names=ServiceNames(
            site.named("service-names"),
            ServiceNamesArgs(environment=site.environment, vpc_id=ground.network.vpc_id),
            site.inside,
        ),
        websocket=websocket,
        rest=rest,
        names=_names(site, certificate, websocket, rest),
        waf=_waf(site, world, rest),
        token_secret=world.token_secret.secret_name,
        canary=_canary(site, world, websocket, rest) if settings.edge.canary_minutes else None,
    )


def _certificate(site: Site) -> Certificate | None:
    domain = site.settings.domain
    if domain.name is None or domain.zone_id is None:
        return None
    return Certificate(
        site.named("certificate"), CertificateArgs(domain=domain.name, zone_id=domain.zone_id), site.inside
    )


def _balance(
    site: Site, ground: Ground, data: Data, certificate_arn: Output[str] | None
) -> tuple[Balancers, NetworkBalancer]:
    balancers = Balancers(
        site.named("balancers"),
        BalancersArgs(
            environment=site.environment,
            vpc_id=ground.network.vpc_id,
            subnet_ids=ground.network.private_subnet_ids,
            edge_group_id=ground.groups.ids["edge"],
            certificate_arn=certificate_arn,
            log_bucket=data.buckets.names["access-logs"],
            drain_s=site.settings.gateway.drain_s,
            protect=site.guarded,
        ),
        site.inside,
    )
    entry = NetworkBalancer(
        site.named("entry"),
        NetworkBalancerArgs(
            environment=site.environment,
            vpc_id=ground.network.vpc_id,
            subnet_ids=ground.network.private_subnet_ids,
            link_group_id=ground.groups.ids["link"],
            application_arn=balancers.listening_arn,
            secure=certificate_arn is not None,
            drain_s=site.settings.gateway.drain_s,
            protect=site.guarded,
        ),
        site.inside,
    )
    return balancers, entry


def _account(site: Site) -> None:
    """An account and region have one role with which API Gateway writes logs."""
    if site.settings.gateway.account_log_role:
        GatewayAccount(
            site.named("gateway-account"),
            GatewayAccountArgs(
                account_id=site.account_id,
                partition=site.place.partition,
                region=site.chosen.name,
                boundary_arn=site.boundary,
            ),
            site.inside,
        )


def _balancer_name(site: Site) -> str:
    """What the gateways ask the balancer for: a name its certificate has."""
    return f"balancer.{site.settings.domain.name or 'internal'}"


def _websocket(
    site: Site, data: Data, world: World, entry: NetworkBalancer, *, secure: bool
) -> WebSocketGateway:
    gateway = site.settings.gateway
    return WebSocketGateway(
        site.named("websocket"),
        WebSocketGatewayArgs(
            environment=site.environment,
            account_id=site.account_id,
            balancer_arn=entry.arn,
            host=_balancer_name(site),
            secure=secure,
            tickets_table=data.tickets.table,
            tickets_table_arn=data.tickets.arn,
            origin_digests=world.origin_secret.digests,
            log_days=gateway.log_days,
            boundary_arn=site.boundary,
            **gateway.websocket.model_dump(),
        ),
        site.inside,
    )


def _rest(
    site: Site, ground: Ground, world: World, balancers: Balancers, identity: Identity, *, secure: bool
) -> RestGateway:
    rest = site.settings.gateway.rest
    return RestGateway(
        site.named("rest"),
        RestGatewayArgs(
            environment=site.environment,
            subnet_ids=ground.network.private_subnet_ids,
            link_group_id=ground.groups.ids["link"],
            balancer_arn=balancers.arn,
            host=_balancer_name(site),
            secure=secure,
            user_pool_arn=identity.pool_arn,
            scopes=rest.scopes,
            clients={name: Rate(rate.per_second, rate.burst) for name, rate in rest.clients.items()},
            methods=Rate(rest.per_second, rest.burst),
            guest=Rate(rest.guest_per_second, rest.guest_burst),
            key_seed=world.key_seed.current,
            log_days=site.settings.gateway.log_days,
        ),
        site.inside,
    )


def _names(
    site: Site, certificate: Certificate | None, websocket: WebSocketGateway, rest: RestGateway
) -> GatewayNames | None:
    domain = site.settings.domain.name
    if domain is None or certificate is None:
        return None
    return GatewayNames(
        site.named("gateway-names"),
        GatewayNamesArgs(
            domain=domain,
            certificate_arn=certificate.arn,
            ws_api_id=websocket.api_id,
            ws_stage=websocket.stage,
            rest_api_id=rest.api_id,
            rest_stage=rest.stage,
        ),
        site.inside,
    )


def _waf(site: Site, world: World, rest: RestGateway) -> WebAcl:
    return WebAcl(
        site.named("waf"),
        WebAclArgs(
            environment=site.environment,
            scope="REGIONAL",
            region=site.chosen.name,
            limits=world.limits(),
            protects={"rest": rest.stage_arn},
            blocked_alarm=site.settings.waf.blocked_alarm,
            log_days=site.settings.edge.log_days,
        ),
        site.inside,
    )


def _canary(site: Site, world: World, websocket: WebSocketGateway, rest: RestGateway) -> Canary:
    edge, domain = site.settings.edge, site.settings.domain.name
    return Canary(
        site.named("canary"),
        CanaryArgs(
            environment=site.environment,
            region=site.chosen.name,
            partition=site.place.partition,
            account_id=site.account_id,
            region_door=Door(
                Output.concat("https://", rest.endpoint, "/v1"),
                Output.concat("wss://", websocket.endpoint, "/ws"),
            ),
            public_door=Door(f"https://{domain}/v1", f"wss://{domain}/ws") if domain else None,
            api_key=rest.keys["canary"],
            origin_secret_name=world.origin_secret.secret_name,
            key_arn=site.keys["secrets"],
            every_minutes=edge.canary_minutes,
            log_days=edge.log_days,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )
