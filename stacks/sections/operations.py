"""What watches: audit trail, rules, backups, spend, drift, age of secrets (OPS-2, OPS-9, DATA-8)."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.buckets import LOGS
from components.buckets import definitions as buckets
from components.dashboards import pages
from components.tables import definitions as tables
from contract.slos import slos
from stacks.problems import rule
from stacks.section import Section
from stacks.sections.data import LogDays

Lock = Literal["none", "governance", "compliance"]
SEVEN_YEARS = 2557

_STATE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:[/?].*)?")


class Audit(Section):
    """Who did what (OPS-9)."""

    enabled: bool = Field(
        True, description="whether this stack makes the account's trail; off where another stack has one"
    )
    keep_days: int = Field(SEVEN_YEARS, ge=90, description="days the trail's files are kept")
    search_days: LogDays | None = Field(
        90, description="days CloudWatch keeps a copy that can be searched; none: only the files"
    )
    lock: Lock = Field(
        "governance",
        description="files and backups cannot be deleted before their time: `governance` until IAM and a "
        "policy are changed, `compliance` by nobody at all, for years",
    )
    tables: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        ("pii-vault",),
        description="tables whose every read and write is recorded; ten a second cost $26 a month, so none "
        "that each message touches",
    )
    buckets: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        ("archive",), description="buckets whose every read and write is recorded"
    )
    insights: bool = Field(
        True, description="unusual numbers of calls and errors; $0.35 per 100,000 events and kind"
    )
    analyser: bool = Field(
        True, description="make the access analyser; off where the account's region has one already"
    )
    unused_access_days: int | None = Field(
        None,
        ge=1,
        le=365,
        description="report roles and permissions unused for so long; $0.20 a role and month; none: not",
    )
    log_days: LogDays = Field(90, description="days the events that raise an alarm stay in CloudWatch")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for key, named, there in (("tables", self.tables, tables()), ("buckets", self.buckets, buckets())):
            for name in named:
                # The log of who reads the logs would be read by nobody, and grow with itself.
                if name not in there or name == LOGS:
                    offered = ", ".join(sorted({*there} - {LOGS}))
                    raise rule(key, f"{name} is not among what can be recorded: use {offered}")
        return self


class Rules(Section):
    """AWS Config with the CIS pack (OPS-9)."""

    enabled: bool = Field(
        True,
        description="whether rules are evaluated; about $10 to $20 a month and region for a stack like this",
    )
    recorder: Literal["own", "existing"] = Field(
        "own", description="a region of an account has one recorder: `existing` where another stack has it"
    )
    linked_role: Literal["make", "existing"] = Field(
        "make", description="an account has one role for AWS Config: `existing` where it is there already"
    )
    frequency: Literal["CONTINUOUS", "DAILY"] = Field(
        "CONTINUOUS", description="record each change, or once a day what has changed"
    )


class Backups(Section):
    """AWS Backup (DATA-8)."""

    enabled: bool = Field(
        True, description="whether there are vaults and plans besides point-in-time recovery"
    )
    buckets: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        ("archive",), description="buckets of components/buckets.toml that are backed up besides being copied"
    )
    tried: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        ("transactions",),
        description="tables that are restored on trial each quarter; each restore is charged",
    )
    account_settings: bool = Field(
        True,
        description="let AWS Backup manage DynamoDB in this account; off where another stack says so",
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        offered = sorted({*buckets()} - {LOGS})
        for name in self.buckets:
            if name not in offered:
                raise rule("buckets", f"{name} is no bucket that can be backed up: use {', '.join(offered)}")
        # A trial table gets the key of tables: what has a key of its own must not appear under another.
        plain = sorted(name for name, t in tables().items() if t.archived and t.encrypted == "tables")
        for name in self.tried:
            if name not in plain:
                raise rule("tried", f"{name} cannot be restored on trial: use {', '.join(plain)}")
        return self


class Spend(Section):
    """Budgets (OPS-2). The month's own is `environment.monthly_budget_usd`."""

    enabled: bool = Field(True, description="whether there are budgets; they cost nothing")
    models_usd: int | None = Field(
        None, gt=0, description="what models may cost in a month; none: no such budget"
    )
    by_tag: bool = Field(
        False,
        description="count only what has this stack's tag; first make `Stack` a cost allocation tag",
    )
    anomaly_usd: int | None = Field(
        100,
        gt=0,
        description="the least an unusual cost must be to be told; none: anomalies are not looked for",
    )
    monitor_arn: str | None = Field(
        None, description="the account's cost monitor of services, where it has one: AWS allows one"
    )


class Drift(Section):
    """The daily look whether AWS is what the repository says (OPS-4)."""

    repository: str | None = Field(None, description="HTTPS address of this repository; none: no drift check")
    branch: str = Field("main", min_length=1, description="branch that is deployed")
    connection_arn: str | None = Field(None, description="the CodeConnections connection that reads it")
    image: str | None = Field(None, description="ARM64 build image with pulumi and Python, by digest")
    backend_url: str | None = Field(None, description="where pulumi keeps its state: s3://bucket")
    secrets_key_arn: str | None = Field(None, description="KMS key that encrypts the state's secrets")
    schedule: str = Field("cron(30 4 * * ? *)", pattern=r"^(cron|rate)\(.+\)$", description="when, UTC")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.repository is None:
            return self
        for key in ("connection_arn", "image", "backend_url", "secrets_key_arn"):
            if getattr(self, key) is None:
                raise rule(key, "is missing: a drift check needs it; or leave repository out")
        if self.state_bucket is None:
            raise rule(
                "backend_url", "is no bucket: write it as s3://bucket; state elsewhere needs a lasting token"
            )
        return self

    @property
    def state_bucket(self) -> str | None:
        """The bucket of the state."""
        match = _STATE.fullmatch(self.backend_url or "")
        return match[1] if match else None


class Runbooks(Section):
    """Roles of the runbooks, and where their journals go (OPS-4)."""

    operators: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="ARNs of the people's roles that may take a runbook's role; none: no such roles"
    )
    log_days: LogDays = Field(365, description="days the journals of runbooks stay in CloudWatch")

    @model_validator(mode="after")
    def _arns(self) -> Self:
        for arn in self.operators:
            if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+", arn):
                raise rule("operators", f"{arn} is no role or user: write arn:aws:iam::<account>:role/<name>")
        return self


class Operations(Section):
    """What watches."""

    audit: Audit = Audit()
    rules: Rules = Rules()
    backups: Backups = Backups()
    spend: Spend = Spend()
    drift: Drift = Drift()
    runbooks: Runbooks = Runbooks()
    dashboards: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        tuple(pages()), description="pages in CloudWatch (OPS-3); an account's first three cost nothing"
    )
    error_budgets: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        tuple(slo.id for slo in slos()),
        description="promises of contract/slos.toml whose burn rate is watched, $2.20 a month each (OPS-1)",
    )
    secret_days: int = Field(30, ge=1, le=365, description="after how many days a generated secret is due")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for page in self.dashboards:
            if page not in pages():
                raise rule("dashboards", f"has {page!r}, which is no page: there are {', '.join(pages())}")
        promised = [slo.id for slo in slos()]
        for budget in self.error_budgets:
            if budget not in promised:
                there = ", ".join(promised)
                raise rule("error_budgets", f"has {budget!r}, which nobody promised: there are {there}")
        return self

    def warnings(self, *, protect: bool, budget: int | None) -> list[str]:
        """What is allowed but should be known."""
        if not protect:
            return []
        told = {
            "operations.audit is off in a protected environment: make sure another stack has the trail": (
                not self.audit.enabled
            ),
            "operations.audit.lock is none in a protected environment: files and backups can be deleted": (
                self.audit.lock == "none"
            ),
            "operations.audit.keep_days is below seven years in a protected environment (DATA-5)": (
                self.audit.keep_days < SEVEN_YEARS
            ),
            "operations.rules is off in a protected environment: nobody checks the CIS benchmark (OPS-9)": (
                not self.rules.enabled
            ),
            "operations.backups is off in a protected environment (DATA-8)": not self.backups.enabled,
            "operations.drift.repository is not set: nobody finds what was changed by hand (OPS-4)": (
                self.drift.repository is None
            ),
            "environment.monthly_budget_usd is not set: there is no budget alarm at 80 % and 100 % (OPS-2)": (
                self.spend.enabled and budget is None
            ),
        }
        return [words for words, so in told.items() if so]
