"""Bulk ingest (VEC-4): a Step Functions distributed map that hands a whole prefix to the ingest queue.

The map only fills the queue. Documents are read by the same service as ever, which scales by the queue's
length and knows by their hash those it has; so a run may be stopped, resumed and repeated. The definition is
`ingest_bulk.asl.json`. Batches of ten in express executions: a million documents are a hundred thousand short
runs, not a million state transitions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import asl, grants
from components.alarms import Watch
from components.base import Component
from components.grants import Grant
from components.ingest import RAW
from components.place import Place
from components.private_bucket import through_s3
from components.service_role import ServiceRole, ServiceRoleArgs, deliver_logs
from contract.alarms import Alarm, Widget

LABEL = "HandOver"  # of the map in the definition; part of its executions' ARNs
RESULTS = "logs/ingest"


@dataclass(frozen=True, kw_only=True)
class IngestBulkArgs:
    """`send`: what sending to the queue takes (`Ingest.send`). `results_*`: bucket for the lists of each run.

    Both buckets are encrypted with `bucket_key_arn`.
    """

    environment: str
    place: Place
    bucket: Input[str]
    bucket_arn: Input[str]
    results_bucket: Input[str]
    results_arn: Input[str]
    bucket_key_arn: Input[str]
    queue_url: Input[str]
    send: Sequence[Grant]
    log_days: int
    log_key_arn: Input[str]
    boundary: str | None


class IngestBulk(Component):
    """State machine, its role and its log."""

    kind = "search:IngestBulk"
    arn: Output[str]
    machine: str

    def __init__(self, name: str, args: IngestBulkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.machine = f"concierge-{args.environment}-ingest-bulk"
        log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            # Below this prefix AWS keeps the resource policy that lets it write short.
            name=f"/aws/vendedlogs/states/{self.machine}",
            retention_in_days=args.log_days,
            kms_key_id=args.log_key_arn,
            opts=self.child(),
        )
        role = ServiceRole(
            f"{name}-runs-as",
            ServiceRoleArgs(
                environment=args.environment,
                place=args.place,
                part="ingest-bulk",
                service="states",
                for_arns=[args.place.arn("states", f"stateMachine:{self.machine}")],
                grants=self._grants(),
                boundary=args.boundary,
            ),
            self.child(),
        )
        machine = aws.sfn.StateMachine(
            f"{name}-machine",
            name=self.machine,
            type="STANDARD",
            definition=self._definition(),
            role_arn=role.arn,
            logging_configuration={
                "level": "ERROR",
                # Names of documents may be names of people.
                "include_execution_data": False,
                "log_destination": Output.concat(log.arn, ":*"),
            },
            tracing_configuration={"enabled": True},
            opts=self.child(),
        )
        self.arn = machine.arn
        self.register_outputs({"machine": self.arn})

    def alarms(self) -> list[Watch]:
        """A run is started by hand or by a runbook, and nobody looks at it for hours."""
        return [
            Watch(
                Alarm(
                    id=f"ingest-bulk-{word}",
                    namespace="AWS/States",
                    metric=metric,
                    computed=("StateMachineArn",),
                    statistic="Sum",
                    threshold=0,
                    datapoints=1,
                    of=1,
                    missing="notBreaching",
                    severity="ticket",
                    impact="A bulk ingest ended early: part of the documents are not in the search.",
                    runbook="reindex",
                ),
                {"StateMachineArn": self.arn},
            )
            for word, metric in (("failed", "ExecutionsFailed"), ("timed-out", "ExecutionsTimedOut"))
        ]

    def widgets(self) -> list[Widget]:
        """None: the dimension is an ARN, and the queue it fills has graphs (`components.ingest`)."""
        return []

    def _definition(self) -> Output[str]:
        args = self._args
        values: dict[str, Input[str]] = {
            "Partition": args.place.partition,
            "Bucket": args.bucket,
            "Raw": RAW,
            "QueueUrl": args.queue_url,
            "ResultsBucket": args.results_bucket,
            "Results": RESULTS,
        }
        return asl.definition("ingest_bulk", values)

    def _grants(self) -> list[Grant]:
        args, place = self._args, self._args.place
        runs = f"execution:{self.machine}"
        documents = {"StringLike": {"s3:prefix": [f"{RAW}*"]}}
        keep = ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject")
        return [
            Grant("ListDocuments", ["s3:ListBucket"], [args.bucket_arn], documents),
            Grant(
                "StartBatches",
                ["states:StartExecution"],
                [place.arn("states", f"stateMachine:{self.machine}")],
            ),
            Grant(
                "FollowBatches",
                ["states:DescribeExecution", "states:StopExecution"],
                [place.arn("states", f"{runs}:*"), place.arn("states", f"{runs}/{LABEL}:*")],
            ),
            Grant("RedriveBatches", ["states:RedriveExecution"], [place.arn("states", f"{runs}/{LABEL}:*")]),
            *args.send,
            Grant(
                "KeepResults",
                [f"s3:{verb}" for verb in keep],
                [Output.concat(args.results_arn, f"/{RESULTS}/*")],
            ),
            Grant(
                "SealResults",
                ["kms:Decrypt", "kms:GenerateDataKey"],
                [args.bucket_key_arn],
                through_s3(place.region, args.results_arn),
            ),
            deliver_logs(place),
            grants.trace(place),
        ]
