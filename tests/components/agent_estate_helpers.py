"""The agent by itself, on either host, without the estate around it."""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import pulumi
import pulumi_aws as aws

import plan
from components import grants
from components.agent_core import AgentCore, AgentCoreArgs, Issuer
from components.agent_ecs import AgentEcs, AgentEcsArgs
from components.alarms import Watch
from components.grants import Grant, TableUse
from components.identity import Identity, IdentityArgs
from components.place import Place
from components.registry import Registry, RegistryArgs
from components.service import Workload
from components.traffic import Traffic
from contract.models import models
from plan import Plan
from plan.answers import ACCOUNT

REGION = "us-east-1"
DIGEST = "sha256:" + "4f" * 32
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/concierge-test-sessions"
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/concierge/test/settings"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:concierge-test-card-AbCdEf"
KEYS = {use: f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{use}" for use in ("images", "logs", "memory", "tables")}
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
BALANCER = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
TRAFFIC = Traffic(
    target_group_arn=f"{BALANCER}:targetgroup/blue/1",
    alternate_target_group_arn=f"{BALANCER}:targetgroup/green/2",
    rule_arn=f"{BALANCER}:listener-rule/app/a/1/2/3",
    test_rule_arn=f"{BALANCER}:listener-rule/app/a/1/2/4",
)
NAME_IN_CLOUD_MAP = f"arn:aws:servicediscovery:{REGION}:{ACCOUNT}:service/srv-tools"
VARIABLES = {
    "AWS_REGION": REGION,
    "CONCIERGE_CONTROLS": "/concierge/test/controls",
    "CONCIERGE_ENVIRONMENT": "test",
    "CONCIERGE_SETTINGS": "/concierge/test/settings",
}
SUBNETS = ["subnet-a", "subnet-b"]
GROUP = "sg-agent"


def place() -> Place:
    return Place(partition="aws", region=REGION, account_id=ACCOUNT)


def chat_grants() -> list[Grant]:
    """One of each kind."""
    here = place()
    return [
        *grants.invoke_models(here, models().values()),
        *grants.use_tables([TableUse(TABLE, indexes=["user"], access="write")]),
        grants.read_parameters([PARAMETER]),
        grants.use_key(here, KEYS["tables"], ["dynamodb"]),
        grants.tell_metrics(),
        grants.trace(here),
    ]


def ecs(**changes: Any) -> AgentEcsArgs:
    services = {
        "chat": Workload(
            cpu=2048,
            memory_mb=4096,
            minimum=2,
            maximum=50,
            grants=chat_grants(),
            secrets={"CARD_KEY": SECRET},
            traffic=TRAFFIC,
        ),
        "tools": Workload(cpu=1024, memory_mb=2048, minimum=2, maximum=50, registry_arn=NAME_IN_CLOUD_MAP),
        "ingest": Workload(cpu=256, memory_mb=512, minimum=1, maximum=2),
    }
    settled = {
        "environment": "test",
        "place": place(),
        "services": services,
        "repository_arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/concierge-test-agent",
        "repository_name": "concierge-test-agent",
        "image": f"registry.example/agent@{DIGEST}",
        "built": True,
        "subnet_ids": SUBNETS,
        "security_group_id": GROUP,
        "variables": VARIABLES,
        "drain_s": 25.0,
        "bake_minutes": 10,
        "insights": "enhanced",
        "log_days": 90,
        "log_key_arn": KEYS["logs"],
        "shell": False,
        "boundary": BOUNDARY,
    }
    return AgentEcsArgs(**{**settled, **changes})


def core(**changes: Any) -> AgentCoreArgs:
    settled = {
        "environment": "test",
        "place": place(),
        "allowed": {"chat": chat_grants(), "tools": [grants.read_parameters([PARAMETER])]},
        "repository_arn": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/concierge-test-agent",
        "image": f"registry.example/agent@{DIGEST}",
        "code": None,
        "built": True,
        "subnet_ids": SUBNETS,
        "security_group_id": GROUP,
        "variables": VARIABLES,
        "issuer": Issuer(
            discovery_url="https://issuer.example/.well-known/openid-configuration", client_ids=["web"]
        ),
        "memory_days": 90,
        "memory_key_arn": KEYS["memory"],
        "log_days": 90,
        "log_key_arn": KEYS["logs"],
        "boundary": BOUNDARY,
        "protect": True,
    }
    return AgentCoreArgs(**{**settled, **changes})


def identity(**changes: Any) -> IdentityArgs:
    settled = {
        "environment": "test",
        "place": place(),
        "mfa": "optional",
        "threat_protection": "enforced",
        "callback_urls": ["https://shop.example/signed-in"],
        "logout_urls": ["https://shop.example/"],
        "machine_clients": {"services": ["tools.read", "ingest"]},
        "token_minutes": 15,
        "refresh_hours": 24,
        "domain_prefix": None,
        "sender_arn": None,
        "protect": True,
    }
    return IdentityArgs(**{**settled, **changes})


def planned(declare: Callable[[pulumi.ResourceOptions], object]) -> Plan:
    """The plan of a program that declares these components."""

    def program() -> None:
        provider = aws.Provider("aws", region=REGION)
        declare(pulumi.ResourceOptions(providers=[provider]))

    return plan.of_program(program, project="shop", stack="test", config={})


def watches(declare: Callable[[pulumi.ResourceOptions], list[Watch]]) -> dict[str, Watch]:
    """Alarm id -> watch, as components declare them."""
    found: dict[str, Watch] = {}

    def collect(options: pulumi.ResourceOptions) -> None:
        found.update({watch.alarm.id: watch for watch in declare(options)})

    planned(collect)
    return found


def registry(
    options: pulumi.ResourceOptions, *, scan: Literal["basic", "enhanced"] = "enhanced", protect: bool = True
) -> Registry:
    args = RegistryArgs(environment="test", key_arn=KEYS["images"], keep=30, scan=scan, protect=protect)
    return Registry("registry", args, options)


@cache
def whole() -> Plan:
    """Both hosts, the registry and the user pool in one plan."""

    def declare(options: pulumi.ResourceOptions) -> None:
        registry(options)
        AgentEcs("ecs", ecs(), options)
        AgentCore("core", core(), options)
        Identity("identity", identity(), options)

    return planned(declare)
