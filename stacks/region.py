"""One region of the estate, read like the whiteboard. The standby is the same code with another role."""

from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.agent_core import AgentCore, AgentCoreArgs, Issuer
from components.agent_ecs import AgentEcs, AgentEcsArgs
from components.alarms import Alarms, AlarmsArgs, Watch
from components.balancers import Balancers, BalancersArgs
from components.base import Component
from components.buckets import Buckets, BucketsArgs
from components.cache import Cache, CacheArgs
from components.canary import Canary, CanaryArgs, Door
from components.certificate import Certificate, CertificateArgs
from components.documents import ControlsDocument, ControlsDocumentArgs
from components.endpoints import GATEWAYS, Endpoints, EndpointsArgs
from components.gateway_account import GatewayAccount, GatewayAccountArgs
from components.gateway_names import GatewayNames, GatewayNamesArgs
from components.gateway_rest import Rate, RestGateway, RestGatewayArgs
from components.gateway_ws import WebSocketGateway, WebSocketGatewayArgs
from components.identity import Identity, IdentityArgs
from components.keys import Keys
from components.models import Models, ModelsArgs
from components.network import Network, NetworkArgs
from components.network_balancer import NetworkBalancer, NetworkBalancerArgs
from components.place import Place
from components.registry import Registry, RegistryArgs
from components.security_groups import SecurityGroups, SecurityGroupsArgs
from components.service import Workload
from components.service_names import ServiceNames, ServiceNamesArgs
from components.stream import Stream, StreamArgs
from components.table_replicas import TableReplicas, TableReplicasArgs
from components.tables import Standby, Tables, TablesArgs
from components.tickets import Tickets, TicketsArgs
from components.traffic import Traffic
from components.waf import WebAcl, WebAclArgs
from stacks.sections.agent import Service
from stacks.settings import RegionSettings, Settings
from stacks.tell import notices
from stacks.workloads import allowed
from stacks.world import World

# What moves to AgentCore when the agent's host is that; the rest stays on ECS.
ON_AGENTCORE = frozenset({"chat", "tools"})


class RegionStack(Component):
    """Everything that stands in one region."""

    kind = "estate:Region"

    def __init__(
        self,
        role: str,
        environment: str,
        settings: Settings,
        place: RegionSettings,
        provider: aws.Provider,
        keys: Keys,
        world: World,
        standby: "RegionStack | None",
    ) -> None:
        super().__init__(role, pulumi.ResourceOptions(providers=[provider]))
        self.role, self.environment, self.settings, self.place = role, environment, settings, place
        self.keys, self.world = keys, world
        self._guarded = settings.environment.protect
        self._ask = pulumi.InvokeOutputOptions(provider=provider)
        self._inside = pulumi.ResourceOptions(parent=self)
        self.account_id = aws.get_caller_identity_output(opts=self._ask).account_id
        self.here = Place(
            partition=aws.get_partition_output(opts=self._ask).partition,
            region=place.name,
            account_id=self.account_id,
        )
        self._lay_network()
        self._keep_data(standby)
        self._tell_and_turn()
        self._open_gateways()
        self._run_agent()
        self._watch()
        self.register_outputs({"region": place.name, "vpc_id": self.network.vpc_id})

    def _lay_network(self) -> None:
        network, place = self.settings.network, self.place
        self.network = Network(
            f"{self.role}-network",
            NetworkArgs(
                cidr=place.cidr,
                zones=place.zones,
                account_id=self.account_id,
                offered_zones=aws.get_availability_zones_output(state="available", opts=self._ask).zone_ids,
                nat=network.nat,
                flow_log_days=network.flow_log_days,
                protect=self._guarded,
            ),
            self._inside,
        )
        self.groups = SecurityGroups(
            f"{self.role}-groups",
            SecurityGroupsArgs(
                vpc_id=self.network.vpc_id,
                prefix_lists={service: self._prefix_list(service) for service in GATEWAYS},
                internet=network.nat != "none",
            ),
            self._inside,
        )
        subnets = self.network.private_subnet_ids
        self.endpoints = Endpoints(
            f"{self.role}-endpoints",
            EndpointsArgs(
                region=place.name,
                account_id=self.account_id,
                vpc_id=self.network.vpc_id,
                preset=network.endpoints,
                subnet_ids=subnets if network.endpoint_zones == "all" else subnets[:1],
                route_table_ids=self.network.private_route_table_ids,
                security_group_id=self.groups.ids["endpoints"],
            ),
            self._inside,
        )

    def _prefix_list(self, service: str) -> Output[str]:
        name = f"com.amazonaws.{self.place.name}.{service}"
        return aws.ec2.get_prefix_list_output(name=name, opts=self._ask).id

    def _keep_data(self, standby: "RegionStack | None") -> None:
        environment, keys, data = self.environment, self.keys.arns, self.settings.data
        self.buckets: Buckets = Buckets(
            f"{self.role}-buckets",
            BucketsArgs(
                environment=environment,
                place=self.here,
                key_arn=keys["objects"],
                copies=standby.buckets.copies if standby else None,
                protect=self._guarded,
            ),
            self._inside,
        )
        self.tables = self._tables(standby)
        self.tickets = Tickets(
            f"{self.role}-tickets", TicketsArgs(environment=environment, key_arn=keys["tables"]), self._inside
        )
        self.cache = Cache(
            f"{self.role}-cache",
            CacheArgs(
                environment=environment,
                subnet_ids=self.network.isolated_subnet_ids,
                security_group_id=self.groups.ids["cache"],
                key_arn=keys["cache"],
                log_key_arn=keys["logs"],
                protect=self._guarded,
                **data.cache.model_dump(),
            ),
            self._inside,
        )
        self.stream = self._stream() if data.analytics.enabled else None

    def _tables(self, standby: "RegionStack | None") -> Tables | TableReplicas:
        """The primary declares the standby's replicas as part of its tables."""
        if self.role == "standby":
            args = TableReplicasArgs(environment=self.environment, place=self.here)
            return TableReplicas(f"{self.role}-tables", args, self._inside)
        replicas = Standby(region=standby.place.name, key_arns=standby.keys.arns) if standby else None
        return Tables(
            f"{self.role}-tables",
            TablesArgs(
                environment=self.environment,
                protect=self._guarded,
                key_arns=self.keys.arns,
                standby=replicas,
            ),
            self._inside,
        )

    def _stream(self) -> Stream:
        analytics, keys = self.settings.data.analytics, self.keys.arns
        return Stream(
            f"{self.role}-stream",
            StreamArgs(
                environment=self.environment,
                place=self.here,
                shards=analytics.shards,
                keep_hours=analytics.keep_hours,
                archive_arn=self.buckets.arns["archive"],
                archive_key_arn=keys["objects"],
                key_arn=keys["analytics"],
                log_key_arn=keys["logs"],
                log_days=analytics.log_days,
                protect=self._guarded,
            ),
            self._inside,
        )

    def _tell_and_turn(self) -> None:
        """Documents the running agent reads, and where alarms go."""
        environment = self.environment
        self.models = Models(
            f"{self.role}-models",
            ModelsArgs(environment=environment, region=self.place.name, runtime=self.settings.runtime),
            self._inside,
        )
        self.controls = ControlsDocument(
            f"{self.role}-controls", ControlsDocumentArgs(environment=environment), self._inside
        )
        self.notices = notices(self.role, environment, self.settings, self.keys.arns["notices"], self._inside)

    def _open_gateways(self) -> None:
        settings, gateway = self.settings, self.settings.gateway
        domain, zone = settings.domain.name, settings.domain.zone_id
        self.identity = Identity(
            f"{self.role}-identity",
            IdentityArgs(
                environment=self.environment,
                place=self.here,
                protect=self._guarded,
                **settings.identity.model_dump(exclude={"permission_boundary_arn"}),
            ),
            self._inside,
        )
        self.certificate = (
            Certificate(
                f"{self.role}-certificate", CertificateArgs(domain=domain, zone_id=zone), self._inside
            )
            if domain is not None and zone is not None
            else None
        )
        self._balance(gateway.drain_s)
        if gateway.account_log_role:
            GatewayAccount(
                f"{self.role}-gateway-account",
                GatewayAccountArgs(
                    account_id=self.account_id, partition=self.here.partition, region=self.place.name
                ),
                self._inside,
            )
        self.ws = self._websocket(f"balancer.{domain or 'internal'}")
        self.rest = self._rest(f"balancer.{domain or 'internal'}")
        self.names = self._gateway_names(domain)
        self.waf = WebAcl(
            f"{self.role}-waf",
            WebAclArgs(
                environment=self.environment,
                scope="REGIONAL",
                region=self.place.name,
                limits=self.world.limits(),
                protects={"rest": self.rest.stage_arn},
                blocked_alarm=settings.waf.blocked_alarm,
                log_days=settings.edge.log_days,
            ),
            self._inside,
        )
        self.canary = self._canary(domain) if settings.edge.canary_minutes else None

    def _balance(self, drain_s: int) -> None:
        certificate = self.certificate.arn if self.certificate else None
        self.balancers = Balancers(
            f"{self.role}-balancers",
            BalancersArgs(
                environment=self.environment,
                vpc_id=self.network.vpc_id,
                subnet_ids=self.network.private_subnet_ids,
                edge_group_id=self.groups.ids["edge"],
                certificate_arn=certificate,
                log_bucket=self.buckets.names["access-logs"],
                drain_s=drain_s,
                protect=self._guarded,
            ),
            self._inside,
        )
        self.entry = NetworkBalancer(
            f"{self.role}-entry",
            NetworkBalancerArgs(
                environment=self.environment,
                vpc_id=self.network.vpc_id,
                subnet_ids=self.network.private_subnet_ids,
                link_group_id=self.groups.ids["link"],
                application_arn=self.balancers.listening_arn,
                secure=certificate is not None,
                drain_s=drain_s,
                protect=self._guarded,
            ),
            self._inside,
        )
        self.service_names = ServiceNames(
            f"{self.role}-service-names",
            ServiceNamesArgs(environment=self.environment, vpc_id=self.network.vpc_id),
            self._inside,
        )

    def _websocket(self, host: str) -> WebSocketGateway:
        gateway = self.settings.gateway
        return WebSocketGateway(
            f"{self.role}-websocket",
            WebSocketGatewayArgs(
                environment=self.environment,
                account_id=self.account_id,
                balancer_arn=self.entry.arn,
                host=host,
                secure=self.certificate is not None,
                tickets_table=self.tickets.table,
                tickets_table_arn=self.tickets.arn,
                origin_digests=self.world.origin_secret.digests,
                log_days=gateway.log_days,
                **gateway.websocket.model_dump(),
            ),
            self._inside,
        )

    def _rest(self, host: str) -> RestGateway:
        rest = self.settings.gateway.rest
        return RestGateway(
            f"{self.role}-rest",
            RestGatewayArgs(
                environment=self.environment,
                subnet_ids=self.network.private_subnet_ids,
                link_group_id=self.groups.ids["link"],
                balancer_arn=self.balancers.arn,
                host=host,
                secure=self.certificate is not None,
                user_pool_arn=self.identity.pool_arn,
                scopes=rest.scopes,
                clients={name: Rate(rate.per_second, rate.burst) for name, rate in rest.clients.items()},
                methods=Rate(rest.per_second, rest.burst),
                guest=Rate(rest.guest_per_second, rest.guest_burst),
                key_seed=self.world.key_seed.current,
                log_days=self.settings.gateway.log_days,
            ),
            self._inside,
        )

    def _gateway_names(self, domain: str | None) -> GatewayNames | None:
        if domain is None or self.certificate is None:
            return None
        return GatewayNames(
            f"{self.role}-gateway-names",
            GatewayNamesArgs(
                domain=domain,
                certificate_arn=self.certificate.arn,
                ws_api_id=self.ws.api_id,
                ws_stage=self.ws.stage,
                rest_api_id=self.rest.api_id,
                rest_stage=self.rest.stage,
            ),
            self._inside,
        )

    def _canary(self, domain: str | None) -> Canary:
        edge = self.settings.edge
        return Canary(
            f"{self.role}-canary",
            CanaryArgs(
                environment=self.environment,
                region=self.place.name,
                partition=self.here.partition,
                account_id=self.account_id,
                region_door=Door(
                    Output.concat("https://", self.rest.endpoint, "/v1"),
                    Output.concat("wss://", self.ws.endpoint, "/ws"),
                ),
                public_door=Door(f"https://{domain}/v1", f"wss://{domain}/ws") if domain else None,
                api_key=self.rest.keys["canary"],
                origin_secret_name=self.world.origin_secret.secret_name,
                every_minutes=edge.canary_minutes,
                log_days=edge.log_days,
            ),
            self._inside,
        )

    def _run_agent(self) -> None:
        agent, keys = self.settings.agent, self.keys.arns
        self.registry = Registry(
            f"{self.role}-registry",
            RegistryArgs(
                environment=self.environment,
                key_arn=keys["images"],
                keep=agent.keep_images,
                scan=agent.scan,
                protect=self._guarded,
            ),
            self._inside,
        )
        moved = ON_AGENTCORE if agent.host == "agentcore" else frozenset()
        shared: dict[str, Any] = {
            "environment": self.environment,
            "place": self.here,
            "repository_arn": self.registry.repository_arn,
            "image": self.registry.image(agent.image_digest),
            "built": agent.image_digest is not None,
            "subnet_ids": self.network.private_subnet_ids,
            "security_group_id": self.groups.ids["agent"],
            "variables": {
                "AWS_REGION": self.place.name,
                "CONCIERGE_ENVIRONMENT": self.environment,
                "CONCIERGE_SETTINGS": self.models.settings_parameter,
                "CONCIERGE_CONTROLS": self.controls.parameter,
            },
            "log_days": agent.log_days,
            "log_key_arn": keys["logs"],
            "boundary": self.settings.identity.permission_boundary_arn,
        }
        self.agent = AgentEcs(
            f"{self.role}-agent",
            AgentEcsArgs(
                services={
                    name: self._workload(name, size) for name, size in agent.services if name not in moved
                },
                repository_name=self.registry.repository_name,
                drain_s=self.settings.runtime.request_s,
                bake_minutes=agent.bake_minutes,
                insights=agent.insights,
                shell=agent.shell,
                **shared,
            ),
            self._inside,
        )
        self.agent_core = self._agent_core(shared) if moved else None

    def _workload(self, name: str, size: Service) -> Workload:
        rollout = self.balancers.rollouts.get(name)
        traffic = (
            Traffic(
                target_group_arn=rollout.target_groups["blue"],
                alternate_target_group_arn=rollout.target_groups["green"],
                rule_arn=rollout.production_rule,
                test_rule_arn=rollout.test_rule,
            )
            if rollout
            else None
        )
        registry = None if rollout else self.service_names.registries.get(name)
        return Workload(
            cpu=size.cpu,
            memory_mb=size.memory_mb,
            minimum=size.minimum,
            maximum=size.maximum,
            grants=allowed(self, name),
            traffic=traffic,
            registry_arn=registry,
        )

    def _agent_core(self, shared: dict[str, Any]) -> AgentCore:
        return AgentCore(
            f"{self.role}-agent-core",
            AgentCoreArgs(
                allowed={name: allowed(self, name) for name in sorted(ON_AGENTCORE)},
                issuer=Issuer(
                    discovery_url=self.identity.discovery_url, client_ids=[self.identity.web_client_id]
                ),
                memory_days=self.settings.agent.memory_days,
                memory_key_arn=self.keys.arns["agent"],
                protect=self._guarded,
                **shared,
            ),
            self._inside,
        )

    def _watch(self) -> None:
        parts = (
            *(self.models, self.tables, self.buckets, self.cache, self.stream),
            *(self.identity, self.balancers, self.entry, self.ws, self.rest, self.waf, self.canary),
            *(self.agent, self.agent_core),
        )
        watches: list[Watch] = [watch for part in parts if part is not None for watch in part.alarms()]
        self.alarms = Alarms(
            f"{self.role}-alarms",
            AlarmsArgs(environment=self.environment, watches=watches, topics=self.notices.topics),
            self._inside,
        )

    def inventory(self) -> dict[str, Input[Any]]:
        """This region's part of the inventory, in the shape of `contract.inventory.RegionInventory`."""
        return {
            "region": self.place.name,
            "tables": self.tables.names,
            "parameters": {
                "settings": self.models.settings_parameter,
                "controls": self.controls.parameter,
            },
            "topics": self.notices.topics,
            "alarms": self.alarms.names,
            "models": self.models.ids,
        }
