"""What watches and keeps the rest: audit, rules, backups, spend, delivery, experiments (OPS-8, 9, DATA-8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pulumi import Output

from components.access_review import AccessReview, AccessReviewArgs
from components.alarms import Watched
from components.audit import Audit, AuditArgs
from components.backup import Backup, BackupArgs
from components.backup_roles import Vaults
from components.backup_vault import BackupVault, BackupVaultArgs
from components.budgets import Budgets, BudgetsArgs
from components.config_rules import ConfigRules, ConfigRulesArgs
from components.delivery import Delivery, DeliveryArgs, Deployer
from components.drift import Drift, DriftArgs
from components.fault_catalogue import Need
from components.faults import Faults, FaultsArgs
from components.faults import Ground as FaultGround
from components.secret_age import SecretAge, SecretAgeArgs
from components.tables import definitions
from components.topic_writers import TopicWriters, TopicWritersArgs
from contract.alarms import Severity
from stacks.areas.data import Data
from stacks.areas.ground import Ground
from stacks.areas.signals import Signals
from stacks.sections.delivery import Deployer as DeployerSettings
from stacks.site import Site
from stacks.world import World

HIT_TABLES = ("sessions", "profiles", "carts", "orders")


@dataclass(frozen=True, kw_only=True)
class Operations:
    """What stands in one region; what there is once stands in the primary."""

    site: Site
    vault: BackupVault | None
    faults: Faults | None
    watched: Sequence[Watched | None]


def guard(
    site: Site,
    ground: Ground,
    data: Data,
    signals: Signals,
    world: World,
    standby: "tuple[Data, Operations] | None",
) -> Operations:
    """`standby` is given to the primary: its data is audited and backed up with ours."""
    chosen = site.settings.operations
    vault = _vault(site) if chosen.backups.enabled else None
    faults = _faults(site, ground, data) if site.settings.faults.enabled else None
    watched: list[Watched | None] = [vault, faults]
    if chosen.audit.enabled:
        watched.append(_review(site))
    if world.config_role_arn is not None:
        watched.append(_rules(site, data, world.config_role_arn))
    if site.role == "primary":
        watched += _once(site, data, signals, world, vault, standby)
    return Operations(site=site, vault=vault, faults=faults, watched=watched)


def _once(
    site: Site,
    data: Data,
    signals: Signals,
    world: World,
    vault: BackupVault | None,
    standby: "tuple[Data, Operations] | None",
) -> list[Watched | None]:
    chosen = site.settings.operations
    found: list[Watched | None] = [_secret_age(site, world)]
    if chosen.audit.enabled:
        found.append(_audit(site, [data, standby[0]] if standby else [data]))
    if vault is not None:
        found.append(_backup(site, data, vault, standby[1] if standby else None))
    if chosen.spend.enabled:
        found.append(_budgets(site, signals))
    if chosen.drift.repository is not None:
        found.append(_drift(site))
    if site.settings.delivery.enabled:
        found.append(_delivery(site, data, signals))
    return found


def _review(site: Site) -> AccessReview:
    chosen = site.settings.operations.audit
    return AccessReview(
        site.named("review"),
        AccessReviewArgs(
            environment=site.environment,
            place=site.place,
            key_arn=site.keys["logs"],
            log_days=chosen.log_days,
            analyser=chosen.analyser,
            unused_days=chosen.unused_access_days,
        ),
        site.inside,
    )


def _rules(site: Site, data: Data, role_arn: Output[str]) -> ConfigRules:
    chosen = site.settings.operations
    return ConfigRules(
        site.named("rules"),
        ConfigRulesArgs(
            environment=site.environment,
            place=site.place,
            recorder=chosen.rules.recorder,
            frequency=chosen.rules.frequency,
            global_types=site.role == "primary",
            role_arn=role_arn,
            key_arn=site.keys["audit"],
            log_key_arn=site.keys["logs"],
            log_to=data.buckets.names["access-logs"],
            keep_days=chosen.audit.keep_days,
            log_days=chosen.audit.log_days,
            protect=site.guarded,
        ),
        site.inside,
    )


def _vault(site: Site) -> BackupVault:
    return BackupVault(
        site.named("vault"),
        BackupVaultArgs(
            environment=site.environment,
            key_arn=site.keys["backups"],
            lock=site.settings.operations.audit.lock,
            protect=site.guarded,
        ),
        site.inside,
    )


def _audit(site: Site, stores: Sequence[Data]) -> Audit:
    chosen = site.settings.operations.audit
    return Audit(
        site.named("audit"),
        AuditArgs(
            environment=site.environment,
            place=site.place,
            key_arn=site.keys["audit"],
            log_key_arn=site.keys["logs"],
            log_to=stores[0].buckets.names["access-logs"],
            tables=[store.tables.arns[table] for store in stores for table in chosen.tables],
            buckets=[store.buckets.arns[bucket] for store in stores for bucket in chosen.buckets],
            keep_days=chosen.keep_days,
            search_days=chosen.search_days,
            lock=chosen.lock,
            insights=chosen.insights,
            protect=site.guarded,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )


def _backup(site: Site, data: Data, vault: BackupVault, standby: Operations | None) -> Backup:
    chosen = site.settings.operations
    archived = {table: definition for table, definition in definitions().items() if definition.archived}
    return Backup(
        site.named("backup"),
        BackupArgs(
            environment=site.environment,
            place=site.place,
            vault=vault.vault,
            vaults=_vaults(site, vault, standby),
            tables={table: data.tables.arns[table] for table in archived},
            table_keys=[site.keys[key] for key in sorted({each.encrypted for each in archived.values()})],
            buckets={bucket: data.buckets.arns[bucket] for bucket in chosen.backups.buckets},
            bucket_key=site.keys["objects"],
            tried=chosen.backups.tried,
            trial_key=site.keys["tables"],
            account_settings=chosen.backups.account_settings,
            log_key_arn=site.keys["logs"],
            log_days=chosen.audit.log_days,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )


def _vaults(site: Site, vault: BackupVault, standby: Operations | None) -> Vaults:
    if standby is None or standby.vault is None:
        return Vaults(here=vault.arn, here_key=site.keys["backups"])
    return Vaults(
        here=vault.arn,
        here_key=site.keys["backups"],
        there=standby.vault.arn,
        there_key=standby.site.keys["backups"],
        there_region=standby.site.chosen.name,
    )


def _budgets(site: Site, signals: Signals) -> Budgets:
    chosen = site.settings.operations.spend
    limits = {"month": site.settings.environment.monthly_budget_usd, "models": chosen.models_usd}
    return Budgets(
        site.named("budgets"),
        BudgetsArgs(
            environment=site.environment,
            limits={name: usd for name, usd in limits.items() if usd is not None},
            topics=_written_to(site, signals),
            tag=("Stack", site.environment) if chosen.by_tag else None,
            anomaly_usd=chosen.anomaly_usd,
            monitor_arn=chosen.monitor_arn,
        ),
        site.inside,
    )


def _written_to(site: Site, signals: Signals) -> Mapping[Severity, Output[str]]:
    """Topics that others than our account's alarms may write to."""
    return {
        severity: TopicWriters(
            site.named(f"{severity}-writers"),
            TopicWritersArgs(place=site.place, topic_arn=arn, writers=("alarms", "budgets", "anomalies")),
            site.inside,
        ).topic_arn
        for severity, arn in signals.notices.topics.items()
    }


def _secret_age(site: Site, world: World) -> SecretAge:
    return SecretAge(
        site.named("secret-age"),
        SecretAgeArgs(
            environment=site.environment,
            place=site.place,
            secrets=[
                secret.secret_name for secret in (world.origin_secret, world.key_seed, world.token_secret)
            ],
            days=site.settings.operations.secret_days,
            log_days=site.settings.operations.audit.log_days,
            boundary_arn=site.boundary,
        ),
        site.inside,
    )


def _drift(site: Site) -> Drift:
    chosen, regions = site.settings.operations.drift, site.settings.places.values()
    names = [region.name for region in regions]
    return Drift(
        site.named("drift"),
        DriftArgs(
            environment=site.environment,
            place=site.place,
            regions=names,
            state_bucket_arn=_file(site, f"{chosen.state_bucket}"),
            readable=[_inventory_in(site, name) for name in names],
            log_key_arn=site.keys["logs"],
            log_days=site.settings.operations.audit.log_days,
            boundary_arn=site.boundary,
            **chosen.model_dump(),
        ),
        site.inside,
    )


def _file(site: Site, path: str) -> Output[str]:
    return Output.concat("arn:", site.place.partition, f":s3:::{path}")


def _inventory_in(site: Site, region: str) -> Output[str]:
    bucket = Output.concat(_file(site, f"concierge-{site.environment}-inventory-"), site.account_id)
    return Output.concat(bucket, f"-{region}/inventory.json")


def _delivery(site: Site, data: Data, signals: Signals) -> Delivery:
    chosen = site.settings.delivery
    return Delivery(
        site.named("delivery"),
        DeliveryArgs(
            environment=site.environment,
            place=site.place,
            first=_deployer(chosen.first),
            last=_deployer(chosen.last),
            topic_arn=signals.notices.topics["ticket"],
            topic_key_arn=site.keys["notices"],
            bucket_key_arn=site.keys["objects"],
            access_log_bucket=data.buckets.names["access-logs"],
            log_key_arn=site.keys["logs"],
            boundary=site.boundary,
            **chosen.model_dump(exclude={"enabled", "first", "last"}),
        ),
        site.inside,
    )


def _deployer(chosen: DeployerSettings | None) -> Deployer:
    if chosen is None:
        raise ValueError("delivery without a stack to deploy: set delivery.first and delivery.last")
    return Deployer(**chosen.model_dump())


def _faults(site: Site, ground: Ground, data: Data) -> Faults:
    chosen = site.settings.faults
    has: dict[Need, bool] = {
        "replica": site.settings.data.cache.nodes > 1,
        "standby": site.settings.regions.standby is not None,
    }
    return Faults(
        site.named("faults"),
        FaultsArgs(
            environment=site.environment,
            place=site.place,
            ground=FaultGround(
                zone=chosen.zone or site.chosen.zones[0],
                vpc=ground.network.vpc_id,
                bedrock_endpoint=site.named("endpoints-bedrock-runtime"),
                cluster=f"concierge-{site.environment}",
                chat=f"concierge-{site.environment}-chat",
                cache=data.cache.group_id,
                tables=[data.tables.arns[table] for table in HIT_TABLES],
            ),
            able=frozenset(need for need, there in has.items() if there),
            stop_alarms=[f"concierge-{site.environment}-{alarm}" for alarm in chosen.stop_alarms],
            minutes=chosen.minutes,
            log_days=chosen.log_days,
            log_key_arn=site.keys["logs"],
            boundary=site.boundary,
        ),
        site.inside,
    )
