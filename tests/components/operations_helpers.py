"""What watches over a small shop, as plans; and what holds for every bucket, role and event rule among it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pulumi

from components.access_review import AccessReview, AccessReviewArgs
from components.alarms import Watch
from components.audit import Audit, AuditArgs, Lock
from components.backup import Backup, BackupArgs
from components.backup_roles import Vaults
from components.backup_vault import BackupVault, BackupVaultArgs
from components.budgets import Budgets, BudgetsArgs
from components.config_role import ConfigRole, ConfigRoleArgs
from components.config_rules import ConfigRules, ConfigRulesArgs
from components.drift import Drift, DriftArgs
from components.secret_age import SecretAge, SecretAgeArgs
from components.topic_writers import TopicWriters, TopicWritersArgs
from plan import Plan, Resource
from tests.components.data_helpers import ACCOUNT, REGIONS, each, options, place, planned, statements

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
LOGS = "access-logs-of-the-shop"
TABLES = {
    name: f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/concierge-shop-{name}"
    for name in ("profiles", "transactions", "pii-vault")
}
ARCHIVE = "arn:aws:s3:::archive"
STATE = "arn:aws:s3:::state"
INVENTORY = "arn:aws:s3:::inventory/inventory.json"


def key(data: str, role: str = "primary") -> str:
    return f"arn:aws:kms:{REGIONS[role]}:{ACCOUNT}:key/{data}"


Made = tuple[Plan, tuple[Watch, ...]]


def built(make: Callable[[dict[str, pulumi.ResourceOptions]], Sequence[Any]]) -> Made:
    """The plan of these components, and what they watch."""
    watched: list[Watch] = []

    def program() -> None:
        found = make(options([*REGIONS]))
        watched[:] = [watch for part in found if hasattr(part, "alarms") for watch in part.alarms()]
        for part in found:
            if hasattr(part, "widgets"):
                part.widgets()

    made = planned(program)
    return made, tuple(watched)


@cache
def audit(
    lock: Lock = "governance", search_days: int | None = 90, insights: bool = True, keep_days: int = 2557
) -> Made:
    def make(opts: dict[str, pulumi.ResourceOptions]) -> Sequence[Any]:
        args = AuditArgs(
            environment="shop",
            place=place("primary"),
            key_arn=key("audit"),
            log_key_arn=key("logs"),
            log_to=LOGS,
            tables=[TABLES["pii-vault"]],
            buckets=[ARCHIVE],
            keep_days=keep_days,
            search_days=search_days,
            lock=lock,
            insights=insights,
            protect=True,
            boundary_arn=BOUNDARY,
        )
        return [Audit("audit", args, opts["primary"])]

    return built(make)


@cache
def review(analyser: bool = True, unused_days: int | None = 90) -> Made:
    def make(opts: dict[str, pulumi.ResourceOptions]) -> Sequence[Any]:
        return [
            AccessReview(
                f"{role}-review",
                AccessReviewArgs(
                    environment="shop",
                    place=place(role),
                    key_arn=key("logs", role),
                    log_days=90,
                    analyser=analyser,
                    unused_days=unused_days,
                ),
                opts[role],
            )
            for role in REGIONS
        ]

    return built(make)


@cache
def rules(recorder: str = "own", make_role: bool = True, frequency: str = "CONTINUOUS") -> Made:
    def make(opts: dict[str, pulumi.ResourceOptions]) -> Sequence[Any]:
        role_args = ConfigRoleArgs(partition="aws", account_id=ACCOUNT, make=make_role)
        linked = ConfigRole("config-role", role_args, opts["primary"])
        return [
            ConfigRules(
                f"{role}-rules",
                ConfigRulesArgs(
                    environment="shop",
                    place=place(role),
                    recorder=recorder,  # type: ignore[arg-type]
                    frequency=frequency,  # type: ignore[arg-type]
                    global_types=role == "primary",
                    role_arn=linked.arn,
                    key_arn=key("audit", role),
                    log_key_arn=key("logs", role),
                    log_to=LOGS,
                    keep_days=2557,
                    log_days=90,
                    protect=True,
                ),
                opts[role],
            )
            for role in REGIONS
        ]

    return built(make)


@cache
def backup(lock: Lock = "governance", standby: bool = True, protect: bool = True) -> Made:
    def make(opts: dict[str, pulumi.ResourceOptions]) -> Sequence[Any]:
        vaults = {
            role: BackupVault(
                f"{role}-vault",
                BackupVaultArgs(environment="shop", key_arn=key("backups", role), lock=lock, protect=protect),
                opts[role],
            )
            for role in (REGIONS if standby else ("primary",))
        }
        alone = Vaults(here=vaults["primary"].arn, here_key=key("backups"))
        copied = replace(
            alone,
            there=vaults["standby"].arn if standby else None,
            there_key=key("backups", "standby"),
            there_region=REGIONS["standby"],
        )
        args = BackupArgs(
            environment="shop",
            place=place("primary"),
            vault=vaults["primary"].vault,
            vaults=copied if standby else alone,
            tables=TABLES,
            table_keys=[key("tables"), key("pii-vault")],
            buckets={"archive": ARCHIVE},
            bucket_key=key("objects"),
            tried=("transactions",),
            trial_key=key("tables"),
            account_settings=True,
            log_key_arn=key("logs"),
            log_days=90,
            boundary_arn=BOUNDARY,
        )
        return [Backup("backup", args, opts["primary"])]

    return built(make)


@cache
def spend(tag: tuple[str, str] | None = None, monitor_arn: str | None = None) -> Made:
    def make(opts: dict[str, pulumi.ResourceOptions]) -> Sequence[Any]:
        topics = {
            word: TopicWriters(
                f"{word}-writers",
                TopicWritersArgs(
                    place=place("primary"),
                    topic_arn=f"arn:aws:sns:us-east-1:{ACCOUNT}:{word}",
                    writers=("alarms", "budgets", "anomalies"),
                ),
                opts["primary"],
            ).topic_arn
            for word in ("page", "ticket")
        }
        args = BudgetsArgs(
            environment="shop",
            limits={"month": 9000, "models": 5000},
            topics=topics,  # type: ignore[arg-type]
            tag=tag,
            anomaly_usd=100,
            monitor_arn=monitor_arn,
        )
        return [Budgets("budgets", args, opts["primary"])]

    return built(make)


@cache
def drift() -> Made:
    def make(opts: dict[str, pulumi.ResourceOptions]) -> Sequence[Any]:
        args = DriftArgs(
            environment="shop",
            place=place("primary"),
            regions=[*REGIONS.values()],
            repository="https://git.example.com/shop/concierge.git",
            branch="main",
            connection_arn=f"arn:aws:codeconnections:us-east-1:{ACCOUNT}:connection/c",
            image=f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/build@sha256:{'1' * 64}",
            backend_url="s3://state",
            state_bucket_arn=STATE,
            secrets_key_arn=key("state"),
            readable=[INVENTORY],
            schedule="cron(30 4 * * ? *)",
            log_key_arn=key("logs"),
            log_days=90,
            boundary_arn=BOUNDARY,
        )
        return [Drift("drift", args, opts["primary"])]

    return built(make)


@cache
def ages() -> Made:
    def make(opts: dict[str, pulumi.ResourceOptions]) -> Sequence[Any]:
        args = SecretAgeArgs(
            environment="shop",
            place=place("primary"),
            secrets=("concierge-shop-origin-1", "concierge-shop-keys-1"),
            days=30,
            log_days=90,
            boundary_arn=BOUNDARY,
        )
        return [SecretAge("ages", args, opts["primary"])]

    return built(make)


# What holds wherever such a thing is made


def buckets_are_private(plan: Plan) -> None:
    """DATA-4, for buckets that are nobody's but the watcher's."""
    four = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
    for bucket in each(plan, "s3.Bucket"):
        stem, physical = bucket.name.removesuffix("-bucket"), bucket.inputs["bucket"]
        assert bucket.options.protect and bucket.inputs.get("forceDestroy") is False
        part = {
            word: dict(plan.get(f"{stem}-{word}").inputs)
            for word in (
                "versions",
                "private",
                "owner",
                "encryption",
                "policy",
                "access-log",
                "lifecycle",
            )
        }
        assert {inputs["bucket"] for inputs in part.values()} == {physical}
        assert part["versions"]["versioningConfiguration"] == {"status": "Enabled"}
        assert all(part["private"].get(word) is True for word in four)
        assert part["owner"]["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
        assert part["access-log"]["targetBucket"] == LOGS
        assert part["access-log"]["targetPrefix"] == f"{physical}/"
        deny = statements(plan.get(f"{stem}-policy"))["TlsOnly"]
        assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def files_stay_hot_for_ninety_days_and_cold_for_seven_years(plan: Plan) -> None:
    """OPS-9, DATA-5."""
    for lifecycle in each(plan, "s3.BucketLifecycleConfiguration"):
        tidy, kept = lifecycle.inputs["rules"]
        assert tidy["noncurrentVersionExpiration"] == {"noncurrentDays": 35}
        assert kept["status"] == tidy["status"] == "Enabled"
        assert kept["transitions"] == [{"storageClass": "GLACIER", "days": 90}]
        assert kept["expiration"] == {"days": 2557}


def logs_are_encrypted_and_end(plan: Plan) -> None:
    for group in each(plan, "cloudwatch.LogGroup"):
        assert group.inputs["name"].startswith("/concierge/shop/")
        assert group.inputs["kmsKeyId"] == key("logs", role_of(group))
        assert group.inputs["retentionInDays"] == 90


def role_of(resource: Resource) -> str:
    return next(role for role, region in REGIONS.items() if region == resource.region)


def events_are_kept_where_only_their_rules_write(plan: Plan) -> None:
    for rule in each(plan, "cloudwatch.EventRule"):
        target = plan.get(f"{rule.name}-log").inputs
        stem = rule.name[: rule.name.index("-events-") + len("-events")]
        group = plan.get(f"{stem}-log").outputs["arn"]
        assert rule.inputs["name"].startswith("concierge-shop-")
        assert target["rule"] == rule.inputs["name"]
        assert target["arn"] == group
        writers = plan.get(f"{stem}-writers")
        assert writers.inputs["policyName"].startswith("concierge-shop-events-")
        said = statements(writers, "policyDocument")
        assert rule.outputs["arn"] in said["WriteEvents"]["Condition"]["ArnEquals"]["aws:SourceArn"]
        assert {s["Resource"] for s in said.values()} == {f"{group}:*"}


def roles_are_bounded_and_say_exactly_what(plan: Plan) -> None:
    """RUN-17: no wildcard action, every resource only under a condition."""
    for role in each(plan, "iam.Role"):
        assert role.inputs["permissionsBoundary"] == BOUNDARY
        for trust in statements(role, "assumeRolePolicy").values():
            assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT
            assert trust["Action"] == "sts:AssumeRole"
    for policy in each(plan, "iam.RolePolicy"):
        for said in statements(policy).values():
            actions = [said["Action"]] if isinstance(said["Action"], str) else said["Action"]
            assert not any("*" in action for action in actions), policy.name
            if said["Effect"] == "Allow" and said["Resource"] in ("*", ["*"]):
                assert said.get("Condition"), policy.name
