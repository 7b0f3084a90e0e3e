"""What AWS Backup may do, as two roles: one takes backups, one tries whether they restore (DATA-8).

AWS's own policies for this reach every resource of the account; these reach the tables and buckets of the
plan, and for restores only tables named as a restore test names them: the role cannot touch a table that
serves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.base import Component
from components.grants import EVERYTHING, Grant, here, policy
from components.place import Place
from components.private_bucket import through_s3

# AWS names what it restores for a test like this.
TRIAL = "awsbackup-restore-test-"
_USE = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"]


@dataclass(frozen=True, kw_only=True)
class Covered:
    """What is backed up: ARNs, and the keys it is encrypted with."""

    tables: Sequence[Input[str]]
    table_keys: Sequence[Input[str]]
    buckets: Sequence[Input[str]]
    bucket_key: Input[str]


@dataclass(frozen=True, kw_only=True)
class Vaults:
    """ARNs of the vault here and of the one that gets copies, and their keys."""

    here: Input[str]
    here_key: Input[str]
    there: Input[str] | None = None
    there_key: Input[str] | None = None
    there_region: str | None = None


@dataclass(frozen=True, kw_only=True)
class BackupRolesArgs:
    """`trial_key`: the key that tables of a restore test get."""

    environment: str
    place: Place
    covered: Covered
    vaults: Vaults
    trial_key: Input[str]
    boundary_arn: Input[str] | None = None


class BackupRoles(Component):
    """The two roles."""

    kind = "data:BackupRoles"
    backup_arn: Output[str]
    restore_arn: Output[str]

    def __init__(self, name: str, args: BackupRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self.backup_arn = self._role("backup", [*_tables(args), *_buckets(args), *_vaults(args)])
        self.restore_arn = self._role("restore", _restores(args))
        self.register_outputs({"backup": self.backup_arn, "restore": self.restore_arn})

    def _role(self, word: str, grants: Sequence[Grant]) -> Output[str]:
        args = self._args
        role = aws.iam.Role(
            f"{self.name}-{word}",
            name=f"concierge-{args.environment}-{word}-{args.place.region}",
            assume_role_policy=Output.json_dumps(_trust(args.place)),
            permissions_boundary=args.boundary_arn,
            opts=self.child(),
        )
        allowed = aws.iam.RolePolicy(
            f"{self.name}-{word}-may", role=role.id, policy=policy(grants), opts=self.child()
        )
        return Output.all(role.arn, allowed.id).apply(lambda known: str(known[0]))


def _trust(place: Place) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "backup.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": place.account_id}},
            }
        ],
    }


def _via(service: str, *regions: str | None) -> dict[str, Any]:
    return {
        "StringEquals": {
            "kms:ViaService": [f"{service}.{region}.amazonaws.com" for region in regions if region]
        }
    }


def _tables(args: BackupRolesArgs) -> list[Grant]:
    tables = args.covered.tables
    return [
        Grant(
            "TakeTables",
            [
                "dynamodb:CreateBackup",
                "dynamodb:DescribeTable",
                "dynamodb:ListTagsOfResource",
                "dynamodb:StartAwsBackupJob",
            ],
            tables,
        ),
        Grant(
            "FinishTables",
            ["dynamodb:DeleteBackup", "dynamodb:DescribeBackup"],
            [Output.concat(arn, "/backup/*") for arn in tables],
        ),
        Grant("OpenTables", _USE, args.covered.table_keys, _via("dynamodb", args.place.region)),
    ]


def _buckets(args: BackupRolesArgs) -> list[Grant]:
    """A continuous backup follows a bucket by its events, which AWS Backup switches on and listens to."""
    buckets, place = args.covered.buckets, args.place
    if not buckets:
        return []
    rules = place.arn("events", "rule/AwsBackupManagedRule*")
    reads = ["Acl", "", "Tagging", "Version", "VersionAcl", "VersionTagging"]
    return [
        Grant(
            "FollowBuckets",
            [
                "s3:GetBucketAcl",
                "s3:GetBucketLocation",
                "s3:GetBucketNotification",
                "s3:GetBucketTagging",
                "s3:GetBucketVersioning",
                "s3:GetInventoryConfiguration",
                "s3:ListBucket",
                "s3:ListBucketVersions",
                "s3:PutBucketNotification",
                "s3:PutInventoryConfiguration",
            ],
            buckets,
        ),
        Grant(
            "TakeObjects",
            [f"s3:GetObject{part}" for part in reads],
            [Output.concat(arn, "/*") for arn in buckets],
        ),
        *(
            Grant(
                f"OpenObjects{number}",
                ["kms:Decrypt", "kms:DescribeKey"],
                [args.covered.bucket_key],
                through_s3(place.region, arn),
            )
            for number, arn in enumerate(buckets)
        ),
        Grant(
            "ListenToBuckets",
            [
                f"events:{verb}"
                for verb in (
                    "DeleteRule",
                    "DescribeRule",
                    "DisableRule",
                    "EnableRule",
                    "ListTargetsByRule",
                    "PutRule",
                    "PutTargets",
                    "RemoveTargets",
                )
            ],
            [rules],
        ),
        Grant("MeasureBuckets", ["cloudwatch:GetMetricData", "events:ListRules"], [EVERYTHING], here(place)),
    ]


def _vaults(args: BackupRolesArgs) -> list[Grant]:
    vaults = args.vaults
    targets = [arn for arn in (vaults.here, vaults.there) if arn is not None]
    keys = [key for key in (vaults.here_key, vaults.there_key) if key is not None]
    via = _via("backup", args.place.region, vaults.there_region)
    copies = (
        [
            Grant(
                "CopyToStandby",
                ["backup:CopyFromBackupVault"],
                [EVERYTHING],
                {"ForAllValues:ArnEquals": {"backup:CopyTargets": vaults.there}},
            )
        ]
        if vaults.there is not None
        else []
    )
    return [
        Grant("FillVaults", ["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"], targets),
        *copies,
        Grant("CloseBackups", _USE, keys, via),
        Grant(
            "LetBackupKeepKeys",
            ["kms:CreateGrant"],
            keys,
            {**via, "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def _restores(args: BackupRolesArgs) -> list[Grant]:
    """A restore writes item by item into the new table."""
    place = args.place
    trial = place.arn("dynamodb", f"table/{TRIAL}*")
    return [
        Grant(
            "MakeTrialTables",
            [
                "dynamodb:BatchWriteItem",
                "dynamodb:DeleteItem",
                "dynamodb:DescribeTable",
                "dynamodb:GetItem",
                "dynamodb:PutItem",
                "dynamodb:Query",
                "dynamodb:RestoreTableFromAwsBackup",
                "dynamodb:RestoreTableFromBackup",
                "dynamodb:Scan",
                "dynamodb:UpdateItem",
            ],
            [trial],
        ),
        Grant("CloseTrialTables", _USE, [args.trial_key], _via("dynamodb", place.region)),
        Grant(
            "LetTablesKeepKeys",
            ["kms:CreateGrant"],
            [args.trial_key],
            {**_via("dynamodb", place.region), "Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
        Grant("OpenBackups", _USE, [args.vaults.here_key], _via("backup", place.region)),
    ]
