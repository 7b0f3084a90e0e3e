"""A role for each runbook, and the log its journals are carried to (OPS-4).

What a role may do is the runbook's own declaration, generated into `contract/runbook_grants.json`; a test
there keeps the file as the runbooks are. People take the role of the runbook they run, and nothing else; the
log is written to and never changed: no role of these may delete there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

import pulumi
import pulumi_aws as aws
from pulumi import Input, Output

from components.alarms import Quiet
from components.base import Component
from components.grants import EVERYTHING, Conditions, Grant, policy
from components.place import Place

GRANTS = Path(__file__).parent.parent / "contract" / "runbook_grants.json"
# Services that have their calls in one region only, whatever region an estate stands in.
ONE_REGION = "us-east-1"
HOURS = 2
# Keys of our data may be used through these, for a caller whose policy says so (components/keys.toml).
_THROUGH = ("dynamodb", "s3", "sqs")


@dataclass(frozen=True, kw_only=True)
class RunbookRolesArgs:
    """`operators`: ARNs of the principals that may take the roles. `regions`: all of the estate."""

    environment: str
    place: Place
    regions: Sequence[str]
    operators: Sequence[str]
    log_key_arn: Input[str]
    log_days: int
    boundary_arn: Input[str] | None


@cache
def grants() -> Mapping[str, list[dict[str, list[str]]]]:
    """Runbook -> what it may do, with the stack's own words left open."""
    found: Mapping[str, list[dict[str, list[str]]]] = json.loads(GRANTS.read_text(encoding="utf-8"))
    return found


class RunbookRoles(Quiet, Component):
    """One role and its one policy a runbook, and one log group."""

    kind = "operations:RunbookRoles"
    quiet = "roles and a log publish nothing; who takes a role is in the audit trail"

    def __init__(self, name: str, args: RunbookRolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, opts)
        self._args = args
        self._log()
        for runbook in grants():
            self._role(runbook)
        self.register_outputs({"runbooks": len(grants())})

    def _log(self) -> None:
        aws.cloudwatch.LogGroup(
            f"{self.name}-journal",
            name=f"/concierge/{self._args.environment}/runbooks",
            retention_in_days=self._args.log_days,
            kms_key_id=self._args.log_key_arn,
            opts=self.child(),
        )

    def _role(self, runbook: str) -> None:
        args = self._args
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": list(args.operators)},
            "Action": "sts:AssumeRole",
        }
        role = aws.iam.Role(
            f"{self.name}-{runbook}",
            name=f"concierge-{args.environment}-runbook-{runbook}",
            description=f"Runs the runbook {runbook}, and nothing else.",
            assume_role_policy=Output.json_dumps({"Version": "2012-10-17", "Statement": [trust]}),
            max_session_duration=HOURS * 3_600,
            permissions_boundary=args.boundary_arn,
            opts=self.child(),
        )
        aws.iam.RolePolicy(
            f"{self.name}-{runbook}-may",
            role=role.id,
            policy=policy(self._grants(runbook)),
            opts=self.child(),
        )

    def _grants(self, runbook: str) -> list[Grant]:
        found = [
            Grant(f"Run{number}", one["actions"], self._arns(one["resources"]), self._fence(one["resources"]))
            for number, one in enumerate(grants()[runbook])
        ]
        return [*found, self._through_keys()]

    def _arns(self, templates: Sequence[str]) -> list[Input[str]]:
        """In every region of the estate: a runbook may look at, or act in, the other one."""
        filled = [
            Template(text).safe_substitute(environment=self._args.environment, region=region)
            for text in templates
            for region in self._args.regions
        ]
        return [self._placed(text) for text in dict.fromkeys(filled)]

    def _placed(self, text: str) -> Input[str]:
        if text == EVERYTHING:
            return text
        return Output.all(self._args.place.partition, self._args.place.account_id).apply(
            lambda both: Template(text).substitute(partition=both[0], account=both[1])
        )

    def _fence(self, templates: Sequence[str]) -> Conditions:
        """Calls that know no resource are fenced by region."""
        if EVERYTHING not in templates:
            return {}
        return {"StringEquals": {"aws:RequestedRegion": sorted({*self._args.regions, ONE_REGION})}}

    def _through_keys(self) -> Grant:
        services = [
            f"{service}.{region}.amazonaws.com" for service in _THROUGH for region in self._args.regions
        ]
        return Grant(
            "UseKeysThroughServices",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [self._args.place.arn("kms", "key/*", region=region) for region in self._args.regions],
            {"StringEquals": {"kms:ViaService": services}},
        )
