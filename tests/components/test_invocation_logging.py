"""The log of model calls: who and when, kept encrypted for a year, and nothing of what was said (OPS-9)."""

import json
from typing import Any

import pytest

from plan import Plan
from plan.answers import ACCOUNT
from tests.components.bedrock_helpers import BOUNDARY, LOG_KEY, logged
from tests.components.data_helpers import Check, each, statements, unnoticed
from tests.stacks.loosening_helpers import Change, having, loosened, policy

BUCKET = f"concierge-test-models-us-east-1-{ACCOUNT}"
SOURCE = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:*"


def config(plan: Plan) -> dict[str, Any]:
    (switch,) = each(plan, "bedrockmodel.InvocationLoggingConfiguration")
    return dict(switch.inputs["loggingConfig"])


def nothing_that_was_said_is_logged(plan: Plan) -> None:
    """The redaction boundary: Bedrock sees texts before anything is redacted. AWS's defaults are on."""
    for kind in ("text", "image", "embedding", "video"):
        assert config(plan)[f"{kind}DataDeliveryEnabled"] is False, kind


def calls_go_to_a_log_group_and_a_bucket(plan: Plan) -> None:
    (group,) = each(plan, "cloudwatch.LogGroup")
    assert group.inputs["name"] == "/concierge/test/models"
    assert config(plan)["cloudwatchConfig"]["logGroupName"] == group.inputs["name"]
    assert config(plan)["s3Config"] == {"bucketName": BUCKET, "keyPrefix": "calls"}


def they_are_encrypted_and_kept_for_a_while(plan: Plan) -> None:
    (group,) = each(plan, "cloudwatch.LogGroup")
    assert (group.inputs["kmsKeyId"], group.inputs["retentionInDays"]) == (LOG_KEY, 90)
    assert group.options.protect
    (sealed,) = each(plan, "s3.BucketServerSideEncryptionConfiguration")
    (how,) = sealed.inputs["rules"]
    assert how["applyServerSideEncryptionByDefault"]["kmsMasterKeyId"] == LOG_KEY
    (upkeep,) = each(plan, "s3.BucketLifecycleConfiguration")
    assert upkeep.inputs["rules"][1]["expiration"] == {"days": 365}


def only_bedrock_of_this_account_takes_the_role(plan: Plan) -> None:
    (role,) = each(plan, "iam.Role")
    (trust,) = statements(role, "assumeRolePolicy").values()
    assert trust["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": [SOURCE]},
    }
    assert role.inputs["permissionsBoundary"] == BOUNDARY
    assert role.inputs["name"] == "concierge-test-us-east-1-model-log"
    assert config(plan)["cloudwatchConfig"]["roleArn"] == role.outputs["arn"]


def the_role_writes_bedrocks_stream_and_no_other(plan: Plan) -> None:
    (granted,) = each(plan, "iam.RolePolicy")
    (write,) = statements(granted).values()
    assert write["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/concierge/test/models"
    assert write["Resource"] == [f"{group}:log-stream:aws/bedrock/modelinvocations"]
    assert granted.inputs["role"] == "concierge-test-us-east-1-model-log"


def only_bedrock_of_this_account_writes_the_bucket(plan: Plan) -> None:
    (document,) = each(plan, "s3.BucketPolicy")
    deliver = statements(document)["BedrockDelivers"]
    assert deliver["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert deliver["Action"] == "s3:PutObject"
    path = f"AWSLogs/{ACCOUNT}/BedrockModelInvocationLogs/us-east-1/*"
    assert deliver["Resource"] == [f"arn:aws:s3:::{BUCKET}/calls/{path}"]
    assert deliver["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": SOURCE},
    }


def the_switch_waits_until_bedrock_may_write(plan: Plan) -> None:
    """Bedrock tries, and refuses the configuration when it cannot."""
    (switch,) = each(plan, "bedrockmodel.InvocationLoggingConfiguration")
    waits = {urn.rpartition("::")[2] for urn in switch.dependencies}
    assert waits >= {"calls-archive-policy", "calls-writer-grants", "calls-log"}


CHECKS: list[Check] = [
    nothing_that_was_said_is_logged,
    calls_go_to_a_log_group_and_a_bucket,
    they_are_encrypted_and_kept_for_a_while,
    only_bedrock_of_this_account_takes_the_role,
    the_role_writes_bedrocks_stream_and_no_other,
    only_bedrock_of_this_account_writes_the_bucket,
    the_switch_waits_until_bedrock_may_write,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_log_of_calls(check: Check):
    check(logged()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    """The bucket's own parts are tested with every private bucket."""
    unseen = unnoticed(logged()[0], CHECKS)
    assert [what for what in unseen if "calls-archive" not in what] == []


def switched(**changes: Any) -> Change:
    return lambda r: having(loggingConfig={**r.inputs["loggingConfig"], **changes})(r)


SWITCH = "InvocationLoggingConfiguration calls-switch"


@pytest.mark.parametrize(
    ("resource", "change", "check"),
    [
        (SWITCH, switched(textDataDeliveryEnabled=True), nothing_that_was_said_is_logged),
        (SWITCH, switched(embeddingDataDeliveryEnabled=True), nothing_that_was_said_is_logged),
        (
            "Role calls-writer-role",
            policy("assumeRolePolicy", lambda s: s["Condition"].pop("StringEquals")),
            only_bedrock_of_this_account_takes_the_role,
        ),
        (
            "Role calls-writer-role",
            policy("assumeRolePolicy", lambda s: s["Condition"].pop("ArnLike")),
            only_bedrock_of_this_account_takes_the_role,
        ),
        (
            "RolePolicy calls-writer-grants",
            policy("policy", lambda s: s.update(Resource="*")),
            the_role_writes_bedrocks_stream_and_no_other,
        ),
        (
            "BucketPolicy calls-archive-policy",
            lambda r: having(
                policy=json.dumps(
                    {
                        "Statement": [
                            {k: v for k, v in s.items() if k != "Condition"}
                            for s in json.loads(r.inputs["policy"])["Statement"]
                        ]
                    }
                )
            )(r),
            only_bedrock_of_this_account_writes_the_bucket,
        ),
        ("LogGroup calls-log", having(retentionInDays=0), they_are_encrypted_and_kept_for_a_while),
    ],
)
def test_what_is_loosened_is_found(resource: str, change: Change, check: Check):
    with pytest.raises((AssertionError, KeyError)):
        check(loosened(logged()[0], resource, change))


def test_texts_are_logged_only_when_asked_for_and_large_ones_find_room():
    plan = logged(texts=True)[0]
    assert config(plan)["textDataDeliveryEnabled"] is True
    large = config(plan)["cloudwatchConfig"]["largeDataDeliveryS3Config"]
    assert large == {"bucketName": BUCKET, "keyPrefix": "large"}
    (document,) = each(plan, "s3.BucketPolicy")
    written = statements(document)["BedrockDelivers"]["Resource"]
    assert [arn.split("/")[1] for arn in written] == ["calls", "large"]


def test_what_is_lost_is_noticed():
    watched = {w.alarm.metric: (w.alarm.threshold, w.alarm.severity) for w in logged()[1]}
    assert watched == {
        "ModelInvocationLogsCloudWatchDeliveryFailure": (0, "ticket"),
        "ModelInvocationLogsS3DeliveryFailure": (0, "ticket"),
    }
