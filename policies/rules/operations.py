"""What lets a team run it: logs kept as promised, an audit trail, tags, budgets, safe experiments."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from policies.rule import Faults, among, each
from policies.rules.compute import containers
from policies.view import STACK, UNKNOWN, Node, View, dig, known, walk

_TAGS = ("Project", "Stack", "Owner", "ManagedBy")
_VAULT = "pii-vault"
_DEAD = ("-dead", "-dead-letters", "-dlq")


@each(
    "log-retention",
    "DATA-5",
    "cloudwatch.LogGroup",
    why="A log that stays for ever costs for ever, and keeps what customers were promised is gone.",
    fix="set retention_in_days: 90 in CloudWatch, 365 where it is the only copy",
)
def log_retention(group: Node) -> Faults:
    """A log group says how long it keeps its lines: a year at most."""
    days = group.get("retentionInDays") or 0
    if days == 0:
        yield "its lines stay for ever"
    elif days > 365:
        yield f"its lines stay {days:g} days"


@among(
    "log-declared",
    "DATA-5",
    "lambda.Function",
    "ecs.TaskDefinition",
    why="What is not declared AWS makes by itself when it first writes: without a key, and for ever.",
    fix="declare the log group, and name it in logging_config or the container's log options",
)
def log_declared(node: Node, view: View) -> Faults:
    """What runs writes into a log group of this stack."""
    groups = {group.get("name") for group in view.of("cloudwatch.LogGroup") if group.region == node.region}
    for name in _log_names(node):
        if name not in groups:
            yield f"{name} is not declared" if name else "it writes no log"


def _log_names(node: Node) -> Iterator[Any]:
    if node.short == "lambda.Function":
        yield node.get("loggingConfig.logGroup") or f"/aws/lambda/{node.get('name')}"
        return
    for container in containers(node):
        yield known(dig(container, "logConfiguration.options") or {}).get("awslogs-group")


@among(
    "audit-trail",
    "OPS-9",
    STACK,
    why="After an incident the trail is the only answer to who did it, and intruders turn it off first.",
    fix="operations.audit.enabled: true, in one stack of the account",
    elsewhere="advisory",
)
def audit_trail(_: Node, view: View) -> Faults:
    """The stack has a trail of everything done in the account."""
    if not view.of("cloudtrail.Trail"):
        yield "nothing records who did what"


@each(
    "trail-complete",
    "OPS-9",
    "cloudtrail.Trail",
    why="A trail with gaps is believed, and wrong.",
    fix="components/audit.py declares it: all regions, validated, encrypted, with reads of the vault",
)
def trail_complete(trail: Node) -> Faults:
    """The trail is on, covers all regions and global services, and proves its files whole."""
    wanted = {"isMultiRegionTrail": True, "includeGlobalServiceEvents": True, "enableLogFileValidation": True}
    for key, value in wanted.items():
        given = trail.get(key)
        if given is not value and not (key == "includeGlobalServiceEvents" and given is None):
            yield f"{key} is not set"
    if trail.get("enableLogging") is False:
        yield "it is switched off"


@each(
    "vault-reads-recorded",
    "RUN-13",
    "cloudtrail.Trail",
    why="Who looked up a customer's originals is what customers and regulators ask first.",
    fix="environment.protect: true, which has components/audit.py record the reads of the vault",
    elsewhere="advisory",
)
def vault_reads_recorded(trail: Node) -> Faults:
    """The trail records every read of the PII vault."""
    selectors = [trail.get("advancedEventSelectors"), trail.get("eventSelectors")]
    if not any(_VAULT in str(known(value)) for _, value in walk(selectors)):
        yield "reads of the PII vault are not recorded"


@among(
    "config-records",
    "OPS-9",
    STACK,
    why="What was changed by hand, and when, is seen nowhere else.",
    fix="operations.rules.enabled: true, in one stack of the account",
    elsewhere="advisory",
)
def config_records(_: Node, view: View) -> Faults:
    """Each region of the estate records configurations, and holds them against a pack of rules."""
    for region in sorted(view.regions):
        on = [s for s in view.of("cfg.RecorderStatus") if s.region == region and s.get("isEnabled") is True]
        if not on:
            yield f"nothing records configurations in {region}"
        if not any(pack.region == region for pack in view.of("cfg.ConformancePack")):
            yield f"no conformance pack is held against {region}"


@among(
    "access-analyzer",
    "OPS-9",
    STACK,
    why="It proves, and does not guess, what another account can reach.",
    fix="components/access_review.py, one in each region",
    elsewhere="advisory",
)
def access_analyzer(_: Node, view: View) -> Faults:
    """Each region of the estate has an access analyser."""
    found = {analyzer.region for analyzer in view.of("accessanalyzer.Analyzer")}
    yield from (f"there is none in {region}" for region in sorted(view.regions - found))


@among(
    "owner-tags",
    "OPS-7",
    STACK,
    why="A resource without an owner is never deleted, and its cost belongs to nobody.",
    fix="default_tags of the provider (stacks/estate.py); set environment.owner",
)
def owner_tags(_: Node, view: View) -> Faults:
    """Every AWS resource gets the tags Project, Stack, Owner and ManagedBy from its provider."""
    told: set[tuple[str | None, str]] = set()
    for node in view.nodes:
        if not node.type.startswith("aws:") or node.provider is None:
            continue
        for tag in _missing_tags(node.provider):
            if (node.region, tag) not in told:
                told.add((node.region, tag))
                yield f"the provider of {node.region} sets no {tag}"


def _missing_tags(provider: Mapping[str, Any]) -> Iterator[str]:
    tags = provider.get("defaultTags")
    if tags is UNKNOWN:
        return
    tags = known(tags)
    found = dig(json.loads(tags) if isinstance(tags, str) else tags or {}, "tags") or {}
    yield from (tag for tag in _TAGS if not found.get(tag))


@among(
    "budget-told",
    "OPS-2",
    STACK,
    why="Models are paid by the token: a loop overnight costs more than a month.",
    fix="environment.monthly_budget_usd and operations.spend.enabled: true",
    elsewhere="advisory",
)
def budget_told(_: Node, view: View) -> Faults:
    """A budget tells somebody at 80 and at 100 percent of what was really spent."""
    levels = {
        dig(notice, "threshold")
        for budget in view.of("budgets.Budget")
        for notice in budget.list("notifications")
        if dig(notice, "notificationType") == "ACTUAL" and _told(notice)
    }
    yield from (f"nobody is told at {level} %" for level in (80, 100) if level not in levels)


def _told(notice: Any) -> bool:
    return bool(notice.get("subscriberSnsTopicArns") or notice.get("subscriberEmailAddresses"))


@among(
    "experiment-stops",
    "CHAOS-2",
    "fis.ExperimentTemplate",
    why="An experiment nobody can stop is an outage.",
    fix="faults.stop_alarms; components/faults.py sets the rest",
)
def experiment_stops(template: Node, view: View) -> Faults:
    """An experiment stops by an alarm of this stack, fails when it hits nothing, and writes a log."""
    alarms = {a.get("name") for a in view.of("cloudwatch.MetricAlarm", "cloudwatch.CompositeAlarm")}
    stops = template.list("stopConditions")
    if not any(dig(stop, "source") == "aws:cloudwatch:alarm" for stop in stops):
        yield "nothing stops it"
    for stop in stops:
        name = str(dig(stop, "value")).rpartition(":alarm:")[2]
        if dig(stop, "source") == "aws:cloudwatch:alarm" and name not in alarms:
            yield f"{name} is no alarm of this stack"
    if template.get("experimentOptions.emptyTargetResolutionMode") != "fail":
        yield "it succeeds when it hits nothing"
    if not template.raw("logConfiguration"):
        yield "it writes no log"


@each(
    "queue-redrives",
    "VEC-4",
    "sqs.Queue",
    why="A message that can never be worked on is worked on for ever, or vanishes.",
    fix="redrive_policy to a queue of dead letters (components/ingest.py)",
)
def queue_redrives(queue: Node) -> Faults:
    """A queue puts aside what it cannot work on; a queue of what was put aside keeps it for two weeks."""
    dead = bool(queue.raw("redriveAllowPolicy")) or str(queue.get("name")).endswith(_DEAD)
    if not dead and not queue.raw("redrivePolicy"):
        yield "what cannot be worked on is never put aside"
    if dead and (queue.get("messageRetentionSeconds") or 0) < 1_209_600:
        yield "dead letters are gone before anybody looks"


@each(
    "machine-logged",
    "OPS-2",
    "sfn.StateMachine",
    why="A run that failed at night is explained by its log or by nobody.",
    fix="logging_configuration with level ERROR or ALL, include_execution_data=False",
)
def machine_logged(machine: Node) -> Faults:
    """A state machine logs its runs, without the data in them."""
    if machine.get("loggingConfiguration.level") not in {"ALL", "ERROR", "FATAL"}:
        yield "it logs nothing"
    if machine.get("loggingConfiguration.includeExecutionData") is True:
        yield "the data of its runs stands in its log"


RULES = (
    log_retention,
    log_declared,
    audit_trail,
    trail_complete,
    vault_reads_recorded,
    config_records,
    access_analyzer,
    owner_tags,
    budget_told,
    experiment_stops,
    queue_redrives,
    machine_logged,
)
