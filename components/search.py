"""The search domain (VEC-1): OpenSearch with vectors, in the VPC, opened by roles alone.

There is no user and no password: requests are signed by IAM roles. Two locks stand one behind the other.
The access policy lets named roles use named methods on the paths of the index; within, fine-grained access
control maps the same roles to what they may do (`contract/search_setup.toml`), and one role, the master, may
change that. The policy names the account, with the roles in a condition: a role may be made after the domain,
and one that was made again still fits. Snapshots by the service are hourly whatever is set, so no hour is.

What fits on which nodes is checked where it is set (`stacks/sections/search.py`).
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
from components.place import Place
from components.search_logs import SearchLogs, SearchLogsArgs
from contract.alarms import Alarm, Widget, graphs
from contract.search import index

TLS = "Policy-Min-TLS-1-2-PFS-2023-10"
LONGEST_NAME = 28
_READ = ("es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost")
_WRITE = (*_READ, "es:ESHttpPut")
_ADMINISTER = (*_WRITE, "es:ESHttpDelete", "es:ESHttpPatch")
_WARM_UP = "_plugins/_knn/warmup"
_Zones = aws.opensearch.DomainClusterConfigZoneAwarenessConfigArgs


@dataclass(frozen=True, kw_only=True)
class Warm:
    """UltraWarm nodes; `nodes` 0: none."""

    nodes: int
    type: str


@dataclass(frozen=True, kw_only=True)
class SearchArgs:
    """`subnet_ids`: one in each zone of the region, of which the domain takes the first `zones`.

    `readers`, `writers`, `master`: names of IAM roles. `after`: what a domain in a VPC has to wait for.
    """

    environment: str
    place: Place
    version: str
    zones: int
    node_type: str
    nodes: int
    standby_zone: bool
    masters: int
    master_type: str
    volume_gb: int
    warm: Warm
    auto_tune: bool
    quiet_hour: int
    log_days: int
    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]
    key_arn: Input[str]
    log_key_arn: Input[str]
    readers: Sequence[str]
    writers: Sequence[str]
    master: str
    protect: bool
    after: Sequence[pulumi.Resource] = ()


class Search(Component):
    """One domain, its logs, and who may use it."""

    kind = "data:Search"
    domain: str
    arn: Output[str]
    endpoint: Output[str]

    def __init__(self, name: str, args: SearchArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        if len(args.subnet_ids) < args.zones:
            raise ValueError(f"{name}: {args.zones} zones need as many subnets, got {len(args.subnet_ids)}")
        self._args = args
        self.domain = domain_name(args.environment)
        self._planned_arn = args.place.arn("es", f"domain/{self.domain}")
        self._logs = SearchLogs(
            f"{name}-logs",
            SearchLogsArgs(
                environment=args.environment,
                place=args.place,
                domain_arn=self._planned_arn,
                key_arn=args.log_key_arn,
                days=args.log_days,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        made = self._domain()
        self.arn, self.endpoint = made.arn, made.endpoint
        self.register_outputs({"domain": self.domain, "endpoint": self.endpoint})

    def reads(self) -> Grant:
        """What a role of `readers` needs besides being one."""
        return Grant("ReadIndex", _READ, [self._path(index().name)])

    def writes(self) -> Grant:
        """What a role of `writers` needs besides being one."""
        return Grant("WriteIndex", _WRITE, [self._path(index().name), self._path(_WARM_UP)])

    def administers(self) -> Grant:
        """What the master's role needs besides being it."""
        return Grant("AdministerSearch", _ADMINISTER, [self._path("")])

    def _path(self, below: str) -> Output[str]:
        return Output.concat(self._planned_arn, f"/{below}*")

    def _domain(self) -> aws.opensearch.Domain:
        args = self._args
        return aws.opensearch.Domain(
            f"{self.name}-domain",
            domain_name=self.domain,
            engine_version=f"OpenSearch_{args.version}",
            cluster_config=_cluster(args),
            ebs_options={"ebs_enabled": True, "volume_type": "gp3", "volume_size": args.volume_gb},
            encrypt_at_rest={"enabled": True, "kms_key_id": args.key_arn},
            node_to_node_encryption={"enabled": True},
            domain_endpoint_options={"enforce_https": True, "tls_security_policy": TLS},
            advanced_security_options={
                "enabled": True,
                "internal_user_database_enabled": False,
                "master_user_options": {"master_user_arn": self._role(args.master)},
            },
            access_policies=self._policy(),
            vpc_options={
                "subnet_ids": list(args.subnet_ids[: args.zones]),
                "security_group_ids": [args.security_group_id],
            },
            log_publishing_options=[
                {"log_type": kind, "cloudwatch_log_group_arn": arn, "enabled": True}
                for kind, arn in self._logs.arns.items()
            ],
            auto_tune_options=_tuning(args.auto_tune),
            off_peak_window_options={
                "enabled": True,
                "off_peak_window": {"window_start_time": {"hours": args.quiet_hour, "minutes": 0}},
            },
            software_update_options={"auto_software_update_enabled": True},
            opts=pulumi.ResourceOptions(
                parent=self, protect=args.protect, depends_on=[self._logs.ready, *args.after]
            ),
        )

    def _role(self, name: str) -> Output[str]:
        place = self._args.place
        return Output.concat("arn:", place.partition, ":iam::", place.account_id, f":role/{name}")

    def _policy(self) -> Output[str]:
        args = self._args
        allowed = [
            (self.reads(), args.readers),
            (self.writes(), args.writers),
            (self.administers(), [args.master]),
        ]
        return Output.json_dumps(
            {
                "Version": "2012-10-17",
                "Statement": [self._to(grant, roles) for grant, roles in allowed if roles],
            }
        )

    def _to(self, grant: Grant, roles: Sequence[str]) -> dict[str, Any]:
        place = self._args.place
        return {
            **grant.statement(),
            "Principal": {"AWS": Output.concat("arn:", place.partition, ":iam::", place.account_id, ":root")},
            "Condition": {"ArnEquals": {"aws:PrincipalArn": [self._role(role) for role in roles]}},
        }

    def alarms(self) -> list[Watch]:
        """What is watched is data, `search.toml`."""
        args = self._args
        rules = {word: dict(rule) for word, rule in _rules().items()}
        return [
            _watch(word, rule, self.domain, args)
            for word, rule in rules.items()
            if args.masters or not rule.get("masters")
        ]

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/ES",
            {
                "Search latency of a shard": ("SearchLatency", "p99"),
                "Searches": ("SearchRate", "Sum"),
                "Search CPU": ("CPUUtilization", "Maximum"),
                "Search heap": ("JVMMemoryPressure", "Maximum"),
                "Search graphs in memory": ("KNNGraphMemoryUsagePercentage", "Maximum"),
                "Search disk free": ("FreeStorageSpace", "Minimum"),
            },
            {"DomainName": self.domain},
            across=("ClientId",),
        )


def domain_name(environment: str) -> str:
    """AWS takes 28 characters; a shorter name made up for the rest would belong to nobody."""
    name = f"concierge-{environment}-search"
    if len(name) > LONGEST_NAME:
        fewer = LONGEST_NAME - len(name) + len(environment)
        raise ValueError(f"domain {name}: name the stack in at most {fewer} characters, not {environment!r}")
    return name


def _cluster(args: SearchArgs) -> aws.opensearch.DomainClusterConfigArgs:
    """What is not there is left out: AWS refuses a type without its nodes."""
    several, masters, warm = args.zones > 1, args.masters > 0, args.warm.nodes > 0
    return aws.opensearch.DomainClusterConfigArgs(
        instance_type=args.node_type,
        instance_count=args.nodes,
        zone_awareness_enabled=several,
        zone_awareness_config=_Zones(availability_zone_count=args.zones) if several else None,
        multi_az_with_standby_enabled=args.standby_zone,
        dedicated_master_enabled=masters,
        dedicated_master_count=args.masters if masters else None,
        dedicated_master_type=args.master_type if masters else None,
        warm_enabled=warm,
        warm_count=args.warm.nodes if warm else None,
        warm_type=args.warm.type if warm else None,
    )


def _tuning(enabled: bool) -> aws.opensearch.DomainAutoTuneOptionsArgs:
    """Changes that rebuild the cluster wait for the quiet hours. Nodes that cannot be tuned must say so."""
    if enabled:
        return aws.opensearch.DomainAutoTuneOptionsArgs(desired_state="ENABLED", use_off_peak_window=True)
    return aws.opensearch.DomainAutoTuneOptionsArgs(
        desired_state="DISABLED", rollback_on_disable="NO_ROLLBACK"
    )


@cache
def _rules() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(Path(__file__).with_name("search.toml").read_text(encoding="utf-8"))


def _watch(word: str, rule: dict[str, Any], domain: str, args: SearchArgs) -> Watch:
    rule.pop("masters", None)
    if "free_share" in rule:
        rule["threshold"] = rule.pop("free_share") * args.volume_gb * 1024
    alarm = Alarm.model_validate(
        {
            "id": f"search-{word}",
            "namespace": "AWS/ES",
            "dimensions": {"DomainName": domain},
            "computed": ("ClientId",),
            "datapoints": 1,
            "of": 1,
            "missing": "notBreaching",
            **rule,
        }
    )
    return Watch(alarm, {"ClientId": args.place.account_id})
