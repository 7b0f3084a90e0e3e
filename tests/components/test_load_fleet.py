"""LOAD-4: a master and workers on Fargate, reachable by nobody, and their results kept."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components import load_fleet
from plan import Plan
from tests.components import acting_helpers as made
from tests.components.acting_helpers import HERE, KEYS, REPOSITORY, allows, arn
from tests.components.data_helpers import ACCOUNT, Check, each, replaced, statements
from tests.stacks.loosening_helpers import having

PARTS = ("master", "worker")
BUCKET = f"concierge-shop-load-results-us-east-1-{ACCOUNT}"
ELSEWHERE = ("fleet-results",)
SCRIPT = Path(load_fleet.__file__).with_name("load_master.sh")


def container(plan: Plan, part: str) -> dict[str, Any]:
    (only,) = json.loads(plan.get(f"fleet-{part}-definition").inputs["containerDefinitions"])
    return dict(only)


def the_fleet_has_a_cluster_of_its_own(plan: Plan) -> None:
    (cluster,) = each(plan, "ecs.Cluster")
    assert cluster.inputs["name"] == "concierge-shop-load"
    assert cluster.inputs["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    (capacity,) = each(plan, "ecs.ClusterCapacityProviders")
    assert capacity.inputs == {
        "clusterName": "concierge-shop-load",
        "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
    }


def workers_are_cheap_and_the_master_stays(plan: Plan) -> None:
    for part, provider, count in (("master", "FARGATE", 1), ("worker", "FARGATE_SPOT", 12)):
        service = plan.get(f"fleet-{part}")
        assert service.inputs["name"] == f"concierge-shop-load-{part}"
        assert service.inputs["cluster"] == plan.get("fleet-cluster").outputs["arn"]
        assert service.inputs["desiredCount"] == count
        assert service.inputs["capacityProviderStrategies"] == [{"capacityProvider": provider, "weight": 1}]
        assert service.inputs["taskDefinition"] == plan.get(f"fleet-{part}-definition").outputs["arn"]
        assert plan.get("fleet-capacity").urn in service.dependencies
        assert service.inputs["propagateTags"] == "SERVICE"
        assert service.inputs["enableEcsManagedTags"] is True


def nobody_outside_has_a_way_in(plan: Plan) -> None:
    """Private subnets, the group of the role `load`, and the page on the task's own address."""
    for part in PARTS:
        service = plan.get(f"fleet-{part}").inputs
        assert service["networkConfiguration"] == {
            "subnets": ["subnet-a", "subnet-b"],
            "securityGroups": ["sg-load"],
            "assignPublicIp": False,
        }
        assert service["enableExecuteCommand"] == (part == "master")
    assert container(plan, "master")["portMappings"] == [{"containerPort": 5557, "protocol": "tcp"}]
    assert container(plan, "worker")["portMappings"] == []
    assert '--web-host 127.0.0.1 --web-port "$PAGE_PORT"' in SCRIPT.read_text(encoding="utf-8")


def workers_find_the_master_by_its_name(plan: Plan) -> None:
    (name,) = each(plan, "servicediscovery.Service")
    assert name.inputs["name"] == "load-master"
    assert name.inputs["dnsConfig"] == {
        "namespaceId": "ns-1",
        "dnsRecords": [{"type": "A", "ttl": 10}],
        "routingPolicy": "MULTIVALUE",
    }
    assert name.inputs["healthCheckCustomConfig"] == {"failureThreshold": 1}
    assert plan.get("fleet-master").inputs["serviceRegistries"] == {"registryArn": name.outputs["arn"]}
    line = " ".join(container(plan, "worker")["command"])
    assert line == (
        "locust -f loadtests/prime_day.py --worker "
        "--master-host load-master.shop.concierge.internal --master-port 5557"
    )


def tasks_are_arm64_on_fargate(plan: Plan) -> None:
    for part in PARTS:
        task = plan.get(f"fleet-{part}-definition").inputs
        assert task["family"] == f"concierge-shop-load-{part}"
        assert task["requiresCompatibilities"] == ["FARGATE"]
        assert task["networkMode"] == "awsvpc"
        assert task["runtimePlatform"] == {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
        assert (task["cpu"], task["memory"]) == ("1024", "2048")


def a_container_may_open_many_sockets_and_little_else(plan: Plan) -> None:
    for part in PARTS:
        it = container(plan, part)
        assert it["image"] == "load@sha256:0"
        assert it["user"] == "10001:10001"
        assert it["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
        assert it["ulimits"] == [{"name": "nofile", "softLimit": 65_536, "hardLimit": 65_536}]
        # The agent of `execute-command` writes; a worker has none.
        assert it["readonlyRootFilesystem"] == (part == "worker")
        assert it["logConfiguration"]["options"]["awslogs-group"] == f"/concierge/shop/load/{part}"
    assert container(plan, "master")["stopTimeout"] == 120, "results are written when it is told to stop"


def the_master_knows_how_many_to_wait_for(plan: Plan) -> None:
    told = {v["name"]: v["value"] for v in container(plan, "master")["environment"]}
    assert told == {
        "CONCIERGE_LOAD_SCENARIO": "prime-day",
        "LOCUST_HOST": "https://shop.example",
        "PAGE_PORT": "8089",
        "RESULTS": BUCKET,
        "WORKERS": "12",
        "WORKERS_PORT": "5557",
    }
    assert container(plan, "master")["command"] == ["sh", "-c", SCRIPT.read_text(encoding="utf-8")]


def logs_are_encrypted(plan: Plan) -> None:
    made.logs(plan, {f"fleet-{part}-log": f"/concierge/shop/load/{part}" for part in PARTS}, 7)


def a_worker_may_call_nothing_and_the_master_keeps_results(plan: Plan) -> None:
    assert not [p for p in plan.of_type("iam.RolePolicy") if p.name == "fleet-worker-task-grants"]
    assert allows(plan, "fleet-master-task") == {
        "KeepResults": (["s3:PutObject"], [f"arn:aws:s3:::{BUCKET}/*"]),
        "SealResults": (
            ["kms:GenerateDataKey"],
            [KEYS["objects"]],
            {
                "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
                "ArnLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{BUCKET}*"},
            },
        ),
        "ExecChannel": (
            [f"ssmmessages:{v}{k}Channel" for v in ("Create", "Open") for k in ("Control", "Data")],
            ["*"],
            HERE,
        ),
    }
    for part in PARTS:
        may = allows(plan, f"fleet-{part}-start")
        assert may["RegistryLogin"] == (["ecr:GetAuthorizationToken"], ["*"], HERE)
        assert may["PullImage"][1] == [REPOSITORY]
        group = arn("logs", f"log-group:/concierge/shop/load/{part}:log-stream:*")
        assert may["WriteLogs"] == (["logs:CreateLogStream", "logs:PutLogEvents"], [group])


def each_task_runs_as_roles_of_its_own(plan: Plan) -> None:
    for part in PARTS:
        task = plan.get(f"fleet-{part}-definition").inputs
        for key, word in (("taskRoleArn", "task"), ("executionRoleArn", "start")):
            role = f"fleet-{part}-{word}"
            made.taken_by(plan, role, "ecs-tasks", arn("ecs", "*"))
            assert task[key] == plan.get(f"{role}-role").outputs["arn"]


CHECKS: list[Check] = [
    the_fleet_has_a_cluster_of_its_own,
    workers_are_cheap_and_the_master_stays,
    nobody_outside_has_a_way_in,
    workers_find_the_master_by_its_name,
    tasks_are_arm64_on_fargate,
    a_container_may_open_many_sockets_and_little_else,
    the_master_knows_how_many_to_wait_for,
    logs_are_encrypted,
    a_worker_may_call_nothing_and_the_master_keeps_results,
    each_task_runs_as_roles_of_its_own,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_fleet(check: Check):
    check(made.fleet()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert made.unnoticed_of_ours(made.fleet()[0], CHECKS, ELSEWHERE) == []


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("fleet-worker", {"networkConfiguration": {"subnets": ["subnet-a"], "assignPublicIp": True}}),
        ("fleet-worker", {"enableExecuteCommand": True}),
        ("fleet-master", {"capacityProviderStrategies": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}),
        ("fleet-worker-definition", {"networkMode": "host"}),
        ("fleet-worker-definition", {"taskRoleArn": f"arn:aws:iam::{ACCOUNT}:role/admin"}),
    ],
)
def test_a_loosened_fleet_is_found(name: str, inputs: dict[str, Any]):
    plan = made.fleet()[0]
    found = plan.get(name)
    loose = replaced(plan, found, having(**inputs)(found))
    assert any(made.caught(loose, check) for check in CHECKS)


@pytest.mark.parametrize(
    ("sid", "parts"),
    [
        ("KeepResults", {"Resource": ["*"]}),
        ("SealResults", {"Condition": None}),
        ("ExecChannel", {"Condition": None}),
    ],
)
def test_a_loosened_master_is_found(sid: str, parts: dict[str, Any]):
    loose = made.loosened_policy(made.fleet()[0], "fleet-master-task-grants", "policy", sid, **parts)
    assert made.caught(loose, a_worker_may_call_nothing_and_the_master_keeps_results)


def test_results_are_private_and_go_after_a_quarter():
    plan = made.fleet()[0]
    rules = plan.get("fleet-results-lifecycle").inputs["rules"]
    assert [rule["expiration"] for rule in rules if "expiration" in rule] == [{"days": 90}]
    assert "TlsOnly" in statements(plan.get("fleet-results-policy"))


@pytest.mark.parametrize("wrote", [True, False])
def test_results_are_kept_when_the_fleet_is_sent_home(tmp_path: Path, wrote: bool):
    """The master's script with a `locust` that ends by itself, and a `python` that says what it was asked."""
    results = tmp_path / "results"
    for name, body in (
        ("locust", f"{f'mkdir {results}; echo {{}} >{results}/run.json' if wrote else 'true'}; exit 3"),
        ("python", 'echo "$RESULTS $2" >kept; cat >/dev/null'),
    ):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    script = SCRIPT.read_text(encoding="utf-8").replace("/tmp/results", str(results))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "RESULTS": "bucket", "WORKERS": "1"}
    environment |= {"WORKERS_PORT": "5557", "PAGE_PORT": "8089"}
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 3, "the verdict of the test is the verdict of the task"
    assert (tmp_path / "kept").exists() == wrote
    if wrote:
        assert (tmp_path / "kept").read_text() == f"bucket {results}\n"
