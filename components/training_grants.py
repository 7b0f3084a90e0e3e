"""What training may do (MOD-6): jobs read messages and write models, the pipeline starts and registers."""

from typing import TYPE_CHECKING

from pulumi import Input, Output

from components.grants import EVERYTHING, Grant, pull_image
from components.model_role import attach, open_disks
from components.private_bucket import through_s3

if TYPE_CHECKING:
    from components.training import TrainingArgs

# SageMaker names the jobs of a pipeline so.
JOBS = ("processing-job/pipelines-*", "training-job/pipelines-*")


def job_grants(args: "TrainingArgs") -> list[Grant]:
    place, data, models = args.place, args.data, args.models
    return [
        *pull_image(place, args.repository_arn),
        *attach(place, args.subnet_ids, args.security_group_id),
        *open_disks(place, args.disk_key_arn),
        Grant(
            "SeeFiles",
            ["s3:ListBucket"],
            [data.arn, models.arn],
            {"StringLike": {"s3:prefix": ["messages/*", "runs/*", "intent/*"]}},
        ),
        Grant(
            "ReadFiles",
            ["s3:GetObject"],
            [Output.concat(data.arn, "/messages/*"), Output.concat(data.arn, "/runs/*"), _models(models.arn)],
        ),
        Grant("WriteFiles", ["s3:PutObject"], [Output.concat(data.arn, "/runs/*"), _models(models.arn)]),
        Grant("UseData", _OPEN, [data.key_arn], through_s3(place.region, data.arn)),
        Grant("UseModels", _OPEN, [models.key_arn], through_s3(place.region, models.arn)),
        Grant(
            "WriteLogs", _LOGS, [place.arn("logs", f"log-group:/aws/sagemaker/{kind}:*") for kind in _KINDS]
        ),
        Grant(
            "MakeLogs",
            ["logs:CreateLogGroup"],
            [place.arn("logs", f"log-group:/aws/sagemaker/{kind}") for kind in _KINDS],
        ),
        Grant(
            "TellMetrics",
            ["cloudwatch:PutMetricData"],
            [EVERYTHING],
            {"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        ),
    ]


_OPEN = ["kms:Decrypt", "kms:GenerateDataKey"]
_LOGS = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
_KINDS = ("ProcessingJobs", "TrainingJobs")


def _models(bucket_arn: Input[str]) -> Output[str]:
    return Output.concat(bucket_arn, "/intent/*")


def pipeline_grants(
    args: "TrainingArgs", group_name: str, group_arn: Input[str], jobs_role_arn: Input[str]
) -> list[Grant]:
    place = args.place
    jobs = [place.arn("sagemaker", job) for job in JOBS]
    versions = place.arn("sagemaker", f"model-package/{group_name}/*")
    start = [
        f"sagemaker:{verb}{kind}Job"
        for kind in ("Processing", "Training")
        for verb in ("Create", "Describe", "Stop")
    ]
    passed = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    return [
        Grant("RunJobs", [*start, "sagemaker:AddTags"], jobs),
        Grant("HandOverRole", ["iam:PassRole"], [jobs_role_arn], passed),
        Grant("Register", ["sagemaker:CreateModelPackage"], [group_arn, versions]),
        Grant("SeeVersions", ["sagemaker:DescribeModelPackage"], [versions]),
        Grant("SeeGroup", ["sagemaker:DescribeModelPackageGroup"], [group_arn]),
        # What the threshold is held against lies in a file of a job; what is registered has to be there.
        Grant(
            "ReadResults",
            ["s3:GetObject"],
            [Output.concat(args.data.arn, "/runs/*"), _models(args.models.arn)],
        ),
        Grant("OpenRuns", ["kms:Decrypt"], [args.data.key_arn], through_s3(place.region, args.data.arn)),
        Grant(
            "OpenModels", ["kms:Decrypt"], [args.models.key_arn], through_s3(place.region, args.models.arn)
        ),
    ]
