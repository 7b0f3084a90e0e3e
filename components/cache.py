"""The Valkey cache (DATA-3): rate limits, the semantic cache, sessions being used.

A replication group, because only that has encryption, failover and users; one shard, so that a script of the
rate limiter sees all its keys. Nobody has a password: the agent signs in with its IAM role over TLS, as the
one user that is switched on. Whatever is in here can be lost (RUN-9), so a full cache forgets instead of
refusing. What is watched is data, `cache.toml`.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.base import Component
from components.grants import Grant
from contract.alarms import Alarm, Widget, graphs

PORT = 6379
# Parameters belong to a major version; a group of another family is refused.
FAMILIES: Mapping[str, str] = {"7.2": "valkey7", "8.0": "valkey8", "8.1": "valkey8"}
LOGS = ("slow-log", "engine-log")
# Everything but what could stop, empty or reconfigure the server.
ACCESS = "on ~* &* +@all -@admin -@dangerous"


@dataclass(frozen=True, kw_only=True)
class CacheArgs:
    """`nodes`: one for development, else a primary and replicas, each in a zone of its own."""

    environment: str
    version: str
    node_type: str
    nodes: int
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    key_arn: Input[str]
    log_key_arn: Input[str]
    log_days: int
    maintenance_window: str
    snapshot_window: str
    snapshot_days: int
    protect: bool


class Cache(Component):
    """One replication group and who may use it."""

    kind = "data:Cache"
    endpoint: Output[str]
    reader_endpoint: Output[str]
    arn: Output[str]
    user_arn: Output[str]
    user_name: str
    group_id: str

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.group_id = f"concierge-{args.environment}-cache"
        self.user_name = f"concierge-{args.environment}-agent"
        group = self._group(self._users())
        self.endpoint, self.reader_endpoint = group.primary_endpoint_address, group.reader_endpoint_address
        self.arn = group.arn
        self.register_outputs({"endpoint": self.endpoint})

    def grant(self) -> Grant:
        """What a role needs to sign in as the agent."""
        return Grant("UseCache", ["elasticache:Connect"], [self.arn, self.user_arn])

    def _users(self) -> aws.elasticache.UserGroup:
        """The agent, and `default` switched off.

        A group of engine `redis` serves Valkey too, and takes a `default` user without a password: it needs
        none because it has no rights; in a group of engine `valkey` it would have to have one.
        """
        agent = aws.elasticache.User(
            f"{self.name}-agent",
            user_id=self.user_name,
            # IAM sign-in wants both names alike.
            user_name=self.user_name,
            engine="redis",
            authentication_mode={"type": "iam"},
            access_string=ACCESS,
            opts=self.child(),
        )
        nobody = aws.elasticache.User(
            f"{self.name}-nobody",
            user_id=f"concierge-{self._args.environment}-nobody",
            user_name="default",
            engine="redis",
            authentication_mode={"type": "no-password-required"},
            access_string="off -@all",
            opts=self.child(),
        )
        self.user_arn = agent.arn
        return aws.elasticache.UserGroup(
            f"{self.name}-users",
            user_group_id=f"concierge-{self._args.environment}-cache",
            engine="redis",
            user_ids=[agent.user_id, nobody.user_id],
            opts=self.child(),
        )

    def _group(self, users: aws.elasticache.UserGroup) -> aws.elasticache.ReplicationGroup:
        args = self._args
        several = args.nodes > 1
        return aws.elasticache.ReplicationGroup(
            f"{self.name}-group",
            replication_group_id=self.group_id,
            description="Rate limits, semantic cache and sessions of the assistant",
            engine="valkey",
            engine_version=args.version,
            node_type=args.node_type,
            num_cache_clusters=args.nodes,
            automatic_failover_enabled=several,
            multi_az_enabled=several,
            port=PORT,
            parameter_group_name=self._parameters(),
            subnet_group_name=self._subnets(),
            security_group_ids=[args.security_group_id],
            at_rest_encryption_enabled=True,
            kms_key_id=args.key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            user_group_ids=[users.user_group_id],
            maintenance_window=args.maintenance_window,
            snapshot_window=args.snapshot_window,
            snapshot_retention_limit=args.snapshot_days,
            auto_minor_version_upgrade=True,
            apply_immediately=False,
            log_delivery_configurations=[self._log(kind) for kind in LOGS],
            opts=self.child(protect=args.protect),
        )

    def _parameters(self) -> Output[str]:
        return aws.elasticache.ParameterGroup(
            f"{self.name}-parameters",
            name=f"{self.group_id}-{FAMILIES[self._args.version]}",
            family=FAMILIES[self._args.version],
            description="Forget what was not used for long instead of refusing writes",
            parameters=[{"name": "maxmemory-policy", "value": "allkeys-lru"}],
            opts=self.child(),
        ).name

    def _subnets(self) -> Output[str]:
        return aws.elasticache.SubnetGroup(
            f"{self.name}-subnets",
            name=self.group_id,
            description="Isolated subnets",
            subnet_ids=list(self._args.subnet_ids),
            opts=self.child(),
        ).name

    def _log(self, kind: str) -> aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgs:
        """Slow commands and the engine's own words."""
        group = aws.cloudwatch.LogGroup(
            f"{self.name}-{kind}",
            name=f"/concierge/{self._args.environment}/{self.name}/{kind}",
            retention_in_days=self._args.log_days,
            kms_key_id=self._args.log_key_arn,
            opts=self.child(),
        )
        return aws.elasticache.ReplicationGroupLogDeliveryConfigurationArgs(
            log_type=kind, destination_type="cloudwatch-logs", destination=group.name, log_format="json"
        )

    def _nodes(self) -> list[dict[str, str]]:
        """AWS numbers the nodes of a group from 001, and each has one engine, 0001."""
        return [
            {"CacheClusterId": f"{self.group_id}-{number:03}", "CacheNodeId": "0001"}
            for number in range(1, self._args.nodes + 1)
        ]

    def alarms(self) -> list[Watch]:
        """Each node by itself: an average hides the primary behind its idle replicas."""
        return [watch for number, node in enumerate(self._nodes(), 1) for watch in _watches(number, node)]

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/ElastiCache",
            {
                "Cache engine CPU": ("EngineCPUUtilization", "Maximum"),
                "Cache memory": ("DatabaseMemoryUsagePercentage", "Maximum"),
                "Cache evictions": ("Evictions", "Sum"),
                "Cache connections": ("CurrConnections", "Maximum"),
            },
            *self._nodes(),
        )


@cache
def _rules() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("cache.toml").read_text(encoding="utf-8"))


def _watches(number: int, node: Mapping[str, str]) -> list[Watch]:
    usual = {"namespace": "AWS/ElastiCache", "datapoints": 3, "of": 5, "missing": "notBreaching"}
    return [
        Watch(Alarm.model_validate({**usual, "id": f"cache-{number}-{word}", "dimensions": node, **rule}))
        for word, rule in _rules().items()
    ]
