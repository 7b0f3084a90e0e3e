"""RUN-17: one role a workload, exact actions on exact ARNs."""

import re

from plan import Plan
from plan.answers import ACCOUNT
from tests.components import agent_estate_helpers as estate
from tests.components.agent_check_helpers import WORKLOADS, check, granted, one, roles, statements

PROFILE = "arn:aws:bedrock:us-east-1:{account}:inference-profile/us.{model}"
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"


@check
def every_workload_has_roles_of_its_own(plan: Plan) -> None:
    names = [role.inputs.get("name") for role in roles(plan)]
    assert len(set(names)) == len(names)
    assert all(str(name).startswith("concierge-test-us-east-1-") for name in names)
    used = [
        one(plan, f"ecs-{w}-definition").get(key)
        for w in WORKLOADS
        for key in ("taskRoleArn", "executionRoleArn")
    ]
    used += [one(plan, f"core-{part}").get("roleArn") for part in ("chat", "tools", "gateway")]
    assert None not in used
    assert len(set(used)) == len(used)


@check
def roles_are_assumed_by_their_host_for_this_account_only(plan: Plan) -> None:
    hosts = {"task": "ecs-tasks", "start": "ecs-tasks", "traffic": "ecs", "identity": "bedrock-agentcore"}
    for role in roles(plan):
        (trust,) = statements(role.inputs.get("assumeRolePolicy")).values()
        principal = hosts[role.name.split("-")[-2]]
        assert trust.get("Principal") == {"Service": f"{principal}.amazonaws.com"}
        service = "ecs" if principal.startswith("ecs") else principal
        assert trust.get("Action") == "sts:AssumeRole"
        assert trust.get("Condition") == {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {"aws:SourceArn": f"arn:aws:{service}:us-east-1:{ACCOUNT}:*"},
        }


@check
def every_role_is_bounded(plan: Plan) -> None:
    assert {role.inputs.get("permissionsBoundary") for role in roles(plan)} == {estate.BOUNDARY}


@check
def no_role_may_do_whatever_it_likes(plan: Plan) -> None:
    """Exact actions; every resource only under a condition, and then only where AWS knows no ARN."""
    without_arn = (
        r"(ecr:GetAuthorizationToken|xray:\w+|cloudwatch:PutMetricData|elasticloadbalancing:Describe\w+)"
    )
    for policy in plan.of_type("iam.RolePolicy"):
        for statement in statements(policy.inputs.get("policy")).values():
            actions = statement.get("Action", ["*"])
            assert not any("*" in action for action in actions), policy.name
            if "*" in statement.get("Resource", "*"):
                assert all(re.fullmatch(without_arn, action) for action in actions), policy.name
                assert statement.get("Condition"), policy.name


@check
def chat_calls_the_models_of_the_ladder_only(plan: Plan) -> None:
    """Through the profile; and the model in every region it may lead to, but only when it led there."""
    for role in ("ecs-chat-task", "core-chat-identity"):
        allowed = granted(plan, role)
        profile = PROFILE.format(account=ACCOUNT, model=SONNET)
        direct, behind = allowed.get("InvokeProfileSonnet", {}), allowed.get("BehindProfileSonnet", {})
        assert profile in direct["Resource"]
        assert all(
            re.fullmatch(PROFILE.format(account=ACCOUNT, model=r"[\w.:-]+"), arn)
            for arn in direct["Resource"]
        )
        assert behind.get("Resource") == [
            f"arn:aws:bedrock:{region}::foundation-model/{SONNET}"
            for region in ("us-east-1", "us-east-2", "us-west-2")
        ]
        assert behind.get("Condition") == {"StringEquals": {"bedrock:InferenceProfileArn": profile}}
        invoking = {a for s in allowed.values() for a in s["Action"] if a.startswith("bedrock:")}
        assert invoking == {"bedrock:InvokeModelWithResponseStream"}


@check
def chat_uses_its_tables_parameters_and_keys_only(plan: Plan) -> None:
    for role in ("ecs-chat-task", "core-chat-identity"):
        allowed = granted(plan, role)
        assert allowed.get("Table0", {}).get("Resource") == [estate.TABLE]
        index = allowed.get("Table0Indexes", {})
        assert (index.get("Action"), index.get("Resource")) == (
            ["dynamodb:Query"],
            [f"{estate.TABLE}/index/user"],
        )
        assert "dynamodb:Scan" not in allowed["Table0"]["Action"]
        assert allowed.get("ReadParameters", {}).get("Resource") == [estate.PARAMETER]
        key = allowed.get("UseKey", {})
        assert key.get("Resource") == [estate.KEYS["tables"]]
        assert key.get("Condition") == {
            "StringEquals": {"kms:ViaService": ["dynamodb.us-east-1.amazonaws.com"]}
        }


@check
def what_has_no_arn_has_a_fence(plan: Plan) -> None:
    allowed = granted(plan, "ecs-chat-task")
    namespace = {"StringEquals": {"cloudwatch:namespace": "Concierge"}}
    assert allowed.get("TellMetrics", {}).get("Condition") == namespace
    assert allowed.get("Trace", {}).get("Condition") == {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}
    login = granted(plan, "ecs-chat-start").get("RegistryLogin", {})
    assert login.get("Condition") == {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}


@check
def a_task_protects_itself_and_its_like(plan: Plan) -> None:
    """RUN-20: scale-in protection while busy is the task's own call."""
    for workload in WORKLOADS:
        protect = granted(plan, f"ecs-{workload}-task").get("ProtectTask", {})
        assert protect.get("Action") == ["ecs:UpdateTaskProtection"]
        assert protect.get("Resource") == [f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/concierge-test/*"]
        cluster = plan.get("ecs-cluster").outputs["arn"]
        assert protect.get("Condition") == {"ArnEquals": {"ecs:cluster": cluster}}


@check
def hosts_may_use_nothing_but_what_their_workload_is_given(plan: Plan) -> None:
    basics = {"RegistryLogin", "PullImage", "WriteLogs", "FindLogs"}
    assert set(granted(plan, "core-tools-identity")) == {"ReadParameters", *basics}
    assert set(granted(plan, "ecs-tools-task")) == {"ProtectTask"}
    assert one(plan, "core-tools").get("roleArn") == plan.get("core-tools-identity-role").outputs["arn"]


@check
def names_say_the_environment(plan: Plan) -> None:
    """Two environments may share an account."""
    for token in ("appautoscaling.Policy", "cloudwatch.MetricAlarm", "cloudwatch.EventRule"):
        for resource in plan.of_type(token):
            assert str(resource.inputs.get("name")).startswith("concierge-test-"), resource.name
    for group in plan.of_type("cloudwatch.LogGroup"):
        expected = r"/concierge/test/.+|/aws/bedrock-agentcore/runtimes/concierge_test_.+"
        assert re.fullmatch(expected, str(group.inputs.get("name"))), group.name


@check
def starting_a_task_takes_its_image_and_its_log(plan: Plan) -> None:
    repository = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/concierge-test-agent"
    for workload in WORKLOADS:
        allowed = granted(plan, f"ecs-{workload}-start")
        assert allowed.get("PullImage", {}).get("Resource") == [repository]
        group = plan.get(f"ecs-{workload}-log").outputs["arn"]
        assert allowed.get("WriteLogs", {}).get("Resource") == [f"{group}:log-stream:*"]
