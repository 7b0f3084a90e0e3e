"""Backups of tables and buckets (DATA-8): taken, copied, restored on trial, and missed when absent.

Any second of the last 35 days comes from the tables' own recovery and from replication; that is what fifteen
minutes and one hour rest on. Backups are for what would take those along, so they lie in a locked vault
(`components.backup_vault`) and in another region. What is taken when is data, `backup.toml`.

Resources are named one by one: a table that must not be copied (`customer-keys`, DATA-9) cannot slip in by a
tag. DynamoDB's backups can be copied, cooled and encrypted with the vault's key only where the account lets
AWS Backup manage them; that is one setting per account and region, so `account_settings` says whose it is.

A backup that was never restored is a hope: each quarter the newest ones of the tables that money hangs on are
restored by themselves, kept for a day for somebody to look, and removed. The runbook restore-drill measures
how long it takes.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

import pulumi
import pulumi_aws as aws
from pulumi import Input
from pydantic import Field, model_validator

from components.alarms import Watch
from components.backup_events import DONE, events
from components.backup_roles import BackupRoles, BackupRolesArgs, Covered, Vaults
from components.backup_vault import LONGEST_DAYS, SHORTEST_DAYS
from components.base import Component
from components.event_watch import EventWatch, EventWatchArgs
from components.place import Place
from contract.alarms import Alarm, Widget
from contract.base import Shape

COLDEST_DAYS = 90
CONTINUOUS_DAYS = 35


class Taking(Shape):
    """One rule of `backup.toml`."""

    schedule: str = Field(pattern=r"^cron\(.+\)$")
    days: int = Field(ge=SHORTEST_DAYS, le=LONGEST_DAYS)
    cold: int | None = Field(None, gt=0)
    copied: bool = False
    continuous: bool = False

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.cold is not None and self.days < self.cold + COLDEST_DAYS:
            raise ValueError(
                f"kept {self.days} days, but cold storage keeps for {COLDEST_DAYS}: "
                f"use days = {self.cold + COLDEST_DAYS} or more, or leave cold out"
            )
        if self.continuous and (self.days > CONTINUOUS_DAYS or self.cold is not None):
            raise ValueError(f"a continuous backup is kept at most {CONTINUOUS_DAYS} days and never cold")
        return self


@cache
def definitions() -> Mapping[str, Mapping[str, Taking]]:
    """What is backed up -> rule -> when and for how long."""
    kinds = tomllib.loads(Path(__file__).with_name("backup.toml").read_text(encoding="utf-8"))
    return {
        kind: {name: Taking.model_validate(row) for name, row in rules.items()}
        for kind, rules in kinds.items()
    }


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """`tables`: name -> ARN, of those that may be archived. `tried`: names of those restored on trial."""

    environment: str
    place: Place
    vault: Input[str]
    vaults: Vaults
    tables: Mapping[str, Input[str]]
    table_keys: Sequence[Input[str]]
    buckets: Mapping[str, Input[str]]
    bucket_key: Input[str]
    tried: Sequence[str]
    trial_key: Input[str]
    account_settings: bool
    log_key_arn: Input[str]
    log_days: int
    boundary_arn: Input[str] | None = None
    schedule_of_trials: str = field(default="cron(0 7 5 1,4,7,10 ? *)")

    def __post_init__(self) -> None:
        if unknown := sorted({*self.tried} - {*self.tables}):
            raise ValueError(
                f"restored on trial but never backed up: {', '.join(unknown)}; "
                f"choose among {', '.join(sorted(self.tables))}"
            )


class Backup(Component):
    """Plans, roles, trials, and what is heard of them."""

    kind = "data:Backup"

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self._roles = BackupRoles(
            f"{name}-roles",
            BackupRolesArgs(
                environment=args.environment,
                place=args.place,
                covered=Covered(
                    tables=[*args.tables.values()],
                    table_keys=args.table_keys,
                    buckets=[*args.buckets.values()],
                    bucket_key=args.bucket_key,
                ),
                vaults=args.vaults,
                trial_key=args.trial_key,
                boundary_arn=args.boundary_arn,
            ),
            self.child(),
        )
        before = [self._settings()] if args.account_settings else []
        for kind, covered in (("tables", args.tables), ("buckets", args.buckets)):
            if covered:
                self._plan(kind, [*covered.values()], before)
        if args.tried:
            self._try()
        self._events = EventWatch(
            f"{name}-events",
            EventWatchArgs(
                environment=args.environment,
                place=args.place,
                topic="backup",
                events=events(args.vaults.here),
                key_arn=args.log_key_arn,
                log_days=args.log_days,
            ),
            self.child(),
        )
        self.register_outputs({"role": self._roles.backup_arn})

    def alarms(self) -> list[Watch]:
        """Jobs that end badly; and two days in which none ended well, whatever the reason."""
        bad = [watch for watch in self._events.alarms() if watch.alarm.id != DONE]
        missed = Alarm(
            id="backup-missed",
            namespace="AWS/Events",
            metric="TriggeredRules",
            dimensions={"RuleName": self._rule(DONE)},
            statistic="Sum",
            comparison="LessThanThreshold",
            threshold=1,
            period_s=86_400,
            datapoints=2,
            of=2,
            missing="breaching",
            severity="ticket",
            impact="The vault has no backup of the last two days: after a disaster they are gone.",
            runbook="restore-drill",
        )
        return [*bad, Watch(missed)]

    def widgets(self) -> list[Widget]:
        return [self._events.graph("Backups, done and failed")]

    def _rule(self, event: str) -> str:
        return f"concierge-{self._args.environment}-{event}"

    def _settings(self) -> pulumi.Resource:
        """AWS adds services to this list by itself; what it adds is no change of ours."""
        return aws.backup.RegionSettings(
            f"{self.name}-account",
            resource_type_opt_in_preference={"DynamoDB": True, "S3": True},
            resource_type_management_preference={"DynamoDB": True},
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=["resourceTypeOptInPreference", "resourceTypeManagementPreference"],
            ),
        )

    def _plan(self, kind: str, covered: Sequence[Input[str]], before: Sequence[pulumi.Resource]) -> None:
        args = self._args
        plan = aws.backup.Plan(
            f"{self.name}-{kind}",
            name=f"concierge-{args.environment}-{kind}",
            rules=[self._taking(name, taking) for name, taking in definitions()[kind].items()],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*before]),
        )
        aws.backup.Selection(
            f"{self.name}-{kind}-selection",
            name=f"concierge-{args.environment}-{kind}",
            plan_id=plan.id,
            iam_role_arn=self._roles.backup_arn,
            resources=[*covered],
            opts=self.child(),
        )

    def _taking(self, name: str, taking: Taking) -> aws.backup.PlanRuleArgs:
        there = self._args.vaults.there
        copy = [_copy(taking, there)] if taking.copied and there is not None else []
        return aws.backup.PlanRuleArgs(
            rule_name=name,
            target_vault_name=self._args.vault,
            schedule=taking.schedule,
            start_window=60,
            completion_window=720,
            enable_continuous_backup=taking.continuous,
            lifecycle=aws.backup.PlanRuleLifecycleArgs(
                delete_after=taking.days, cold_storage_after=taking.cold
            ),
            copy_actions=copy,
        )

    def _try(self) -> None:
        """Restored tables get our key: AWS would take its own, and they hold customers' data."""
        args = self._args
        # AWS takes letters, digits and underscores here, and nothing else.
        word = f"concierge_{args.environment}_tables".replace("-", "_")
        plan = aws.backup.RestoreTestingPlan(
            f"{self.name}-trials",
            name=word,
            schedule_expression=args.schedule_of_trials,
            start_window_hours=24,
            recovery_point_selection={
                "algorithm": "LATEST_WITHIN_WINDOW",
                "include_vaults": [args.vaults.here],
                "recovery_point_types": ["SNAPSHOT"],
                "selection_window_days": 7,
            },
            opts=self.child(),
        )
        aws.backup.RestoreTestingSelection(
            f"{self.name}-trial-tables",
            name=word,
            restore_testing_plan_name=plan.name,
            protected_resource_type="DynamoDB",
            protected_resource_arns=[args.tables[name] for name in args.tried],
            iam_role_arn=self._roles.restore_arn,
            restore_metadata_overrides={"encryptionType": "KMS", "kmsMasterKeyArn": args.trial_key},
            validation_window_hours=24,
            opts=self.child(),
        )


def _copy(taking: Taking, vault_arn: Input[str]) -> aws.backup.PlanRuleCopyActionArgs:
    """Kept there as long as here: both vaults have the same lock."""
    return aws.backup.PlanRuleCopyActionArgs(
        destination_vault_arn=vault_arn,
        lifecycle=aws.backup.PlanRuleCopyActionLifecycleArgs(
            delete_after=taking.days, cold_storage_after=taking.cold
        ),
    )
