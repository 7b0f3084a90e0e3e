"""VEC-4: a written document becomes a message, no message is lost, a whole prefix can be handed over."""

import json
from typing import Any

import pytest

from components import asl
from plan import Plan
from tests.components import acting_helpers as made
from tests.components.acting_helpers import AGENT, DOCUMENTS, HERE, KEYS, allows, arn
from tests.components.data_helpers import ACCOUNT, Check, each, statements

QUEUE, DEAD = arn("sqs", "concierge-shop-ingest"), arn("sqs", "concierge-shop-ingest-dead")
RULE = arn("events", "rule/concierge-shop-ingest")
MACHINE = "concierge-shop-ingest-bulk"
THROUGH_SQS = {"StringEquals": {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}}


def through_s3(bucket: str) -> dict[str, Any]:
    return {
        "StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"},
        "ArnLike": {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}*"},
    }


def documents_written_or_deleted_become_messages(plan: Plan) -> None:
    """Only below raw/: what the service itself writes must not come back to it."""
    (bucket,) = each(plan, "s3.BucketNotification")
    assert bucket.inputs == {"bucket": DOCUMENTS, "eventbridge": True}
    (rule,) = each(plan, "cloudwatch.EventRule")
    assert rule.inputs["name"] == "concierge-shop-ingest"
    assert json.loads(rule.inputs["eventPattern"]) == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created", "Object Deleted"],
        "detail": {"bucket": {"name": [DOCUMENTS]}, "object": {"key": [{"prefix": "raw/"}]}},
    }


def messages_that_cannot_be_delivered_are_kept(plan: Plan) -> None:
    (target,) = each(plan, "cloudwatch.EventTarget")
    assert target.inputs == {
        "rule": "concierge-shop-ingest",
        "arn": QUEUE,
        "deadLetterConfig": {"arn": DEAD},
        "retryPolicy": {"maximumEventAgeInSeconds": 86_400, "maximumRetryAttempts": 185},
    }


def a_message_is_tried_again_and_then_lies_apart(plan: Plan) -> None:
    queue, dead = plan.get("ingest-queue").inputs, plan.get("ingest-dead").inputs
    assert (queue["name"], dead["name"]) == ("concierge-shop-ingest", "concierge-shop-ingest-dead")
    assert json.loads(queue["redrivePolicy"]) == {"deadLetterTargetArn": DEAD, "maxReceiveCount": 5}
    assert json.loads(dead["redriveAllowPolicy"]) == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [QUEUE],
    }
    assert queue["visibilityTimeoutSeconds"] == 900
    assert queue["receiveWaitTimeSeconds"] == 20
    assert queue["messageRetentionSeconds"] == 7 * 86_400
    assert dead["messageRetentionSeconds"] == 14 * 86_400, "the longest SQS offers"


def queues_are_encrypted_with_the_key_of_their_class(plan: Plan) -> None:
    for queue in each(plan, "sqs.Queue"):
        assert queue.inputs["kmsMasterKeyId"] == KEYS["ingest"]


def only_the_rule_may_send_and_only_by_tls(plan: Plan) -> None:
    for what, queue in (("queue", QUEUE), ("dead", DEAD)):
        policy = plan.get(f"ingest-{what}-policy")
        assert policy.inputs["queueUrl"] == plan.get(f"ingest-{what}").outputs["url"]
        assert statements(policy) == {
            "DocumentsOnly": {
                "Sid": "DocumentsOnly",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue,
                "Condition": {
                    "ArnEquals": {"aws:SourceArn": RULE},
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                },
            },
            "TlsOnly": {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": queue,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        }


QUEUEING = [
    documents_written_or_deleted_become_messages,
    messages_that_cannot_be_delivered_are_kept,
    a_message_is_tried_again_and_then_lies_apart,
    queues_are_encrypted_with_the_key_of_their_class,
    only_the_rule_may_send_and_only_by_tls,
]


def the_machine_runs_the_definition_of_this_checkout(plan: Plan) -> None:
    (machine,) = each(plan, "sfn.StateMachine")
    assert (machine.inputs["name"], machine.inputs["type"]) == (MACHINE, "STANDARD")
    values = {
        "Partition": "aws",
        "Bucket": DOCUMENTS,
        "Raw": "raw/",
        "QueueUrl": "https://queue.example/ingest",
        "ResultsBucket": AGENT,
        "Results": "logs/ingest",
    }
    assert machine.inputs["definition"] == asl.filled(asl.text("ingest_bulk"), values)
    assert machine.inputs["roleArn"] == plan.get("bulk-runs-as-role").outputs["arn"]
    assert plan.get("bulk-runs-as-grants").urn in machine.dependencies


def its_log_tells_failures_and_no_names_of_documents(plan: Plan) -> None:
    (machine,) = each(plan, "sfn.StateMachine")
    group = f"/aws/vendedlogs/states/{MACHINE}"
    assert machine.inputs["loggingConfiguration"] == {
        "level": "ERROR",
        "includeExecutionData": False,
        "logDestination": arn("logs", f"log-group:{group}:*"),
    }
    assert machine.inputs["tracingConfiguration"] == {"enabled": True}
    made.logs(plan, {"bulk-log": group}, 30)


def its_role_may_list_hand_over_and_keep_the_lists(plan: Plan) -> None:
    made.taken_by(plan, "bulk-runs-as", "states", arn("states", f"stateMachine:{MACHINE}"))
    may = allows(plan, "bulk-runs-as")
    assert [may.pop(sid)[2:] for sid in ("DeliverLogs", "Trace")] == [(HERE,), (HERE,)]
    runs = arn("states", f"execution:{MACHINE}")
    assert may == {
        "ListDocuments": (
            ["s3:ListBucket"],
            [f"arn:aws:s3:::{DOCUMENTS}"],
            {"StringLike": {"s3:prefix": ["raw/*"]}},
        ),
        "StartBatches": (["states:StartExecution"], [arn("states", f"stateMachine:{MACHINE}")]),
        "FollowBatches": (
            ["states:DescribeExecution", "states:StopExecution"],
            [f"{runs}:*", f"{runs}/HandOver:*"],
        ),
        "RedriveBatches": (["states:RedriveExecution"], [f"{runs}/HandOver:*"]),
        "SendMessages": (["sqs:SendMessage"], [QUEUE]),
        "KeepResults": (
            ["s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"],
            [f"arn:aws:s3:::{AGENT}/logs/ingest/*"],
        ),
        "SealResults": (["kms:Decrypt", "kms:GenerateDataKey"], [KEYS["objects"]], through_s3(AGENT)),
    }


BULK = [
    the_machine_runs_the_definition_of_this_checkout,
    its_log_tells_failures_and_no_names_of_documents,
    its_role_may_list_hand_over_and_keep_the_lists,
]


@pytest.mark.parametrize("check", QUEUEING)
def test_the_queue(check: Check):
    check(made.ingest()[0])


@pytest.mark.parametrize("check", BULK)
def test_the_bulk_run(check: Check):
    check(made.bulk()[0])


def test_no_input_and_no_part_can_go_missing_unseen():
    assert made.unnoticed_of_ours(made.ingest()[0], QUEUEING) == []
    assert made.unnoticed_of_ours(made.bulk()[0], BULK) == []


# check -> (policy, its key, statement, what is loosened)
LOOSER: dict[Check, list[tuple[str, str, str, dict[str, Any]]]] = {
    only_the_rule_may_send_and_only_by_tls: [
        ("ingest-queue-policy", "policy", "DocumentsOnly", {"Condition": None}),
        ("ingest-queue-policy", "policy", "DocumentsOnly", {"Principal": "*"}),
        ("ingest-dead-policy", "policy", "TlsOnly", {"Effect": "Allow"}),
    ],
    its_role_may_list_hand_over_and_keep_the_lists: [
        ("bulk-runs-as-role", "assumeRolePolicy", "0", {"Condition": None}),
        ("bulk-runs-as-grants", "policy", "ListDocuments", {"Condition": None}),
        ("bulk-runs-as-grants", "policy", "KeepResults", {"Resource": ["*"]}),
        ("bulk-runs-as-grants", "policy", "StartBatches", {"Action": ["states:*"]}),
        ("bulk-runs-as-grants", "policy", "DeliverLogs", {"Condition": None}),
    ],
}


@pytest.mark.parametrize(("check", "how"), [(check, how) for check, hows in LOOSER.items() for how in hows])
def test_a_loosened_policy_is_found(check: Check, how: tuple[str, str, str, dict[str, Any]]):
    name, key, sid, parts = how
    plan = (made.ingest() if name.startswith("ingest") else made.bulk())[0]
    assert made.caught(made.loosened_policy(plan, name, key, sid, **parts), check)


def test_the_service_empties_the_queue_and_reads_documents():
    said = {s["Sid"]: s for s in made.ingest()[0].outputs["take"]}
    bucket = f"arn:aws:s3:::{DOCUMENTS}"
    written = [f"{bucket}/processed/*", f"{bucket}/embeddings/*"]
    assert said["TakeMessages"]["Resource"] == [QUEUE]
    assert "sqs:SendMessage" not in said["TakeMessages"]["Action"]
    assert said["OpenMessages"]["Condition"] == THROUGH_SQS
    assert said["ReadDocuments"]["Resource"] == [f"{bucket}/raw/*", *written]
    assert said["WriteDocuments"]["Resource"] == written, "what came in stays as it came"
    assert said["OpenDocuments"]["Condition"] == through_s3(DOCUMENTS)
    assert made.ingest()[0].outputs["variables"] == {
        "CONCIERGE_INGEST_QUEUE": made.ingest()[0].get("ingest-queue").outputs["url"]
    }


def test_who_sends_may_only_send():
    send, seal = made.ingest()[0].outputs["send"]
    assert (send["Action"], send["Resource"]) == (["sqs:SendMessage"], [QUEUE])
    assert (seal["Resource"], seal["Condition"]) == ([KEYS["ingest"]], THROUGH_SQS)


def test_late_dead_and_undelivered_documents_are_noticed():
    alarms = {w.alarm.id: w.alarm for w in made.ingest()[1]}
    assert {(a.namespace, a.metric, *a.dimensions.values()) for a in alarms.values()} == {
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", "concierge-shop-ingest"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "concierge-shop-ingest"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "concierge-shop-ingest-dead"),
        ("AWS/Events", "FailedInvocations", "concierge-shop-ingest"),
    }
    assert (alarms["ingest-dead"].threshold, alarms["ingest-dead"].of) == (0, 1)
    assert alarms["ingest-late"].threshold == 3_600
    assert {w.alarm.metric for w in made.bulk()[1]} == {"ExecutionsFailed", "ExecutionsTimedOut"}


class TestTheDefinition:
    """Of the bulk run, as Step Functions would read it."""

    machine = json.loads(asl.text("ingest_bulk"))
    whole = machine["States"]["Hand over"]
    inner = whole["ItemProcessor"]

    def test_every_state_leads_somewhere_and_every_task_knows_what_to_do_when_it_fails(self):
        assert asl.problems(self.machine) == []
        assert asl.problems({**self.inner, "TimeoutSeconds": 300}) == []

    @pytest.mark.parametrize("state", ["Queue batch", "All taken?", "Taken", "Refused"])
    def test_a_state_that_is_missing_is_found(self, state: str):
        states = {name: body for name, body in self.inner["States"].items() if name != state}
        assert asl.problems({**self.inner, "States": states, "TimeoutSeconds": 300})

    def test_batches_are_as_large_as_sqs_takes_them(self):
        assert self.whole["ItemBatcher"] == {"MaxItemsPerBatch": 10}
        assert self.inner["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}

    def test_it_neither_floods_nor_stops_at_the_first_fault(self):
        assert self.whole["MaxConcurrency"] == 50
        assert self.whole["ToleratedFailurePercentage"] == 1

    def test_a_batch_that_is_taken_in_part_fails(self):
        """SendMessageBatch says so in its answer only."""
        choice = self.inner["States"]["All taken?"]
        assert choice["Default"] == "Refused"
        assert [(c["Condition"], c["Next"]) for c in choice["Choices"]] == [
            ("{% $states.input.refused = 0 %}", "Taken")
        ]
        assert self.inner["States"]["Refused"]["Type"] == "Fail"

    def test_it_reads_and_writes_through_our_buckets(self):
        reader, writer = self.whole["ItemReader"], self.whole["ResultWriter"]
        assert reader["Resource"] == "arn:${Partition}:states:::s3:listObjectsV2"
        assert reader["Arguments"]["Bucket"] == "${Bucket}"
        assert writer["Arguments"] == {"Bucket": "${ResultsBucket}", "Prefix": "${Results}"}

    def test_its_label_is_the_one_the_role_knows(self):
        assert self.whole["Label"] == "HandOver"
