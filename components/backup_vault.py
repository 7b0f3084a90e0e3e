"""Where backups lie (DATA-8): a vault of each region, with a key of its own, that gives nothing away.

A locked vault keeps every recovery point at least for the shortest and at most for the longest time of the
plan's rules: a rule outside is refused when its job runs, not when it is written, so `components.backup`
holds its rules against the same two numbers. In governance mode IAM could lift the lock; the vault's policy
then still says no to everybody, so that it takes two deliberate steps. Compliance cannot be lifted by
anybody, AWS included, once three days have passed.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Watch
from components.audit import Lock
from components.base import Component
from contract.alarms import Alarm, Widget, graphs

# The least AWS takes, and the time to notice a mistake.
GRACE_DAYS = 3
SHORTEST_DAYS = 7
LONGEST_DAYS = 400
FORBIDDEN = (
    "backup:DeleteBackupVault",
    "backup:DeleteBackupVaultLockConfiguration",
    "backup:DeleteRecoveryPoint",
    "backup:UpdateRecoveryPointLifecycle",
)


@dataclass(frozen=True, kw_only=True)
class BackupVaultArgs:
    """`key_arn`: the key of backups, in this region."""

    environment: str
    key_arn: Input[str]
    lock: Lock
    protect: bool


class BackupVault(Component):
    """One vault."""

    kind = "data:BackupVault"
    vault: Output[str]
    arn: Output[str]

    def __init__(self, name: str, args: BackupVaultArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._called = f"concierge-{args.environment}"
        made = aws.backup.Vault(
            f"{name}-vault",
            name=self._called,
            kms_key_arn=args.key_arn,
            force_destroy=not args.protect,
            opts=self.child(protect=args.protect),
        )
        self.vault, self.arn = made.name, made.arn
        if args.lock != "none":
            aws.backup.VaultLockConfiguration(
                f"{name}-lock",
                backup_vault_name=made.name,
                min_retention_days=SHORTEST_DAYS,
                max_retention_days=LONGEST_DAYS,
                changeable_for_days=GRACE_DAYS if args.lock == "compliance" else None,
                opts=self.child(protect=args.protect),
            )
            aws.backup.VaultPolicy(
                f"{name}-policy",
                backup_vault_name=made.name,
                policy=Output.json_dumps(_policy()),
                opts=self.child(),
            )
        self.register_outputs({"vault": self.vault, "arn": self.arn})

    def alarms(self) -> list[Watch]:
        """Jobs that fail are heard of as events, where they are planned (`components.backup`)."""
        stuck = Alarm(
            id="vault-keeps-too-long",
            namespace="AWS/Backup",
            metric="NumberOfRecoveryPointsExpired",
            dimensions={"BackupVaultName": self._called},
            statistic="Sum",
            threshold=0,
            period_s=86_400,
            datapoints=1,
            of=1,
            missing="notBreaching",
            severity="ticket",
            impact="Backups that should be gone are kept and paid for, what was to be forgotten with them.",
            runbook="restore-drill",
        )
        return [Watch(stuck)]

    def widgets(self) -> list[Widget]:
        return graphs(
            "AWS/Backup",
            {
                "Recovery points made": ("NumberOfRecoveryPointsCompleted", "Sum"),
                "Backups failed": ("NumberOfBackupJobsFailed", "Sum"),
                "Copies to another vault failed": ("NumberOfCopyJobsFailed", "Sum"),
            },
            {"BackupVaultName": self._called},
        )


def _policy() -> dict[str, Any]:
    """Recovery points leave by their lifecycle only. AWS Backup does that by itself, not as a principal."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "NobodyDeletes",
                "Effect": "Deny",
                "Principal": "*",
                "Action": list(FORBIDDEN),
                "Resource": "*",
            }
        ],
    }
