"""Experiments of AWS Fault Injection Service (CHAOS-1), ready to be started; declared only where asked for.

Which experiments there are is data (`components.fault_catalogue`). Each has a role of its own that can do its
fault and nothing else, writes a log, and stops by itself: when its time is over, or as soon as one of the
alarms says that customers notice. FIS undoes what it did either way, also when whoever started it is gone
(CHAOS-2). An experiment that finds no target fails: one that hits nothing proves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components import fault_catalogue as catalogue
from components.alarms import Watch
from components.base import Component
from components.event_watch import Event, EventWatch, EventWatchArgs
from components.fault_catalogue import LIST, Drill, Need, Step, Target
from components.grants import EVERYTHING, Conditions, Grant, here
from components.place import Place
from components.service_role import ServiceRole, ServiceRoleArgs, deliver_logs
from contract.alarms import Widget

MOST_ALARMS = 5  # stop conditions a template may have
MOST_TABLES = 5  # tables one run may hit, by the quota an account starts with


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What experiments hit, in the words of `faults.toml`. `zone`: id of the zone that is lost.

    `bedrock_endpoint`: the endpoint's `Name` tag. `cache`: id of the replication group. `tables`: ARNs.
    """

    zone: str
    vpc: Input[str]
    bedrock_endpoint: str
    cluster: str
    chat: str
    cache: Input[str]
    tables: Sequence[Input[str]] = ()


@dataclass(frozen=True, kw_only=True)
class FaultsArgs:
    """`able`: what this region has, of what experiments need. `stop_alarms`: names of alarms that end one."""

    environment: str
    place: Place
    ground: Ground
    able: frozenset[Need]
    stop_alarms: Sequence[Input[str]]
    minutes: int
    log_days: int
    log_key_arn: Input[str]
    boundary: str | None


class Faults(Component):
    """A template an experiment, and a watch over those that end early. `templates`: experiment -> id."""

    kind = "operations:Faults"
    templates: dict[str, Output[str]]

    def __init__(self, name: str, args: FaultsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        _check(args)
        self._args = args
        self._log = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=f"/aws/vendedlogs/fis/concierge-{args.environment}",
            retention_in_days=args.log_days,
            kms_key_id=args.log_key_arn,
            opts=self.child(),
        )
        self._drills = {
            drill: data for drill, data in catalogue.drills().items() if set(data.needs) <= set(args.able)
        }
        self.templates = {drill: self._template(drill, data).id for drill, data in self._drills.items()}
        self._events = EventWatch(
            f"{name}-events",
            EventWatchArgs(
                environment=args.environment,
                place=args.place,
                topic="experiments",
                events=[self._ended_early(drill, data) for drill, data in self._drills.items()],
                key_arn=args.log_key_arn,
                log_days=args.log_days,
            ),
            self.child(),
        )
        self.register_outputs(dict(self.templates))

    def alarms(self) -> list[Watch]:
        return self._events.alarms()

    def widgets(self) -> list[Widget]:
        return [
            Widget(
                title="Experiments that were stopped or failed",
                namespace="AWS/Events",
                metric="TriggeredRules",
                statistic="Sum",
                dimensions=tuple(dict(watch.alarm.dimensions) for watch in self.alarms()),
            )
        ]

    def _ended_early(self, drill: str, data: Drill) -> Event:
        return Event(
            id=f"experiment-{drill}",
            pattern={
                "source": ["aws.fis"],
                "detail-type": ["FIS Experiment State Change"],
                "detail": {
                    "experiment-template-id": [self.templates[drill]],
                    "new-state": {"status": ["failed", "stopped"]},
                },
            },
            severity="ticket",
            impact=f"An experiment ended before its time, so customers may have noticed it: {data.what}",
            runbook=data.runbook,
        )

    def _template(self, drill: str, data: Drill) -> aws.fis.ExperimentTemplate:
        args = self._args
        return aws.fis.ExperimentTemplate(
            f"{self.name}-{drill}",
            description=data.what,
            role_arn=self._role(drill, data),
            actions=[self._action(word, step) for word, step in data.steps.items()],
            targets=[self._target(word, target) for word, target in data.targets.items()],
            stop_conditions=[
                {
                    "source": "aws:cloudwatch:alarm",
                    "value": args.place.arn("cloudwatch", Output.concat("alarm:", alarm)),
                }
                for alarm in args.stop_alarms
            ],
            experiment_options={
                "account_targeting": "single-account",
                "empty_target_resolution_mode": "fail",
            },
            log_configuration={
                "log_schema_version": 2,
                "cloudwatch_logs_configuration": {"log_group_arn": Output.concat(self._log.arn, ":*")},
            },
            tags={"Name": f"concierge-{args.environment}-{drill}", "Runbook": data.runbook},
            opts=self.child(),
        )

    def _action(self, word: str, step: Step) -> aws.fis.ExperimentTemplateActionArgsDict:
        key = catalogue.actions()[step.action].key
        return {
            "name": word,
            "action_id": step.action,
            "parameters": [
                {"key": name, "value": self._filled(value)} for name, value in sorted(step.parameters.items())
            ],
            "start_afters": list(step.after),
            "target": None if key is None or step.on is None else {"key": key, "value": step.on},
        }

    def _target(self, word: str, target: Target) -> aws.fis.ExperimentTemplateTargetArgsDict:
        return {
            "name": word,
            "resource_type": target.type,
            "selection_mode": target.select,
            "resource_arns": self._list(target.arns) if target.arns else None,
            "resource_tags": [
                {"key": key, "value": self._filled(value)} for key, value in sorted(target.tags.items())
            ],
            "parameters": {name: self._filled(value) for name, value in target.parameters.items()} or None,
        }

    def _role(self, drill: str, data: Drill) -> Output[str]:
        """Two steps may need the same statement; it is said once."""
        wanted = {
            grant.sid: grant
            for step in data.steps.values()
            for grant in catalogue.actions()[step.action].grants
        }
        allowed = [self._grant(grant) for grant in wanted.values()]
        return ServiceRole(
            f"{self.name}-{drill}-runs-as",
            ServiceRoleArgs(
                environment=self._args.environment,
                place=self._args.place,
                part=f"fault-{drill}",
                service="fis",
                for_arns=[self._args.place.arn("fis", "experiment/*")],
                grants=[*allowed, deliver_logs(self._args.place)],
                boundary=self._args.boundary,
            ),
            self.child(),
        ).arn

    def _grant(self, grant: catalogue.ActionGrant) -> Grant:
        resources = [arn for on in grant.on for arn in self._arns(on)]
        conditions: dict[str, Mapping[str, Any]] = {
            test: {
                key: self._arn(value) if test.startswith("Arn") else self._filled(value)
                for key, value in keys.items()
            }
            for test, keys in grant.when.items()
        }
        everywhere: Conditions = here(self._args.place) if grant.on == (EVERYTHING,) else {}
        return Grant(grant.sid, grant.actions, resources, {**everywhere, **conditions})

    def _arns(self, on: str) -> Sequence[Input[str]]:
        if on == EVERYTHING:
            return [EVERYTHING]
        return self._list(on) if on.startswith(LIST) else [self._arn(on)]

    def _arn(self, on: str) -> Output[str]:
        service, _, resource = on.partition(":")
        return self._args.place.arn(service, self._filled(resource))

    def _list(self, word: str) -> list[Input[str]]:
        return list(getattr(self._args.ground, word.removeprefix(LIST)))

    def _filled(self, text: str) -> Output[str]:
        ground = {key: value for key, value in vars(self._args.ground).items() if key != "tables"}
        return Output.format(
            text, **ground, environment=self._args.environment, duration=f"PT{self._args.minutes}M"
        )


def _check(args: FaultsArgs) -> None:
    if not 1 <= len(args.stop_alarms) <= MOST_ALARMS:
        raise ValueError(
            f"experiments need 1 to {MOST_ALARMS} alarms that stop them, there are {len(args.stop_alarms)}: "
            "choose those that say customers notice"
        )
    if "standby" in args.able and not 1 <= len(args.ground.tables) <= MOST_TABLES:
        raise ValueError(
            f"an experiment may pause 1 to {MOST_TABLES} tables, there are {len(args.ground.tables)}: "
            "choose those a conversation cannot do without"
        )
