"""RUN-19: the image, and what a task made of it may do."""

import json

from plan import Plan
from tests.components import agent_estate_helpers as estate
from tests.components.agent_check_helpers import SERVICES, WORKLOADS, check, container, granted, one


@check
def images_never_move_and_are_scanned(plan: Plan) -> None:
    images = one(plan, "registry-images")
    assert images.get("name") == "concierge-test-agent"
    assert images.get("imageTagMutability") == "IMMUTABLE"
    assert images.get("imageScanningConfiguration") == {"scanOnPush": True}
    key = estate.KEYS["images"]
    assert images.get("encryptionConfigurations") == [{"encryptionType": "KMS", "kmsKey": key}]
    assert images.get("forceDelete") is False
    assert plan.get("registry-images").options.protect
    scanning = one(plan, "registry-scanning")
    assert scanning.get("scanType") == "ENHANCED"
    (rule,) = scanning.get("rules", [{}])
    assert rule.get("scanFrequency") == "CONTINUOUS_SCAN"
    assert rule.get("repositoryFilters") == [{"filter": images["name"], "filterType": "WILDCARD"}]


@check
def images_a_rollback_needs_are_kept(plan: Plan) -> None:
    upkeep = one(plan, "registry-upkeep")
    assert upkeep.get("repository") == "concierge-test-agent"
    rules = json.loads(upkeep.get("policy", "{}")).get("rules", [])
    counts = {rule["selection"]["tagStatus"]: rule["selection"]["countNumber"] for rule in rules}
    assert counts == {"untagged": 14, "any": 30}


@check
def every_host_runs_the_image_by_its_digest(plan: Plan) -> None:
    images = [container(plan, workload).get("image") for workload in WORKLOADS]
    for runtime in ("core-chat", "core-tools"):
        artifact = one(plan, runtime).get("agentRuntimeArtifact", {})
        images.append(artifact.get("containerConfiguration", {}).get("containerUri"))
    assert {str(image).partition("@")[2] for image in images} == {estate.DIGEST}


@check
def tasks_are_arm64_on_fargate(plan: Plan) -> None:
    """Without a runtime platform ECS takes X86_64 and says nothing."""
    sizes = {"chat": ("2048", "4096"), "tools": ("1024", "2048"), "ingest": ("256", "512")}
    for workload in WORKLOADS:
        task = one(plan, f"ecs-{workload}-definition")
        assert task.get("family") == SERVICES[workload]
        assert task.get("requiresCompatibilities") == ["FARGATE"]
        assert task.get("networkMode") == "awsvpc"
        platform = {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}
        assert task.get("runtimePlatform") == platform
        assert (task.get("cpu"), task.get("memory")) == sizes[workload]


@check
def a_container_may_only_serve(plan: Plan) -> None:
    for workload in WORKLOADS:
        found = container(plan, workload)
        assert found.get("user", "0") not in {"0", "root", "0:0"}
        assert found.get("readonlyRootFilesystem") is True
        assert found.get("linuxParameters", {}).get("capabilities") == {"drop": ["ALL"]}
        assert not found.get("privileged")
        assert [port["containerPort"] for port in found.get("portMappings", [])] == [8080]
        assert "/ping" in " ".join(found.get("healthCheck", {}).get("command", []))


@check
def a_task_may_finish_its_streams(plan: Plan) -> None:
    """SIGTERM, then as long as the longest answer; Fargate waits two minutes at most."""
    for workload in WORKLOADS:
        assert 25 < container(plan, workload).get("stopTimeout", 30) <= 120


@check
def the_environment_is_what_the_runtime_reads(plan: Plan) -> None:
    for workload in WORKLOADS:
        told = {pair["name"]: pair["value"] for pair in container(plan, workload).get("environment", [])}
        assert told == {**estate.VARIABLES, "CONCIERGE_SERVICE": workload}
    for workload in ("chat", "tools"):
        told = one(plan, f"core-{workload}").get("environmentVariables", {})
        assert {**told, **estate.VARIABLES, "CONCIERGE_SERVICE": workload} == told


@check
def secrets_come_by_reference(plan: Plan) -> None:
    assert container(plan, "chat").get("secrets") == [{"name": "CARD_KEY", "valueFrom": estate.SECRET}]
    read = granted(plan, "ecs-chat-start").get("ReadSecrets", {})
    assert (read.get("Action"), read.get("Resource")) == (
        ["secretsmanager:GetSecretValue"],
        [estate.SECRET],
    )
    assert "ReadSecrets" not in granted(plan, "ecs-ingest-start")


@check
def logs_are_kept_for_a_while_and_encrypted(plan: Plan) -> None:
    groups = plan.of_type("cloudwatch.LogGroup")
    assert len(groups) == len(WORKLOADS) + 3
    for group in groups:
        assert group.inputs.get("retentionInDays") == 90, group.name
        assert group.inputs.get("kmsKeyId") == estate.KEYS["logs"], group.name
    for workload in WORKLOADS:
        options = container(plan, workload).get("logConfiguration", {}).get("options", {})
        assert options.get("awslogs-group") == one(plan, f"ecs-{workload}-log").get("name")
        assert options.get("mode") == "non-blocking"
    for workload in ("chat", "tools"):
        runtime = plan.get(f"core-{workload}").id
        assert one(plan, f"core-{workload}-log").get("name", "").endswith(f"runtimes/{runtime}-live")
