"""One region of the estate, read like the whiteboard. The standby is the same code with another role."""

from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Alarms, AlarmsArgs
from components.base import Component
from components.buckets import Buckets, BucketsArgs
from components.cache import Cache, CacheArgs
from components.documents import ControlsDocument, ControlsDocumentArgs
from components.endpoints import GATEWAYS, Endpoints, EndpointsArgs
from components.keys import Keys
from components.models import Models, ModelsArgs
from components.network import Network, NetworkArgs
from components.notices import Notices, NoticesArgs
from components.place import Place
from components.security_groups import SecurityGroups, SecurityGroupsArgs
from components.stream import Stream, StreamArgs
from components.table_replicas import TableReplicas, TableReplicasArgs
from components.tables import Standby, Tables, TablesArgs
from stacks.settings import RegionSettings, Settings


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
        standby: "RegionStack | None",
    ) -> None:
        super().__init__(role, pulumi.ResourceOptions(providers=[provider]))
        ask = pulumi.InvokeOutputOptions(provider=provider)
        account_id = aws.get_caller_identity_output(opts=ask).account_id
        here = Place(
            partition=aws.get_partition_output(opts=ask).partition, region=place.name, account_id=account_id
        )
        protect = settings.environment.protect
        self.place: RegionSettings = place
        inside = pulumi.ResourceOptions(parent=self)

        self.network = Network(
            f"{role}-network",
            NetworkArgs(
                cidr=place.cidr,
                zones=place.zones,
                account_id=account_id,
                offered_zones=aws.get_availability_zones_output(state="available", opts=ask).zone_ids,
                nat=settings.network.nat,
                flow_log_days=settings.network.flow_log_days,
                protect=settings.environment.protect,
            ),
            inside,
        )
        self.groups = SecurityGroups(
            f"{role}-groups",
            SecurityGroupsArgs(
                vpc_id=self.network.vpc_id,
                prefix_lists={
                    service: aws.ec2.get_prefix_list_output(
                        name=f"com.amazonaws.{place.name}.{service}", opts=ask
                    ).id
                    for service in GATEWAYS
                },
                internet=settings.network.nat != "none",
            ),
            inside,
        )
        subnets = self.network.private_subnet_ids
        self.endpoints = Endpoints(
            f"{role}-endpoints",
            EndpointsArgs(
                region=place.name,
                account_id=account_id,
                vpc_id=self.network.vpc_id,
                preset=settings.network.endpoints,
                subnet_ids=subnets if settings.network.endpoint_zones == "all" else subnets[:1],
                route_table_ids=self.network.private_route_table_ids,
                security_group_id=self.groups.ids["endpoints"],
            ),
            inside,
        )
        self.keys: Keys = keys
        self.buckets: Buckets = Buckets(
            f"{role}-buckets",
            BucketsArgs(
                environment=environment,
                place=here,
                key_arn=keys.arns["objects"],
                copies=standby.buckets.copies if standby else None,
                protect=protect,
            ),
            inside,
        )
        self.tables: Tables | TableReplicas
        if role == "standby":
            self.tables = TableReplicas(
                f"{role}-tables", TableReplicasArgs(environment=environment, place=here), inside
            )
        else:
            self.tables = Tables(
                f"{role}-tables",
                TablesArgs(
                    environment=environment,
                    protect=protect,
                    key_arns=keys.arns,
                    standby=Standby(region=standby.place.name, key_arns=standby.keys.arns)
                    if standby
                    else None,
                ),
                inside,
            )
        data = settings.data
        self.cache = Cache(
            f"{role}-cache",
            CacheArgs(
                environment=environment,
                version=data.cache.version,
                node_type=data.cache.node_type,
                nodes=data.cache.nodes,
                subnet_ids=self.network.isolated_subnet_ids,
                security_group_id=self.groups.ids["cache"],
                key_arn=keys.arns["cache"],
                log_key_arn=keys.arns["logs"],
                log_days=data.cache.log_days,
                maintenance_window=data.cache.maintenance_window,
                snapshot_window=data.cache.snapshot_window,
                snapshot_days=data.cache.snapshot_days,
                protect=protect,
            ),
            inside,
        )
        self.stream = (
            Stream(
                f"{role}-stream",
                StreamArgs(
                    environment=environment,
                    place=here,
                    shards=data.analytics.shards,
                    keep_hours=data.analytics.keep_hours,
                    archive_arn=self.buckets.arns["archive"],
                    archive_key_arn=keys.arns["objects"],
                    key_arn=keys.arns["analytics"],
                    log_key_arn=keys.arns["logs"],
                    log_days=data.analytics.log_days,
                    protect=protect,
                ),
                inside,
            )
            if data.analytics.enabled
            else None
        )
        self.models = Models(
            f"{role}-models",
            ModelsArgs(environment=environment, region=place.name, runtime=settings.runtime),
            inside,
        )
        self.controls = ControlsDocument(
            f"{role}-controls", ControlsDocumentArgs(environment=environment), inside
        )
        pager = settings.notices.pager_url
        self.notices = Notices(
            f"{role}-notices",
            NoticesArgs(
                environment=environment,
                pager_url=Output.secret(pager.get_secret_value()) if pager else None,
                ticket_email=settings.notices.ticket_email,
            ),
            inside,
        )
        self.alarms = Alarms(
            f"{role}-alarms",
            AlarmsArgs(
                environment=environment,
                watches=[
                    *self.models.alarms(),
                    *self.tables.alarms(),
                    *self.buckets.alarms(),
                    *self.cache.alarms(),
                    *(self.stream.alarms() if self.stream else ()),
                ],
                topics=self.notices.topics,
            ),
            inside,
        )
        self.account_id = account_id
        self.register_outputs({"region": place.name, "vpc_id": self.network.vpc_id})

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
