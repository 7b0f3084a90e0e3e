"""RUN-20, NET-4: how services stand, are rolled out, scaled and heard of."""

import json

from plan import Plan
from plan.answers import ACCOUNT
from tests.components import agent_estate_helpers as estate
from tests.components.agent_check_helpers import SERVICES, WORKLOADS, check, granted, one, statements


@check
def the_cluster_tells_how_tasks_are(plan: Plan) -> None:
    cluster = one(plan, "ecs-cluster")
    assert cluster.get("name") == "concierge-test"
    assert cluster.get("settings") == [{"name": "containerInsights", "value": "enhanced"}]
    capacity = one(plan, "ecs-capacity")
    assert (capacity.get("clusterName"), capacity.get("capacityProviders")) == ("concierge-test", ["FARGATE"])


@check
def services_stand_in_private_subnets(plan: Plan) -> None:
    for workload in WORKLOADS:
        service = one(plan, f"ecs-{workload}-service")
        network = service.get("networkConfiguration", {})
        assert network == {
            "subnets": estate.SUBNETS,
            "securityGroups": [estate.GROUP],
            "assignPublicIp": False,
        }
        assert service.get("cluster") == plan.get("ecs-cluster").outputs["arn"]
        assert service.get("taskDefinition") == plan.get(f"ecs-{workload}-definition").outputs["arn"]
        assert service.get("name") == SERVICES[workload]
        assert service.get("launchType") == "FARGATE"
        assert service.get("availabilityZoneRebalancing") == "ENABLED"
        assert service.get("enableExecuteCommand") is False
        assert service.get("enableEcsManagedTags") is True
        assert service.get("propagateTags") == "SERVICE"


@check
def a_bad_rollout_turns_back_by_itself(plan: Plan) -> None:
    alarm = one(plan, "ecs-rollback")
    for workload in WORKLOADS:
        service = one(plan, f"ecs-{workload}-service")
        assert service.get("deploymentController") == {"type": "ECS"}
        assert service.get("deploymentCircuitBreaker") == {"enable": True, "rollback": True}
        watched = {"enable": True, "rollback": True, "alarmNames": [alarm.get("name")]}
        assert service.get("alarms") == watched
        assert service.get("waitForSteadyState") is True
    assert (alarm.get("namespace"), alarm.get("metricName")) == ("Concierge", "Failed")
    assert alarm.get("dimensions") == {"Environment": "test"}
    assert (alarm.get("statistic"), alarm.get("threshold")) == ("Average", 0.01)
    assert alarm.get("comparisonOperator") == "GreaterThanThreshold"
    # During a rollout at night nobody may be asking anything.
    assert alarm.get("treatMissingData") == "notBreaching"
    assert (alarm.get("period"), alarm.get("datapointsToAlarm"), alarm.get("evaluationPeriods")) == (60, 2, 3)


@check
def rollouts_are_blue_and_green(plan: Plan) -> None:
    """Names in Cloud Map cannot be shifted: what is found by name is rolled task by task."""
    shifted = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "10"}
    expected = {"chat": shifted, "ingest": shifted, "tools": {"strategy": "ROLLING"}}
    for workload in WORKLOADS:
        assert one(plan, f"ecs-{workload}-service").get("deploymentConfiguration") == expected[workload]
    named = {"registryArn": estate.NAME_IN_CLOUD_MAP}
    assert one(plan, "ecs-tools-service").get("serviceRegistries") == named
    service = one(plan, "ecs-chat-service")
    assert service.get("healthCheckGracePeriodSeconds", 0) >= 60
    (balanced,) = service.get("loadBalancers", [{}])
    assert balanced.get("targetGroupArn") == estate.TRAFFIC.target_group_arn
    assert (balanced.get("containerName"), balanced.get("containerPort")) == ("agent", 8080)
    assert balanced.get("advancedConfiguration") == {
        "alternateTargetGroupArn": estate.TRAFFIC.alternate_target_group_arn,
        "productionListenerRule": estate.TRAFFIC.rule_arn,
        "testListenerRule": estate.TRAFFIC.test_rule_arn,
        "roleArn": plan.get("ecs-chat-traffic-role").outputs["arn"],
    }


@check
def ecs_shifts_only_the_traffic_of_its_service(plan: Plan) -> None:
    allowed = granted(plan, "ecs-chat-traffic")
    traffic = estate.TRAFFIC
    rules = [traffic.rule_arn, traffic.test_rule_arn]
    groups = [traffic.target_group_arn, traffic.alternate_target_group_arn]
    assert allowed.get("ShiftTraffic", {}).get("Resource") == rules
    assert allowed.get("MoveTargets", {}).get("Resource") == groups
    looks = allowed.get("SeeTargets", {}).get("Action", [])
    assert all(":Describe" in action for action in looks)


@check
def how_many_tasks_run_belongs_to_scaling(plan: Plan) -> None:
    least = {"chat": (2, 50), "tools": (2, 50), "ingest": (1, 2)}
    for workload in WORKLOADS:
        service = plan.get(f"ecs-{workload}-service")
        assert service.inputs.get("desiredCount") == least[workload][0]
        assert service.options.ignore_changes == ("desiredCount",)
        bounds = one(plan, f"ecs-{workload}-scaling-bounds")
        assert (bounds.get("minCapacity"), bounds.get("maxCapacity")) == least[workload]
        assert bounds.get("resourceId") == f"service/concierge-test/{SERVICES[workload]}"
        for part in ("bounds", "cpu", "in", "out"):
            scaled = one(plan, f"ecs-{workload}-scaling-{part}")
            assert scaled.get("resourceId") == bounds["resourceId"]
            assert scaled.get("serviceNamespace") == "ecs"
            assert scaled.get("scalableDimension") == "ecs:service:DesiredCount"


@check
def scaling_follows_the_cpu(plan: Plan) -> None:
    """RUN-20: target 60 %, out at 70 % for 2 minutes, in at 30 % for 5."""
    for workload in WORKLOADS:
        target = one(plan, f"ecs-{workload}-scaling-cpu")
        assert target.get("policyType") == "TargetTrackingScaling"
        tracked = target.get("targetTrackingScalingPolicyConfiguration", {})
        assert tracked.get("targetValue") == 60
        assert tracked.get("disableScaleIn") is True, "it would take tasks away at 54 %"
        metric = tracked.get("predefinedMetricSpecification", {}).get("predefinedMetricType")
        assert metric == "ECSServiceAverageCPUUtilization"
        for part, comparison, threshold, minutes in (
            ("out", "GreaterThanThreshold", 70, 2),
            ("in", "LessThanThreshold", 30, 5),
        ):
            alarm = one(plan, f"ecs-{workload}-scaling-{part}-alarm")
            policy = plan.get(f"ecs-{workload}-scaling-{part}")
            assert (alarm.get("comparisonOperator"), alarm.get("threshold")) == (comparison, threshold)
            assert (alarm.get("namespace"), alarm.get("metricName")) == ("AWS/ECS", "CPUUtilization")
            assert (alarm.get("period"), alarm.get("evaluationPeriods")) == (60, minutes)
            assert (alarm.get("datapointsToAlarm"), alarm.get("statistic")) == (minutes, "Average")
            assert alarm.get("treatMissingData") == "notBreaching"
            named = {"ClusterName": "concierge-test", "ServiceName": SERVICES[workload]}
            assert alarm.get("dimensions") == named
            assert alarm.get("alarmActions") == [policy.outputs["arn"]]
            assert policy.inputs.get("policyType") == "StepScaling"
            steps = policy.inputs.get("stepScalingPolicyConfiguration", {}).get("stepAdjustments", [{}])
            changes = [step.get("scalingAdjustment", 0) for step in steps]
            assert all(change > 0 if part == "out" else change < 0 for change in changes)


@check
def events_without_a_metric_are_caught(plan: Plan) -> None:
    deploy = one(plan, "ecs-events-deploy-failed")
    pattern = json.loads(deploy.get("eventPattern", "{}"))
    assert pattern.get("detail") == {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]}
    ours = f"arn:aws:ecs:us-east-1:{ACCOUNT}:service/concierge-test/"
    assert pattern.get("resources") == [{"prefix": ours}]
    image = json.loads(one(plan, "ecs-events-image-findings").get("eventPattern", "{}"))
    assert image.get("source") == ["aws.ecr", "aws.inspector2"]
    assert "finding-severity-counts" in image.get("detail", {})
    for event in ("deploy-failed", "image-findings"):
        assert one(plan, f"ecs-events-{event}").get("name") == f"concierge-test-{event}"
        target = one(plan, f"ecs-events-{event}-log")
        assert target.get("arn") == plan.get("ecs-events-log").outputs["arn"]
        assert target.get("rule") == f"concierge-test-{event}"


@check
def only_our_rules_write_the_log_of_events(plan: Plan) -> None:
    policy = one(plan, "ecs-events-writers")
    assert policy.get("policyName") == "concierge-test-events-agent"
    allowed = statements(policy.get("policyDocument"))
    group = plan.get("ecs-events-log").outputs["arn"]
    assert {statement.get("Resource") for statement in allowed.values()} == {f"{group}:*"}
    writers = allowed.get("WriteEvents", {}).get("Condition", {}).get("ArnEquals", {})
    rules = [plan.get(f"ecs-events-{event}").outputs["arn"] for event in ("deploy-failed", "image-findings")]
    assert writers == {"aws:SourceArn": rules}
